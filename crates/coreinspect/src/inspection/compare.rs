//! The same segment in two places, and how its copies differ.

use std::sync::Arc;

use super::{InspectedSegment, Inspection};
use crate::diff::newer::{self, Taken};
use crate::diff::{self, MatchedBy, Side};
use crate::error::Error;
use crate::layout::Layout;
use crate::report::{Called, DiffSegment};
use crate::types::contents::Contents;

/// A segment that two dumps have, or that is in one alone.
pub struct PairedSegments<'a> {
    /// In the dump on the left.
    pub left: Option<InspectedSegment<'a>>,
    /// In the dump on the right.
    pub right: Option<InspectedSegment<'a>>,
    /// What says that it is the same; `None` for one alone.
    pub by: Option<MatchedBy>,
}

/// A copy of a segment: in a dump, alive, or in a file.
#[derive(Clone)]
pub struct SegmentCopy<'a> {
    /// What it is called.
    pub called: Called,
    /// Its number in its dump.
    pub number: Option<usize>,
    /// Its bytes, and what is known of it.
    pub side: Side<'a>,
    /// When it was taken.
    pub taken: Taken,
}

/// Runs of differing bytes that are listed of a segment.
const MOST_RANGES: usize = 1_000_000;

impl Inspection {
    /// The segments of this dump, each with the same one of `other`; then those that `other` alone has.
    pub fn pairs<'a>(&'a self, other: &'a Self) -> Vec<PairedSegments<'a>> {
        let all = |inspection: &'a Self| inspection.read.as_ref().map_or(&[][..], |read| &read.segments);
        let pairs = diff::pair(all(self), all(other), self.same_process(other));
        let pairs = pairs.into_iter().map(|pair| PairedSegments {
            left: pair.left.and_then(|index| self.segment(index.checked_add(1)?)),
            right: pair.right.and_then(|index| other.segment(index.checked_add(1)?)),
            by: pair.by,
        });
        pairs.collect()
    }

    /// Whether both dumps seem to be of one process, taken one after the other.
    fn same_process(&self, other: &Self) -> bool {
        let (Some(one), Some(other)) = (self.target(), other.target()) else { return false };
        let (one, other) = (one.process(), other.process());
        one.pid.is_some() && (one.pid, &one.command) == (other.pid, &other.command)
    }
}

impl<'a> InspectedSegment<'a> {
    /// This segment with `contents`, its own bytes or those of another copy of it.
    pub fn side<'s>(&'s self, contents: &'s dyn Contents) -> Side<'s> {
        Side {
            contents,
            key: self.memory.key,
            machine: self.target.identity().machine,
            target: Some(self.target),
            facts: Some(&self.memory.facts),
        }
    }
}

/// How two copies of a segment differ: which bytes, which fields of `layout` (`None`: of the one that fits, `layouts` before the
/// built-in ones), and what says which copy is newer.
///
/// # Errors
/// [`Error::Read`].
pub fn compare(
    left: SegmentCopy<'_>,
    right: SegmentCopy<'_>,
    by: Option<MatchedBy>,
    layout: Option<&dyn Layout>,
    layouts: &[Arc<dyn Layout>],
) -> Result<DiffSegment, Error> {
    let (one, other) = (&left.side, &right.side);
    let compared = diff::compare(one.contents, other.contents, MOST_RANGES)?;
    let differing = diff::fields(one, other, &compared.ranges, layout, layouts)?;
    let mut evidence = Vec::new();
    if compared.different > 0 {
        evidence.extend(newer::of_times(left.taken, right.taken));
        evidence.extend(newer::of_facts(one.facts, other.facts));
        evidence.extend(newer::of_fields(&differing.fields));
    }
    Ok(DiffSegment::of(
        left.called.or(right.called),
        left.number,
        right.number,
        by,
        &compared,
        differing,
        &evidence,
    ))
}
