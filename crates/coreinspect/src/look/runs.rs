//! Runs of equal bytes.

use super::Found;
use super::chunk::Grain;
use crate::position::{Interval, SegmentOffset};

/// Bytes that are all equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where they stand.
    pub offsets: Interval<SegmentOffset>,
    /// Which byte it is.
    pub byte: u8,
}

/// Shorter runs are not told.
const LEAST: u64 = 64;

/// Finds them.
#[derive(Debug)]
pub(super) struct Runs {
    most: usize,
    /// The longest, in no order.
    longest: Vec<Run>,
    more: u64,
    start: u64,
    length: u64,
    byte: u8,
}

impl Runs {
    pub(super) fn new(most: usize) -> Self {
        Self { most, longest: Vec::new(), more: 0, start: 0, length: 0, byte: 0 }
    }

    pub(super) fn add(&mut self, at: u64, chunk: &[u8], grain: Grain) {
        if grain == Grain::Zero {
            return self.extend(at, 0, chunk.len());
        }
        let (mut at, mut rest) = (at, chunk);
        // A run that counts fills at least one of these; of other chunks only the ends matter.
        const PART: usize = 32;
        const _: () = assert!(PART as u64 * 2 == LEAST);
        if !chunk
            .chunks(PART)
            .any(|part| part.len() == PART && part.get(1..) == part.split_last().map(|(_, rest)| rest))
        {
            let (Some(&first), Some(&last)) = (chunk.first(), chunk.last()) else { return };
            let head = chunk.iter().take_while(|byte| **byte == first).count();
            self.extend(at, first, head);
            if head < chunk.len() {
                let tail = chunk.iter().rev().take_while(|byte| **byte == last).count();
                self.gap();
                self.extend(at.saturating_add(chunk.len().saturating_sub(tail) as u64), last, tail);
            }
            return;
        }
        while let Some(&byte) = rest.first() {
            let length = rest.iter().take_while(|other| **other == byte).count();
            self.extend(at, byte, length);
            at = at.saturating_add(length as u64);
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    fn extend(&mut self, at: u64, byte: u8, length: usize) {
        if byte != self.byte || self.length == 0 {
            self.gap();
            (self.start, self.byte) = (at, byte);
        }
        self.length = self.length.saturating_add(length as u64);
    }

    /// Ends the run: what follows does not stand next to it.
    pub(super) fn gap(&mut self) {
        let length = std::mem::take(&mut self.length);
        if length < LEAST {
            return;
        }
        let run = Run { offsets: Interval::clamped(SegmentOffset::new(self.start), length), byte: self.byte };
        if self.longest.len() < self.most {
            return self.longest.push(run);
        }
        self.more = self.more.saturating_add(1);
        let shortest = self.longest.iter_mut().min_by_key(|run| run.offsets.length());
        if let Some(shortest) = shortest.filter(|shortest| shortest.offsets.length() < length) {
            *shortest = run;
        }
    }

    pub(super) fn found(mut self) -> Found<Run> {
        self.longest.sort_by_key(|run| run.offsets.start());
        Found { shown: self.longest, more: self.more }
    }
}
