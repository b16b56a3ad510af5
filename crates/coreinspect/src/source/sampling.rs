//! Which bytes of a long run are looked at where not all are: its head, and blocks at even distances behind it.
//!
//! Known before a byte is read, so that a compressed dump keeps just these while it goes by: else it would be decompressed
//! once more for them, and a segment of a gigabyte spooled.

use crate::position::{Interval, Position};

/// Bytes of a block, and what its place is a multiple of.
pub(crate) const BLOCK: u64 = 4 << 10;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Bytes from the start that are read in full.
    pub head: u64,
    /// Blocks of 4 KiB that are read behind them.
    pub blocks: u64,
}

impl Sampling {
    /// For a line of a listing, of which there can be thousands.
    pub const LISTING: Self = Self { head: 16 << 10, blocks: 4 };

    /// Bytes that are read at most.
    pub fn most(self) -> u64 {
        self.head.saturating_add(self.blocks.saturating_mul(BLOCK))
    }

    /// The head of `whole`, and its blocks, in their order; `whole` itself where both would be all of it.
    pub(crate) fn places<P: Position>(self, whole: Interval<P>) -> impl Iterator<Item = Interval<P>> {
        let head = Interval::clamped(whole.start(), self.head.min(whole.length()));
        let tail = whole.length().saturating_sub(head.length());
        let all = tail <= self.blocks.saturating_mul(BLOCK);
        let (first, blocks) = if all { (whole, 0) } else { (head, self.blocks) };
        let distance = tail.checked_div(self.blocks).unwrap_or(0) & !(BLOCK - 1);
        // From the end backwards, so that the last block is one of them; then in order.
        let blocks = (0..blocks).rev().filter_map(move |number| {
            let back = distance.saturating_mul(number).saturating_add(BLOCK);
            let start = whole.end().checked_sub(back)?;
            Some(Interval::clamped(P::new(start.get() & !(BLOCK - 1)).max(head.end()), BLOCK))
        });
        std::iter::once(first).chain(blocks)
    }
}
