//! The bytes of a segment, for a decoder.

use crate::error::Error;
use crate::position::{Address, SegmentOffset};
use crate::shm::{Piece, Segment};
use crate::targets::Target;
use crate::types::contents::{Contents, NOT_MAPPED, Run};

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
        let piece = self.segment.piece_at(offset).filter(Piece::is_there)?;
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
            Some(piece) => Run { until: piece.offsets.end(), missing: piece.reason() },
            None => {
                let pieces = self.segment.pieces();
                let next = pieces.get(pieces.partition_point(|piece| piece.offsets.start() <= at));
                let until = next.map_or(SegmentOffset::new(u64::MAX), |piece| piece.offsets.start());
                Run { until, missing: Some(NOT_MAPPED) }
            }
        }
    }
}
