//! Several dumps in one run: what a writer and a reader share. The truth is the kernel's, and the living segment's bytes.

use serde_json::json;

use super::segment::{PAGE, Segment};
use super::subject::Subject;
use crate::program::{Run, coreinspect};

#[test]
fn a_writer_and_a_reader_share_a_segment() {
    let [shared, own] = [Segment::of_pages(3), Segment::of_pages(1)];
    let writer = Subject::start(&[shared.attach(), own.attach()]);
    let reader = Subject::start(&[shared.attach_read_only()]);
    let (Some(writer), Some(reader)) = (writer, reader) else { return };
    let Some(before) = writer.gcore(&[&shared]) else { return };
    shared.plant(PAGE + 5, b"\0\0\0");
    let Some(after) = reader.gcore(&[&shared]) else { return };
    let different = before.bytes[0].iter().zip(&after.bytes[0]).filter(|(one, other)| one != other).count();
    let run = |flags: &[&str]| {
        let mut command = coreinspect();
        Run::of(command.args([&before.path, &after.path]).args(flags).env("COLUMNS", "80")).ended(0)
    };
    let document = run(&["--json"]).document();
    let [told] = document["shared"].as_array().unwrap().as_slice() else { panic!("{}", document["shared"]) };
    assert_eq!(
        (&told["key"], &told["dumps"], &told["differing"]),
        (&json!(shared.key()), &json!(2), &json!(1))
    );
    let base = |dump: &super::dump::Dump| {
        let row = dump.process.rows.iter().find(|row| row.inode == shared.shmid()).unwrap();
        format!("{:#x}", row.row.start)
    };
    for (at, (dump, rights)) in [(&before, "rw-"), (&after, "r--")].into_iter().enumerate() {
        let copy = &told["copies"][at];
        assert_eq!((&copy["dump"], &copy["pid"]), (&json!(at), &json!(dump.process.pid)));
        assert_eq!(copy["attachments"], json!([{ "base": base(dump), "permissions": rights }]));
    }
    let copy = &told["copies"][1];
    assert_eq!((&copy["same"], &copy["different"]), (&json!(false), &json!(different)));
    assert_eq!(
        (&copy["compared"], &copy["first"]),
        (&json!(3 * PAGE), &json!({ "start": PAGE + 5, "end": PAGE + 8 }))
    );
    let text = run(&[]);
    assert!(text.text().contains("2 dumps share 1 segment"), "{text:?}");
    assert!(text.text().contains(&format!("{different} of 12288")), "{text:?}");
    assert!(text.lines().iter().all(|line| line.chars().count() <= 80), "{text:?}");
    // Nobody asked for it, or there is no place for it.
    for flags in [&["-q"] as &[&str], &["--no-content"], &["--no-header"], &["--format", "jsonl"]] {
        let run = run(flags);
        assert!(!run.text().contains("share") && !run.text().contains("\"shared\""), "{run:?}");
    }
}
