//! Where bytes are from that a core was filled with.

use crate::sidecar::{FillSource, SourceKind, TimeOf};

/// A source of bytes that `coreinspect fill` named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledFrom {
    /// What it was.
    pub kind: SourceKind,
    /// The name of its file, or `/proc/PID`.
    pub name: String,
    /// The process.
    pub pid: Option<u32>,
    /// Its command.
    pub command: Option<String>,
    /// Of when its bytes are: seconds since 1970.
    pub time: Option<u64>,
    /// What that time is of.
    pub time_of: Option<TimeOf>,
}

impl From<FillSource> for FilledFrom {
    fn from(source: FillSource) -> Self {
        let FillSource { kind, name, pid, command, time, time_of } = source;
        Self { kind, name, pid, command, time, time_of }
    }
}
