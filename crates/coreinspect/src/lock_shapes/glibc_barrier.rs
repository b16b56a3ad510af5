//! pthread_barrier_t of the GNU C library since 2.25: struct `pthread_barrier` (sysdeps/nptl/internaltypes.h): `in` 0,
//! `current_round` 4 (for which waiters wait), `count` 8, `shared` 12 (0x80, FUTEX_SHARED, or 0), `out` 16.

use super::{Kind, Library, LockBytes, MOST_THREADS, Reading, Shape};
use crate::machine::{Class, Machine};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Barrier,
    library: Library::Glibc,
    name: "pthread_barrier_t",
    size,
    words: |_| &[4],
    mark: None,
    read,
};

fn size(machine: Machine) -> u64 {
    if machine.class == Class::Bits64 { 32 } else { 20 }
}

const SHARED: u32 = 0x80;

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let (entered, round, count) = (bytes.word(0)?, bytes.word(4)?, bytes.word(8)?);
    let shared = match bytes.word(12)? {
        0 => false,
        SHARED => true,
        _ => return None,
    };
    let left = bytes.word(16)?;
    let arrived = entered.checked_sub(round)?;
    let missing = count.checked_sub(arrived)?;
    (count > 0 && count <= MOST_THREADS && left <= round).then_some(())?;
    Some(Reading { value: Some(missing), ..Reading::new(shared) })
}
