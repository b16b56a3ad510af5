//! What `search`, `diff`, `locks`, `key --from` and several dumps in one run do with bytes, without the command line.

use std::sync::Arc;

use coreinspect::inspection::{CrossView, LockPicture, LockSearch, SegmentCopy, Sought, compare};
use coreinspect::internals::diff::newer::Taken;
use coreinspect::internals::look::Extensive;
use coreinspect::position::{Interval, SegmentOffset};
use coreinspect::render::diff::ShownDiff;
use coreinspect::render::locks::ShownLocks;
use coreinspect::render::search::ShownSearch;
use coreinspect::render::terminal::Terminal;
use coreinspect::render::{Draw, Style};
use coreinspect::report::{Diff, Search};
use coreinspect::search::{Pattern, Reading};
use coreinspect::source::Bytes;
use coreinspect::{Error, Inspection, Options};

/// Segments that are looked at: a hostile dump can have thousands of one megabyte.
const MOST: usize = 4;

/// Everything of it, as text; empty if the dump cannot be read.
pub(crate) fn write(bytes: &[u8], style: Style) -> Vec<u8> {
    let mut out = vec![];
    let open = || super::inspect_with(Arc::new(Bytes::new(bytes.to_vec())), &Options::without_content());
    let inspection = open();
    if inspection.target().is_none() {
        return out;
    }
    write_search(&inspection, style, &mut out);
    write_diff(&inspection, style, &mut out);
    let mut picture = LockPicture::default();
    let sought = LockSearch { all: true, ..LockSearch::default() };
    (0..2).for_each(|_| picture.add(&inspection, sought).unwrap());
    let locks = picture.finish(|_| Ok::<_, Error>(Some(open()))).unwrap();
    ShownLocks { locks: &locks, quiet: false }.draw(&mut Terminal { style, out: &mut out }).unwrap();
    // Each once: with its partner, or alone.
    let again = open();
    let pairs = inspection.pairs(&again);
    let left = pairs.iter().filter_map(|pair| pair.left);
    let right = pairs.iter().filter_map(|pair| pair.right);
    for mut once in
        [left.map(|one| one.number()).collect::<Vec<_>>(), right.map(|one| one.number()).collect()]
    {
        once.sort_unstable();
        assert_eq!(once, (1..=inspection.report().segments.len()).collect::<Vec<_>>());
    }
    let mut across = CrossView::default();
    (0..3).for_each(|_| across.add(inspection.report()));
    let shared = across.finish(|_| Ok::<_, Error>(Some(open()))).unwrap();
    shared.draw(&mut Terminal { style, out: &mut out }).unwrap();
    let known = inspection.known_paths(Extensive::BRIEFLY).unwrap();
    assert!(known.paths.len() <= Extensive::BRIEFLY.paths);
    out
}

fn write_search(inspection: &Inspection, style: Style, out: &mut Vec<u8>) {
    let machine = inspection.target().unwrap().identity().machine;
    let reading = Reading { machine, utf16: false, ignore_case: true, aligned: false };
    let patterns =
        ["e", "u32:0", "hex:00 ?? 01"].map(|word| Pattern::read(word.as_bytes(), reading).unwrap());
    let mut report = Search::of("core", &patterns);
    let sought = Sought { patterns: &patterns, limit: 20, context: 16, layout: None, layouts: &[] };
    let window = Interval::clamped(SegmentOffset::new(0), 1 << 16);
    for segment in inspection.segments().take(MOST) {
        report.add(segment.search(window, &sought).unwrap().0);
    }
    ShownSearch { search: &report, quiet: false }.draw(&mut Terminal { style, out }).unwrap();
}

/// Each segment beside the next one.
fn write_diff(inspection: &Inspection, style: Style, out: &mut Vec<u8>) {
    let mut report = Diff::new("core", "core", "dump");
    let segments: Vec<_> = inspection.segments().take(MOST).collect();
    for pair in segments.windows(2) {
        let contents = [pair[0].contents(), pair[1].contents()];
        let [left, right] = [0, 1].map(|at| SegmentCopy {
            called: coreinspect::report::Called::default(),
            number: Some(at + 1),
            side: pair[at].side(&contents[at]),
            taken: Taken::Unknown,
        });
        report.segments.push(compare(left, right, None, None, &[]).unwrap());
    }
    let bytes = |_: usize, at: u64, length: usize| {
        let byte = |at: u64| (!at.is_multiple_of(3)).then_some(at as u8);
        let bytes: Vec<_> = (at..at + length as u64).map(byte).collect();
        [bytes.clone(), bytes]
    };
    let shown = ShownDiff { diff: &report, bytes: Some(&bytes), limit: 10, quiet: false };
    shown.draw(&mut Terminal { style, out }).unwrap();
}
