//! The whole way: from the bytes of a dump to JSON, to the listing, and to each segment in full.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use coreinspect::render::segment::{ShownSegment, ShownSegments};
use coreinspect::render::table::{ListedDump, Listing};
use coreinspect::render::terminal::Terminal;
use coreinspect::render::{Draw, Style, jsonl};
use coreinspect::source::Bytes;
use coreinspect::{Inspection, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let source = Arc::new(Bytes::new(data.to_vec()));
    let dump = Inspection::of_source(Path::new("core"), source, &Options::default()).into_report();
    let mut out = Vec::new();
    jsonl::line(&dump, &mut out).unwrap();
    let style = Style { width: Some(80), unicode: true, interactive: true, ..Style::default() };
    let listing = Listing { columns: Vec::new(), header: true, verbose: true, quiet: false };
    let mut canvas = Terminal { style, out: &mut out };
    ListedDump::new(&dump, &listing).draw(&mut canvas).unwrap();
    let segments = dump.segments.iter().map(ShownSegment::of).collect();
    ShownSegments { moments: Vec::new(), segments, full: false }.draw(&mut canvas).unwrap();
    let text = std::str::from_utf8(&out).unwrap();
    assert!(!text.contains(|char: char| char.is_control() && char != '\n'));
});
