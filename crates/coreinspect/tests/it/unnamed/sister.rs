//! `--sister`: a segment without a name is recognised by one that has a name elsewhere.

use serde_json::Value;

use super::candidates;
use super::subject::Subject;
use crate::program::{Run, coreinspect};

#[test]
fn a_segment_is_recognised_by_its_sister() {
    let Some(mut subject) = Subject::attach(&["20000:w:n"]) else { return };
    let Some(nameless) = subject.gcore() else { return };
    let process = format!("/proc/{}", subject.pid());
    let living = Run::of(coreinspect().arg(&nameless).args(["--json", "--sister", &process])).document();
    let segment = &living["dumps"][0]["segments"][0];
    assert!(segment["found_reasons"].to_string().contains(&format!("of {process}")), "{segment}");
    let Some(named) = subject.abort() else { return };
    let reasons = |command: &mut std::process::Command| {
        let document = Run::of(command.arg("--json")).document();
        let segment = document["dumps"][0]["segments"][0].clone();
        assert!(segment["key"].is_null(), "{segment}");
        let reasons = segment["found_reasons"].as_array().unwrap().iter().map(Value::to_string);
        reasons.collect::<Vec<_>>().join("; ")
    };
    let sister = reasons(coreinspect().arg(&nameless).arg("--sister").arg(&named));
    assert!(sister.contains("it has the bytes of segment 0x00000000 of"), "{sister}");
    // Dumps that are named together are each other's sisters.
    let together = reasons(coreinspect().arg("--find-unnamed").args([&nameless, &named]));
    assert!(together.contains("it has the bytes of segment"), "{together}");
    assert_eq!(candidates(&nameless, &["--sister", named.to_str().unwrap()]), [subject.attached[0]]);
}

#[test]
fn a_sister_without_names_is_an_error() {
    let core = crate::testdata::Core::unpack("nosegment.kernel");
    let run = Run::of(coreinspect().arg("--sister").args([core.path(), core.path()])).ended(2);
    assert!(run.err.contains("names no System V segment"), "{run:?}");
}
