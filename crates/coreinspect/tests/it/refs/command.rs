//! How `refs` ends: what is found, nothing, wrong usage, dumps that cannot be read.

use crate::program::{Run, coreinspect};
use crate::testdata::{self, Core};

fn refs(core: &Core, arguments: &[&str]) -> Run {
    Run::of(coreinspect().arg("refs").arg("core").args(arguments).current_dir(core.folder()))
}

/// Every real dump is searched; status 1 means that nothing was found, which is said.
#[test]
fn every_real_dump_is_searched() {
    for name in testdata::names() {
        let core = Core::unpack(&name);
        let run = refs(&core, &["--json"]);
        let document = run.document();
        let found = document["total"].as_u64().unwrap() + document["registers"].as_u64().unwrap();
        let run = run.ended(i32::from(found == 0));
        assert_eq!(run.reasons().len(), usize::from(found == 0), "{name}: {}", run.err);
        let listed = document["references"].as_array().unwrap().len() as u64;
        assert_eq!(listed, found, "{name}");
        if document["error"].is_null() {
            let run = refs(&core, &[]);
            let last = format!("{} words, {} registers", document["total"], document["registers"]);
            assert_eq!(run.lines().last(), Some(&last.as_str()), "{name}");
        }
    }
}

#[test]
fn wrong_words_are_told() {
    let core = Core::unpack("writer.kernel");
    let run = refs(&core, &["0x12345678"]).ended(2);
    assert!(run.err.contains("names no segment of this dump"), "{run:?}");
    let document = refs(&core, &["#9", "--json"]).ended(2).document();
    assert_eq!((&document["error"]["code"], &document["total"]), (&"no-such-segment".into(), &0.into()));
    let document = Run::of(coreinspect().args(["refs", "/etc/passwd", "--json"])).ended(2).document();
    assert_eq!(document["error"]["code"], "not-a-core");
    let run = refs(&core, &["1", "--length", "16"]).ended(2);
    assert!(run.err.contains("--length is of a place"), "{run:?}");
    let run = refs(&core, &["1+1", "--length", "0"]).ended(2);
    assert!(run.err.contains("--length 0"), "{run:?}");
    // Where nothing points, what was asked is told, and how to ask for more.
    let run = refs(&core, &["1+0xabc"]).ended(1);
    assert!(run.err.contains(" 1+0xabc") && run.err.contains("--length"), "{run:?}");
    Run::of(coreinspect().args(["refs", "core", "--threads", "0"]).current_dir(core.folder())).ended(2);
}

/// One segment of several: what points into another is not told.
#[test]
fn only_what_points_into_the_segments_asked_for_counts() {
    let core = Core::unpack("private.kernel");
    let all = refs(&core, &["--json"]).document();
    let numbers: Vec<_> =
        all["segments"].as_array().unwrap().iter().map(|one| one["number"].clone()).collect();
    let mut total = 0;
    for number in &numbers {
        let one = refs(&core, &[&format!("#{number}"), "--json"]).document();
        assert!(one["references"].as_array().unwrap().iter().all(|one| one["segment"] == *number));
        total += one["total"].as_u64().unwrap();
    }
    assert_eq!(Some(total), all["total"].as_u64());
}
