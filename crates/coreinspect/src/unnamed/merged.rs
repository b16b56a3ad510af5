//! Attaches that a writer joined: qemu-user and createdump write neighbours of equal rights as one run of memory.
//!
//! A read-only attach of a segment stands apart from its neighbours, which can be written to. Where its bytes stand once
//! more within a longer run, the segment is attached there too, and the run is several.

use super::landscape::{Landscape, Piece};
use crate::position::{Address, Interval, Position};

/// Read-only pieces whose bytes are looked for.
const MOST_SOUGHT: usize = 16;
/// Bytes of writable pieces that are looked through for each.
const MOST_SEARCHED: u64 = 64 << 20;
/// Bytes that are compared.
const COMPARED: u64 = 1 << 20;
const BLOCK: usize = 256;

/// `pieces` with those in parts that hold the bytes of another.
pub(super) fn parts(landscape: &Landscape<'_>, mut pieces: Vec<Piece>) -> Vec<Piece> {
    let read_only = |piece: &&Piece| {
        let rights = piece.permissions;
        rights.read && !rights.write && !rights.execute
    };
    let sought: Vec<_> = pieces.iter().filter(read_only).take(MOST_SOUGHT).copied().collect();
    for sought in sought {
        let Some(mark) = Mark::of(landscape, &sought) else { continue };
        let mut left = MOST_SEARCHED;
        let found = pieces.iter().enumerate().find_map(|(index, piece)| {
            let longer = piece.permissions.write && piece.range.length() > sought.range.length();
            longer.then(|| mark.within(landscape, piece, &mut left)).flatten().map(|place| (index, place))
        });
        if let Some((index, place)) = found {
            split(&mut pieces, index, place);
        }
    }
    pieces
}

/// Puts what lies before `place`, the place, and what lies behind it, in the place of the piece at `index`.
fn split(pieces: &mut Vec<Piece>, index: usize, place: Interval<Address>) {
    let Some(piece) = pieces.get(index).copied() else { return };
    let ranges = [
        Interval::new(piece.range.start(), place.start()),
        Some(place),
        Interval::new(place.end(), piece.range.end()),
    ];
    let parts = ranges.into_iter().flatten().filter(|range| !range.is_empty());
    pieces.splice(index..=index, parts.map(|range| Piece { range, whole: false, ..piece }));
}

/// The bytes that are sought: their first block that is not zero, and where it stands.
struct Mark {
    sought: Interval<Address>,
    block: Vec<u8>,
    at: u64,
}

impl Mark {
    fn of(landscape: &Landscape<'_>, piece: &Piece) -> Option<Self> {
        let length = usize::try_from(piece.range.length().min(COMPARED)).ok()?;
        let bytes = landscape.some_bytes(piece.range.start(), length);
        // A word or two stand in many places.
        let filled = bytes.chunks_exact(landscape.word()).filter(|word| word.iter().any(|byte| *byte != 0));
        if filled.take(16).count() < 16 {
            return None;
        }
        let (index, block) =
            bytes.chunks_exact(BLOCK).enumerate().find(|(_, block)| block.iter().any(|byte| *byte != 0))?;
        let at = (index as u64).checked_mul(BLOCK as u64)?;
        Some(Self { sought: piece.range, block: block.to_vec(), at })
    }

    /// Where the same bytes stand in `piece`, at the start of a page.
    fn within(&self, landscape: &Landscape<'_>, piece: &Piece, left: &mut u64) -> Option<Interval<Address>> {
        let length = self.sought.length();
        let mut at = piece.range.start();
        while let Some(place) =
            Interval::with_length(at, length).filter(|place| place.end() <= piece.range.end())
        {
            *left = left.checked_sub(landscape.page)?;
            let same_mark = landscape.some_bytes(at.checked_add(self.at)?, BLOCK) == self.block;
            if same_mark && self.is_at(landscape, at) {
                return Some(place);
            }
            at = at.checked_add(landscape.page)?;
        }
        None
    }

    fn is_at(&self, landscape: &Landscape<'_>, at: Address) -> bool {
        let length = usize::try_from(self.sought.length().min(COMPARED)).unwrap_or(0);
        landscape.some_bytes(at, length) == landscape.some_bytes(self.sought.start(), length)
    }
}
