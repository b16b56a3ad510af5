//! What there is to say beside the value: what is missing, what does not hold, where a limit ended it.

use std::borrow::Cow;
use std::fmt::Write;

use super::{Decoder, LockField, Sink, Step, Tested, span};
use crate::lock_shapes;
use crate::position::{Interval, SegmentOffset};
use crate::types::value::{Finding, Kind, Unavailable};

impl Decoder<'_, '_, '_, '_> {
    /// Tells that some of the bytes from `at` to `end` are missing.
    pub(super) fn missing(&mut self, at: u64, end: u64, sink: &mut impl Sink) {
        self.last_number = None;
        sink.value(span(at, end), Cow::Owned(Kind::Missing));
        self.unavailable(at, end);
    }

    /// Lists the first run of missing bytes between `at` and `end`.
    pub(super) fn unavailable(&mut self, at: u64, end: u64) {
        let contents = self.window.contents();
        let mut next = at;
        let (start, until, reason) = loop {
            if next >= end {
                return;
            }
            let run = contents.run(SegmentOffset::new(next));
            match run.missing {
                Some(reason) => break (next, run.until.get().min(end), reason),
                None => next = run.until.get().max(next.saturating_add(1)),
            }
        };
        if self.remarks.unavailable.len() >= self.limits.listed {
            self.remarks.unlisted = self.remarks.unlisted.saturating_add(1);
            return;
        }
        let path = self.path();
        if self.lists(&path, "") {
            self.remarks.unavailable.push(Unavailable { path, offsets: span(start, until), reason });
        }
    }

    pub(super) fn finding(&mut self, offsets: Interval<SegmentOffset>, message: impl FnOnce() -> String) {
        if self.remarks.findings.len() >= self.limits.listed {
            self.remarks.unlisted = self.remarks.unlisted.saturating_add(1);
            return;
        }
        let (path, message) = (self.path(), message());
        if self.lists(&path, &message) {
            self.remarks.findings.push(Finding { path, offsets, message });
        }
    }

    /// A lock stands between `at` and `end`. What stands in it is no lock of its own.
    pub(super) fn lock(&mut self, kind: lock_shapes::Kind, at: u64, end: u64) {
        let path = self.path();
        let inside = |lock: &LockField| span(at, end).intersection(lock.offsets).is_some();
        while self.remarks.locks.last().is_some_and(inside) {
            self.remarks.locks.pop();
        }
        let room = self.remarks.locks.len() < self.limits.listed.saturating_mul(10);
        if room && self.lists(&path, "") {
            self.remarks.locks.push(LockField { path, offsets: span(at, end), kind });
        }
    }

    /// Whether there is memory for a remark of these words, which is counted else.
    fn lists(&mut self, path: &str, message: &str) -> bool {
        let words = path.len().saturating_add(message.len()) as u64;
        let listed = self.budget.keep(words.saturating_add(size_of::<[Finding; 2]>() as u64));
        if !listed {
            self.remarks.unlisted = self.remarks.unlisted.saturating_add(1);
        }
        listed
    }

    pub(super) fn tested(&mut self) -> &mut Tested {
        &mut self.remarks.tested
    }

    pub(super) fn limit(&mut self, message: String) {
        if !self.remarks.limits.contains(&message) {
            self.remarks.limits.push(message);
        }
    }

    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            // Writing to a String does not fail.
            let _ = match step {
                Step::Field(name) if path.is_empty() => write!(path, "{name}"),
                Step::Field(name) => write!(path, ".{name}"),
                Step::Element(index) => write!(path, "[{index}]"),
            };
        }
        path
    }
}
