//! Where bytes stand in a segment, and in which field of its layout.

use std::sync::Arc;

use super::InspectedSegment;
use crate::error::Error;
use crate::layout::{Described, Layout, Subject};
use crate::position::{Interval, SegmentOffset};
use crate::report::SearchedSegment;
use crate::search::{Field, Hit, Pattern, fields, search};
use crate::types::Budget;

/// What is sought in a segment.
#[derive(Clone, Copy)]
pub struct Sought<'s> {
    /// The patterns.
    pub patterns: &'s [Pattern],
    /// Hits that are listed; all are counted.
    pub limit: usize,
    /// Saved bytes that are shown on both sides of a hit.
    pub context: u64,
    /// The layout whose fields the hits name; `None`: the one that fits.
    pub layout: Option<&'s dyn Layout>,
    /// Layouts that are asked beside the built-in ones, and before them.
    pub layouts: &'s [Arc<dyn Layout>],
}

impl InspectedSegment<'_> {
    /// Where the patterns stand in the offsets of `window`. The second value says why the hits have no fields, where the layout
    /// cannot be used.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn search(
        &self,
        window: Interval<SegmentOffset>,
        sought: &Sought<'_>,
    ) -> Result<(SearchedSegment, Option<String>), Error> {
        let found = search(&self.contents(), sought.patterns, window, sought.limit)?;
        let (named, problem) = match self.fields(&found.hits, sought)? {
            Ok(named) => (named, None),
            Err(problem) => ((None, Vec::new()), Some(problem)),
        };
        let numbered = (self.number(), self.memory);
        Ok((SearchedSegment::of(numbered, self.target, &found, named, sought.context), problem))
    }

    /// The fields that hold the hits, and whose they are.
    fn fields(&self, hits: &[Hit], sought: &Sought<'_>) -> Result<Result<Named, String>, Error> {
        if hits.is_empty() {
            return Ok(Ok((None, Vec::new())));
        }
        let contents = self.contents();
        let budget = Budget::of(self.target);
        let machine = self.target.identity().machine;
        let subject = Subject::new(&contents, self.memory.key, machine, Some(self.target), &budget)
            .called(self.memory.name.as_deref());
        Ok(match Described::of(&subject, sought.layout, sought.layouts) {
            Ok(Some(described)) => {
                let fields = fields(&subject, &described, hits)?;
                Ok((Some(described.layout), fields))
            }
            Ok(None) => Ok((None, Vec::new())),
            Err(problem) => Err(problem),
        })
    }
}

/// A layout, and the field that holds each hit.
type Named = (Option<String>, Vec<Option<Field>>);
