//! Characters, and bytes without a meaning.

use std::borrow::Cow;

use super::{Decoder, Sink, span};
use crate::error::Error;
use crate::machine::ByteOrder;
use crate::position::SegmentOffset;
use crate::types::value::{self, Kind, cut};
use crate::types::{Characters, Count, Extent, Text};

/// Text while it is read.
struct Found {
    /// The units that are kept, as they stand.
    kept: Vec<u8>,
    /// Bytes before the NUL.
    length: u64,
    terminated: bool,
}

impl Decoder<'_, '_, '_, '_> {
    pub(super) fn text(&mut self, text: &Text, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        let unit = text.characters.size();
        let room = match &text.extent {
            Extent::Nul => None,
            Extent::Room(count) => Some(self.count(count).saturating_mul(unit)),
        };
        let end = room.map_or(self.bound, |room| at.saturating_add(room).min(self.bound));
        let first_missing = self.window.contents().run(SegmentOffset::new(at)).missing.is_some();
        if (end > at || room.is_none()) && first_missing {
            sink.value(span(at, at.saturating_add(room.unwrap_or(1))), Cow::Owned(Kind::Missing));
            self.unavailable(at, end.max(at.saturating_add(1)));
            return Ok(room.map_or(at, |room| at.saturating_add(room)));
        }
        let found = self.characters(at, end, text.characters)?;
        let read_to = at.saturating_add(found.length);
        if !found.terminated && read_to < end {
            self.unavailable(read_to, end);
        }
        let stop = if found.terminated { read_to.saturating_add(unit) } else { read_to };
        let after = room.map_or(stop, |room| at.saturating_add(room));
        let order = self.machine.byte_order;
        let all = found.kept.len() as u64 == found.length;
        let mut bytes = match text.characters {
            Characters::Bytes => found.kept,
            Characters::Utf16 => utf16(&found.kept, order),
            Characters::Utf32 => utf32(&found.kept, order),
        };
        // Wide characters are told as UTF-8: of all of them the length is that of what is told.
        let length = if all { bytes.len() as u64 } else { found.length };
        bytes.truncate(cut(&bytes, self.limits.text).len());
        let shown = value::Text { bytes, length, terminated: found.terminated, measured: text.measured };
        sink.value(span(at, after), Cow::Owned(Kind::Text(shown)));
        Ok(after)
    }

    /// Reads from `at` up to a NUL, a missing byte, or `end`.
    fn characters(&mut self, at: u64, end: u64, characters: Characters) -> Result<Found, Error> {
        let unit = usize::try_from(characters.size()).unwrap_or(1);
        // A few bytes more than are shown, to see whether the last character is whole.
        let keep = self.limits.text.saturating_add(4).saturating_mul(unit);
        let mut found = Found { kept: Vec::new(), length: 0, terminated: false };
        while !found.terminated {
            let next = at.saturating_add(found.length);
            let left = usize::try_from(end.saturating_sub(next)).unwrap_or(usize::MAX);
            let some = if unit == 1 || left < unit {
                if left < unit { &[] } else { self.window.some_bytes(next, self.budget)? }
            } else {
                // A unit may lie across the edge of a window: the window then begins with it.
                match self.window.bytes(next, unit, self.budget)?.is_some() {
                    true => self.window.some_bytes(next, self.budget)?,
                    false => &[],
                }
            };
            let some = some.get(..left).unwrap_or(some);
            let some = some
                .get(..some.len().saturating_sub(some.len().checked_rem(unit).unwrap_or(0)))
                .unwrap_or_default();
            if some.is_empty() {
                break;
            }
            let nul = match unit {
                1 => memchr::memchr(0, some),
                _ => {
                    let mut units = some.chunks_exact(unit);
                    units
                        .position(|unit| unit.iter().all(|byte| *byte == 0))
                        .map(|at| at.saturating_mul(unit))
                }
            };
            let some = some.get(..nul.unwrap_or(some.len())).unwrap_or_default();
            let room = keep.saturating_sub(found.kept.len()).min(some.len());
            found.kept.extend_from_slice(some.get(..room).unwrap_or_default());
            found.length = found.length.saturating_add(some.len() as u64);
            found.terminated = nul.is_some();
        }
        Ok(found)
    }

    pub(super) fn raw_bytes(&mut self, count: &Count, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        let (count, end) = self.extent(count, at);
        let end = count.map_or(end, |count| at.saturating_add(count));
        let readable = end.min(self.bound);
        if count.is_some_and(|count| count > self.bound.saturating_sub(at)) {
            let left = self.bound.saturating_sub(at);
            self.finding(span(at, readable), || {
                format!("it claims {} bytes, but only {left} are left", end.saturating_sub(at))
            });
        }
        self.some_bytes(at, readable, sink).map(|()| end)
    }

    /// Tells the first of the bytes from `at` to `readable`, and how many they are.
    pub(super) fn some_bytes(&mut self, at: u64, readable: u64, sink: &mut impl Sink) -> Result<(), Error> {
        let mut kept = Vec::new();
        while kept.len() < self.limits.text {
            let next = at.saturating_add(kept.len() as u64);
            let left = usize::try_from(readable.saturating_sub(next)).unwrap_or(usize::MAX);
            let left = left.min(self.limits.text.saturating_sub(kept.len()));
            if left == 0 {
                break;
            }
            let some = self.window.some_bytes(next, self.budget)?;
            if some.is_empty() {
                break;
            }
            kept.extend_from_slice(some.get(..left).unwrap_or(some));
        }
        if kept.is_empty() && readable > at {
            self.missing(at, readable, sink);
            return Ok(());
        }
        self.unavailable(at, readable);
        let length = readable.saturating_sub(at);
        sink.value(span(at, readable), Cow::Owned(Kind::Bytes(kept, length)));
        Ok(())
    }
}

/// UTF-16 as UTF-8. A surrogate without its other half is kept as the three bytes that are no UTF-8, and so is seen.
fn utf16(bytes: &[u8], order: ByteOrder) -> Vec<u8> {
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| match order {
        ByteOrder::Little => u16::from_le_bytes(*unit),
        ByteOrder::Big => u16::from_be_bytes(*unit),
    });
    let characters = char::decode_utf16(units);
    encode(characters.map(|character| character.map_err(|error| u32::from(error.unpaired_surrogate()))))
}

/// UTF-32 as UTF-8. What is no character is kept as U+FFFD.
fn utf32(bytes: &[u8], order: ByteOrder) -> Vec<u8> {
    let (units, _) = bytes.as_chunks::<4>();
    let units = units.iter().map(|unit| match order {
        ByteOrder::Little => u32::from_le_bytes(*unit),
        ByteOrder::Big => u32::from_be_bytes(*unit),
    });
    encode(units.map(|unit| char::from_u32(unit).ok_or(unit)))
}

fn encode(characters: impl Iterator<Item = Result<char, u32>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for character in characters {
        match character {
            Ok(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(surrogate @ 0xd800..=0xdfff) => {
                let part = |shift: u32| u8::try_from(surrogate >> shift & 0x3f).unwrap_or(0) | 0x80;
                bytes.extend([0xed, part(6), part(0)]);
            }
            Err(_) => bytes.extend_from_slice("\u{fffd}".as_bytes()),
        }
    }
    bytes
}
