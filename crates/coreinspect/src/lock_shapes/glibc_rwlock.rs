//! pthread_rwlock_t of the GNU C library since 2.25: struct `__pthread_rwlock_arch_t` (sysdeps/nptl/bits/struct_rwlock.h and
//! sysdeps/x86/nptl/bits/struct_rwlock.h); what its words mean is told in nptl/pthread_rwlock_common.c.
//!
//! `__readers` at 0 counts readers above three bits (write phase, write-locked, readers wait); waiters give the words at 8
//! (`__wrphase_futex`) and 12 (`__writers_futex`) to the kernel. 64 bits: `__cur_writer` 24, `__shared` 28, `__flags` 48.
//! 32 bits: bytes `__flags` 24, `__shared` 25 (where the highest byte stands first 27 and 26), `__cur_writer` 28.

use super::{Kind, Library, LockBytes, MOST_THREADS, Reading, Shape, State, thread};
use crate::machine::{Class, Machine};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Rwlock,
    library: Library::Glibc,
    name: "pthread_rwlock_t",
    size,
    words: |_| &[8, 12],
    mark: None,
    read,
};

fn size(machine: Machine) -> u64 {
    if machine.class == Class::Bits64 { 56 } else { 32 }
}

const WRITE_PHASE: u32 = 1;
const WRITE_LOCKED: u32 = 2;
const READERS: u32 = 3;

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let (readers, writer) = (bytes.word(0)?, bytes.word(if bytes.is_64_bit() { 24 } else { 28 })?);
    let (shared, flags) = match (bytes.is_64_bit(), bytes.lowest_first()) {
        (true, _) => {
            (bytes.are_zero(32, 48)).then_some(())?;
            (bytes.word(28)?, bytes.word(48)?)
        }
        (false, true) => {
            (bytes.are_zero(26, 28)).then_some(())?;
            (bytes.byte(25)?.into(), bytes.byte(24)?.into())
        }
        (false, false) => {
            (bytes.are_zero(24, 26)).then_some(())?;
            (bytes.byte(26)?.into(), bytes.byte(27)?.into())
        }
    };
    // Of the words for the kernel one bit is the state, one says that somebody waits.
    let futexes = [bytes.word(8)?, bytes.word(12)?].iter().all(|word| *word <= 3);
    (bytes.are_zero(16, 24) && shared <= 1 && flags <= 2 && futexes).then_some(())?;
    let count = readers >> READERS;
    (count <= MOST_THREADS && (writer == 0 || thread(writer).is_some())).then_some(())?;
    let written = readers & (WRITE_PHASE | WRITE_LOCKED) == WRITE_PHASE | WRITE_LOCKED;
    let read = readers & WRITE_PHASE == 0 && count > 0;
    (written || writer == 0).then_some(())?;
    let state = if written || read { State::Locked } else { State::Unlocked };
    let value = if read { count } else { 0 };
    Some(Reading {
        state: Some(state),
        owner: thread(writer),
        value: Some(value),
        ..Reading::new(shared == 1)
    })
}
