//! What minicoredumper keeps: what its recept names, whatever `p_filesz` says.

use super::{Cause, Code, first_not_saved};
use crate::shm::Segment;

pub(super) fn cause(segment: &Segment) -> Cause {
    let key = segment.key.bits();
    Cause {
        code: Code::DumperSkipped,
        certain: true,
        evidence: format!(
            "minicoredumper's list of saved memory does not name it from offset {:#x} on; the file has a hole there",
            first_not_saved(segment)
        ),
        fix: format!(
            "\"maps\": {{ \"dump_by_name\": [\"/SYSV{key:08x} (deleted)\"] }} in minicoredumper's recept"
        ),
    }
}
