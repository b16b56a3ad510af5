//! `--sister`: a segment without a name is recognised by one that has a name elsewhere.

use std::fs;

use serde_json::Value;

use super::candidates;
use super::subject::Subject;
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, notes};
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

/// gcore writes no name of shmid 0. Where mprotect(2) and munmap(2) split its attach, the dump has pieces of a segment; a dump of
/// the same process that names it says which they are.
#[test]
fn a_split_segment_is_put_together_by_a_dump_of_the_same_process() {
    let folder = tempfile::tempdir().unwrap();
    let [sister, nameless] = ["sister", "nameless"].map(|name| folder.path().join(name));
    let mut core = presets::gcore(X86_64);
    fs::write(&sister, core.build().bytes).unwrap();
    let mut rows = presets::rows(&X86_64, 1);
    rows.retain(|row| row.name != presets::segment_name(0));
    if let Content::Notes(notes, _) = &mut core.segments[0].content {
        notes[4] = notes::file(&X86_64, 1, &rows);
    }
    fs::write(&nameless, core.build().bytes).unwrap();
    let run =
        Run::of(coreinspect().arg(&nameless).args(["--json", "--find-unnamed", "--sister"]).arg(&sister));
    let document = run.document();
    let segments = document["dumps"][0]["segments"].as_array().unwrap();
    let found: Vec<_> = segments.iter().filter(|segment| segment["found_by"] == "content").collect();
    assert_eq!(found.len(), 1, "{document}");
    assert_eq!(
        (&found[0]["attachments"][0]["base"], &found[0]["mapped"]),
        (&"0x30000000".into(), &8192.into())
    );
    let mappings = found[0]["attachments"][0]["mappings"].as_array().unwrap();
    let places: Vec<_> = mappings.iter().map(|mapping| (&mapping["start"], &mapping["offset"])).collect();
    assert_eq!(places, [(&"0x30000000".into(), &0.into()), (&"0x30010000".into(), &0x1_0000.into())]);
    let reasons = found[0]["found_reasons"].to_string();
    assert!(reasons.contains("has the bytes of segment 0x00000000 of"), "{reasons}");
}
