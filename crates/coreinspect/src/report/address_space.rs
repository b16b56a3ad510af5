//! The address space of a process: `map`.

use serde::Serialize;

use super::{Dump, Error, Hex, Text, text};
use crate::address_space::{self, What};
use crate::shm::Segment;
use crate::targets::Target;

/// Every mapping of a process, by address.
#[derive(Clone, Debug, Serialize)]
pub struct AddressSpace {
    /// The contract's name.
    pub schema: &'static str,
    /// The dump's path.
    #[serde(flatten, with = "text::dump")]
    pub dump: Option<Text>,
    /// The address whose access killed the process; null if none did, or the dump does not say.
    pub fault_address: Option<Hex>,
    /// The mappings.
    pub mappings: Vec<MappingRow>,
    /// Why the dump could not be read.
    pub error: Option<Error>,
}

/// A mapping.
#[derive(Clone, Debug, Serialize)]
pub struct MappingRow {
    /// The first address.
    pub start: Hex,
    /// The address after the last.
    pub end: Hex,
    /// "rw-", "r--", ...; null where the dump does not say.
    pub permissions: Option<String>,
    /// Where in the file or segment it begins.
    pub offset: Option<u64>,
    /// The mapping's name.
    #[serde(flatten, with = "text::name")]
    pub name: Option<Text>,
    /// What it is.
    pub what: What,
    /// The number of its segment.
    pub segment: Option<usize>,
    /// The key of its segment.
    pub key: Option<String>,
    /// The id of the thread whose stack or thread-local memory it is.
    pub thread: Option<u32>,
    /// Bytes of it that the dump holds.
    pub saved: u64,
    /// Whether the fault is in it.
    pub fault: bool,
}

impl AddressSpace {
    /// That of `target`, whose report is `dump`.
    pub fn of(dump: &Dump, target: &dyn Target, segments: &[Segment]) -> Self {
        let number = |index: usize| index.saturating_add(1);
        let threads = target.threads();
        let rows = address_space::rows(target, segments).into_iter().map(|row| MappingRow {
            start: row.range.start().into(),
            end: row.range.end().into(),
            permissions: row.permissions.map(|permissions| permissions.to_string()),
            offset: row.offset,
            name: row.name.map(Text::new),
            what: row.what,
            segment: row.segment.map(number),
            key: row.segment.and_then(|index| Some(segments.get(index)?.key?.to_string())),
            thread: row.thread.and_then(|index| threads.get(index)?.id),
            saved: row.saved,
            fault: row.fault,
        });
        Self { fault_address: dump.process.fault_address, mappings: rows.collect(), ..Self::failed(dump) }
    }

    /// That of a dump that could not be read.
    pub fn failed(dump: &Dump) -> Self {
        Self {
            schema: super::SCHEMA,
            dump: Some(Text::new(dump.path.path.as_str())),
            fault_address: None,
            mappings: Vec::new(),
            error: dump.error.clone(),
        }
    }
}
