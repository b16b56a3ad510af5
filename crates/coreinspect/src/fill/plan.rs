//! What is filled, and from which copy.

use std::cmp::Reverse;

use super::{Copy, FillError};
use crate::diff;
use crate::layout::SegmentContents;
use crate::position::{Address, Coverage, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::contents::Contents;

/// A run of missing memory and the copy that has its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its addresses.
    pub range: Interval<Address>,
    /// The index of the segment.
    pub segment: usize,
    /// The same as offsets in it.
    pub offsets: Interval<SegmentOffset>,
    /// The index of the copy; `None`: the core itself has the bytes, at another attachment of the segment.
    pub copy: Option<usize>,
}

/// What is filled of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilledSegment {
    /// The index of the segment.
    pub segment: usize,
    /// Bytes of its attachments that the core lacks.
    pub missing: u64,
    /// Those of them that are filled, by the index of the copy (`None`: the core itself), in the order in which they were asked.
    pub filled: Vec<(Option<usize>, u64)>,
    /// The copies that differ from what the core has.
    pub conflicts: Vec<Conflict>,
}

/// A copy that has other bytes than the core at the same offsets. The core's own stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The index of the copy.
    pub copy: usize,
    /// Bytes that both have.
    pub compared: u64,
    /// Those of them that differ.
    pub different: u64,
    /// The first of them.
    pub first: Option<SegmentOffset>,
}

/// What is filled of a core.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The runs, by address.
    pub parts: Vec<Part>,
    /// Each segment that lacks bytes, or of which a copy differs.
    pub segments: Vec<FilledSegment>,
}

impl Plan {
    /// What of `segments`, those of `core`, can be filled from `copies`: each byte from the copy that is surest to be of the same
    /// segment, then from the one that differs least from what the core has, then from the first.
    ///
    /// # Errors
    /// [`FillError::Read`].
    pub fn new(core: &dyn Target, segments: &[Segment], copies: &[Copy<'_>]) -> Result<Self, FillError> {
        let mut this = Self::default();
        let mut covered = Coverage::default();
        for (index, segment) in segments.iter().enumerate() {
            let mut filled = FilledSegment { segment: index, ..FilledSegment::default() };
            let own = SegmentContents { target: core, segment };
            let mut ranked = Vec::new();
            for (number, copy) in copies.iter().enumerate().filter(|(_, copy)| copy.segment == index) {
                let compared = diff::compare(&own, &*copy.contents, 1)?;
                if compared.different > 0 {
                    filled.conflicts.push(Conflict {
                        copy: number,
                        compared: compared.compared,
                        different: compared.different,
                        first: compared.ranges.first().map(|range| range.start()),
                    });
                }
                // Equal bytes speak for a copy, in parts of a thousand; without any nothing does.
                let equal = compared.compared.saturating_sub(compared.different).saturating_mul(1000);
                let equal = equal.checked_div(compared.compared).unwrap_or(0);
                ranked.push(((copy.rank(), Reverse(equal)), number));
            }
            ranked.sort_unstable();
            let order: Vec<_> = ranked.into_iter().map(|(_, number)| number).collect();
            for mapping in segment.attachments.iter().flat_map(|attachment| &attachment.mappings) {
                for extent in mapping.runs().iter().filter(|extent| !extent.is_there()) {
                    let Some(offsets) = mapping.offsets(extent.range) else { continue };
                    filled.missing = filled.missing.saturating_add(extent.range.length());
                    let mut left = vec![offsets];
                    this.take(&own, &mut left, (extent.range, offsets), (index, None), &mut covered);
                    for number in &order {
                        let Some(copy) = copies.get(*number) else { continue };
                        let part = (index, Some(*number));
                        this.take(&*copy.contents, &mut left, (extent.range, offsets), part, &mut covered);
                    }
                }
            }
            let own_parts = this.parts.iter().filter(|part| part.segment == index);
            for copy in [None].into_iter().chain(order.into_iter().map(Some)) {
                let bytes = own_parts.clone().filter(|part| part.copy == copy);
                let bytes = bytes.fold(0_u64, |sum, part| sum.saturating_add(part.range.length()));
                filled.filled.extend((bytes > 0).then_some((copy, bytes)));
            }
            if filled.missing > 0 || !filled.conflicts.is_empty() {
                this.segments.push(filled);
            }
        }
        this.parts.sort_unstable_by_key(|part| part.range.start());
        Ok(this)
    }

    /// Forgets all but the segment of this index.
    pub fn keep(&mut self, only: Option<usize>) {
        let Some(only) = only else { return };
        self.parts.retain(|part| part.segment == only);
        self.segments.retain(|segment| segment.segment == only);
    }

    /// Bytes that are filled.
    pub fn filled(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.range.length()))
    }

    /// Takes what `contents` has of the offsets in `left`, and leaves there what it has not. `whole` is the run that these lie in.
    fn take(
        &mut self,
        contents: &dyn Contents,
        left: &mut Vec<Interval<SegmentOffset>>,
        whole: (Interval<Address>, Interval<SegmentOffset>),
        (segment, copy): (usize, Option<usize>),
        covered: &mut Coverage<Address>,
    ) {
        let (range, offsets) = whole;
        for wanted in std::mem::take(left) {
            let mut at = wanted.start();
            while at < wanted.end() {
                let run = contents.run(at);
                let until = run.until.min(wanted.end());
                let Some(part) = Interval::new(at, until).filter(|part| !part.is_empty()) else { break };
                at = until;
                if run.missing.is_some() {
                    left.push(part);
                    continue;
                }
                let start = part.start().offset_from(offsets.start());
                let Some(start) = start.and_then(|behind| range.start().checked_add(behind)) else {
                    continue;
                };
                // Mappings of a hostile core can overlap.
                covered.add(Interval::clamped(start, part.length()), |range| {
                    let behind = range.start().offset_from(start).unwrap_or(0);
                    if let Some(first) = part.start().checked_add(behind) {
                        let offsets = Interval::clamped(first, range.length());
                        self.parts.push(Part { range, segment, offsets, copy });
                    }
                });
            }
        }
    }
}
