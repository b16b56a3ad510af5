//! sem_t of musl (src/thread/sem_init.c): the value 0, with its highest bit, since 1.2.4, for somebody who waits; the waiters
//! 4; 8 the other way round than glibc's: 0 of several processes, 0x80 of one.

use super::{Kind, Library, LockBytes, MOST_THREADS, Reading, Shape};
use crate::machine::{Class, Machine};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Semaphore,
    library: Library::Musl,
    name: "sem_t",
    size,
    words: |_| &[0],
    mark: None,
    read,
};

fn size(machine: Machine) -> u64 {
    if machine.class == Class::Bits64 { 32 } else { 16 }
}

const PRIVATE: u32 = 0x80;
const VALUE: u32 = 0x7fff_ffff;
/// Before 1.2.4: nothing is left and somebody waits.
const WAITED_FOR: u32 = u32::MAX;

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let shared = match bytes.word(8)? {
        0 => true,
        PRIVATE => false,
        _ => return None,
    };
    (bytes.word(4)? <= MOST_THREADS).then_some(())?;
    let value = match bytes.word(0)? {
        WAITED_FOR => 0,
        word => word & VALUE,
    };
    Some(Reading { value: Some(value), ..Reading::new(shared) })
}
