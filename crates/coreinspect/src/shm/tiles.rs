//! A window of a segment, tile by tile: bytes that are there, and what is in the place of those that are not.

use super::{Piece, Segment};
use crate::error::Error;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::targets::Target;

/// A run of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Tile {
    /// Its offsets.
    pub offsets: Interval<SegmentOffset>,
    /// The piece that it is a part of; `None` where no attachment covers it.
    piece: Option<Piece>,
}

impl Tile {
    /// Why its bytes are missing: the words of [`Dumped::reason`], or "not-mapped"; `None` if they are there.
    pub fn missing(&self) -> Option<&'static str> {
        self.piece.map_or(Some("not-mapped"), |piece| piece.reason())
    }

    /// Where its saved bytes stand in the target.
    pub fn saved_at(&self) -> Option<Interval<Address>> {
        let piece = self.piece.filter(Piece::is_there)?;
        let inside = self.offsets.start().offset_from(piece.offsets.start())?;
        Interval::with_length(piece.address.checked_add(inside)?, self.offsets.length())
    }
}

impl Segment {
    /// Tiles that cover `window` without gap or overlap, by offset.
    pub fn tiles(&self, window: Interval<SegmentOffset>) -> impl Iterator<Item = Tile> + '_ {
        let mut pieces = self
            .pieces
            .iter()
            .filter_map(move |piece| Some((piece, piece.offsets.intersection(window)?)))
            .peekable();
        let mut at = window.start();
        std::iter::from_fn(move || {
            let tile = match pieces.peek() {
                Some((piece, part)) if part.start() <= at => {
                    let tile = Tile { offsets: *part, piece: Some(**piece) };
                    pieces.next();
                    tile
                }
                Some((_, part)) => Tile { offsets: Interval::new(at, part.start())?, piece: None },
                None => Tile { offsets: Interval::new(at, window.end())?, piece: None },
            };
            at = tile.offsets.end();
            (!tile.offsets.is_empty()).then_some(tile)
        })
    }

    /// Hands the saved bytes of `tile` to `each`, block by block; nothing if they are missing.
    ///
    /// # Errors
    /// Reading failed (a running process may end before its bytes are read), or `each` did.
    pub fn read_tile<E: From<Error>>(
        &self,
        target: &dyn Target,
        tile: &Tile,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        const BLOCK: u64 = 256 << 10;
        let Some(range) = tile.saved_at() else { return Ok(()) };
        let mut block = vec![0; usize::try_from(range.length().min(BLOCK)).unwrap_or(0)];
        let mut at = range.start();
        while let Some(left) = range.end().offset_from(at).filter(|left| *left > 0) {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
            let count = target.read(at, block.get_mut(..wanted).unwrap_or_default())?;
            let Some(bytes) = block.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return match target.process().pid.filter(|_| target.identity().kind == "process") {
                    Some(pid) => {
                        let source = std::io::ErrorKind::NotFound.into();
                        Err(Error::Process { pid, what: "its memory", source }.into())
                    }
                    None => Ok(()),
                };
            };
            each(bytes)?;
            at = at.checked_add(count as u64).unwrap_or(range.end());
        }
        Ok(())
    }
}
