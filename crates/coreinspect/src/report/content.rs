//! From a segment's bytes to what they say.

use std::cell::OnceCell;
use std::sync::Arc;

use super::pointer::Ranges;
use super::{Content, ContentLock, Finding, Hex, Look, Options, Pointer, RunnerUp, Unavailable, Value};
use crate::error::Error;
use crate::layout::SegmentContents;
use crate::layout::{BUILTIN, Confidence, Layout, Subject, choose};
use crate::look::{self, Surroundings};
use crate::position::{Address, Position, SegmentOffset};
use crate::refs::Foreign;
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::Budget;
use crate::types::contents::Contents;
use crate::types::decode::{Decoded, Limits, Remarks, decode};
use crate::types::expression::Expression;
use crate::types::value::{Finding as Found, Unavailable as Lacking};
use crate::types::{Array, Count, Type};

/// What the report of a segment takes without its content, beside what its mappings may take.
const REPORT: u64 = 1024;

/// What the segments of one dump say. What is looked up for one of them serves the next, and all spend one budget.
pub(super) struct Decoding<'t> {
    target: &'t dyn Target,
    segments: &'t [Segment],
    options: &'t Options,
    budget: Budget,
    surroundings: OnceCell<Surroundings<'t>>,
    ranges: OnceCell<Ranges<'t>>,
}

impl<'t> Decoding<'t> {
    pub(super) fn new(target: &'t dyn Target, segments: &'t [Segment], options: &'t Options) -> Self {
        let budget = if options.full { Budget::for_all_of(target) } else { Budget::of(target) };
        // A person reads a line of each; thousands leave less room for what they say.
        budget.keep((segments.len() as u64).saturating_mul(REPORT).min(budget.left() / 2));
        Self { target, segments, options, budget, surroundings: OnceCell::new(), ranges: OnceCell::new() }
    }

    /// What `segment` says from the offset `at` on, by the layout that is asked for, or by the surest. Without a byte it
    /// says nothing, unless the user says what it is. `foreign` is its number, and where another process has it.
    pub(super) fn content(
        &self,
        segment: &Segment,
        at: u64,
        foreign: Option<(usize, Foreign)>,
    ) -> Result<Option<Content>, Error> {
        let Self { target, options, budget, .. } = self;
        if options.no_content || segment.saved() == 0 && options.layout.is_none() {
            return Ok(None);
        }
        let contents = SegmentContents { target: *target, segment };
        let machine = target.identity().machine;
        let subject = Subject::new(&contents, segment.key, machine, Some(*target), budget)
            .called(segment.name.as_deref());
        let (mut content, layout) = Content::chosen(&subject, options);
        content.offset = at;
        content.attachment = first_saved(&contents, at).map(Hex::from);
        let Some(layout) = layout else {
            self.look_at(segment, &mut content)?;
            return Ok(Some(content));
        };
        let kind = match layout.describe(&subject) {
            Ok(kind) => kind,
            Err(problem) => {
                content.limits.push(problem);
                return Ok(Some(content));
            }
        };
        let limits = if options.full { Limits::generous() } else { Limits::default() };
        let repeated = options.count.map(|count| repeated(&kind, count));
        let kind = repeated.as_ref().unwrap_or(&kind);
        let decoded = subject.reader(|window, budget| decode(kind, at, window, machine, limits, budget));
        if let Some(decoded) = decoded.transpose()? {
            let locks = decoded.remarks.locks.iter().cloned();
            let locks = locks.map(|field| ContentLock::of(segment, *target, field, budget));
            content.locks = locks.collect();
            let ranges = self.ranges.get_or_init(|| Ranges::of(self.target, self.segments));
            content.says(decoded, ranges, foreign, budget);
            let whole = at == 0 && options.count.is_none();
            let value = content.value.as_ref().filter(|_| whole);
            content.summary = value.and_then(|value| layout.summary(&value.0, &subject));
        }
        Ok(Some(content))
    }

    /// What the bytes look like, as far as the dump's budget allows.
    fn look_at(&self, segment: &Segment, content: &mut Content) -> Result<(), Error> {
        let surroundings = || self.surroundings.get_or_init(|| Surroundings::of(self.target));
        content.look = Look::within(&self.budget, self.target, surroundings, segment, look::Budget::LISTING)?;
        if content.look.is_none() {
            let claims = "the segments of this dump claim more bytes than it has";
            content.limits.push(format!("not looked at: {claims}"));
        }
        Ok(())
    }
}

impl Content {
    /// The layout that is asked for, or the surest, if any fits; and what the layouts said.
    fn chosen<'o>(subject: &Subject<'_>, options: &'o Options) -> (Self, Option<&'o dyn Layout>) {
        if let Some(layout) = &options.layout {
            let reasons = vec!["named by --layout".to_owned()];
            let content = Self::blank(Some(layout.as_ref()), Confidence::Forced, reasons);
            return (content, Some(layout.as_ref()));
        }
        let known = options.layouts.iter().map(Arc::as_ref).chain(BUILTIN.iter().copied());
        let choice = choose(known, subject);
        let Some((layout, verdict)) = choice.best else {
            let reasons = vec!["no known layout fits these bytes".to_owned()];
            if let Some(layout) = options.otherwise {
                return (Self::blank(Some(layout), Confidence::Forced, reasons), Some(layout));
            }
            return (Self::blank(None, Confidence::None, reasons), None);
        };
        let confidence = verdict.confidence();
        let mut content = Self::blank(Some(layout), confidence, verdict.into_reasons());
        let runners_up = choice.runners_up.into_iter().map(|(layout, verdict)| RunnerUp {
            layout: layout.name().into_owned(),
            confidence: verdict.confidence(),
            reasons: verdict.into_reasons(),
        });
        content.runners_up = runners_up.collect();
        (content, Some(layout))
    }

    fn blank(layout: Option<&dyn Layout>, confidence: Confidence, reasons: Vec<String>) -> Self {
        Self {
            layout: layout.map(|layout| layout.name().into_owned()),
            confidence,
            reasons,
            attachment: None,
            offset: 0,
            value: None,
            unavailable: Vec::new(),
            locks: Vec::new(),
            findings: Vec::new(),
            limits: Vec::new(),
            pointers: Vec::new(),
            runners_up: Vec::new(),
            look: None,
            summary: None,
        }
    }

    fn says(
        &mut self,
        decoded: Decoded,
        ranges: &Ranges<'_>,
        foreign: Option<(usize, Foreign)>,
        budget: &Budget,
    ) {
        let Remarks { unavailable, findings, limits, unlisted, tested: _, locks: _ } = decoded.remarks;
        self.unavailable = unavailable.into_iter().map(Unavailable::from).collect();
        self.findings = findings.into_iter().map(Finding::from).collect();
        self.limits.extend(limits);
        if unlisted > 0 {
            self.limits.push(format!("{unlisted} more missing parts or findings are not listed"));
        }
        self.pointers = Pointer::all(&decoded.value, ranges, foreign, budget);
        self.value = Some(Value(decoded.value));
    }
}

/// `kind` `count` times, one behind the other. Of an array it is the element that is meant, of a struct the struct.
pub fn repeated(kind: &Type, count: u64) -> Type {
    let element = match kind {
        Type::Array(array) => array.element.clone(),
        kind => kind.clone(),
    };
    Type::Array(Arc::new(Array { element, count: Count::Exactly(Expression::from(count)) }))
}

/// The base of the attachment that the byte at `at` was read from, or else the next byte that is there.
fn first_saved(contents: &SegmentContents<'_>, at: u64) -> Option<Address> {
    let mut at = SegmentOffset::new(at);
    while at < contents.end() {
        let run = contents.run(at);
        if run.missing.is_none() {
            return contents.read_from(at);
        }
        at = run.until.max(at.checked_add(1)?);
    }
    None
}

impl From<Lacking> for Unavailable {
    fn from(lacking: Lacking) -> Self {
        Self {
            path: lacking.path,
            start: lacking.offsets.start().get(),
            end: lacking.offsets.end().get(),
            reason: lacking.reason,
        }
    }
}

impl From<Found> for Finding {
    fn from(found: Found) -> Self {
        Self {
            path: found.path,
            start: found.offsets.start().get(),
            end: found.offsets.end().get(),
            message: found.message,
        }
    }
}
