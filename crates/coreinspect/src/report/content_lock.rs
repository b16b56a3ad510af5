//! Locks among the values of a segment's layout.

use serde::Serialize;

use crate::lock_shapes::{Kind, Library, State};
use crate::locks::{self, Shaped};
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::Budget;
use crate::types::decode::LockField;

/// A value that is a lock.
#[derive(Clone, Debug, Serialize)]
pub struct ContentLock {
    /// The field; empty for the whole.
    pub path: String,
    /// Its first offset.
    pub start: u64,
    /// The offset after its last.
    pub end: u64,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whose its bytes are; null if they are not there, or those of no library that is known.
    pub library: Option<Library>,
    /// Whether it is held.
    pub state: Option<State>,
    /// The thread that holds it, or held it when it died.
    pub owner: Option<u32>,
    /// What it counts, as in `locks`.
    pub value: Option<u32>,
}

impl ContentLock {
    /// What is told of the lock at `field`.
    pub(super) fn of(segment: &Segment, target: &dyn Target, field: LockField, budget: &Budget) -> Self {
        let shaped = locks::of_field(segment, target, &field, budget).ok().flatten();
        let reading = shaped.as_ref().map(|Shaped { reading, .. }| reading);
        Self {
            start: field.offsets.start().get(),
            end: field.offsets.end().get(),
            kind: field.kind,
            library: shaped.as_ref().map(|shaped| shaped.shape.library),
            state: reading.and_then(|reading| reading.state),
            owner: reading.and_then(|reading| reading.owner),
            value: reading.and_then(|reading| reading.value),
            path: field.path,
        }
    }
}
