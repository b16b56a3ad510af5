//! From a segment's bytes to what they say.

use std::cell::OnceCell;
use std::sync::Arc;

use super::pointer::Ranges;
use super::{Content, ContentLock, Finding, Hex, Look, Options, Pointer, RunnerUp, Unavailable, Value};
use crate::error::Error;
use crate::layout::SegmentContents;
use crate::layout::builtin::DEFAULT;
use crate::layout::{BUILTIN, Confidence, Layout, Subject, choose};
use crate::look::{self, Surroundings};
use crate::position::{Address, Position, SegmentOffset};
use crate::refs::Foreign;
use crate::shm::{Segment, SharedMemory};
use crate::targets::Target;
use crate::types::Budget;
use crate::types::contents::Contents;
use crate::types::decode::{Decoded, Limits, Remarks, decode};
use crate::types::expression::Expression;
use crate::types::value::{Finding as Found, Unavailable as Lacking};
use crate::types::{Array, Count, Type};

/// What a target has at which addresses, made when the first segment asks for it.
#[derive(Default)]
pub(super) struct Around<'t> {
    surroundings: OnceCell<Surroundings<'t>>,
    ranges: OnceCell<Ranges<'t>>,
}

impl Content {
    /// What `segment` says by the layout that is asked for, or by the surest.
    pub(super) fn of<'t>(
        (target, memory, foreign): (&'t dyn Target, &SharedMemory, Option<(usize, Foreign)>),
        around: &Around<'t>,
        segment: &Segment,
        options: &Options,
        budget: &Budget,
    ) -> Result<Self, Error> {
        let contents = SegmentContents { target, segment };
        let machine = target.identity().machine;
        let subject = Subject::new(&contents, segment.key, machine, Some(target), budget);
        let (mut content, layout) = Self::chosen(&subject, options);
        content.attachment = first_saved(&contents, options.at).map(Hex::from);
        let kind = match layout.describe(&subject) {
            Ok(kind) => kind,
            Err(problem) => {
                content.limits.push(problem);
                return Ok(content);
            }
        };
        let limits = if options.full { Limits::generous() } else { Limits::default() };
        let repeated = options.count.map(|count| repeated(&kind, count));
        let kind = repeated.as_ref().unwrap_or(&kind);
        let decoded =
            subject.reader(|window, budget| decode(kind, options.at, window, machine, limits, budget));
        if let Some(decoded) = decoded.transpose()? {
            let locks = decoded.remarks.locks.iter().cloned();
            let locks = locks.map(|field| ContentLock::of(segment, target, field, budget));
            content.locks = locks.collect();
            let ranges = around.ranges.get_or_init(|| Ranges::of(target, memory));
            content.says(decoded, ranges, foreign, budget);
        }
        if !content.possible {
            let surroundings = || around.surroundings.get_or_init(|| Surroundings::of(target));
            content.look = Look::within(budget, target, surroundings, segment, look::Budget::LISTING)?;
            if content.look.is_none() {
                let claims = "the segments of this dump claim more bytes than it has";
                content.limits.push(format!("not looked at: {claims}"));
            }
        }
        Ok(content)
    }

    /// The layout that is asked for, or the surest; and what the layouts said.
    fn chosen<'o>(subject: &Subject<'_>, options: &'o Options) -> (Self, &'o dyn Layout) {
        if let Some(layout) = &options.layout {
            let reasons = vec!["named by --layout".to_owned()];
            return (Self::blank(layout.as_ref(), Confidence::Forced, reasons, options), layout.as_ref());
        }
        let known = options.layouts.iter().map(Arc::as_ref).chain(BUILTIN.iter().copied());
        let choice = choose(known, subject);
        let Some((layout, verdict)) = choice.best else {
            let reasons = vec!["no known layout fits these bytes".to_owned()];
            let mut content = Self::blank(DEFAULT, Confidence::None, reasons, options);
            content.possible = false;
            return (content, DEFAULT);
        };
        let confidence = verdict.confidence();
        let mut content = Self::blank(layout, confidence, verdict.into_reasons(), options);
        let runners_up = choice.runners_up.into_iter().map(|(layout, verdict)| RunnerUp {
            layout: layout.name().into_owned(),
            confidence: verdict.confidence().name(),
            reasons: verdict.into_reasons(),
        });
        content.runners_up = runners_up.collect();
        (content, layout)
    }

    fn blank(layout: &dyn Layout, confidence: Confidence, reasons: Vec<String>, options: &Options) -> Self {
        Self {
            layout: layout.name().into_owned(),
            confidence: confidence.name(),
            reasons,
            attachment: None,
            offset: options.at,
            value: None,
            unavailable: Vec::new(),
            locks: Vec::new(),
            findings: Vec::new(),
            limits: Vec::new(),
            pointers: Vec::new(),
            runners_up: Vec::new(),
            look: None,
            possible: true,
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
