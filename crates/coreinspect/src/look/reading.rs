//! Which bytes of a segment are looked at: a head in full, and blocks at even distances behind it.

use crate::error::Error;
use crate::position::{Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::source::Sampling;
use crate::targets::Target;

/// How much of a segment is read for a look, and how much of it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Which bytes are read, from the first saved one on.
    pub read: Sampling,
    /// Bytes in which records are looked for.
    pub sample: usize,
    /// Findings of a kind that are told.
    pub shown: usize,
    /// Bytes of a string that are told.
    pub text: usize,
}

impl Budget {
    /// For a line of a listing, of which there can be thousands.
    pub const LISTING: Self = Self { read: Sampling::LISTING, sample: 2 << 10, shown: 4, text: 80 };
    /// For one segment that is shown in full.
    pub const SHOW: Self =
        Self { read: Sampling { head: 1 << 20, blocks: 64 }, sample: 16 << 10, shown: 32, text: 200 };
}

impl Budget {
    /// Bytes that are read at most.
    pub fn most(self) -> u64 {
        self.read.most()
    }
}

/// Bytes that are read at once.
const AT_ONCE: usize = 16 << 10;
/// What a piece of a segment costs of the budget at least: honest ones are pages, hostile ones can be bytes.
const LEAST: u64 = 256;

/// Hands on the saved bytes that `budget` allows, in the order of their offsets, as runs that a multiple of 256 ends
/// where they are not the last of their piece. Answers how many bytes they were.
///
/// # Errors
/// [`Error::Read`].
pub(super) fn read(
    target: &dyn Target,
    segment: &Segment,
    budget: Budget,
    mut each: impl FnMut(SegmentOffset, &[u8]),
) -> Result<u64, Error> {
    let saved = |piece: &&crate::shm::Piece| piece.is_there();
    let Some(first) = segment.pieces().iter().find(saved).map(|piece| piece.offsets.start()) else {
        return Ok(0);
    };
    let mut reader = Reader { target, segment, block: Vec::new(), read: 0 };
    let whole = Interval::new(first, segment.end()).unwrap_or(Interval::clamped(first, 0));
    let sampling = budget.read;
    for place in sampling.places(whole) {
        let most = if place == whole { sampling.most() } else { place.length() };
        reader.window(place, most, &mut each)?;
    }
    Ok(reader.read)
}

struct Reader<'a> {
    target: &'a dyn Target,
    segment: &'a Segment,
    block: Vec<u8>,
    read: u64,
}

impl Reader<'_> {
    /// The saved bytes of `window`, for `budget` bytes at most.
    fn window(
        &mut self,
        window: Interval<SegmentOffset>,
        mut budget: u64,
        each: &mut impl FnMut(SegmentOffset, &[u8]),
    ) -> Result<(), Error> {
        let pieces = self.segment.pieces();
        let first = pieces.partition_point(|piece| piece.offsets.end() <= window.start());
        let pieces = pieces.iter().skip(first).take_while(|piece| piece.offsets.start() < window.end());
        for piece in pieces {
            let Some(left) = budget.checked_sub(LEAST) else { break };
            let part = piece.offsets.intersection(window).filter(|_| piece.is_there());
            let read = match part {
                Some(part) => self.part(part, budget, each)?,
                None => 0,
            };
            budget = left.min(budget.saturating_sub(read));
        }
        Ok(())
    }

    fn part(
        &mut self,
        part: Interval<SegmentOffset>,
        most: u64,
        each: &mut impl FnMut(SegmentOffset, &[u8]),
    ) -> Result<u64, Error> {
        let mut done = 0_u64;
        let length = part.length().min(most);
        self.block.resize(AT_ONCE, 0);
        while let Some(at) = part.start().checked_add(done).filter(|_| done < length) {
            let to_boundary = AT_ONCE.saturating_sub(usize::try_from(at.get() % 256).unwrap_or(0));
            let wanted = usize::try_from(length.saturating_sub(done)).unwrap_or(AT_ONCE).min(to_boundary);
            let count = match self.block.get_mut(..wanted) {
                Some(into) => self.segment.read(self.target, at, into)?,
                None => 0,
            };
            let Some(bytes) = self.block.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            each(at, bytes);
            done = done.saturating_add(count as u64);
        }
        self.read = self.read.saturating_add(done);
        Ok(done)
    }
}
