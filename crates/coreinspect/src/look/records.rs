//! Records of one length that follow each other.
//!
//! At the right distance a byte and its fellow of the next record are both zero or both not, and often equal. How often,
//! is compared over all distances that records usually have: 4, 8, 12, ... 256, 264, ... 4096.

use super::chunk::{CHUNK, Grain};
use crate::position::{Interval, SegmentOffset};

/// Records that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Bytes from one to the next.
    pub stride: u64,
    /// About where the first begins and the last ends, as far as was looked for them.
    pub offsets: Interval<SegmentOffset>,
    /// How many fit there.
    pub count: u64,
    /// What speaks for it.
    pub why: String,
}

impl Records {
    /// Where their fields are looked for: where the first begins is known only about.
    pub(super) fn around(&self) -> Interval<SegmentOffset> {
        let start = self.offsets.start().get().saturating_sub(self.stride);
        let end = self.offsets.end().get().saturating_add(self.stride);
        Interval::new(SegmentOffset::new(start), SegmentOffset::new(end)).unwrap_or(self.offsets)
    }
}

/// The bytes in which records are looked for: from the first chunk that is not all zero on.
#[derive(Debug)]
pub(super) struct Sample {
    most: usize,
    pub(super) start: u64,
    pub(super) bytes: Vec<u8>,
    full: bool,
}

/// Scores are parts of a thousand.
const ALL: u64 = 1000;
/// How far the best distance must stand out.
const CLEARLY: u64 = 150;
/// Fewer records prove nothing.
const FEWEST: u64 = 4;
const LONGEST: usize = 4096;

impl Sample {
    pub(super) fn new(most: usize) -> Self {
        Self { most, start: 0, bytes: Vec::new(), full: false }
    }

    pub(super) fn add(&mut self, at: u64, chunk: &[u8], grain: Grain) {
        let next = self.start.saturating_add(self.bytes.len() as u64);
        if self.bytes.is_empty() && grain != Grain::Zero && at.is_multiple_of(CHUNK as u64) {
            self.start = at;
        } else if self.bytes.is_empty() || self.full {
            return;
        } else if at != next {
            self.full = true;
            return;
        }
        self.bytes.extend_from_slice(chunk);
        self.full = self.bytes.len() >= self.most;
    }

    /// The records that the sample seems to be made of.
    pub(super) fn records(&self) -> Option<Records> {
        let filled = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        let bytes = self.bytes.get(..filled).unwrap_or_default();
        let planes = Planes::of(bytes);
        let longest = LONGEST.min(bytes.len() / 3);
        let distances = (4..=256_usize).step_by(4).chain((264..=LONGEST).step_by(8));
        let scores: Vec<(usize, u64)> = distances
            .take_while(|distance| *distance <= longest)
            .filter_map(|distance| Some((distance, planes.score(distance)?)))
            .collect();
        let mut sorted: Vec<u64> = scores.iter().map(|(_, score)| *score).collect();
        sorted.sort_unstable();
        let usual = sorted.get(sorted.len() / 4).copied()?;
        let best = sorted.last().copied()?;
        let above = best.saturating_sub(usual);
        if above < CLEARLY {
            return None;
        }
        let part = |tenths: u64| usual.saturating_add(above.saturating_mul(tenths) / 10);
        let scored = |distance: usize| {
            scores.binary_search_by_key(&distance, |(other, _)| *other).ok().and_then(|at| scores.get(at))
        };
        let (stride, score) = *scores.iter().find(|(distance, score)| {
            let again = scored(distance.saturating_mul(2)).is_none_or(|(_, score)| *score >= part(6));
            *score >= part(8) && again
        })?;
        // What repeats every 8 bytes is an array of words.
        if stride <= 8 {
            return None;
        }
        let inside = region(bytes, stride, score.saturating_add(usual) / 2)?;
        let (start, end) = (inside.start as u64 & !7, inside.end as u64);
        let count = end.saturating_sub(start).div_ceil(stride as u64);
        if count < FEWEST {
            return None;
        }
        let at = |inside: u64| SegmentOffset::new(self.start.saturating_add(inside));
        let why = format!(
            "bytes that lie {stride} apart are alike to {}%; those at most other distances to {}%",
            score.saturating_mul(100) / ALL,
            usual.saturating_mul(100) / ALL,
        );
        Some(Records { stride: stride as u64, offsets: Interval::new(at(start), at(end))?, count, why })
    }
}

/// Where bytes and their fellows `stride` further on are alike to more than `least`: the run with the largest sum of what
/// is above it (Kadane's algorithm). The fellows are part of it.
fn region(bytes: &[u8], stride: usize, least: u64) -> Option<std::ops::Range<usize>> {
    let least = i64::try_from(least).unwrap_or(i64::MAX);
    let (mut sum, mut start) = (0_i64, 0);
    let (mut best, mut found) = (0, None);
    let fellows = bytes.get(stride..).unwrap_or_default();
    for (at, (one, other)) in bytes.iter().zip(fellows).enumerate() {
        let alike = match (*one, *other) {
            (0, 0) => continue,
            (0, _) | (_, 0) => 0,
            (one, other) if one == other => 1000,
            _ => 500,
        };
        if sum <= 0 {
            (sum, start) = (0, at);
        }
        sum = sum.saturating_add(alike).saturating_sub(least);
        if sum > best {
            (best, found) = (sum, Some(start..at.saturating_add(stride).saturating_add(1)));
        }
    }
    found
}

/// Three bits for each byte that have nothing to do with its neighbours' (xorshift32), so that steps in the bytes are none
/// in them.
const MIXED: [u8; 256] = {
    let mut table = [0; 256];
    let (mut state, mut rest): (u32, &mut [u8]) = (0x9e37_79b9, &mut table);
    while let [entry, behind @ ..] = rest {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        *entry = (state >> 11 & 7) as u8;
        rest = behind;
    }
    table
};

/// For each byte, a bit of each kind: whether it is not zero, and three that are equal for equal bytes.
struct Planes {
    bits: usize,
    words: Vec<[u64; 4]>,
}

impl Planes {
    fn of(bytes: &[u8]) -> Self {
        let words = bytes.chunks(64).map(|chunk| {
            let mut planes = [0_u64; 4];
            for (at, byte) in chunk.iter().enumerate() {
                let mixed = MIXED.get(usize::from(*byte)).copied().unwrap_or(0);
                let kinds = [u8::from(*byte != 0), mixed & 1, mixed >> 1 & 1, mixed >> 2 & 1];
                for (plane, kind) in planes.iter_mut().zip(kinds) {
                    *plane |= u64::from(kind) << at;
                }
            }
            planes
        });
        Self { bits: bytes.len(), words: words.collect() }
    }

    /// How much bytes and those `distance` further on are alike, of those that are not both zero: half for both not being
    /// zero, half for being equal. `None` if too few can be compared.
    fn score(&self, distance: usize) -> Option<u64> {
        const FEWEST_BYTES: u64 = 24;
        let compared = self.bits.checked_sub(distance)?;
        let (skip, shift) = (distance / 64, u32::try_from(distance % 64).unwrap_or(0));
        let (mut both, mut either, mut equal) = (0_u64, 0_u64, 0_u64);
        let nothing = [0; 4];
        let others = self.words.get(skip..).unwrap_or_default();
        for (number, (one, low)) in self.words.iter().zip(others).take(compared.div_ceil(64)).enumerate() {
            let high = others.get(number.saturating_add(1)).unwrap_or(&nothing);
            let other = |plane: usize| match (low.get(plane), high.get(plane)) {
                (Some(low), Some(high)) if shift > 0 => {
                    low >> shift | high.unbounded_shl(64_u32.saturating_sub(shift))
                }
                (Some(low), _) => *low,
                _ => 0,
            };
            let [filled, a, b, c] = *one;
            let left = compared.saturating_sub(number.saturating_mul(64));
            let inside = if left >= 64 { u64::MAX } else { !(u64::MAX << left) };
            let other_filled = other(0);
            let both_filled = filled & other_filled & inside;
            let same = !((a ^ other(1)) | (b ^ other(2)) | (c ^ other(3)));
            both = both.saturating_add(u64::from(both_filled.count_ones()));
            either = either.saturating_add(u64::from(((filled | other_filled) & inside).count_ones()));
            equal = equal.saturating_add(u64::from((both_filled & same).count_ones()));
        }
        if both < FEWEST_BYTES {
            return if either > 0 { Some(0) } else { None };
        }
        both.saturating_add(equal).saturating_mul(ALL).checked_div(either.saturating_mul(2))
    }
}
