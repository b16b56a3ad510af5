//! Locks that the layout of a segment names: a field whose type is one of pthread.h or semaphore.h.

use super::{Asked, FoundBy, Lock, Request, Shaped, library, read};
use crate::error::Error;
use crate::lock_shapes::SHAPES;
use crate::position::SegmentOffset;
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::Budget;
use crate::types::decode::LockField;

/// Adds the locks that layouts name to `locks`, or their names to those that are there already.
pub(super) fn add(request: &Request<'_>, target: &dyn Target, locks: &mut Vec<Lock>) -> Result<(), Error> {
    let library = library(target);
    for typed in request.typed.iter().filter(|typed| request.wanted.contains(&typed.segment)) {
        let (kind, start) = (typed.found.kind, typed.found.offsets.start());
        let known = locks.iter_mut().find(|lock| {
            let apart = lock.range(target.identity().machine).intersection(typed.found.offsets).is_none();
            lock.segment == typed.segment && !apart
        });
        let field = Some(typed.found.path.clone()).filter(|path| !path.is_empty());
        if let Some(known) = known {
            known.field = field;
            continue;
        }
        let asked = Asked { kind: Some(kind), library, ..Asked::default() };
        let Some(segment) = request.segments.get(typed.segment) else { continue };
        let shaped = shaped(segment, target, start, asked, request.budget)?;
        locks.push(Lock {
            segment: typed.segment,
            offset: start,
            kind,
            found_by: FoundBy::Type,
            field,
            reasons: Vec::new(),
            waiters: Vec::new(),
            shaped,
            asked,
        });
    }
    locks.sort_by_key(|lock| (lock.segment, lock.offset));
    Ok(())
}

/// What the lock at `start` is, of which only its kind is known.
///
/// # Errors
/// [`Error::Read`].
pub(crate) fn of_field(
    segment: &Segment,
    target: &dyn Target,
    field: &LockField,
    budget: &Budget,
) -> Result<Option<Shaped>, Error> {
    let asked = Asked { kind: Some(field.kind), library: library(target), ..Asked::default() };
    shaped(segment, target, field.offsets.start(), asked, budget)
}

/// The first shape of the kind and library that the bytes fit.
fn shaped(
    segment: &Segment,
    target: &dyn Target,
    start: SegmentOffset,
    asked: Asked,
    budget: &Budget,
) -> Result<Option<Shaped>, Error> {
    for shape in SHAPES.iter().filter(|shape| asked.allows(shape)) {
        if let Some(reading) = read(segment, target, start, shape, budget)? {
            return Ok(Some(Shaped { shape, reading }));
        }
    }
    Ok(None)
}
