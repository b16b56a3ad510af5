//! One segment of an inspected dump: what the report says of it, and its bytes.

use crate::error::Error;
use crate::layout::SegmentContents;
use crate::position::SegmentOffset;
use crate::targets::Target;
use crate::{report, shm};

/// A segment of an [`Inspection`](super::Inspection).
#[derive(Clone, Copy)]
pub struct InspectedSegment<'a> {
    /// What the report says of it.
    pub report: &'a report::Segment,
    /// Where it was attached, and which of its bytes the dump holds.
    pub memory: &'a shm::Segment,
    /// The process that attached it.
    pub target: &'a dyn Target,
}

impl<'a> InspectedSegment<'a> {
    /// Its number in the report, from 1.
    pub fn number(&self) -> usize {
        self.report.number
    }

    /// Copies saved bytes from `offset` on, from whichever attachment saved them. The count ends at the first byte that the
    /// dump lacks.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read(&self, offset: SegmentOffset, into: &mut [u8]) -> Result<usize, Error> {
        self.memory.read(self.target, offset, into)
    }

    /// Its bytes, for a layout or a search.
    pub fn contents(&self) -> SegmentContents<'a> {
        SegmentContents { target: self.target, segment: self.memory }
    }
}
