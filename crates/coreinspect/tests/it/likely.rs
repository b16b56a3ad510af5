//! No guess is told as a fact: what is only likely is marked in the list, and where no layout fits none is named.

use serde_json::{Value, json};

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::program::{Run, coreinspect};
use crate::testdata::Core;

const BASE: u64 = 0x7f12_3450_0000;
const PAGE: u64 = 0x1000;

/// A core of one segment of two pages that begins with `bytes`. Its second page is saved, and zero, unless `cut`.
fn core(bytes: &[u8], cut: bool) -> tempfile::NamedTempFile {
    let row = Row { start: BASE, end: BASE + 2 * PAGE, offset: 0, name: presets::segment_name(0x5e60_0001) };
    let mut content = bytes.to_vec();
    let (size, filling) = if cut { (PAGE, b'.') } else { (2 * PAGE, 0) };
    content.resize(size as usize, filling);
    let note = Segment::notes(vec![notes::file(&X86_64, PAGE, &[row])]);
    let load = Segment::load(BASE, 2 * PAGE, R | W, Content::Bytes(content));
    let built = CoreBuilder { segments: vec![note, load], ..CoreBuilder::new(X86_64) }.build();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), built.bytes).unwrap();
    file
}

fn content_cell(file: &tempfile::NamedTempFile) -> String {
    let mut command = coreinspect();
    command.arg(file.path()).args(["--no-header", "--columns", "content"]).env("COLUMNS", "200");
    Run::of(&mut command).ended(0).text().trim_end().to_owned()
}

fn content(file: &tempfile::NamedTempFile) -> Value {
    Run::of(coreinspect().arg(file.path()).arg("--json")).document()["dumps"][0]["segments"][0]["content"]
        .clone()
}

#[test]
fn a_flag_and_a_text_are_marked_as_likely() {
    let file = core(b"\x01Hello\0", false);
    assert_eq!(content_cell(&file), "ready \"Hello\" (likely)");
    let content = content(&file);
    assert_eq!((&content["layout"], &content["confidence"]), (&json!("mailbox"), &json!("likely")));
    assert_eq!(content["value"]["message"]["text"], "Hello");
}

/// A text that the dump breaks off may go on: it is no worse a text.
#[test]
fn a_text_that_the_dump_breaks_off_is_likely_too() {
    let file = core(b"\x02look, but do not touch", true);
    let content = content(&file);
    assert_eq!((&content["layout"], &content["confidence"]), (&json!("mailbox"), &json!("likely")));
    assert_eq!(content["value"]["message"]["terminated"], false);
}

/// Zeroes, counters, text without a flag, and a flag before what is no text.
#[test]
fn what_no_layout_fits_is_looked_at_and_has_no_value() {
    let counters: Vec<u8> = (1..200_u32).flat_map(|n| (n * 7919).to_le_bytes()).collect();
    for bytes in [
        b"".as_slice(),
        &counters,
        b"no flag\0",
        b"\x07seven\0",
        b"\x01\xff\xfe\xfd\x80\x01\0",
        b"\x01\0\0\0\x02\0\0\0",
    ] {
        let file = core(bytes, false);
        let content = content(&file);
        assert_eq!(
            (&content["layout"], &content["value"]),
            (&Value::Null, &Value::Null),
            "{bytes:?}: {content}"
        );
        assert_eq!(content["confidence"], "none", "{bytes:?}");
        assert!(content["look"].is_object(), "{bytes:?}: {content}");
        let cell = content_cell(&file);
        let mailbox = ["mailbox", "ready", "empty", "(likely)"];
        assert!(!cell.is_empty() && mailbox.iter().all(|word| !cell.contains(word)), "{bytes:?}: {cell}");
        // Whoever insists gets what 0.1 told.
        let forced =
            Run::of(coreinspect().arg(file.path()).args(["--json", "--layout", "mailbox"])).document();
        let forced = &forced["dumps"][0]["segments"][0]["content"];
        assert_eq!(
            (&forced["confidence"], &forced["value"]["flag"]["value"]),
            (&json!("forced"), &json!(bytes.first().unwrap_or(&0)))
        );
    }
}

#[test]
fn a_segment_without_a_byte_says_nothing() {
    let core = Core::unpack("filter-0x31.kernel");
    let run =
        |arguments: &[&str]| Run::of(coreinspect().arg("core").args(arguments).current_dir(core.folder()));
    assert_eq!(run(&["--json"]).document()["dumps"][0]["segments"][0]["content"], Value::Null);
    let cell = run(&["--no-header", "--columns", "content"]).ended(0);
    assert_eq!(cell.text().trim_end(), "not in the dump");
}

/// Whoever expects a flag or a message says that it is a mailbox; what is shown is what would be shown without.
#[test]
fn what_is_expected_of_a_mailbox_reads_one() {
    for (bytes, holds, fails) in [
        (b"".as_slice(), "flag=empty", "flag=ready"),
        (b"\x07seven\0", "message=seven", "message=eight"),
        (b"\x01\xff\xfe\0", "flag=ready", "flag=read"),
        (b"\x01Hello\0", "flag=ready message=Hello layout=mailbox", "layout=gpsd"),
    ] {
        let file = core(bytes, false);
        let run = |terms: &[&str]| Run::of(coreinspect().arg(file.path()).args(terms));
        let plain = run(&[]).ended(0);
        assert_eq!(run(&["--expect", holds]).ended(0), plain, "{bytes:?}");
        assert_eq!(run(&["--expect", fails]).ended(1).out, plain.out, "{bytes:?}");
    }
    // A term that names no part of a mailbox makes none.
    let file = core(b"", false);
    Run::of(coreinspect().arg(file.path()).args(["--expect", "layout=mailbox"])).ended(1);
}
