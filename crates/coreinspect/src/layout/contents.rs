//! Bytes in three states, for a decoder: read through a window, so that fields cost no system call each.

use std::cell::RefCell;

use super::Budget;
use crate::error::Error;
use crate::memory::Dumped;
use crate::position::{Address, Position, SegmentOffset};
use crate::shm::Segment;
use crate::target::Target;

/// The contract's word for offsets that no attachment covers.
const NOT_MAPPED: &str = "not-mapped";

/// Bytes of which some may be missing. What is missing is never read as zero.
pub trait Contents {
    /// The offset after the last byte, there or missing.
    fn end(&self) -> SegmentOffset;

    /// Copies bytes that are there, from `at` on; the count ends at the first that is missing.
    ///
    /// # Errors
    /// [`Error::Read`].
    fn read(&self, at: SegmentOffset, into: &mut [u8]) -> Result<usize, Error>;

    /// Whether the byte at `at` is there, and up to where the same holds.
    fn run(&self, at: SegmentOffset) -> Run;
}

/// Bytes of which one thing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The offset after the last one.
    pub until: SegmentOffset,
    /// Why they are missing; `None` if they are there.
    pub missing: Option<&'static str>,
}

/// Bytes that are all there.
impl Contents for &[u8] {
    fn end(&self) -> SegmentOffset {
        SegmentOffset::new(self.len() as u64)
    }

    fn read(&self, at: SegmentOffset, into: &mut [u8]) -> Result<usize, Error> {
        let from = usize::try_from(at.get()).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = from.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..count), from.get(..count)) {
            into.copy_from_slice(from);
        }
        Ok(count)
    }

    fn run(&self, at: SegmentOffset) -> Run {
        let end = Contents::end(self);
        match at < end {
            true => Run { until: end, missing: None },
            false => Run { until: SegmentOffset::new(u64::MAX), missing: Some(NOT_MAPPED) },
        }
    }
}

/// The bytes of a segment as a target shows them, from whichever attachment saved them.
#[derive(Clone, Copy)]
pub struct SegmentContents<'a> {
    /// Where the bytes are.
    pub target: &'a dyn Target,
    /// Which segment.
    pub segment: &'a Segment,
}

impl SegmentContents<'_> {
    /// The base of the attachment from which the byte at `offset` is read; `None` if it is not saved.
    pub fn read_from(&self, offset: SegmentOffset) -> Option<Address> {
        let piece = self.segment.piece_at(offset).filter(|piece| piece.dumped == Dumped::Saved)?;
        let mut attachments = self.segment.attachments.iter();
        let holding = attachments.find(|attachment| {
            attachment.mappings.iter().any(|mapping| mapping.range.contains(piece.address))
        });
        holding?.base
    }
}

impl Contents for SegmentContents<'_> {
    fn end(&self) -> SegmentOffset {
        self.segment.end()
    }

    fn read(&self, at: SegmentOffset, into: &mut [u8]) -> Result<usize, Error> {
        self.segment.read(self.target, at, into)
    }

    fn run(&self, at: SegmentOffset) -> Run {
        match self.segment.piece_at(at) {
            Some(piece) => Run { until: piece.offsets.end(), missing: piece.dumped.reason() },
            None => {
                let pieces = self.segment.pieces();
                let next = pieces.get(pieces.partition_point(|piece| piece.offsets.start() <= at));
                let until = next.map_or(SegmentOffset::new(u64::MAX), |piece| piece.offsets.start());
                Run { until, missing: Some(NOT_MAPPED) }
            }
        }
    }
}

/// Bytes of the first read: with thousands of segments the system calls are what a listing costs.
const FIRST: usize = 1024;
/// Bytes of every other.
const BLOCK: usize = 256 << 10;

/// A window over [`Contents`] that moves where it is asked to look.
pub struct Window<'a> {
    contents: &'a dyn Contents,
    block: Vec<u8>,
    start: u64,
    /// Whether a read was not done because too much was read before.
    stopped: bool,
}

impl<'a> Window<'a> {
    /// A window that has read nothing yet.
    pub fn new(contents: &'a dyn Contents) -> Self {
        Self { contents, block: Vec::new(), start: 0, stopped: false }
    }

    /// What is looked at.
    pub fn contents(&self) -> &'a dyn Contents {
        self.contents
    }

    /// Whether bytes that are there were not read, because the budget was spent.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Whether the byte at `at` is there, and was read.
    pub fn holds(&self, at: u64) -> bool {
        self.position(at, 1).is_some()
    }

    /// `length` bytes at `at`; `None` if one of them is missing, or they are more than a window holds.
    ///
    /// # Errors
    /// [`Error::Read`].
    #[inline]
    pub fn bytes(&mut self, at: u64, length: usize, budget: &mut Budget) -> Result<Option<&[u8]>, Error> {
        let mut start = self.position(at, length);
        if start.is_none() {
            self.move_to(at, length, budget)?;
            start = self.position(at, length);
        }
        Ok(start.and_then(|start| self.block.get(start..)?.get(..length)))
    }

    /// The bytes that are there from `at` on, as many as the window holds; empty if the first is missing.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn some_bytes(&mut self, at: u64, budget: &mut Budget) -> Result<&[u8], Error> {
        if self.position(at, 1).is_none() {
            self.move_to(at, 1, budget)?;
        }
        Ok(self.position(at, 1).and_then(|start| self.block.get(start..)).unwrap_or_default())
    }

    #[inline]
    fn position(&self, at: u64, length: usize) -> Option<usize> {
        let start = usize::try_from(at.checked_sub(self.start)?).ok()?;
        (start.checked_add(length)? <= self.block.len()).then_some(start)
    }

    fn move_to(&mut self, at: u64, length: usize, budget: &mut Budget) -> Result<(), Error> {
        let place = SegmentOffset::new(at);
        let run = self.contents.run(place);
        if run.missing.is_some() {
            return Ok(());
        }
        let first = self.block.is_empty();
        let wanted = if first && length <= FIRST { FIRST } else { BLOCK };
        let there = usize::try_from(run.until.offset_from(place).unwrap_or(0)).unwrap_or(usize::MAX);
        if !first && !budget.take(wanted.min(there) as u64) {
            self.stopped = true;
            return Ok(());
        }
        self.block.resize(wanted, 0);
        let count = self.contents.read(place, &mut self.block)?;
        self.block.truncate(count);
        self.start = at;
        Ok(())
    }
}

/// A window that several may look through, in turn.
pub type SharedWindow<'a> = RefCell<Window<'a>>;
