//! Strings of UTF-16.

use super::chunk::Grain;
use super::strings::{Encoding, Kept, Text, is_ascii_text, is_varied};
use crate::machine::ByteOrder;
use crate::position::SegmentOffset;

/// Pairs of bytes that may become a string.
#[derive(Debug)]
pub(super) struct Utf16 {
    byte_order: ByteOrder,
    start: u64,
    kept: Vec<u8>,
    count: u64,
    /// Whether a NUL or a gap stands before it.
    bounded: bool,
    /// The first byte of a pair that a chunk parted.
    odd: Option<(u64, u8)>,
}

/// Shorter ones are not told: small numbers look like them. The second, for those without a NUL at either end.
const FEWEST_UNITS: u64 = 6;
const FEWEST_UNBOUNDED: u64 = 24;

impl Utf16 {
    pub(super) fn new(byte_order: ByteOrder) -> Self {
        Self { byte_order, start: 0, kept: Vec::new(), count: 0, bounded: true, odd: None }
    }

    pub(super) fn add(&mut self, at: u64, chunk: &[u8], grain: Grain, found: &mut Kept) {
        if matches!(grain, Grain::Zero | Grain::Random) {
            return self.end((grain == Grain::Zero).then_some(0), found);
        }
        // Chunks begin at even offsets but where a hostile piece does not.
        let odd = usize::from(at % 2 == 1);
        if let (Some((start, first)), Some(second), 1) = (self.odd.take(), chunk.first(), odd) {
            self.unit(start, [first, *second], found);
        }
        let (pairs, last) = chunk.get(odd..).unwrap_or_default().as_chunks::<2>();
        let mut at = at.saturating_add(odd as u64);
        let mut rest = pairs;
        while let Some((pair, behind)) = rest.split_first() {
            let passed = if self.count == 0 { self.foreign(rest) } else { 0 };
            if passed > 0 {
                self.bounded = false;
                at = at.saturating_add((passed as u64).saturating_mul(2));
                rest = rest.get(passed..).unwrap_or_default();
                continue;
            }
            self.unit(at, *pair, found);
            at = at.saturating_add(2);
            rest = behind;
        }
        self.odd = last.first().map(|byte| (at, *byte));
    }

    /// How many of the first `pairs` have a high byte, as far as that is seen of four at once: they are no ASCII, and of most
    /// bytes most are so.
    fn foreign(&self, pairs: &[[u8; 2]]) -> usize {
        let high = match self.byte_order {
            ByteOrder::Little => 1,
            ByteOrder::Big => 0,
        };
        let fours = pairs.as_chunks::<4>().0.iter();
        let foreign =
            fours.take_while(|four| four.iter().all(|pair| pair.get(high).is_some_and(|byte| *byte != 0)));
        foreign.count().saturating_mul(4)
    }

    fn unit(&mut self, at: u64, pair: [u8; 2], found: &mut Kept) {
        let (low, high) = match self.byte_order {
            ByteOrder::Little => (pair[0], pair[1]),
            ByteOrder::Big => (pair[1], pair[0]),
        };
        if high != 0 || !is_ascii_text(low) {
            if self.count > 0 {
                self.end(Some(if high == 0 { low } else { high }), found);
            }
            self.bounded = high == 0 && low == 0;
            return;
        }
        if self.count == 0 {
            self.start = at;
        }
        self.count = self.count.saturating_add(1);
        if self.kept.len() < found.budget.text {
            self.kept.push(low);
        }
    }

    pub(super) fn end(&mut self, by: Option<u8>, found: &mut Kept) {
        let count = std::mem::take(&mut self.count);
        let letters =
            self.kept.iter().filter(|byte| byte.is_ascii_alphanumeric() || b"_-./: ".contains(byte)).count();
        let bounded = std::mem::replace(&mut self.bounded, by.is_none_or(|by| by == 0)) && by == Some(0);
        let least = if bounded { FEWEST_UNITS } else { FEWEST_UNBOUNDED };
        let wordy = if count < 12 {
            letters == self.kept.len()
        } else {
            letters.saturating_mul(2) >= self.kept.len()
        };
        if count >= least && wordy && is_varied(&self.kept, 3) {
            found.add(Text {
                offset: SegmentOffset::new(self.start),
                length: count.saturating_mul(2),
                start: self.kept.clone(),
                encoding: Encoding::Utf16,
                terminated: by == Some(0),
            });
        }
        self.kept.clear();
        self.odd = None;
    }
}
