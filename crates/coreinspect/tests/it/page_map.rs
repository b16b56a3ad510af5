//! `show --map`: what the pages of a segment are like, held against pages that the test wrote.

use serde_json::{Value, json};

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::program::{Run, coreinspect};

const PAGE: u64 = 4096;
const BASE: u64 = 0x1000_0000;
const KEY: u32 = 0x7300_0001;

fn row(start: u64, pages: u64, offset: u64) -> Row {
    Row { start, end: start + pages * PAGE, offset: offset * PAGE, name: presets::segment_name(KEY) }
}

fn write(rows: &[Row], loads: Vec<Segment>) -> tempfile::NamedTempFile {
    let notes = notes::file(&X86_64, PAGE, rows);
    let segments = [vec![Segment::notes(vec![notes])], loads].concat();
    let file = tempfile::NamedTempFile::new().unwrap();
    CoreBuilder { segments, ..CoreBuilder::new(X86_64) }.write_to(file.as_file());
    file
}

/// Six pages of which four are saved, two that nobody maps, two of zeroes.
fn every_kind() -> tempfile::NamedTempFile {
    let mut bytes = vec![0; 4 * PAGE as usize];
    bytes[..60].copy_from_slice(&b"Order 4711: two coffees, one tea. ".repeat(2)[..60]);
    for word in 0..512_u64 {
        let at = (2 * PAGE + word * 8) as usize;
        bytes[at..at + 8].copy_from_slice(&(BASE + word * 8).to_le_bytes());
        let at = (3 * PAGE + word * 8) as usize;
        bytes[at..at + 8].copy_from_slice(&word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    let rows = [row(BASE, 6, 0), row(BASE + 8 * PAGE, 2, 8)];
    let loads = vec![
        Segment::load(BASE, 6 * PAGE, R | W, Content::Bytes(bytes)),
        Segment::load(BASE + 8 * PAGE, 2 * PAGE, R | W, Content::Bytes(vec![0; 2 * PAGE as usize])),
    ];
    write(&rows, loads)
}

fn map(document: &Value) -> Value {
    document["dumps"][0]["segments"][0]["map"].clone()
}

fn runs(told: &[(u64, u64, &str)]) -> Value {
    told.iter()
        .map(|(start, end, state)| json!({"start": start * PAGE, "end": end * PAGE, "state": state}))
        .collect()
}

#[test]
fn every_page_is_what_was_written_to_it() {
    let file = every_kind();
    let show = |words: &[&str]| Run::of(coreinspect().arg("show").arg(file.path()).args(words)).ended(0);
    let expected = [
        (0, 1, "text"),
        (1, 2, "zero"),
        (2, 3, "pointers"),
        (3, 4, "data"),
        (4, 6, "not-saved"),
        (6, 8, "hole"),
        (8, 10, "zero"),
    ];
    assert_eq!(map(&show(&["--map", "--json"]).document()), runs(&expected));
    assert!(map(&show(&["--json"]).document()).is_null(), "the map is not asked for");
    let run = show(&["--map"]);
    assert!(run.lines().contains(&"     0x0  T.P#xx__.."), "{run:?}");
    let legend = "T text 4K   P pointers 4K   . zero 12K   x not saved 8K   _ hole (not mapped) 8K";
    assert!(run.text().contains("# data 4K") && run.text().contains(legend), "{run:?}");
}

/// A cell is a power of two of pages: 4,096 cells are enough for any segment, and holes of the file are not read.
#[test]
fn a_large_segment_has_cells_of_many_pages() {
    let size: u64 = 64 << 30;
    let wide = Row { end: BASE + size, ..row(BASE, 1, 0) };
    let file = write(&[wide], vec![Segment::load(BASE, size, R | W, Content::Hole(size))]);
    let run =
        Run::of(coreinspect().arg("show").arg(file.path()).args(["--map", "--layout", "mailbox"])).ended(0);
    assert!(run.text().contains("map: a cell is 16M of the segment"), "{run:?}");
    let rows: Vec<_> = run.lines().into_iter().filter(|line| line.ends_with(&".".repeat(64))).collect();
    assert_eq!(rows.len(), 64, "{run:?}");
    let json = Run::of(coreinspect().arg("show").arg(file.path()).args(["--map", "--json"])).ended(0);
    assert_eq!(map(&json.document()), runs(&[(0, size / PAGE, "zero")]));
}

/// Seven runs are a picture, six are a list.
#[test]
fn many_missing_runs_are_shown_as_a_map() {
    for (missing, listed) in [(6, true), (7, false)] {
        // Every second page is missing.
        let loads = (0..missing).map(|at| {
            Segment::load(BASE + 2 * at * PAGE, 2 * PAGE, R | W, Content::Bytes(vec![1; PAGE as usize]))
        });
        let file = write(&[row(BASE, 2 * missing, 0)], loads.collect());
        let run = Run::of(coreinspect().arg("show").arg(file.path())).ended(0);
        let lines =
            run.lines().into_iter().filter(|line| line.trim_start().starts_with("missing  offset")).count();
        assert_eq!(lines, if listed { 6 } else { 0 }, "{run:?}");
        assert_eq!(run.text().contains("map: a cell is 4K"), !listed, "{run:?}");
        assert_eq!(run.text().contains(&"#x".repeat(7)), !listed, "{run:?}");
    }
}

/// The fault of this dump is at offset 0x2123 of its segment (testdata), in its third page.
#[test]
fn the_fault_and_the_fields_are_marked() {
    let core = crate::testdata::Core::unpack("segv.kernel");
    let show = |words: &[&str]| {
        let mut command = coreinspect();
        command.args(["show", "core", "--map"]).args(words).current_dir(core.folder());
        Run::of(&mut command).ended(0)
    };
    let run = show(&["--layout", "u8 head[4096]; u8 body[4096]; u8 tail[4096]"]);
    let at =
        run.lines().iter().position(|line| *line == "     0x0  Txx").unwrap_or_else(|| panic!("{run:?}"));
    assert_eq!(run.lines()[at + 1], "            ^", "{run:?}");
    assert!(run.text().contains("^ fault at 0x2123"), "{run:?}");
    for columns in ["40", "60", "80", "200"] {
        let narrow = Run::of(
            coreinspect().args(["show", "core", "--map"]).env("COLUMNS", columns).current_dir(core.folder()),
        );
        let map = narrow.text().split("map:").nth(1).unwrap();
        let width: usize = columns.parse().unwrap();
        assert!(map.lines().take(5).all(|line| line.chars().count() <= width), "{columns}: {narrow:?}");
    }
}
