//! sem_t of the GNU C library: struct `new_sem` (sysdeps/nptl/internaltypes.h).
//!
//! Where 8 bytes can be changed at once (64 bits), the value stands in the lower half of the first 8 and the number of waiters in
//! the upper; `private` is at 8. Else the value is at 0, shifted by a bit that says whether anybody waits, `private` at 4 and
//! the waiters at 12. `private` is 0x80 (FUTEX_SHARED) for a semaphore of several processes, and 0 for one of one.

use super::{Kind, Library, LockBytes, MOST_THREADS, Reading, Shape};
use crate::machine::{ByteOrder, Class, Machine};

pub(super) const SHAPE: Shape =
    Shape { kind: Kind::Semaphore, library: Library::Glibc, name: "sem_t", size, words, mark: None, read };

fn size(machine: Machine) -> u64 {
    if machine.class == Class::Bits64 { 32 } else { 16 }
}

fn words(machine: Machine) -> &'static [u64] {
    let upper = machine.class == Class::Bits64 && machine.byte_order == ByteOrder::Big;
    if upper { &[4] } else { &[0] }
}

const SHARED: u32 = 0x80;

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let (value, waiters, private, padding) = match (bytes.is_64_bit(), bytes.lowest_first()) {
        (true, true) => (bytes.word(0)?, bytes.word(4)?, bytes.word(8)?, bytes.word(12)?),
        (true, false) => (bytes.word(4)?, bytes.word(0)?, bytes.word(8)?, bytes.word(12)?),
        (false, _) => {
            let word = bytes.word(0)?;
            (word >> 1, bytes.word(12)?, bytes.word(4)?, bytes.word(8)?)
        }
    };
    let shared = match private {
        0 => false,
        SHARED => true,
        _ => return None,
    };
    (padding == 0 && waiters <= MOST_THREADS && value <= i32::MAX.cast_unsigned()).then_some(())?;
    Some(Reading { value: Some(value), ..Reading::new(shared) })
}
