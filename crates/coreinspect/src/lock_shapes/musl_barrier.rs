//! pthread_barrier_t of musl (src/internal/pthread_impl.h, src/thread/pthread_barrier_wait.c): `_b_lock` 0, `_b_waiters` 4,
//! `_b_limit` 8 (one less than the threads, with the highest bit for several processes), `_b_count` 12 (of several processes:
//! who has come, and for what they wait), `_b_waiters2` 16.

use super::{Kind, Library, LockBytes, MOST_THREADS, Reading, Shape};
use crate::machine::{Class, Machine};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Barrier,
    library: Library::Musl,
    name: "pthread_barrier_t",
    size,
    words: |_| &[12, 0],
    mark: None,
    read,
};

fn size(machine: Machine) -> u64 {
    if machine.class == Class::Bits64 { 32 } else { 20 }
}

const SHARED: u32 = 0x8000_0000;

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let (limit, come) = (bytes.word(8)?, bytes.word(12)?);
    let shared = limit & SHARED != 0;
    let threads = (limit & !SHARED).checked_add(1)?;
    let waiters = [bytes.word(4)?, bytes.word(16)?];
    (shared && threads <= MOST_THREADS && waiters.iter().all(|count| *count <= MOST_THREADS)).then_some(())?;
    let missing = threads.checked_sub(come & 0x7fff_ffff)?;
    Some(Reading { value: Some(missing), ..Reading::new(true) })
}
