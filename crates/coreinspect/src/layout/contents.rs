//! Bytes in three states, for a decoder: read through a window, so that fields cost no system call each.

mod file;
mod window;

pub use file::{FileContents, PAST_END};
pub use window::Window;

use crate::error::Error;
use crate::memory::Dumped;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;

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

/// The bytes of `window` in runs as long as one thing holds of them: attachments and PT_LOADs that meet are one.
pub fn runs(
    contents: &dyn Contents,
    window: Interval<SegmentOffset>,
) -> impl Iterator<Item = (Interval<SegmentOffset>, Option<&'static str>)> + '_ {
    let mut at = window.start();
    std::iter::from_fn(move || {
        let start = at;
        let missing = contents.run(start).missing;
        while at < window.end() {
            let run = contents.run(at);
            if run.missing != missing {
                break;
            }
            at = run.until.max(at.checked_add(1)?).min(window.end());
        }
        let run = Interval::new(start, at).filter(|run| !run.is_empty())?;
        Some((run, missing))
    })
}
