//! pthread_rwlock_t of musl (src/internal/pthread_impl.h): `_rw_lock` 0, for which waiters wait: readers, or 0x7fffffff for a
//! writer, and the highest bit for somebody who waits; `_rw_waiters` 4; `_rw_shared` 8 (0x80 of several processes).
//! Nothing names who holds it.

use super::{Kind, Library, LockBytes, MOST_THREADS, Reading, Shape, State};
use crate::machine::{Class, Machine};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Rwlock,
    library: Library::Musl,
    name: "pthread_rwlock_t",
    size,
    words: |_| &[0],
    mark: None,
    read,
};

fn size(machine: Machine) -> u64 {
    if machine.class == Class::Bits64 { 56 } else { 32 }
}

const SHARED: u32 = 0x80;
const COUNT: u32 = 0x7fff_ffff;

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let shared = match bytes.word(8)? {
        0 => false,
        SHARED => true,
        _ => return None,
    };
    let end = if bytes.is_64_bit() { 56 } else { 32 };
    (bytes.word(4)? <= MOST_THREADS && bytes.are_zero(12, end)).then_some(())?;
    let (state, readers) = match bytes.word(0)? & COUNT {
        0 => (State::Unlocked, 0),
        COUNT => (State::Locked, 0),
        readers => (State::Locked, Some(readers).filter(|readers| *readers <= MOST_THREADS)?),
    };
    Some(Reading { state: Some(state), value: Some(readers), ..Reading::new(shared) })
}
