//! A running process: memory cannot be read for want of rights alone.

use super::{Code, Found};
use crate::shm::Segment;

/// Why bytes of a running process cannot be read.
pub(super) fn cause(segment: &Segment) -> Found {
    let base = segment.attachments.first().map_or(0, |attachment| attachment.start().get());
    Found {
        code: Code::NoRights,
        certain: true,
        evidence: format!(
            "the kernel lets us see the mapping at {base:#x} and not its bytes: that takes the right to trace the process \
             (ptrace(2), Ptrace access mode checking)"
        ),
    }
}

/// What makes the bytes readable.
pub(super) const FIX: &str =
    "run it as root (sudo), or as the process's user with kernel.yama.ptrace_scope=0";
