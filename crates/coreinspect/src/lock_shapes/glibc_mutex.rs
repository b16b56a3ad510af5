//! pthread_mutex_t of the GNU C library: struct `__pthread_mutex_s` (sysdeps/nptl/bits/struct_mutex.h and
//! sysdeps/x86/nptl/bits/struct_mutex.h), its kinds in nptl/pthreadP.h.
//!
//! | field | 64 bits | 32 bits |
//! | --- | --- | --- |
//! | `__lock` | 0 | 0 |
//! | `__count` | 4 | 4 |
//! | `__owner` | 8 | 8 |
//! | `__nusers` | 12 | 16 |
//! | `__kind` | 16 | 12 |
//! | spins, elision | 20 | 20, or the list |
//! | `__list`: previous, next | 24, 32 | 20: next alone |
//!
//! `__lock` of a plain mutex is 0, 1 (locked) or 2 (locked, somebody waits), below the ceiling where there is one
//! (PTHREAD_PRIO_PROTECT). Of a robust one, and of one with priority inheritance, it is what the kernel knows: the owner's
//! thread id with FUTEX_WAITERS and FUTEX_OWNER_DIED. The kernel takes the id away when the owner dies; `__owner` keeps it.

use super::{DIED, Kind, Library, LockBytes, Proof, Reading, Shape, State, TID, thread};
use crate::machine::{Class, Machine};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Mutex,
    library: Library::Glibc,
    name: "pthread_mutex_t",
    size,
    words: |_| &[0],
    mark: Some(mark),
    read,
};

/// `__SIZEOF_PTHREAD_MUTEX_T` of each port's bits/pthreadtypes-arch.h.
fn size(machine: Machine) -> u64 {
    const AARCH64: u16 = 183;
    match (machine.class, machine.number) {
        (Class::Bits32, _) => 24,
        (Class::Bits64, AARCH64) => 48,
        (Class::Bits64, _) => 40,
    }
}

/// Where `__kind` is.
fn mark(machine: Machine) -> u64 {
    if machine.class == Class::Bits64 { 16 } else { 12 }
}

/// The bits of `__kind`: the type, what it can do, and hints of lock elision.
const TYPE: u32 = 3;
const RECURSIVE: u32 = 1;
const ADAPTIVE: u32 = 3;
const ROBUST: u32 = 0x10;
const INHERIT: u32 = 0x20;
const PROTECT: u32 = 0x40;
const SHARED: u32 = 0x80;
const ELISION: u32 = 0x300;

/// `__owner` of a robust mutex whose owner died: taken over and not yet consistent, and given up.
const INCONSISTENT: u32 = 0x7fff_ffff;
const NOT_RECOVERABLE: u32 = 0x7fff_fffe;
/// Where the priority ceiling stands in `__lock`.
const CEILING: u32 = 0xfff8_0000;

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let (lock, count, owner) = (bytes.word(0)?, bytes.word(4)?, bytes.word(8)?);
    let (kind, users) = if bytes.is_64_bit() {
        (bytes.word(16)?, bytes.word(12)?)
    } else {
        (bytes.word(12)?, bytes.word(16)?)
    };
    if kind & !(TYPE | ROBUST | INHERIT | PROTECT | SHARED | ELISION) != 0 || users > super::MOST_THREADS {
        return None;
    }
    let (robust, inherits, protects) = (kind & ROBUST != 0, kind & INHERIT != 0, kind & PROTECT != 0);
    if protects && (robust || inherits) {
        return None;
    }
    let mut reading = Reading {
        robust: Some(robust),
        priority_inheritance: Some(inherits),
        ..Reading::new(kind & SHARED != 0)
    };
    match robust || inherits {
        true => of_kernel(lock, owner, &mut reading)?,
        false => plain(if protects { lock & !CEILING } else { lock }, owner, &mut reading)?,
    }
    let held = reading.state == Some(State::Locked);
    // One that the kernel knows counts 1 although it cannot be locked twice.
    let most = if kind & TYPE == RECURSIVE { u32::MAX } else { u32::from(robust || inherits) };
    let least = u32::from(kind & TYPE == RECURSIVE && held && reading.owner == thread(owner));
    if !(least..=most).contains(&count) {
        return None;
    }
    let linked = linked(bytes, robust, kind)?;
    // Of one whose owner before died, the second word says that it is not consistent yet.
    let names = reading.owner == thread(owner) || owner == INCONSISTENT;
    reading.proof = match reading.state {
        // The thread's list of what it holds has the mutex in it, and both words name the thread.
        Some(State::Locked) if robust && linked && names && users == 1 => Proof::Strong,
        Some(State::OwnerDied) if robust && reading.owner.is_some() && users <= 1 => Proof::Strong,
        Some(State::Locked) if !robust && reading.owner.is_some() && reading.owner == thread(owner) => {
            match users {
                0 => Proof::Possible,
                _ => Proof::Likely,
            }
        }
        _ => Proof::Possible,
    };
    Some(reading)
}

/// A mutex whose `__lock` the kernel knows.
fn of_kernel(lock: u32, owner: u32, reading: &mut Reading) -> Option<()> {
    let holder = lock & TID;
    let known = owner == 0 || owner == INCONSISTENT || owner == NOT_RECOVERABLE || thread(owner).is_some();
    if !known || holder > super::MOST_THREADS {
        return None;
    }
    (reading.state, reading.owner) = match (holder, lock & DIED != 0) {
        (0, true) => (Some(State::OwnerDied), thread(owner)),
        (0, false) if owner == NOT_RECOVERABLE => (Some(State::NotRecoverable), None),
        (0, false) => (Some(State::Unlocked), None),
        (holder, _) => {
            // Between the two words being written `__owner` is 0; another thread's it never is.
            (owner == 0 || owner == INCONSISTENT || owner == holder).then_some(())?;
            (Some(State::Locked), thread(holder))
        }
    };
    // A free one belongs to nobody.
    (reading.state != Some(State::Unlocked) || owner == 0).then_some(())
}

/// A mutex of which the kernel knows only that somebody waits.
fn plain(lock: u32, owner: u32, reading: &mut Reading) -> Option<()> {
    (reading.state, reading.owner) = match (lock, owner) {
        (0, 0) => (Some(State::Unlocked), None),
        (1 | 2, 0) => (Some(State::Locked), None),
        (1 | 2, owner) => (Some(State::Locked), Some(thread(owner)?)),
        _ => return None,
    };
    Some(())
}

/// Whether it stands in the list of robust mutexes that its owner holds; `None` if what is there cannot be.
fn linked(bytes: &LockBytes<'_>, robust: bool, kind: u32) -> Option<bool> {
    let adaptive = kind & TYPE == ADAPTIVE;
    if !bytes.is_64_bit() {
        return match robust {
            true => Some(bytes.word(20)? != 0),
            false => (adaptive || kind & ELISION != 0 || bytes.word(20)? == 0).then_some(false),
        };
    }
    if !adaptive && kind & ELISION == 0 && bytes.word(20)? != 0 {
        return None;
    }
    let (previous, next) = (bytes.double_word(24)?, bytes.double_word(32)?);
    // The lowest bit of a link says that what it leads to inherits priorities.
    let address = |link: u64| link & 6 == 0 && link < 1 << 56;
    match robust {
        true => (address(previous) && address(next)).then_some(previous != 0 && next != 0),
        false => (previous == 0 && next == 0).then_some(false),
    }
}
