//! Places in a target's memory, in a dump's file and in a segment, each a type of its own.
//!
//! In a simple dump an address, a file offset and a segment offset can be the same number, so a
//! mix-up would pass every test until a real dump comes. All are counted in bytes; arithmetic is
//! checked, because each operand comes from a file that may lie.

use std::fmt;

/// A place that counts bytes from a start of its own.
pub trait Position: Copy + Ord + fmt::LowerHex {
    /// The place `value` bytes from the start.
    fn new(value: u64) -> Self;
    /// Bytes from the start.
    fn get(self) -> u64;
    /// This place moved up by `bytes`, unless that passes the end of the address space.
    fn checked_add(self, bytes: u64) -> Option<Self> {
        self.get().checked_add(bytes).map(Self::new)
    }
    /// This place moved down by `bytes`, unless that passes the start.
    fn checked_sub(self, bytes: u64) -> Option<Self> {
        self.get().checked_sub(bytes).map(Self::new)
    }
    /// Bytes from `origin` up to this place, unless `origin` lies above it.
    fn offset_from(self, origin: Self) -> Option<u64> {
        self.get().checked_sub(origin.get())
    }
}

macro_rules! position {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The place `value` bytes from the start.
            pub const fn new(value: u64) -> Self {
                Self(value)
            }

            /// Bytes from the start.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl Position for $name {
            fn new(value: u64) -> Self {
                Self(value)
            }
            fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    };
}

position! {
    /// A virtual address of the target process.
    Address
}
position! {
    /// A byte of the dump's file, counted from its start.
    FileOffset
}
position! {
    /// A byte of a segment, counted from where `shmat` put its first one.
    SegmentOffset
}

/// A number of bytes as people write it: `4096` or `0x1000`.
///
/// # Errors
/// `text` is neither, or is too large.
pub fn bytes(text: &str) -> Result<u64, std::num::ParseIntError> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
}

/// Bytes from `start` up to, and without, `end`. Never reversed; may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval<P> {
    start: P,
    end: P,
}

impl<P: Position> Interval<P> {
    /// `None` if `end` lies below `start`.
    pub fn new(start: P, end: P) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// `length` bytes from `start`; `None` if they pass the end of the address space.
    pub fn with_length(start: P, length: u64) -> Option<Self> {
        Some(Self { start, end: start.checked_add(length)? })
    }

    /// `length` bytes from `start`, or fewer where the address space ends before.
    pub fn clamped(start: P, length: u64) -> Self {
        Self { start, end: P::new(start.get().saturating_add(length)) }
    }

    /// The first byte's place.
    pub fn start(self) -> P {
        self.start
    }

    /// The place after the last byte.
    pub fn end(self) -> P {
        self.end
    }

    /// How many bytes.
    pub fn length(self) -> u64 {
        self.end.get().saturating_sub(self.start.get())
    }

    /// Whether no byte is in it.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Whether `place` is one of its bytes.
    pub fn contains(self, place: P) -> bool {
        self.start <= place && place < self.end
    }

    /// The bytes that both hold; `None` if there are none.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let both = Self::new(self.start.max(other.start), self.end.min(other.end))?;
        (!both.is_empty()).then_some(both)
    }
}

impl<P: Position> fmt::Display for Interval<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}-{:#x}", self.start, self.end)
    }
}

/// A set of bytes, kept as sorted intervals that neither overlap nor touch.
///
/// Adding n intervals in any order costs n log n, however they overlap: what is swallowed is gone.
#[derive(Clone, Debug)]
pub struct Coverage<P> {
    intervals: std::collections::BTreeMap<P, P>,
}

impl<P: Position> Default for Coverage<P> {
    fn default() -> Self {
        Self { intervals: std::collections::BTreeMap::new() }
    }
}

impl<P: Position> Coverage<P> {
    /// Adds `interval` and hands each part of it that was not covered before to `uncovered`, lowest first.
    pub fn add(&mut self, interval: Interval<P>, mut uncovered: impl FnMut(Interval<P>)) {
        if interval.is_empty() {
            return;
        }
        let (mut start, mut end) = (interval.start, interval.end);
        let mut next = interval.start;
        let before = self.intervals.range(..=start).next_back().map(|(&start, &end)| (start, end));
        if let Some((before_start, before_end)) = before
            && before_end >= start
        {
            start = before_start;
            next = next.max(before_end);
            end = end.max(before_end);
        }
        let swallowed: Vec<(P, P)> =
            self.intervals.range(interval.start..=interval.end).map(|(&start, &end)| (start, end)).collect();
        for (swallowed_start, swallowed_end) in swallowed {
            if next < swallowed_start {
                uncovered(Interval { start: next, end: swallowed_start.min(interval.end) });
            }
            next = next.max(swallowed_end);
            end = end.max(swallowed_end);
            self.intervals.remove(&swallowed_start);
        }
        if next < interval.end {
            uncovered(Interval { start: next, end: interval.end });
        }
        self.intervals.insert(start, end);
    }

    /// The interval that holds `place`.
    pub fn holding(&self, place: P) -> Option<Interval<P>> {
        let (&start, &end) = self.intervals.range(..=place).next_back()?;
        (place < end).then_some(Interval { start, end })
    }

    /// The intervals, lowest first.
    pub fn intervals(&self) -> impl Iterator<Item = Interval<P>> + '_ {
        self.intervals.iter().map(|(&start, &end)| Interval { start, end })
    }

    /// How many bytes are covered.
    pub fn total(&self) -> u64 {
        self.intervals().fold(0, |total, interval| total.saturating_add(interval.length()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: u64, end: u64) -> Interval<SegmentOffset> {
        Interval::new(SegmentOffset::new(start), SegmentOffset::new(end)).unwrap()
    }

    /// Truth by the dullest means: one bool a byte.
    #[test]
    fn coverage_agrees_with_a_bitmap() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        for _ in 0..500 {
            let mut coverage = Coverage::default();
            let mut bitmap = [false; 64];
            for _ in 0..random(12) {
                let start = random(60);
                let end = start + random(64 - start);
                let mut new = Vec::new();
                coverage.add(interval(start, end), |part| new.push((part.start().get(), part.end().get())));
                let mut expected = Vec::<(u64, u64)>::new();
                for byte in start..end {
                    if !bitmap[byte as usize] {
                        match expected.last_mut() {
                            Some(last) if last.1 == byte => last.1 = byte + 1,
                            _ => expected.push((byte, byte + 1)),
                        }
                    }
                    bitmap[byte as usize] = true;
                }
                assert_eq!(new, expected);
                assert_eq!(coverage.total(), bitmap.iter().filter(|covered| **covered).count() as u64);
            }
            let ends: Vec<_> = coverage.intervals().collect();
            assert!(ends.windows(2).all(|pair| pair[0].end() < pair[1].start()), "{ends:?}");
        }
    }
}
