//! The bytes of a segment in a file of their own: what `extract` wrote, or the segment that is alive.

use crate::error::Error;
use crate::position::{FileOffset, Interval, SegmentOffset};
use crate::source::Source;
use crate::types::contents::{Contents, Run};

/// The word for offsets behind the last byte of a segment whose exact size is known.
pub const PAST_END: &str = "past-end";

/// A source whose first byte is the segment's, but for some holes.
pub struct FileContents<'a> {
    source: &'a dyn Source,
    /// Sorted; none overlaps another.
    holes: Vec<(Interval<SegmentOffset>, &'static str)>,
}

impl<'a> FileContents<'a> {
    /// The bytes of `source`, without those in `holes`, and why those are missing.
    pub fn new(
        source: &'a dyn Source,
        holes: impl IntoIterator<Item = (Interval<SegmentOffset>, &'static str)>,
    ) -> Self {
        let mut sorted: Vec<_> = holes.into_iter().filter(|(hole, _)| !hole.is_empty()).collect();
        sorted.sort_by_key(|(hole, _)| hole.start());
        let mut end = SegmentOffset::new(0);
        sorted.retain(|(hole, _)| {
            let apart = hole.start() >= end;
            end = end.max(hole.end());
            apart
        });
        Self { source, holes: sorted }
    }
}

impl Contents for FileContents<'_> {
    fn end(&self) -> SegmentOffset {
        SegmentOffset::new(self.source.size())
    }

    fn read(&self, at: SegmentOffset, into: &mut [u8]) -> Result<usize, Error> {
        let run = self.run(at);
        let there = run.until.get().saturating_sub(at.get());
        let length = usize::try_from(there).unwrap_or(usize::MAX).min(into.len());
        let into = into.get_mut(..length).filter(|_| run.missing.is_none()).unwrap_or_default();
        let place = FileOffset::new(at.get());
        self.source.read_at(place, into).map_err(|source| Error::Read {
            what: "the bytes",
            at: place,
            source,
        })
    }

    fn run(&self, at: SegmentOffset) -> Run {
        let end = self.end();
        let next = self.holes.get(self.holes.partition_point(|(hole, _)| hole.end() <= at));
        match next {
            Some((hole, reason)) if hole.contains(at) => Run { until: hole.end(), missing: Some(reason) },
            _ if at >= end => Run { until: SegmentOffset::new(u64::MAX), missing: Some(PAST_END) },
            Some((hole, _)) => Run { until: hole.start().min(end), missing: None },
            None => Run { until: end, missing: None },
        }
    }
}
