//! Other copies of a core's segments.

use crate::diff::{self, MatchedBy};
use crate::error::Error;
use crate::layout::SegmentContents;
use crate::memory::Dumped;
use crate::position::SegmentOffset;
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::contents::{Contents, Run};

/// A copy of a segment of the core.
pub struct Copy<'c> {
    /// The index of the segment in the core.
    pub segment: usize,
    /// The index of the source that has the copy.
    pub source: usize,
    /// What says that it is of the same segment.
    pub by: MatchedBy,
    /// Its bytes.
    pub contents: Box<dyn Contents + 'c>,
}

impl<'c> Copy<'c> {
    /// The copies that `target`, whose segments are `others`, has of `segments`.
    pub fn all(
        (core, segments): (&dyn Target, &[Segment]),
        (target, others): (&'c dyn Target, &'c [Segment]),
        source: usize,
    ) -> Vec<Self> {
        let (one, other) = (core.process(), target.process());
        let same_process = one.pid.is_some() && (one.pid, &one.command) == (other.pid, &other.command);
        let pairs = diff::pair(segments, others, same_process).into_iter();
        let copies = pairs.filter_map(|pair| {
            let segment = others.get(pair.right?)?;
            let contents = Box::new(Saved(SegmentContents { target, segment }));
            Some(Self { segment: pair.left?, source, by: pair.by?, contents })
        });
        copies.collect()
    }

    /// How sure it is that the copy is of the same segment: the lowest is the surest.
    pub(super) fn rank(&self) -> u8 {
        match self.by {
            MatchedBy::ShmId => 0,
            MatchedBy::Process => 1,
            MatchedBy::Pair => 2,
            _ => 3,
        }
    }
}

/// The bytes that a dump saved itself: what it was filled with is another's.
struct Saved<'c>(SegmentContents<'c>);

impl Contents for Saved<'_> {
    fn end(&self) -> SegmentOffset {
        self.0.end()
    }

    fn read(&self, at: SegmentOffset, into: &mut [u8]) -> Result<usize, Error> {
        let run = self.run(at);
        let there = run.until.get().saturating_sub(at.get());
        let length = usize::try_from(there).unwrap_or(usize::MAX).min(into.len());
        let into = into.get_mut(..length).filter(|_| run.missing.is_none()).unwrap_or_default();
        self.0.read(at, into)
    }

    fn run(&self, at: SegmentOffset) -> Run {
        let run = self.0.run(at);
        let piece = self.0.segment.piece_at(at).filter(|piece| piece.dumped != Dumped::Saved);
        Run { missing: run.missing.or_else(|| piece?.dumped.reason()), ..run }
    }
}
