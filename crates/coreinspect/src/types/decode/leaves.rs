//! A sink that hands on every value with its path and keeps none: who looks for a few bytes of a large segment.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use super::Sink;
use crate::position::{Interval, SegmentOffset};
use crate::types::value::Kind;

/// What [`Leaves`] tells of a value.
#[derive(Clone, Debug)]
pub struct Leaf<'k> {
    /// `head.items[3].name`; empty for the whole.
    pub path: String,
    /// Where its bytes stand.
    pub offsets: Interval<SegmentOffset>,
    /// What they said; `None` for a struct or an array, whose parts were told before it.
    pub kind: Option<&'k Kind>,
}

/// Tells of the values that share a byte with `wanted`, parts before what holds them. Elements of one size that hold no
/// wanted byte are not even decoded.
pub struct Leaves<'s, F> {
    /// Sorted; none overlaps another.
    wanted: &'s [Interval<SegmentOffset>],
    each: F,
    open: Vec<Open>,
}

enum Open {
    Struct(Option<Arc<str>>),
    Array(u64),
}

impl<'s, F: FnMut(Leaf<'_>)> Leaves<'s, F> {
    /// Tells `each` of the values at `wanted`, which must be sorted and apart.
    pub fn new(wanted: &'s [Interval<SegmentOffset>], each: F) -> Self {
        Self { wanted, each, open: Vec::new() }
    }

    /// The first wanted bytes that end behind `at`.
    fn next(&self, at: SegmentOffset) -> Option<Interval<SegmentOffset>> {
        self.wanted.get(self.wanted.partition_point(|wanted| wanted.end() <= at)).copied()
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.open {
            // Writing to a String does not fail.
            let _ = match open {
                Open::Struct(None) => Ok(()),
                Open::Struct(Some(name)) if path.is_empty() => write!(path, "{name}"),
                Open::Struct(Some(name)) => write!(path, ".{name}"),
                Open::Array(index) => write!(path, "[{index}]"),
            };
        }
        path
    }

    fn tell(&mut self, offsets: Interval<SegmentOffset>, kind: Option<&Kind>) {
        let wanted = self.next(offsets.start()).is_some_and(|next| next.intersection(offsets).is_some());
        if wanted {
            let leaf = Leaf { path: self.path(), offsets, kind };
            (self.each)(leaf);
        }
        if let Some(Open::Array(index)) = self.open.last_mut() {
            *index = index.saturating_add(1);
        }
    }
}

impl<F: FnMut(Leaf<'_>)> Sink for Leaves<'_, F> {
    fn begin_struct(&mut self) {
        self.open.push(Open::Struct(None));
    }

    fn field(&mut self, name: &Arc<str>) {
        if let Some(Open::Struct(field)) = self.open.last_mut() {
            *field = Some(name.clone());
        }
    }

    fn end_struct(&mut self, offsets: Interval<SegmentOffset>) {
        self.open.pop();
        self.tell(offsets, None);
    }

    fn begin_array(&mut self) {
        self.open.push(Open::Array(0));
    }

    fn end_array(&mut self, offsets: Interval<SegmentOffset>, _: u64) {
        self.open.pop();
        self.tell(offsets, None);
    }

    fn passes_over(&mut self, at: SegmentOffset, size: u64, left: u64) -> u64 {
        let passed = match self.next(at) {
            None => left,
            Some(next) => {
                let before = next.start().get().saturating_sub(at.get());
                before.checked_div(size).unwrap_or(0).min(left)
            }
        };
        if let Some(Open::Array(index)) = self.open.last_mut() {
            *index = index.saturating_add(passed);
        }
        passed
    }

    fn value(&mut self, offsets: Interval<SegmentOffset>, kind: Cow<'_, Kind>) {
        self.tell(offsets, Some(&kind));
    }
}
