//! Bytes that no header of a core accounts for: what a transfer in text mode puts in.

use super::header::Header;
use crate::error::Warnings;
use crate::position::{FileOffset, Interval, Position};
use crate::source::Source;

/// Bytes at the start that are looked at.
const LOOKED_AT: u64 = 64 << 10;
/// Lines that must have ended alike: one or two do so by chance.
const LINES: usize = 4;

/// Warns if `source` goes on behind `end`, the last byte that the headers promise. No writer puts anything there.
pub fn tell(source: &dyn Source, end: FileOffset, header: &Header, warnings: &mut Warnings) {
    // gdb's headers of sections stand last; where it writes more than 65,534 rows, their count is not known.
    let sections = header.section_headers;
    let unknown = sections.at().get() > 0 && sections.rows() == 0;
    let excess = FileOffset::new(source.size()).offset_from(end).unwrap_or(0);
    if excess == 0 || unknown {
        return;
    }
    let start = source.bytes(Interval::clamped(FileOffset::new(0), LOOKED_AT)).unwrap_or_default();
    warnings.push("excess", || {
        let size = source.size();
        let mut text = format!("the file has {size} bytes, {excess} more than its headers say");
        text.push_str(if is_text(&start) {
            ", and every LF in it follows a CR: it was copied as text, and no byte behind the first CR is where it should be; \
             copy it again as binary"
        } else {
            ": something was appended, or put in by a transfer, and then bytes are not where they should be"
        });
        text
    });
}

/// Whether every LF of `bytes` follows a CR. In a core that was copied byte by byte hardly one does.
fn is_text(bytes: &[u8]) -> bool {
    let mut ends = memchr::memchr_iter(b'\n', bytes).peekable();
    let before = |end: usize| end.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'\r');
    ends.clone().count() >= LINES && ends.all(before)
}
