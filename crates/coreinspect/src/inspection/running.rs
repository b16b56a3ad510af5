//! A running process, inspected like a dump, and what that is worth.

use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;
use std::sync::Arc;

use super::Inspection;
use crate::position::SegmentOffset;
use crate::report::{Options, Warning};
use crate::shm::{self, SharedMemory};
use crate::targets::{LiveTarget, Target};

impl Inspection {
    /// Inspects the running process `pid`, which the report calls `/proc/PID`.
    pub fn of_process(pid: u32, options: &Options) -> Self {
        match LiveTarget::open(pid, &options.kinds) {
            Ok(target) => Self::of_running(Arc::new(target), options),
            Err(error) => Self::unreadable(&path(pid), None, &error),
        }
    }

    /// Inspects a running process that is looked at already.
    ///
    /// Segments are read twice: those whose first bytes changed meanwhile are told.
    pub fn of_running(target: Arc<LiveTarget>, options: &Options) -> Self {
        let path = path(target.folder().pid());
        let mut memory = SharedMemory::of(&*target);
        memory.add_kinds(&*target, &options.kinds);
        let looks = !options.no_content && !target.stands_still();
        let digests = |segments: &[shm::Segment]| {
            if looks { digests(&*target, segments) } else { Vec::new() }
        };
        let before = digests(&memory.segments);
        let shared: Arc<dyn Target> = Arc::<LiveTarget>::clone(&target);
        let mut inspection = match Self::of_target(&path, shared, memory, options) {
            Ok(inspection) => inspection,
            Err(error) => return Self::unreadable(&path, None, &error),
        };
        let after = digests(inspection.read.as_ref().map_or(&[], |read| &read.segments));
        let numbered = (1_usize..).zip(before.iter().zip(&after));
        let changed = numbered.filter(|(_, (before, after))| before != after);
        let changed: Vec<_> = changed.map(|(number, _)| number.to_string()).collect();
        let warnings = &mut inspection.report.warnings;
        if !changed.is_empty() {
            let message =
                format!("{} changed while it was read: values may mix two moments", changed.join(", "));
            warnings.push(Warning { code: "changing", message });
        }
        if let Some(message) = target.changed() {
            warnings.push(Warning { code: "process-ended", message: message.to_owned() });
        }
        inspection
    }
}

fn path(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

/// Segments that are looked at a second time, and how much of each: where the flag and most messages are.
const LOOKED_AT: usize = 256;
const BYTES: usize = 16 << 10;

/// A number for the first bytes of each segment.
fn digests(target: &dyn Target, segments: &[shm::Segment]) -> Vec<u64> {
    let mut bytes = vec![0; BYTES];
    let digest = |segment: &shm::Segment| {
        let count = segment.read(target, SegmentOffset::new(0), &mut bytes).unwrap_or(0);
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes.get(..count).unwrap_or_default());
        hasher.finish()
    };
    segments.iter().take(LOOKED_AT).map(digest).collect()
}
