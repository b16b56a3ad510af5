//! Pieces of one process with the same bytes, as one segment that is attached twice.

use super::landscape::{Landscape, Piece};
use crate::position::Position;
use crate::types::Budget;

/// What stands in a piece, in few bytes: other pieces are compared with it again and again.
pub(super) struct Fingerprint(Vec<u64>);

/// Bytes of a block.
const BLOCK: usize = 256;
/// Bytes of a piece that are looked at.
const LOOKED_AT: u64 = 1 << 20;
/// Bytes that are read at once.
const READ: usize = 64 << 10;

/// A block of zeroes.
const ZERO: u64 = 0;
/// A block that the dump lacks.
const MISSING: u64 = 1;

impl Fingerprint {
    /// That of `piece`; of one for which `budget` has nothing left no block is known.
    pub(super) fn of(landscape: &Landscape<'_>, piece: &Piece, budget: &Budget) -> Self {
        let length = piece.range.length().min(LOOKED_AT);
        let mut blocks = Vec::new();
        let mut buffer = vec![0; READ];
        let mut at = 0_u64;
        while at < length && budget.read(length.saturating_sub(at).min(READ as u64)) {
            let count = match piece.range.start().checked_add(at) {
                Some(at) => landscape.target.read(at, &mut buffer).unwrap_or(0),
                None => 0,
            };
            let known = buffer.get(..count).unwrap_or_default().chunks_exact(BLOCK);
            blocks.extend(
                known.map(|block| if block.iter().all(|byte| *byte == 0) { ZERO } else { hash(block) }),
            );
            at = at.saturating_add(READ as u64);
            blocks.resize(usize::try_from(at.min(length)).unwrap_or(usize::MAX) / BLOCK, MISSING);
        }
        Self(blocks)
    }

    /// Whether all blocks that are known of both are the same, and one of them is not zero.
    pub(super) fn is_twin_of(&self, other: &Self) -> bool {
        let mut shared = false;
        for (one, other) in self.0.iter().zip(&other.0) {
            if *one == MISSING || *other == MISSING {
                continue;
            }
            if one != other {
                return false;
            }
            shared |= *one != ZERO;
        }
        shared
    }
}

/// FNV-1a, by words: whoever can choose the bytes of both pieces has nothing to gain by a collision.
fn hash(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, word| {
        (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
    });
    hash.max(MISSING.saturating_add(1))
}
