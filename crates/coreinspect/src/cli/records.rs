//! `show --records`: each element of a segment's value as a line of JSON, however many there are.

use super::{Context, Failure, Status};
use crate::layout::SegmentContents;
use crate::layout::{Layout, Subject};
use crate::position::Interval;
use crate::render::printable::Printable;
use crate::render::records::Records;
use crate::report::repeated;
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::Budget;
use crate::types::decode::{Limits, decode_into};

/// What is streamed.
pub(super) struct Stream<'a> {
    /// What the bytes are.
    pub(super) layout: &'a dyn Layout,
    /// The offset of the first record.
    pub(super) at: u64,
    /// How many; `None`: what the layout says.
    pub(super) count: Option<u64>,
}

/// Parts that are missing, or findings, that are told one by one.
const TOLD: usize = 10;

impl Stream<'_> {
    /// Writes the records of `segment`, and tells what of them is missing. A finding earns [`Status::Nothing`] if `strict`.
    pub(super) fn write(
        &self,
        target: &dyn Target,
        segment: &Segment,
        strict: bool,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let contents = SegmentContents { target, segment };
        let machine = target.identity().machine;
        let mut budget = Budget::unlimited();
        let subject = Subject::new(&contents, segment.key, machine, Some(target), &mut budget);
        let kind = self.layout.describe(&subject).map_err(Failure::new)?;
        let repeated = self.count.map(|count| repeated(&kind, count));
        let kind = repeated.as_ref().unwrap_or(&kind);
        let mut records = Records::new(&mut context.out);
        let limits = Limits { listed: TOLD, ..Limits::streaming() };
        let remarks = subject.reader(|window, budget| {
            decode_into(kind, self.at, window, machine, limits, budget, &mut records)
        });
        records.end()?;
        let Some(remarks) = remarks.transpose()? else { return Ok(Status::Found) };
        let place = |path: &str, offsets: Interval<_>| match path {
            "" => offsets.to_string(),
            path => format!("{} at {offsets}", Printable(path.as_bytes())),
        };
        for part in &remarks.unavailable {
            context.tell(format_args!("warning: {}: {}", place(&part.path, part.offsets), part.reason));
        }
        for finding in &remarks.findings {
            context.tell(format_args!("{}: {}", place(&finding.path, finding.offsets), finding.message));
        }
        if remarks.unlisted > 0 {
            context.tell(format_args!("{} more such parts", remarks.unlisted));
        }
        for limit in &remarks.limits {
            context.tell(format_args!("warning: {limit}"));
        }
        Ok(if strict && !remarks.findings.is_empty() { Status::Nothing } else { Status::Found })
    }
}
