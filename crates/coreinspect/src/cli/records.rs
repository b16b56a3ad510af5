//! `show --records`: each element of a segment's value as a line of JSON, however many there are.

use super::{Context, Failure, Status};
use crate::inspection::{InspectedSegment, RecordStream};
use crate::position::Interval;
use crate::render::printable::Printable;
use crate::render::records::Records;

/// Writes the records of `segment`, and tells what of them is missing. A finding earns [`Status::Nothing`] if `strict`.
pub(super) fn write(
    segment: InspectedSegment<'_>,
    stream: &RecordStream<'_>,
    strict: bool,
    context: &mut Context<'_>,
) -> Result<Status, Failure> {
    let mut records = Records::new(&mut context.out);
    let remarks = segment.decode_records(stream, &mut records);
    records.end()?;
    let Some(remarks) = remarks? else { return Ok(Status::Found) };
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
