//! IPC_PRIVATE: which segments of a real process are told to be perhaps one, and which not.

use serde_json::{Value, json};

use super::segment::Segment;
use super::subject::Subject;
use crate::program::{Run, coreinspect};

/// Numbers of the segments of a report for which `is` holds.
fn numbers(segments: &[Value], is: impl Fn(&Value) -> bool) -> Vec<Value> {
    segments.iter().filter(|segment| is(segment)).map(|segment| segment["number"].clone()).collect()
}

#[test]
fn private_segments_that_differ_are_told_apart_and_others_may_be_one() {
    let twice = Segment::private(2);
    let (other_bytes, longer) = (Segment::private(2), Segment::private(3));
    other_bytes.plant(1, b"You");
    longer.plant(1, b"Who");
    let operations = [twice.attach(), other_bytes.attach(), twice.attach_read_only(), longer.attach()];
    let Some(mut subject) = Subject::start(&operations) else { return };
    let segments = [&twice, &other_bytes, &longer];
    for dump in [subject.gcore(&segments), subject.abort(&segments)].into_iter().flatten() {
        let document = Run::of(coreinspect().arg(&dump.path).arg("--json")).document();
        let report = &document["dumps"][0];
        let told = report["segments"].as_array().unwrap();
        assert_eq!(told.len(), 4);
        let text = |segment: &Value| segment["content"]["value"]["message"]["text"].clone();
        let attached_twice = numbers(told, |segment| text(segment) == "I am 00000000");
        assert_eq!(attached_twice.len(), 2, "{told:?}");
        for segment in told {
            let others = attached_twice.iter().filter(|number| **number != segment["number"]);
            let expected: Vec<_> = match text(segment) == "I am 00000000" {
                true => others.cloned().collect(),
                false => vec![],
            };
            assert_eq!(segment["may_be"], json!(expected), "{}", dump.writer);
        }
        let warnings = report["warnings"].as_array().unwrap();
        let warning = warnings.iter().find(|warning| warning["code"] == "private-segments").unwrap();
        // Of a read-only attachment the kernel keeps one page.
        let equal = if dump.writer == "kernel" { 4096 } else { 8192 };
        let pair = format!(
            "{} and {} may be one segment (equal length, and {equal} equal bytes that both saved)",
            attached_twice[0], attached_twice[1]
        );
        assert!(warning["message"].as_str().unwrap().contains(&pair), "{warning} {pair}");
        assert_eq!(warning["message"].as_str().unwrap().matches("may be one").count(), 1, "{warning}");
    }
}

/// Two segments, of which the second begins where the first ends, are no split attachment; a split one may be two.
#[test]
fn only_a_split_private_attachment_may_be_several() {
    let whole = Segment::private(4);
    let Some(mut subject) = Subject::start(&[whole.attach()]) else { return };
    if let Some(dump) = subject.abort(&[&whole]) {
        let warnings =
            &Run::of(coreinspect().arg(&dump.path).arg("--json")).document()["dumps"][0]["warnings"];
        assert_eq!(*warnings, json!([]));
    }
    let Some(mut subject) = Subject::start(&[whole.attach(), "protect:0:1:1:r".to_owned()]) else { return };
    if let Some(dump) = subject.abort(&[&whole]) {
        let report = &Run::of(coreinspect().arg(&dump.path).arg("--json")).document()["dumps"][0];
        assert_eq!(report["segments"].as_array().unwrap().len(), 1);
        assert_eq!(report["warnings"][0]["code"], "private-split");
        assert!(
            report["warnings"][0]["message"]
                .as_str()
                .unwrap()
                .starts_with("segment 1 is IPC_PRIVATE, and its 3 mappings")
        );
    }
}
