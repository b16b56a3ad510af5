//! Dumps that lie: a scan ends, in bounded time and memory, and what it says keeps the contract.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coreinspect::Options;
use coreinspect::refs::Pace;
use coreinspect::render::refs::ShownRefs;
use coreinspect::render::terminal::Terminal;
use coreinspect::render::{Draw, Style};
use coreinspect::report::Refs;
use coreinspect::source::Bytes;

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{X86_64, segment_name};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::mutants::{Mutants, changed};
use crate::{allocations, harmless, pipeline};

/// The references in a dump of these bytes; `None` if it cannot be read or has no segment.
fn searched(bytes: &[u8], threads: usize, unaligned: bool) -> Option<(Refs, Vec<u8>)> {
    let source = Arc::new(Bytes::new(bytes.to_vec()));
    let inspection = pipeline::inspect_with(source, &Options::without_content());
    inspection.target()?;
    let pace = Pace { threads: threads.try_into().ok(), unaligned, progress: &|_, _| {} };
    let refs = inspection.references(&[], 50, pace).unwrap();
    let mut text = vec![];
    let style = Style { width: Some(80), ..Style::default() };
    let shown = ShownRefs { refs: &refs, quiet: false };
    shown.draw(&mut Terminal { style, out: &mut text }).unwrap();
    Some((refs, text))
}

fn check(bytes: &[u8], name: &str) {
    let (found, usage) = allocations::measure(|| searched(bytes, 1, false));
    assert!(usage.peak <= 16 << 20, "{name} took {} bytes", usage.peak);
    let Some((refs, text)) = found else { return };
    assert_eq!(harmless::complaint(&text, false), None, "{name}");
    let counts = refs.counts;
    let sum = counts.stack + counts.data + counts.heap + counts.mapping + counts.segment;
    assert_eq!(sum, refs.total, "{name}");
    let words = refs.references.iter().filter(|one| one.at.is_some()).count() as u64;
    assert!(words <= refs.total.min(50), "{name}");
    assert_eq!(refs.references.len() as u64 - words, refs.registers, "{name}");
    let parts: u64 = refs.parts.iter().map(|part| part.words).sum();
    assert!(
        parts == refs.total || words == refs.total && parts == 0,
        "{name}: {parts} {words} {}",
        refs.total
    );
}

#[test]
fn mutated_dumps_are_searched_and_nothing_breaks() {
    let mutants = Mutants::new();
    for number in 0..4_000 {
        let (name, bytes) = changed(&mutants, number);
        check(&bytes, &name);
    }
}

/// How many threads scan, and at which places, makes no difference to what is found.
#[test]
fn all_threads_find_the_same() {
    let core = crate::testdata::Core::unpack("segv.kernel").bytes();
    let told = |threads| serde_json::to_value(searched(&core, threads, false).unwrap().0).unwrap();
    assert_eq!(told(1), told(7));
}

/// Thousands of PT_LOADs that all show the same megabyte, at an address each: what would be gigabytes to scan.
#[test]
fn the_same_bytes_at_many_addresses_cost_no_more_than_the_file() {
    let page = 4096;
    let row = Row { start: 0x1_0000, end: 0x1_1000, offset: 0, name: segment_name(0x4c00_0001) };
    let status = notes::prstatus(&X86_64, 1, 11);
    let notes = vec![status, notes::file(&X86_64, page, &[row])];
    let mut segments = vec![
        Segment::notes(notes),
        Segment::load(0x1_0000, page, R | W, Content::Bytes(vec![0; page as usize])),
        // Each word of it points into the segment.
        Segment::load(0x10_0000, 1 << 20, R | W, Content::Bytes(0x1_0008_u64.to_le_bytes().repeat(1 << 17))),
    ];
    for number in 0..20_000 {
        let start = 0x1000_0000 + (number << 21);
        segments.push(Segment::load(start, 1 << 20, R | W, Content::At(0x30_0000 / 2, 1 << 20)));
    }
    let bytes = CoreBuilder { segments, ..CoreBuilder::new(X86_64) }.build().bytes;
    let before = Instant::now();
    let (refs, text) = searched(&bytes, 2, true).unwrap();
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    assert!(refs.searched <= 2 * bytes.len() as u64, "{} of {}", refs.searched, bytes.len());
    assert!(refs.total >= 1 << 17);
    assert!(refs.not_searched > 1 << 30, "{}", String::from_utf8_lossy(&text));
}
