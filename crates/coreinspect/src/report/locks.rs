//! The JSON of `locks`.

use serde::Serialize;

use super::{Dump, Error, Hex, PathText, SCHEMA, Text};
use crate::locks::{FoundBy, Kind, Library, Lock, State, SystemVKind, SystemVWait, Waiter};
use crate::position::Address;

/// The locks in shared memory: who holds them, who waits for them.
#[derive(Clone, Debug, Serialize)]
pub struct LockReport {
    /// The contract's name.
    pub schema: &'static str,
    /// The locks, by dump, segment and offset.
    pub locks: Vec<LockEntry>,
    /// The System V semaphores and queues that threads wait for.
    pub semaphores: Vec<SystemVEntry>,
    /// Threads that wait for each other in a ring, which none of them can leave: a deadlock.
    pub cycles: Vec<Vec<LockCycleStep>>,
    /// What was looked at.
    pub looked_at: Vec<LookedAt>,
}

/// A dump that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct LookedAt {
    /// Its path.
    #[serde(flatten)]
    pub path: PathText,
    /// Why it could not be read.
    pub error: Option<Error>,
}

/// A lock.
#[derive(Clone, Debug, Serialize)]
pub struct LockEntry {
    /// The number of its segment in the dump.
    pub segment: Option<usize>,
    /// The dump that shows it: the first named that holds its bytes.
    pub dump: Option<String>,
    /// The segment's key.
    pub key: Option<String>,
    /// The name of the segment's mapping.
    #[serde(flatten, with = "super::text::name")]
    pub name: Option<Text>,
    /// Where in the segment it begins.
    pub offset: u64,
    /// Its address in the dump.
    pub at: Option<Hex>,
    /// Its path in the segment's layout.
    pub field: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whose; null if that is not known.
    pub library: Option<Library>,
    /// Whether it is held; null for what has no such state, or is not known.
    pub state: Option<State>,
    /// Whether it is robust; null for what is no mutex.
    pub robust: Option<bool>,
    /// Whether it lends its owner the priority of those that wait; null for what is no mutex.
    pub priority_inheritance: Option<bool>,
    /// Whether it is made for several processes; null if its bytes are not known.
    pub process_shared: Option<bool>,
    /// The value of a semaphore, the readers that hold a rwlock, the threads that wait on a condition, those that a barrier
    /// still waits for; null for other locks.
    pub value: Option<u32>,
    /// Who holds it; null if nobody does, or the lock does not say.
    pub owner: Option<LockOwner>,
    /// Who waits for it.
    pub waiters: Vec<LockWaiter>,
    /// How it was found.
    pub found_by: FoundBy,
    /// Why it is taken for what it is.
    pub reasons: Vec<String>,
}

/// Who holds a lock.
#[derive(Clone, Debug, Serialize)]
pub struct LockOwner {
    /// The thread.
    pub tid: u32,
    /// The dump that it is in; null if it is in none that was named.
    pub dump: Option<String>,
    /// Whether it lives; null if that is not known.
    pub alive: Option<bool>,
}

/// A thread that waits.
#[derive(Clone, Debug, Serialize)]
pub struct LockWaiter {
    /// The dump that it is in.
    pub dump: String,
    /// The thread.
    pub tid: Option<u32>,
    /// The function that waits: the innermost that is none of the C library.
    pub function: Option<String>,
    /// Its source file.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
    /// The function of the C library that it called.
    pub call: Option<String>,
}

/// A thread of a ring.
#[derive(Clone, Debug, Serialize)]
pub struct LockCycleStep {
    /// The dump that it is in.
    pub dump: String,
    /// The thread.
    pub tid: u32,
    /// The index in `locks` of what it waits for, and what the next of the ring holds.
    pub waits_for: usize,
}

/// A System V semaphore set or a message queue that threads wait for.
#[derive(Clone, Debug, Serialize)]
pub struct SystemVEntry {
    /// Its id: a semid, or of a queue its msqid.
    pub semid: u32,
    /// "semaphores" or "queue".
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Who waits.
    pub waiters: Vec<SystemVWaiter>,
}

/// A thread that waits for a semaphore or a message.
#[derive(Clone, Debug, Serialize)]
pub struct SystemVWaiter {
    /// Who.
    #[serde(flatten)]
    pub waiter: LockWaiter,
    /// The number of the semaphore in its set; null for a queue, or if that is not known.
    pub number: Option<u16>,
    /// What it would do: below 0 take so many, 0 wait for none to be left.
    pub operation: Option<i16>,
    /// "take", "zero", "send" or "receive"; null if that is not known.
    pub wants: Option<&'static str>,
}

impl LockReport {
    /// A report of these.
    pub(crate) fn new(
        locks: Vec<LockEntry>,
        semaphores: Vec<SystemVEntry>,
        cycles: Vec<Vec<LockCycleStep>>,
        looked_at: Vec<LookedAt>,
    ) -> Self {
        Self { schema: SCHEMA, locks, semaphores, cycles, looked_at }
    }

    /// Whether anything was found.
    pub fn is_empty(&self) -> bool {
        self.locks.is_empty() && self.semaphores.is_empty()
    }
}

impl LookedAt {
    /// What is told of `dump`.
    pub(crate) fn of(dump: &Dump) -> Self {
        Self { path: dump.path.clone(), error: dump.error.clone() }
    }
}

impl LockEntry {
    /// What is told of `lock`.
    pub(crate) fn of(
        lock: &Lock,
        (segment, dump, at): (Option<usize>, Option<String>, Option<Address>),
        (key, name): (Option<String>, Option<Text>),
        owner: Option<LockOwner>,
        waiters: Vec<LockWaiter>,
    ) -> Self {
        let reading = lock.shaped.as_ref().map(|shaped| &shaped.reading);
        Self {
            segment,
            dump,
            key,
            name,
            offset: lock.offset.get(),
            at: at.map(Hex::from),
            field: lock.field.clone(),
            kind: lock.kind,
            library: lock.shaped.as_ref().map(|shaped| shaped.shape.library),
            state: reading.and_then(|reading| reading.state),
            robust: reading.and_then(|reading| reading.robust),
            priority_inheritance: reading.and_then(|reading| reading.priority_inheritance),
            process_shared: reading.map(|reading| reading.shared),
            value: reading.and_then(|reading| reading.value),
            owner,
            waiters,
            found_by: lock.found_by,
            reasons: lock.reasons.clone(),
        }
    }
}

impl LockWaiter {
    /// What is told of `waiter`, who is in `dump`.
    pub(crate) fn of(dump: String, waiter: &Waiter) -> Self {
        let caller = waiter.caller.clone();
        Self {
            dump,
            tid: waiter.tid,
            function: caller.function,
            file: caller.file,
            line: caller.line,
            call: caller.call,
        }
    }
}

impl SystemVEntry {
    /// Adds a wait to `entries`.
    pub(crate) fn add(entries: &mut Vec<Self>, wait: &SystemVWait, waiter: LockWaiter) {
        let kind = match wait.kind {
            SystemVKind::Semaphores => "semaphores",
            SystemVKind::QueueSend | SystemVKind::QueueReceive => "queue",
        };
        let wants = match (wait.kind, wait.operation) {
            (SystemVKind::QueueSend, _) => Some("send"),
            (SystemVKind::QueueReceive, _) => Some("receive"),
            (SystemVKind::Semaphores, Some((_, 0))) => Some("zero"),
            (SystemVKind::Semaphores, Some(_)) => Some("take"),
            (SystemVKind::Semaphores, None) => None,
        };
        let (number, operation) = wait.operation.unzip();
        let waiter = SystemVWaiter { waiter, number, operation, wants };
        match entries.iter_mut().find(|entry| (entry.semid, entry.kind) == (wait.id, kind)) {
            Some(entry) => entry.waiters.push(waiter),
            None => entries.push(Self { semid: wait.id, kind, waiters: vec![waiter] }),
        }
    }
}
