//! pthread_cond_t of the GNU C library: struct `__pthread_cond_s` (sysdeps/nptl/bits/thread-shared-types.h), explained in
//! nptl/pthread_cond_wait.c.
//!
//! | field | 2.25 to 2.40 | since 2.41 |
//! | --- | --- | --- |
//! | `__wseq` | 0 | 0 |
//! | `__g1_start` | 8 | 8 |
//! | `__g_refs` | 16 | - |
//! | `__g_size` | 24 | 16 |
//! | `__g1_orig_size` | 32 | 24 |
//! | `__wrefs` | 36 | 28 |
//! | `__g_signals` | 40 | 32 |
//!
//! The lowest bits of `__wrefs` are the flags (1: of several processes, 2: CLOCK_MONOTONIC, 4: somebody destroys it), above them
//! the waiters are counted. Waiters give one of the two `__g_signals` to the kernel.

use super::{Kind, Library, LockBytes, MOST_THREADS, Reading, Shape};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Condition,
    library: Library::Glibc,
    name: "pthread_cond_t",
    size: |_| 48,
    words: |_| &[40, 44],
    mark: None,
    read: |bytes| read(bytes, 36, 24),
};

pub(super) const SHAPE_2_41: Shape = Shape {
    words: |_| &[32, 36],
    read: |bytes| read(bytes, 28, 16).filter(|_| bytes.are_zero(40, 48)),
    ..SHAPE
};

const SHARED: u32 = 1;
const FLAGS: u32 = 3;

fn read(bytes: &LockBytes<'_>, references: usize, sizes: usize) -> Option<Reading> {
    let waiters = bytes.word(references)?;
    let count = waiters >> FLAGS;
    // Two groups of waiters, and a sequence of which the first group's start is behind us.
    let sequence = bytes.double_word(0)?;
    let groups = [bytes.word(sizes)?, bytes.word(sizes.checked_add(4)?)?];
    let in_order = sequence >> 1 >= bytes.double_word(8)? >> 1;
    (in_order && count <= MOST_THREADS && groups.iter().all(|size| *size <= MOST_THREADS)).then_some(())?;
    (sequence != 0 || count == 0).then_some(())?;
    Some(Reading { value: Some(count), ..Reading::new(waiters & SHARED != 0) })
}
