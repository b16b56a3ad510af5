//! More than three dumps: what they have in common first, a row a dump, and the fields in which one is odd.

use std::fs;

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::program::{Run, coreinspect};

const BASE: u64 = 0x1000_0000;

/// `count` dumps of one segment: all numbers are 5, but that of dump 2, which is 6; the second number is the dump's own.
fn dumps(count: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..count {
        let end = BASE + 0x1000;
        let row = Row { start: BASE, end, offset: 0, name: presets::segment_name(0x7300_0004) };
        let mut page = vec![0; 0x1000];
        page[..4].copy_from_slice(&(if number == 2 { 6_u32 } else { 5 }).to_le_bytes());
        page[4..8].copy_from_slice(&(1000 + number).to_le_bytes());
        let signal = if number == 2 { 6 } else { 11 };
        let notes = vec![
            notes::prstatus(&X86_64, u64::from(100 + number), signal),
            notes::prpsinfo(&X86_64, u64::from(100 + number), 0, b"svc", b"svc"),
            notes::file(&X86_64, 4096, &[row]),
        ];
        let segments = vec![Segment::notes(notes), Segment::load(BASE, 0x1000, R | W, Content::Bytes(page))];
        let core = CoreBuilder { segments, ..CoreBuilder::new(X86_64) }.build();
        fs::write(folder.path().join(format!("core.{number}")), core.bytes).unwrap();
    }
    folder
}

fn list(folder: &tempfile::TempDir, words: &[&str]) -> Run {
    Run::of(coreinspect().args(words).args(["--layout", "u32 count; u32 owner"]).arg(".").current_dir(folder))
        .ended(0)
}

#[test]
fn many_dumps_are_summed_up() {
    let folder = dumps(8);
    let run = list(&folder, &[]);
    let text = run.text();
    assert!(text.starts_with("8 dumps, by how their processes ended:"), "{text}");
    let has = |words: &[&str]| {
        assert!(
            run.lines().iter().any(|line| words.iter().all(|word| line.contains(word))),
            "{words:?}: {text}"
        );
    };
    has(&["7", "SIGSEGV", "core.0, core.1, core.3, 4 more"]);
    has(&["1", "SIGABRT", "core.2"]);
    has(&["0x73000004", "count", "5 in 7; 6 in 1 (core.2)"]);
    has(&["differ in nearly every dump: owner"]);
    let rows = run.lines().into_iter().filter(|line| line.starts_with("core.")).count();
    assert_eq!(rows, 8, "{text}");
    assert!(!text.contains("CONTENT"), "{text}");
}

#[test]
fn each_and_few_are_listed() {
    let folder = dumps(4);
    assert_eq!(list(&folder, &["--each"]).text().matches("CONTENT").count(), 4);
    assert_eq!(list(&folder, &[]).text().matches("CONTENT").count(), 0);
    fs::remove_file(folder.path().join("core.3")).unwrap();
    assert_eq!(list(&folder, &[]).text().matches("CONTENT").count(), 3);
    // Machines get every dump, however many.
    let folder = dumps(5);
    let json = Run::of(coreinspect().args(["--json", "."]).current_dir(&folder)).ended(0);
    assert_eq!(json.document()["dumps"].as_array().unwrap().len(), 5);
}
