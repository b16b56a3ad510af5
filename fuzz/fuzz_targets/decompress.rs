//! Compressed dumps, apport's reports, anything: read forward as a pipe and as far as it goes, within limits.
#![no_main]

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use coreinspect::position::FileOffset;
use coreinspect::render::jsonl;
use coreinspect::source::{Amount, Limits, Reading, Source, Stream};
use coreinspect::{Inspection, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let amount = match data.last().map_or(0, |last| last % 3) {
        0 => Amount::Starts,
        1 => Amount::Segments,
        _ => Amount::Everything,
    };
    let limits = Limits { most_bytes: 64 << 20, named: true };
    let Ok(stream) =
        Stream::of_pipe(Cursor::new(data.to_vec()), Reading { amount, limits, ..Reading::default() })
    else {
        return;
    };
    let stream = Arc::new(stream);
    let source = Arc::<Stream>::clone(&stream);
    let dump = Inspection::of_source(Path::new("core"), source, &Options::default()).into_report();
    let mut out = Vec::new();
    jsonl::line(&dump, &mut out).unwrap();
    let mut start = [0; 64];
    if let Ok(count) = stream.read_at(FileOffset::new(0), &mut start) {
        assert!(count as u64 <= stream.size());
    }
});
