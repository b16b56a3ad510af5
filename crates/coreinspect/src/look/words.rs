//! Words: of what size the bytes seem to be made, and what their values would mean.

use super::chunk::Grain;
use super::pointers::{self, Surroundings};
use super::times;
use crate::machine::{ByteOrder, Class, Machine};
use crate::shm::Segment;

/// The size of the words that the bytes seem to be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordSize {
    /// 2, 4 or 8 bytes.
    pub size: u8,
    /// What speaks for it.
    pub why: String,
}

/// The number that `bytes`, at most 8, are in the target's byte order.
pub(super) fn number(bytes: &[u8], order: ByteOrder) -> u64 {
    let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    match order {
        ByteOrder::Little => bytes.iter().rev().fold(0, add),
        ByteOrder::Big => bytes.iter().fold(0, add),
    }
}

/// Looks at every aligned word.
pub(super) struct Words<'a> {
    machine: Machine,
    pointers: pointers::Candidates<'a>,
    times: times::Candidates,
    /// Of the 8-byte words that are neither zero nor text: how many there are, and how often each byte of them, the least
    /// significant first, is not zero.
    seen: u64,
    filled: [u64; 8],
    /// How many of them would point somewhere.
    pointing: u64,
    /// The word before.
    before: u64,
}

impl<'a> Words<'a> {
    pub(super) fn new(machine: Machine, surroundings: &'a Surroundings<'a>, segment: &'a Segment) -> Self {
        Self {
            machine,
            pointers: pointers::Candidates::new(machine.class, surroundings, segment),
            times: times::Candidates::default(),
            seen: 0,
            filled: [0; 8],
            pointing: 0,
            before: 0,
        }
    }

    pub(super) fn add(&mut self, at: u64, chunk: &[u8], grain: Grain) {
        if grain == Grain::Zero || !at.is_multiple_of(8) {
            self.before = 0;
            return;
        }
        let words = chunk.as_chunks::<8>().0;
        for (number, bytes) in words.iter().enumerate() {
            let word = self.value(bytes);
            if word != 0 {
                let after = words.get(number.saturating_add(1)).map_or(0, |bytes| self.value(bytes));
                let noise = is_noise(self.before) || is_noise(after);
                self.word(at.saturating_add((number as u64).saturating_mul(8)), word, grain, noise);
            }
            self.before = word;
        }
    }

    fn value(&self, bytes: &[u8; 8]) -> u64 {
        match self.machine.byte_order {
            ByteOrder::Little => u64::from_le_bytes(*bytes),
            ByteOrder::Big => u64::from_be_bytes(*bytes),
        }
    }

    fn word(&mut self, at: u64, word: u64, grain: Grain, noise: bool) {
        let order = self.machine.byte_order;
        let (first, second) = match order {
            ByteOrder::Little => (word & 0xffff_ffff, word >> 32),
            ByteOrder::Big => (word >> 32, word & 0xffff_ffff),
        };
        let (first_points, second_points) = match self.machine.class {
            Class::Bits64 => (self.pointers.add(at, 8, word), false),
            Class::Bits32 => {
                (self.pointers.add(at, 4, first), self.pointers.add(at.saturating_add(4), 4, second))
            }
        };
        if grain == Grain::Random {
            return;
        }
        let text = is_text(word);
        if !text {
            self.seen = self.seen.wrapping_add(1);
            let mut rest = word;
            for filled in &mut self.filled {
                *filled = filled.wrapping_add(u64::from(rest & 0xff != 0));
                rest >>= 8;
            }
        }
        if self.machine.class == Class::Bits64 && first_points {
            self.pointing = self.pointing.wrapping_add(1);
            return;
        }
        if !first_points && !second_points && self.times.long(at, word, times::Doubts { text, noise }) {
            return;
        }
        let halves = [(at, first, first_points), (at.saturating_add(4), second, second_points)];
        for (at, half, points) in halves {
            if !points {
                self.times.short(at, half, order);
            }
        }
    }

    /// The word size, if the bytes of numbers stand where they stand in words of one size: numbers are mostly small, so
    /// that their high bytes are zero and their low ones are not.
    pub(super) fn size(&self) -> Option<WordSize> {
        const LEAST: u64 = 16;
        if self.seen < LEAST {
            return None;
        }
        let percent = |part: u64| part.saturating_mul(100).checked_div(self.seen).unwrap_or(0);
        let share = |at: usize| percent(self.filled.get(at).copied().unwrap_or(0));
        let mostly = |places: &[usize]| places.iter().all(|at| share(*at) >= 60);
        let hardly = |places: &[usize]| places.iter().all(|at| share(*at) <= 5);
        if percent(self.pointing) >= 25 && hardly(&[6, 7]) {
            let why = format!("{} of {} words of 8 bytes would point somewhere", self.pointing, self.seen);
            return Some(WordSize { size: 8, why });
        }
        let size = if mostly(&[0, 2, 4, 6]) && hardly(&[1, 3, 5, 7]) {
            2
        } else if mostly(&[0, 4]) && hardly(&[3, 7]) {
            4
        } else if mostly(&[0]) && hardly(&[4, 5, 6, 7]) {
            8
        } else {
            return None;
        };
        let why = format!(
            "the high bytes of its {size}-byte words are mostly zero and the low ones are not, as small numbers are (in {} \
             groups of 8 bytes that are neither zero nor text)",
            self.seen
        );
        Some(WordSize { size, why })
    }

    /// What would point at something.
    pub(super) fn pointers(&self) -> &pointers::Candidates<'a> {
        &self.pointers
    }

    /// What would be a time.
    pub(super) fn times(&self) -> &times::Candidates {
        &self.times
    }
}

/// Whether a word may be one of random bytes: it is neither a small number nor an address nor text.
fn is_noise(word: u64) -> bool {
    word >> 56 != 0 && !is_text(word)
}

/// Whether a word is a piece of text rather than a number. All eight bytes are asked at once, whatever their order: every word
/// of a look is asked three times.
fn is_text(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    // Of bytes below 0x80 the high bit says whether they are at least `from`; no sum carries into the next byte.
    let low = word & !HIGH;
    let at_least = |from: u64| low.wrapping_add((0x80_u64.wrapping_sub(from)).wrapping_mul(EACH)) & HIGH;
    let one = |byte: u64| at_least(byte) & !at_least(byte.wrapping_add(1));
    let ascii = !word & HIGH;
    let printable = at_least(0x20) & !at_least(0x7f);
    let text = ((printable | one(0x09) | one(0x0a) | one(0x0d)) & ascii).count_ones();
    let zero = (!at_least(1) & ascii).count_ones();
    (text >= 3 && text.saturating_add(zero) == 8) || text >= 7
}

#[cfg(test)]
mod tests {
    use super::is_text;

    /// What is asked of eight bytes at once, asked of each.
    fn dull(word: u64) -> bool {
        let bytes = word.to_le_bytes();
        let text = bytes.iter().filter(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')).count();
        let zero = bytes.iter().filter(|byte| **byte == 0).count();
        (text >= 3 && text + zero == 8) || text >= 7
    }

    #[test]
    fn eight_bytes_at_once_are_as_one_by_one() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for byte in 0..=0xff_u64 {
            for place in 0..8 {
                for filled in [0, 0x4141_4141_4141_4141, 0x41_4141_0000_0000] {
                    let word = filled & !(0xff << (place * 8)) | byte << (place * 8);
                    assert_eq!(is_text(word), dull(word), "{word:#x}");
                }
            }
        }
        for _ in 0..100_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            for word in [state, state & 0x7f7f_7f7f_7f7f_7f7f, state & 0x7f7f_0000_7f7f_0000] {
                assert_eq!(is_text(word), dull(word), "{word:#x}");
            }
        }
    }
}
