//! pthread_mutex_t of musl: the names for its words in src/internal/pthread_impl.h, what they hold in
//! src/thread/pthread_mutex_trylock.c.
//!
//! `_m_type` 0 (0x80 of several processes, 8 priority inheritance, 4 robust, 2 error-checking or 1 recursive), `_m_lock` 4, for
//! which waiters wait, `_m_waiters` 8, `_m_count` 20; the links of the robust list 24 and 32, with 32 bits 12 and 16.
//! `_m_lock` is the owner's thread id with FUTEX_WAITERS and FUTEX_OWNER_DIED; of a plain one 0x10 (EBUSY) and nobody's id.

use super::{DIED, Kind, Library, LockBytes, MOST_THREADS, Proof, Reading, Shape, State, TID, thread};
use crate::machine::{Class, Machine};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Mutex,
    library: Library::Musl,
    name: "pthread_mutex_t",
    size,
    words: |_| &[4],
    mark: Some(|_| 0),
    read,
};

fn size(machine: Machine) -> u64 {
    if machine.class == Class::Bits64 { 40 } else { 24 }
}

const KIND: u32 = 0xf;
const RECURSIVE: u32 = 1;
const ERROR_CHECKING: u32 = 2;
const ROBUST: u32 = 4;
const INHERIT: u32 = 8;
const SHARED: u32 = 0x80;
const BUSY: u32 = 0x10;

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let (kind, lock, waiters, count) = (bytes.word(0)?, bytes.word(4)?, bytes.word(8)?, bytes.word(20)?);
    let both = RECURSIVE | ERROR_CHECKING;
    (kind & !(KIND | SHARED) == 0 && kind & both != both && waiters <= MOST_THREADS).then_some(())?;
    let (holder, died) = (lock & TID, lock & DIED != 0);
    let (robust, inherits) = (kind & ROBUST != 0, kind & INHERIT != 0);
    let (state, owner) = match (kind & KIND, holder) {
        (0, 0) if !died => (State::Unlocked, None),
        (0, BUSY) if !died => (State::Locked, None),
        (0, _) => return None,
        (_, 0) if died => (State::OwnerDied, None),
        (_, 0) => (State::Unlocked, None),
        (_, TID) if robust => (State::NotRecoverable, None),
        (_, holder) => (State::Locked, Some(thread(holder)?)),
    };
    // It counts how often its owner locked it again.
    (count == 0 || kind & RECURSIVE != 0).then_some(())?;
    let links = if bytes.is_64_bit() { [24, 32] } else { [12, 16] };
    let [previous, next] = links.map(|at| bytes.long(at));
    let linked = previous? != 0 && next? != 0;
    let listed = owner.is_some() && kind & KIND != 0;
    // Who holds one in shared memory has it in its list, robust or not.
    let proof = match (listed, linked && kind & SHARED != 0) {
        (true, true) => Proof::Strong,
        _ => Proof::Possible,
    };
    Some(Reading {
        state: Some(state),
        robust: Some(robust),
        priority_inheritance: Some(inherits),
        owner,
        proof,
        ..Reading::new(kind & SHARED != 0)
    })
}
