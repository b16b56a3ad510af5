//! Strings: printable ASCII and UTF-8, and the ASCII part of UTF-16 in the target's byte order (.NET, Java, Windows code).

use super::chunk::Grain;
use super::utf16::Utf16;
use super::{Budget, Found};
use crate::machine::{ByteOrder, Class, Machine};
use crate::position::SegmentOffset;

/// How a string is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// ASCII, or UTF-8.
    Utf8,
    /// UTF-16 in the target's byte order.
    Utf16,
}

/// A string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it begins.
    pub offset: SegmentOffset,
    /// Its bytes in the segment, without the NUL.
    pub length: u64,
    /// Its start, as UTF-8.
    pub start: Vec<u8>,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Whether a NUL ends it.
    pub terminated: bool,
}

/// Finds strings.
#[derive(Debug)]
pub(super) struct Strings {
    bytes: Utf8,
    units: Utf16,
    found: Kept,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) budget: Budget,
    texts: Vec<Text>,
    more: u64,
    /// Those of `more` that random bytes do not have.
    more_long: u64,
    /// Bytes of all strings.
    covered: u64,
}

impl Kept {
    pub(super) fn add(&mut self, text: Text) {
        self.covered = self.covered.saturating_add(text.length);
        if self.texts.len() < self.budget.shown {
            self.texts.push(text);
        } else {
            self.more = self.more.saturating_add(1);
            self.more_long = self.more_long.saturating_add(u64::from(text.length >= LONG));
        }
    }
}

/// So many printable bytes in a row come up once in 600 MiB of random bytes.
const LONG: u64 = 20;

impl Strings {
    pub(super) fn new(machine: Machine, budget: Budget) -> Self {
        Self {
            bytes: Utf8::new(machine),
            units: Utf16::new(machine.byte_order),
            found: Kept { budget, texts: Vec::new(), more: 0, more_long: 0, covered: 0 },
        }
    }

    pub(super) fn add(&mut self, at: u64, chunk: &[u8], grain: Grain) {
        self.bytes.add(at, chunk, grain, &mut self.found);
        self.units.add(at, chunk, grain, &mut self.found);
    }

    /// Ends what has begun: what follows does not stand next to it.
    pub(super) fn gap(&mut self) {
        self.bytes.end(None, &mut self.found);
        self.units.end(None, &mut self.found);
    }

    /// Bytes that stand in strings.
    pub(super) fn covered(&self) -> u64 {
        self.found.covered
    }

    /// What was found; `random`: in bytes that look random as a whole.
    pub(super) fn found(mut self, random: bool) -> Found<Text> {
        if random {
            self.found.texts.retain(|text| text.length >= LONG);
            self.found.more = self.found.more_long;
        }
        self.found.texts.sort_by_key(|text| text.offset);
        Found { shown: self.found.texts, more: self.found.more }
    }
}

pub(super) fn is_ascii_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

/// Fewer are no string, whatever stands around them.
const FEWEST_CHARACTERS: u64 = 4;

/// A byte run that may become a string.
#[derive(Debug)]
struct Utf8 {
    machine: Machine,
    start: u64,
    length: u64,
    characters: u64,
    kept: Vec<u8>,
    /// The bytes so far of a character of several, and how many it has.
    partial: ([u8; 4], usize, usize),
    /// The coarsest grain of the chunks that it lies in.
    grain: Grain,
    /// Whether a NUL or a gap stands before it.
    bounded: bool,
}

impl Utf8 {
    fn new(machine: Machine) -> Self {
        Self {
            machine,
            start: 0,
            length: 0,
            characters: 0,
            kept: Vec::new(),
            partial: ([0; 4], 0, 0),
            grain: Grain::Zero,
            bounded: true,
        }
    }
}

impl Utf8 {
    fn add(&mut self, mut at: u64, chunk: &[u8], grain: Grain, found: &mut Kept) {
        // No text of some length stands in bytes as different as random ones.
        if matches!(grain, Grain::Zero | Grain::Random) {
            return self.end((grain == Grain::Zero).then_some(0), found);
        }
        self.grain = self.grain.max(grain);
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            let length = if is_ascii_text(byte) {
                let length = rest.iter().take_while(|byte| is_ascii_text(**byte)).count();
                self.ascii(at, rest.get(..length).unwrap_or_default(), grain, found);
                length
            } else if byte >= 0x80 {
                self.high(at, byte, grain, found);
                1
            } else {
                self.end(Some(byte), found);
                let others = |byte: &&u8| **byte < 0x80 && !is_ascii_text(**byte);
                let length = rest.iter().take_while(others).count();
                let last = length.checked_sub(1).and_then(|last| rest.get(last));
                self.bounded = last == Some(&0);
                length
            };
            at = at.saturating_add(length as u64);
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    fn begin(&mut self, at: u64, grain: Grain) {
        if self.length == 0 {
            (self.start, self.grain) = (at, grain);
        }
    }

    fn ascii(&mut self, at: u64, text: &[u8], grain: Grain, found: &mut Kept) {
        if self.partial.1 > 0 {
            self.end(Some(1), found);
        }
        self.begin(at, grain);
        self.keep(text, text.len() as u64, found.budget.text);
    }

    fn keep(&mut self, text: &[u8], characters: u64, most: usize) {
        let room = most.saturating_sub(self.kept.len());
        // A character is kept whole or not at all.
        let part = if text.len() <= room {
            text
        } else {
            text.get(..room).filter(|part| part.is_ascii()).unwrap_or_default()
        };
        if self.kept.len() as u64 == self.length {
            self.kept.extend_from_slice(part);
        }
        self.length = self.length.saturating_add(text.len() as u64);
        self.characters = self.characters.saturating_add(characters);
    }

    /// One byte of a character of several: RFC 3629.
    fn high(&mut self, at: u64, byte: u8, grain: Grain, found: &mut Kept) {
        let width = match byte {
            0x80..=0xbf => 0,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        let (mut bytes, count, wanted) = self.partial;
        if (width == 0) != (count > 0) || width == 1 {
            self.end(Some(byte), found);
            if width < 2 {
                return;
            }
        }
        let (count, wanted) = if width > 0 { (0, width) } else { (count, wanted) };
        if let Some(place) = bytes.get_mut(count) {
            *place = byte;
        }
        let count = count.saturating_add(1);
        self.partial = (bytes, count, wanted);
        if count < wanted {
            return;
        }
        self.partial = ([0; 4], 0, 0);
        let character = bytes.get(..count).unwrap_or_default();
        match std::str::from_utf8(character).ok().and_then(|text| text.chars().next()) {
            Some(c) if !c.is_control() => {
                self.begin(at.saturating_sub(count as u64).saturating_add(1), grain);
                self.keep(character, 1, found.budget.text);
            }
            _ => self.end(Some(byte), found),
        }
    }

    /// Ends the string; `by` is the byte behind it.
    fn end(&mut self, by: Option<u8>, found: &mut Kept) {
        let whole = self.partial.1 == 0;
        self.partial = ([0; 4], 0, 0);
        if self.length > 0 {
            let terminated = by == Some(0) && whole;
            // Of most bytes fewer stand together.
            if self.characters >= FEWEST_CHARACTERS {
                self.trim();
                if self.is_string(terminated) {
                    found.add(Text {
                        offset: SegmentOffset::new(self.start),
                        length: self.length,
                        start: self.kept.clone(),
                        encoding: Encoding::Utf8,
                        terminated,
                    });
                }
            }
            (self.length, self.characters, self.grain) = (0, 0, Grain::Zero);
            self.kept.clear();
        }
        self.bounded = by.is_none_or(|by| by == 0);
    }

    /// Whether it is more than chance makes of bytes like those around it: random ones are printable in 3 of 8 cases,
    /// floating point numbers have a printable byte in every four.
    fn is_string(&self, terminated: bool) -> bool {
        let bounded = self.bounded && terminated;
        let least = match self.grain {
            _ if bounded => FEWEST_CHARACTERS,
            Grain::Busy if !terminated => 24,
            Grain::Busy => 12,
            Grain::Varied if !terminated => 16,
            Grain::Varied => 8,
            _ => 6,
        };
        if self.is_address() {
            return false;
        }
        if self.characters < least || !is_varied(&self.kept, if bounded { 3 } else { 4 }) {
            return false;
        }
        let letters = self.kept.iter().filter(|byte| byte.is_ascii_alphanumeric() || **byte >= 0x80).count();
        let wordy = self.kept.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-./: ".contains(byte));
        match self.characters {
            0..6 => wordy && letters >= 3,
            _ if bounded && self.grain != Grain::Busy => letters.saturating_mul(3) >= self.kept.len(),
            6..24 if self.grain == Grain::Busy => wordy,
            6..12 if !terminated => wordy,
            _ => letters.saturating_mul(2) >= self.kept.len(),
        }
    }
}

impl Utf8 {
    /// Takes away the high byte of a number that stands before an aligned string: that of a floating point number of everyday
    /// size (`?`, `@`), or of an address of i386.
    fn trim(&mut self) {
        let before = usize::try_from(self.start.wrapping_neg() % 4).unwrap_or(0);
        let high = before.checked_sub(1).and_then(|last| self.kept.get(last));
        let is_high = match high {
            Some(b'?' | b'@') => before == 1,
            Some(b'V' | b'W') => self.machine.class == Class::Bits32 && !self.bounded,
            _ => false,
        };
        if is_high && self.machine.byte_order == ByteOrder::Little {
            self.kept.drain(..before);
            self.start = self.start.saturating_add(before as u64);
            self.length = self.length.saturating_sub(before as u64);
            self.characters = self.characters.saturating_sub(before as u64);
        }
    }

    /// Whether it would be the bytes of an address of a program that Linux loads anywhere: x86-64 has them at 0x55.., 0x56..
    /// (six bytes, the last two of which are `U` or `V` and any), i386 at 0x56.., 0x57...
    fn is_address(&self) -> bool {
        let end = self.start.saturating_add(self.length);
        let (width, longest, tops) = match self.machine.class {
            Class::Bits64 => (8_u64, 6_u64, b"UV"),
            Class::Bits32 => (4, 4, b"VW"),
        };
        let (at_top, top) = match self.machine.byte_order {
            ByteOrder::Little => (end.checked_rem(width) == longest.checked_rem(width), self.kept.last()),
            ByteOrder::Big => {
                (self.start.checked_rem(width) == width.checked_sub(longest), self.kept.first())
            }
        };
        self.length <= longest && at_top && top.is_some_and(|top| tops.contains(top))
    }
}

/// Whether `bytes` have so many different values, and are no staircase.
pub(super) fn is_varied(bytes: &[u8], values: u32) -> bool {
    let mut seen = 0_u128;
    for byte in bytes {
        seen |= 1_u128.checked_shl(u32::from(*byte & 0x7f)).unwrap_or(0);
    }
    let mut steps = bytes.windows(2).map(|pair| match pair {
        [one, other] => other.wrapping_sub(*one),
        _ => 0,
    });
    let first = steps.next();
    seen.count_ones() >= values && (bytes.len() < 4 || steps.any(|step| Some(step) != first))
}
