//! Arrays, and how many of anything there are: what bytes claim is bounded by the bytes there are.

use super::{Decoder, Sink, Step, span};
use crate::error::Error;
use crate::position::SegmentOffset;
use crate::types::expression::Expression;
use crate::types::{Array, Count};

impl<'t> Decoder<'t, '_, '_, '_> {
    pub(super) fn array(&mut self, array: &'t Array, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        let size = array.element.size(self.machine);
        let (count, end) = self.extent(&array.count, at);
        // A byte at least is behind every element that is believed; elements of no bytes are one.
        let fits = |size: u64| match size {
            0 => 1,
            size => self.bound.saturating_sub(at).div_ceil(size),
        };
        let believed = match (count, size) {
            (Some(count), Some(size)) => count.min(fits(size)),
            (Some(count), None) => count,
            (None, Some(size)) => end.saturating_sub(at).checked_div(size).unwrap_or(0),
            (None, None) => u64::MAX,
        };
        if let Some(count) = count
            && count > believed
        {
            let offsets = span(at, at);
            self.finding(offsets, || format!("it claims {count} elements, but only {believed} fit"));
        }
        sink.begin_array();
        let mut next = at;
        let mut done = 0_u64;
        while done < believed && !self.over && !sink.is_full() {
            if count.is_none() && next >= end || size.is_none() && next >= self.bound {
                break;
            }
            if let Some(size) = size.filter(|size| *size > 0) {
                let left = believed.saturating_sub(done);
                let passed = sink.passes_over(SegmentOffset::new(next), size, left).min(left);
                done = done.saturating_add(passed);
                next = next.saturating_add(size.saturating_mul(passed));
                if passed == left {
                    break;
                }
            }
            if self.nodes >= self.limits.nodes {
                self.over = true;
                self.limit(format!("stopped after {} values", self.limits.nodes));
                break;
            }
            self.path.push(Step::Element(done));
            let before = next;
            let read = self.kind(&array.element, next, sink);
            self.path.pop();
            next = read?;
            done = done.saturating_add(1);
            if self.depth == 1 && !sink.element() {
                self.over = true;
            }
            if next <= before && size != Some(0) && count.is_none() {
                self.finding(span(before, before), || {
                    "an element without bytes would repeat for ever".to_owned()
                });
                break;
            }
        }
        let omitted = if size.is_some() || count.is_some() { believed.saturating_sub(done) } else { 0 };
        let whole = size.and_then(|size| at.checked_add(size.checked_mul(believed)?));
        let last = if omitted > 0 { whole.unwrap_or(next) } else { next };
        sink.end_array(span(at, last), omitted);
        self.last_number = None;
        Ok(last)
    }

    /// How many, and where they must end.
    pub(super) fn extent(&mut self, count: &Count, at: u64) -> (Option<u64>, u64) {
        match count {
            Count::Exactly(count) => (Some(self.count(count)), self.bound),
            Count::ToEnd => (None, self.bound),
            Count::Until(offset) => {
                let start = self.frames.last().map_or(0, |frame| frame.start);
                let end = self.offset(offset).and_then(|offset| start.checked_add(offset));
                (None, end.unwrap_or(at).clamp(at, self.bound.max(at)))
            }
        }
    }

    /// The value of a count. What is missing or negative counts as none, and is told.
    pub(super) fn count(&mut self, expression: &Expression) -> u64 {
        if let Some(count) = expression.constant() {
            return count;
        }
        self.offset(expression).unwrap_or(0)
    }

    /// The value of an offset or a count that must not be negative; tells if it is no such number.
    pub(super) fn offset(&mut self, expression: &Expression) -> Option<u64> {
        let value = expression.value(self);
        let offset = value.and_then(|value| u64::try_from(value).ok());
        if offset.is_none() {
            let at = self.frames.last().map_or(0, |frame| frame.start);
            self.finding(span(at, at), || match value {
                Some(value) => format!("{expression} is {value}, which is not a valid count or offset"),
                None => format!("{expression} is unknown: a field that it uses is not there"),
            });
        }
        offset
    }
}
