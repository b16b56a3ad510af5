//! The report of a running process: that of a dump, and what it is worth.

use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;

use super::{Dump, Options, Warning};
use crate::position::SegmentOffset;
use crate::shm::{self, SharedMemory};
use crate::targets::{LiveTarget, Target};

/// The report of process `pid`, called `/proc/PID`, and hands on what [`inspect_with`](super::inspect_with) does. What went
/// wrong is in [`Dump::error`].
pub fn inspect_process<R>(
    pid: u32,
    options: &Options,
    hand_on: impl FnOnce(Option<(&dyn Target, &[shm::Segment])>, Dump) -> R,
) -> R {
    match LiveTarget::open(pid) {
        Ok(target) => inspect_running(&target, options, hand_on),
        Err(error) => hand_on(None, Dump::unreadable(&path(pid), None, &error)),
    }
}

/// As [`inspect_process`], of a process that is looked at already.
///
/// Segments are read twice: those whose first bytes changed meanwhile are told.
pub fn inspect_running<R>(
    target: &LiveTarget,
    options: &Options,
    hand_on: impl FnOnce(Option<(&dyn Target, &[shm::Segment])>, Dump) -> R,
) -> R {
    let path = path(target.folder().pid());
    let memory = SharedMemory::of(target);
    let looks = !options.no_content && !target.stands_still();
    let digests = || if looks { digests(target, &memory.segments) } else { Vec::new() };
    let before = digests();
    match Dump::of(&path, target, &memory, options) {
        Ok(mut dump) => {
            let after = digests();
            let numbered = (1_usize..).zip(before.iter().zip(&after));
            let changed = numbered.filter(|(_, (before, after))| before != after);
            let changed: Vec<_> = changed.map(|(number, _)| format!("#{number}")).collect();
            if !changed.is_empty() {
                let message =
                    format!("{} changed while it was read: values may be of two moments", changed.join(", "));
                dump.warnings.push(Warning { code: "changing", message });
            }
            if let Some(message) = target.changed() {
                dump.warnings.push(Warning { code: "process-ended", message: message.to_owned() });
            }
            hand_on(Some((target, &memory.segments)), dump)
        }
        Err(error) => hand_on(None, Dump::unreadable(&path, None, &error)),
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
