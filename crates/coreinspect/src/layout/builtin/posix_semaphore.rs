//! A named semaphore of sem_open(3): a file `sem.NAME` in /dev/shm that holds one `sem_t`.
//!
//! glibc sysdeps/nptl/internaltypes.h `struct new_sem` and sem_open.c, which creates it shared between processes
//! (`private` is FUTEX_SHARED, 128). Where 64-bit atomics are at hand (all 64-bit machines) value and waiters are the halves
//! of one word, the value the low one; elsewhere the value stands shifted by one, with bit 0 set while somebody waits. musl
//! names its files without `sem.`, and they cannot be told from others.

use std::borrow::Cow;
use std::sync::Arc;

use super::{all_zero, parsed};
use crate::kind::posix_name;
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::machine::{ByteOrder, Class, Machine};
use crate::types::Type;

/// See the module.
#[derive(Debug)]
pub(super) struct PosixSemaphore;

/// FUTEX_SHARED, as `private` of what sem_open makes.
const SHARED: u32 = 128;

/// Where `private` stands, and how many bytes a `sem_t` has.
fn places(machine: Machine) -> (u64, u64) {
    match machine.class {
        Class::Bits64 => (8, 32),
        Class::Bits32 => (4, 16),
    }
}

fn text(machine: Machine) -> &'static str {
    match (machine.class, machine.byte_order) {
        (Class::Bits64, ByteOrder::Little) => {
            "u32 value; u32 waiters; u32 private { 0=process 128=shared }; bytes _[20];"
        }
        (Class::Bits64, ByteOrder::Big) => {
            "u32 waiters; u32 value; u32 private { 0=process 128=shared }; bytes _[20];"
        }
        (Class::Bits32, _) => {
            "u32 value_and_waiting; u32 private { 0=process 128=shared }; u32 waiters; u32 _;"
        }
    }
}

impl Layout for PosixSemaphore {
    fn name(&self) -> Cow<'_, str> {
        "posix-semaphore".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "a named semaphore of glibc (sem_open): its value, and how many wait".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("glibc:sysdeps/nptl/internaltypes.h")
    }

    fn recognises(&self) -> Vec<String> {
        vec!["the name /dev/shm/sem.NAME, 128 (FUTEX_SHARED) as private".to_owned()]
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| {
            let (private, size) = places(start.machine);
            let at = usize::try_from(private).ok();
            let private = at.and_then(|at| start.bytes.get(at..)?.first_chunk().copied());
            let shared = match start.machine.byte_order {
                ByteOrder::Little => SHARED.to_le_bytes(),
                ByteOrder::Big => SHARED.to_be_bytes(),
            };
            start.key.is_none() && private == Some(shared) && start.length >= size
        })
    }

    /// Its name alone proves it.
    fn proof(&self) -> Option<Begins> {
        None
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let (private, size) = places(subject.machine);
        let named = subject.name.and_then(posix_name).is_some_and(|name| name.starts_with(b"sem."));
        if !named || subject.u32(private) != Some(SHARED) || !all_zero(subject, size) {
            return Verdict::No;
        }
        Verdict::Certain(vec![
            "its name is that of a named semaphore (sem.NAME in /dev/shm)".to_owned(),
            "it is shared between processes, and nothing follows it".to_owned(),
        ])
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        parsed(text(subject.machine))
    }
}
