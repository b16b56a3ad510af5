//! Bytes of a segment: in a hex dump, and beside the fields of its value.

use std::io;

use super::canvas::Canvas;
use super::hex::HexDump;
use super::style::Tone;
use crate::layout::SegmentContents;
use crate::position::{Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::contents::bytes_with_gaps;

/// Bytes of an excerpt.
const EXCERPT: u64 = 256;
/// Bytes that stand beside a field.
const MOST_BESIDE: usize = 64;

/// The bytes of `window`, those that are missing shown as missing, those of `fields` in their colours. Offsets that no
/// attachment covers are missing too.
pub(super) fn draw(
    target: &dyn Target,
    segment: &Segment,
    window: Interval<SegmentOffset>,
    fields: &[(u64, u64)],
    canvas: &mut dyn Canvas,
) -> io::Result<()> {
    canvas.preformatted(&mut |style, out| {
        let mut dump = HexDump::new(window.start().get(), style, out).fields(fields.to_vec());
        for tile in segment.tiles(window) {
            match tile.missing() {
                Some(_) => dump.missing(tile.offsets.length())?,
                None => segment.read_tile(target, &tile, |bytes| dump.bytes(bytes))?,
            }
        }
        dump.end()
    })
}

/// The first saved bytes of a segment that no layout fits.
pub(super) fn excerpt(target: &dyn Target, segment: &Segment, canvas: &mut dyn Canvas) -> io::Result<()> {
    let Some(saved) = segment.pieces().iter().find(|piece| piece.is_there()) else {
        return Ok(());
    };
    let start = saved.offsets.start();
    let end = start.checked_add(EXCERPT).map_or(segment.end(), |end| end.min(segment.end()));
    let Some(window) = Interval::new(start, end) else { return Ok(()) };
    canvas.gap()?;
    draw(target, segment, window, &[], canvas)?;
    if end < segment.end() {
        let there = segment.saved().saturating_add(segment.filled());
        let which = if segment.filled() > 0 { "saved and filled" } else { "saved" };
        let hint = format!("the first {EXCERPT} of {there} {which} bytes; --hex shows all");
        canvas.line(2, &[(Tone::Faint, &hint)])?;
    }
    Ok(())
}

/// Bytes beside a field; `None` for one that is missing.
pub(super) fn at(target: &dyn Target, segment: &Segment, offset: u64, length: usize) -> Vec<Option<u8>> {
    bytes_with_gaps(&SegmentContents { target, segment }, SegmentOffset::new(offset), length.min(MOST_BESIDE))
}
