//! What minicoredumper keeps: what its recept names, whatever `p_filesz` says.

use super::{Code, Found, Rules, first_not_saved};
use crate::kind::Kind;
use crate::shm::Segment;

pub(super) const RULES: Rules =
    Rules { causes: |case| vec![cause(case.segment)], fix: |case, _, _| fix(case.segment), forward: None };

fn fix(segment: &Segment) -> String {
    let named = segment.name.as_deref().filter(|_| segment.kind != Kind::SystemV);
    let name = match (segment.key, named.and_then(|name| std::str::from_utf8(name).ok())) {
        (Some(key), _) => format!("\"/SYSV{:08x} (deleted)\"", key.bits()),
        (None, Some(name)) => format!("{name:?}"),
        (None, None) => "the segment's mapping".to_owned(),
    };
    format!("add {name} to maps.dump_by_name of minicoredumper's recept")
}

fn cause(segment: &Segment) -> Found {
    Found {
        code: Code::LeftOut,
        certain: true,
        evidence: format!(
            "minicoredumper's list of saved memory does not name it from offset {:#x} on; the file has a hole there",
            first_not_saved(segment)
        ),
    }
}
