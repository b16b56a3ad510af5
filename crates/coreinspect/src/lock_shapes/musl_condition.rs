//! pthread_cond_t of musl (src/internal/pthread_impl.h, src/thread/pthread_cond_timedwait.c). Of several processes `_c_shared`,
//! a pointer at 0, is -1, and waiters wait for `_c_seq` at 8; `_c_waiters` 12, `_c_clock` 16. Of one process they wait for a word
//! on their own stacks.

use super::{Kind, Library, LockBytes, MOST_THREADS, Reading, Shape};

pub(super) const SHAPE: Shape = Shape {
    kind: Kind::Condition,
    library: Library::Musl,
    name: "pthread_cond_t",
    size: |_| 48,
    words: |_| &[8],
    mark: None,
    read,
};

fn read(bytes: &LockBytes<'_>) -> Option<Reading> {
    let everybody = if bytes.is_64_bit() { u64::MAX } else { u32::MAX.into() };
    let waiters = bytes.word(12)? & 0x7fff_ffff;
    (bytes.long(0)? == everybody && waiters <= MOST_THREADS && bytes.word(16)? <= 16).then_some(())?;
    Some(Reading { value: Some(waiters), ..Reading::new(true) })
}
