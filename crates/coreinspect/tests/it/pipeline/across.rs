//! What `search`, `diff`, `key --from` and several dumps in one run do with bytes, without the command line.

use std::path::Path;

use coreinspect::Options;
use coreinspect::diff::newer::{of_facts, of_fields};
use coreinspect::diff::{Side, Versions, compare, fields, pair};
use coreinspect::layout::SegmentContents;
use coreinspect::layout::{Described, Subject};
use coreinspect::look::{Extensive, KnownPaths};
use coreinspect::position::{Interval, SegmentOffset};
use coreinspect::render::diff::ShownDiff;
use coreinspect::render::search::ShownSearch;
use coreinspect::render::terminal::Terminal;
use coreinspect::render::{Draw, Style};
use coreinspect::report::{Diff, DiffSegment, Gathered, Search, SearchedSegment, inspect_with};
use coreinspect::search::{Pattern, Reading, search};
use coreinspect::shm::Segment;
use coreinspect::source::Bytes;
use coreinspect::targets::Target;
use coreinspect::types::Budget;

/// Segments that are looked at: a hostile dump can have thousands of one megabyte.
const MOST: usize = 4;

/// Everything of it, as text; empty if the dump cannot be read.
pub(crate) fn write(bytes: &[u8], style: Style) -> Vec<u8> {
    let mut out = vec![];
    let options = Options { no_content: true, ..Options::default() };
    inspect_with(Path::new("core"), &Bytes::new(bytes.to_vec()), &options, |read, dump| {
        let Some((target, segments)) = read else { return };
        let some = &segments[..segments.len().min(MOST)];
        write_search(target, some, style, &mut out);
        write_diff(target, some, style, &mut out);
        // Each once: with its partner, or alone.
        let pairs = pair(segments, segments, true);
        let left = pairs.iter().filter_map(|pair| pair.left);
        let right = pairs.iter().filter_map(|pair| pair.right);
        for mut once in [left.collect::<Vec<_>>(), right.collect()] {
            once.sort_unstable();
            assert_eq!(once, (0..segments.len()).collect::<Vec<_>>());
        }
        let mut gathered = Gathered::default();
        (0..3).for_each(|_| gathered.add(&dump));
        let mut shared = gathered.shared();
        shared.judge();
        shared.draw(&mut Terminal { style, out: &mut out }).unwrap();
        let known = KnownPaths::of(target, segments, Extensive::BRIEFLY);
        assert!(known.paths.len() <= Extensive::BRIEFLY.paths);
    });
    out
}

fn write_search(target: &dyn Target, segments: &[Segment], style: Style, out: &mut Vec<u8>) {
    let machine = target.identity().machine;
    let reading = Reading { machine, utf16: false, ignore_case: true, aligned: false };
    let patterns =
        ["e", "u32:0", "hex:00 ?? 01"].map(|word| Pattern::read(word.as_bytes(), reading).unwrap());
    let mut report = Search::of("core", &patterns);
    for (number, segment) in (1..).zip(segments) {
        let contents = SegmentContents { target, segment };
        let window = Interval::clamped(SegmentOffset::new(0), 1 << 16);
        let found = search(&contents, &patterns, window, 20).unwrap();
        let mut budget = Budget::of(target);
        let subject = Subject::new(&contents, segment.key, machine, Some(target), &mut budget);
        let named = match Described::of(&subject, None, &[]) {
            Ok(Some(described)) => {
                let fields = coreinspect::search::fields(&subject, &described, &found.hits).unwrap();
                (Some(described.layout), fields)
            }
            _ => (None, vec![]),
        };
        report.add(SearchedSegment::of((number, segment), target, &found, named, 16));
    }
    ShownSearch { search: &report, quiet: false }.draw(&mut Terminal { style, out }).unwrap();
}

/// Each segment beside the next one.
fn write_diff(target: &dyn Target, segments: &[Segment], style: Style, out: &mut Vec<u8>) {
    let mut report = Diff::new("core", "core", "dump");
    for (left, right) in segments.iter().zip(segments.iter().skip(1)) {
        let contents = [left, right].map(|segment| SegmentContents { target, segment });
        let [one, other] = [(left, &contents[0]), (right, &contents[1])].map(|(segment, contents)| Side {
            contents,
            key: segment.key,
            machine: target.identity().machine,
            target: Some(target),
            facts: Some(&segment.facts),
        });
        let compared = compare(one.contents, other.contents, 100).unwrap();
        let differing = fields(&one, &other, &compared.ranges, None, &[]).unwrap();
        let mut evidence = of_fields(&differing.fields);
        evidence.extend(of_facts(one.facts, other.facts));
        let key = left.key.map(|key| key.to_string());
        report.segments.push(DiffSegment::of(key, Some(1), Some(2), None, &compared, differing, &evidence));
        let mut versions = Versions::new(left.end().max(right.end()));
        for (number, contents) in contents.iter().enumerate() {
            versions.add(number, contents).unwrap();
        }
    }
    let bytes = |_: usize, at: u64, length: usize| {
        let byte = |at: u64| (!at.is_multiple_of(3)).then_some(at as u8);
        let bytes: Vec<_> = (at..at + length as u64).map(byte).collect();
        [bytes.clone(), bytes]
    };
    let shown = ShownDiff { diff: &report, bytes: Some(&bytes), limit: 10, quiet: false };
    shown.draw(&mut Terminal { style, out }).unwrap();
}
