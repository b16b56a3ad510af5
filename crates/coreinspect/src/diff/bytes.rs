//! Which bytes differ, where both copies have them.

use crate::error::Error;
use crate::position::{Interval, Position, SegmentOffset};
use crate::types::contents::Contents;

/// Bytes that are read of each copy at a time.
const BLOCK: u64 = 256 << 10;
/// Bytes that are compared at a time, before it is asked which of them differ.
const STRIDE: usize = 64;

/// How two copies differ.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Bytes that both have.
    pub compared: u64,
    /// Those of them that differ.
    pub different: u64,
    /// The runs of these, as long as they can be, by offset: the first of them.
    pub ranges: Vec<Interval<SegmentOffset>>,
    /// How many runs there are beyond those.
    pub more_ranges: u64,
    /// What only one has, or neither, although it is mapped.
    pub not_compared: Vec<NotCompared>,
}

/// A run that was not compared, and why: the words of [`Dumped::reason`](crate::memory::Dumped::reason), "not-mapped", or
/// "past-end"; `None` for the copy that has the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCompared {
    /// Its offsets.
    pub offsets: Interval<SegmentOffset>,
    /// Why the left copy lacks it.
    pub left: Option<&'static str>,
    /// Why the right copy lacks it.
    pub right: Option<&'static str>,
}

/// Compares `left` and `right` byte by byte; of the runs that differ the first `most` are kept, all are counted.
///
/// # Errors
/// [`Error::Read`].
pub(crate) fn compare(left: &dyn Contents, right: &dyn Contents, most: usize) -> Result<Compared, Error> {
    let mut comparison =
        Comparison { most, done: Compared::default(), open: None, blocks: Default::default() };
    let end = left.end().max(right.end());
    let mut at = SegmentOffset::new(0);
    while at < end {
        let (here, there) = (left.run(at), right.run(at));
        let until = here.until.min(there.until).min(end);
        let Some(run) = Interval::new(at, until).filter(|run| !run.is_empty()) else { break };
        match (here.missing, there.missing) {
            (None, None) => comparison.run(left, right, run)?,
            (left, right) => comparison.skip(run, left, right),
        }
        at = until;
    }
    comparison.close();
    Ok(comparison.done)
}

struct Comparison {
    most: usize,
    done: Compared,
    /// The run of differing bytes that may go on.
    open: Option<Interval<SegmentOffset>>,
    blocks: [Vec<u8>; 2],
}

impl Comparison {
    fn run(
        &mut self,
        left: &dyn Contents,
        right: &dyn Contents,
        run: Interval<SegmentOffset>,
    ) -> Result<(), Error> {
        let [mut here, mut there] = std::mem::take(&mut self.blocks);
        let mut at = run.start();
        while let Some(rest) = Interval::new(at, run.end()).filter(|rest| !rest.is_empty()) {
            let length = usize::try_from(rest.length().min(BLOCK)).unwrap_or(0);
            here.resize(length, 0);
            there.resize(length, 0);
            let count = left.read(at, &mut here)?.min(right.read(at, &mut there)?);
            let (Some(one), Some(other)) = (here.get(..count), there.get(..count)) else { break };
            if count == 0 {
                // A copy has fewer bytes than it said: a file that became shorter, a process that ended.
                self.skip(rest, Some("not-readable"), Some("not-readable"));
                break;
            }
            self.done.compared = self.done.compared.saturating_add(count as u64);
            if one != other {
                self.differ(at, one, other);
            }
            at = at.checked_add(count as u64).unwrap_or(run.end());
        }
        self.blocks = [here, there];
        Ok(())
    }

    /// Finds the bytes that differ in blocks that do.
    fn differ(&mut self, start: SegmentOffset, one: &[u8], other: &[u8]) {
        let strides = one.chunks(STRIDE).zip(other.chunks(STRIDE)).zip((0_u64..).step_by(STRIDE));
        for ((one, other), inside) in strides.filter(|((one, other), _)| one != other) {
            let pairs = (inside..).zip(one.iter().zip(other));
            for (inside, _) in pairs.filter(|(_, (one, other))| one != other) {
                if let Some(at) = start.checked_add(inside) {
                    self.differs(at);
                }
            }
        }
    }

    fn differs(&mut self, at: SegmentOffset) {
        self.done.different = self.done.different.saturating_add(1);
        let byte = Interval::clamped(at, 1);
        self.open = match self.open {
            Some(open) if open.end() == at => Interval::new(open.start(), byte.end()),
            _ => {
                self.close();
                Some(byte)
            }
        };
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        if self.done.ranges.len() < self.most {
            self.done.ranges.push(open);
        } else {
            self.done.more_ranges = self.done.more_ranges.saturating_add(1);
        }
    }

    fn skip(
        &mut self,
        run: Interval<SegmentOffset>,
        left: Option<&'static str>,
        right: Option<&'static str>,
    ) {
        let nowhere = |reason| ["not-mapped", "past-end"].contains(&reason);
        if left.is_some_and(nowhere) && right.is_some_and(nowhere) {
            return;
        }
        if let Some(last) = self.done.not_compared.last_mut()
            && (last.left, last.right) == (left, right)
            && last.offsets.end() == run.start()
            && let Some(joined) = Interval::new(last.offsets.start(), run.end())
        {
            last.offsets = joined;
            return;
        }
        self.done.not_compared.push(NotCompared { offsets: run, left, right });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Truth by the dullest means: one bool a byte.
    #[test]
    fn ranges_are_those_that_a_byte_by_byte_comparison_finds() {
        let mut state = 0x1234_5678_9abc_def1_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        for round in 0..20 {
            let length = 3 * BLOCK as usize + random(5000) as usize;
            let left: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut right = left.clone();
            for _ in 0..random(50) {
                let at = random(length as u64 - 300) as usize;
                let count = random(if round % 2 == 0 { 3 } else { 300 }) as usize;
                right[at..at + count].iter_mut().for_each(|byte| *byte ^= 1 + (at as u8 & 0x7e));
            }
            // Runs that cross a block's edge are one.
            let edge = BLOCK as usize;
            right[edge - 2..edge + 2].copy_from_slice(&[0xaa; 4]);
            let mut expected = Vec::<(u64, u64)>::new();
            for at in (0..length).filter(|at| left[*at] != right[*at]) {
                match expected.last_mut() {
                    Some(last) if last.1 == at as u64 => last.1 += 1,
                    _ => expected.push((at as u64, at as u64 + 1)),
                }
            }
            let compared = compare(&left.as_slice(), &right.as_slice(), usize::MAX).unwrap();
            let ranges: Vec<_> =
                compared.ranges.iter().map(|range| (range.start().get(), range.end().get())).collect();
            assert_eq!(ranges, expected);
            assert_eq!(compared.different, expected.iter().map(|(start, end)| end - start).sum::<u64>());
            assert_eq!((compared.compared, compared.more_ranges), (length as u64, 0));
            let few = compare(&left.as_slice(), &right.as_slice(), 1).unwrap();
            assert_eq!(
                (few.ranges.len() as u64 + few.more_ranges, few.different),
                (ranges.len() as u64, compared.different)
            );
        }
        let shorter = compare(&b"abc".as_slice(), &b"abcdef".as_slice(), 9).unwrap();
        assert_eq!((shorter.compared, shorter.different), (3, 0));
        let tail = NotCompared {
            offsets: Interval::clamped(SegmentOffset::new(3), 3),
            left: Some("not-mapped"),
            right: None,
        };
        assert_eq!(shorter.not_compared, [tail]);
    }
}
