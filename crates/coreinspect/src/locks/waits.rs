//! What a thread waits for, as its system call says: futex(2), futex_waitv(2), semop(2), msgsnd(2), msgrcv(2).

use super::SystemVKind;
use crate::core_file::Reader;
use crate::machine::{Class, Machine};
use crate::position::Address;
use crate::targets::{SystemCall, Target};

/// What a thread waits for.
pub(super) enum Wait {
    /// That one of these words changes.
    Words(Vec<Word>),
    /// A semaphore or a message.
    SystemV { kind: SystemVKind, id: u32, operation: Option<(u16, i16)> },
}

/// A word that a thread waits for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) at: Address,
    /// Only threads of its own process can wake it (FUTEX_PRIVATE_FLAG).
    pub(super) private: bool,
    /// It lends the owner its priority (FUTEX_LOCK_PI).
    pub(super) inherits: bool,
}

/// The numbers of system calls on a machine (arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl,
/// include/uapi/asm-generic/unistd.h). 0 stands for none, but for i386's restart_syscall(2).
struct Numbers {
    machine: u16,
    /// Of futex(2), also with 64-bit times.
    futex: [u64; 2],
    restart: u64,
    semop: [u64; 3],
    msgsnd: u64,
    msgrcv: u64,
    /// ipc(2), which is all of System V in one.
    ipc: Option<u64>,
}

const NUMBERS: &[Numbers] = &[
    Numbers {
        machine: 62,
        futex: [202, 202],
        restart: 219,
        semop: [65, 220, 65],
        msgsnd: 69,
        msgrcv: 70,
        ipc: None,
    },
    Numbers {
        machine: 3,
        futex: [240, 422],
        restart: 0,
        semop: [420, 420, 420],
        msgsnd: 400,
        msgrcv: 401,
        ipc: Some(117),
    },
    Numbers {
        machine: 183,
        futex: [98, 98],
        restart: 128,
        semop: [193, 192, 193],
        msgsnd: 189,
        msgrcv: 188,
        ipc: None,
    },
];

/// The same on every machine: futex_waitv(2) and futex_wait(2).
const FUTEX_WAITV: u64 = 449;
const FUTEX_WAIT_2: u64 = 455;

/// Operations of futex(2) that wait (linux/futex.h), and flags that stand above them.
const WAIT: u64 = 0;
const LOCK_PI: u64 = 6;
const WAIT_BITSET: u64 = 9;
const WAIT_REQUEUE_PI: u64 = 11;
const LOCK_PI_2: u64 = 13;
const PRIVATE: u64 = 0x80;
const CLOCK_REALTIME: u64 = 0x100;

/// Words that a thread waits for at most (linux/futex.h, FUTEX_WAITV_MAX), and operations of a semop(2) that are looked at.
const MOST_WORDS: u64 = 128;
const MOST_OPERATIONS: u64 = 32;

/// What a thread waits for in `call`; `None` if that is no wait for a lock.
pub(super) fn of_call(call: &SystemCall, target: &dyn Target) -> Option<Wait> {
    let machine = target.identity().machine;
    let numbers = NUMBERS.iter().find(|numbers| numbers.machine == machine.number)?;
    // Above the number of x32 stands a bit that says so.
    let number = call.number & u64::from(!0x4000_0000_u32);
    let [first, second, third, ..] = call.arguments;
    if numbers.futex.contains(&number) || number == numbers.restart {
        return futex(first, second).map(|word| Wait::Words(vec![word]));
    }
    let system_v = |kind, id: u64, operation| {
        let id = u32::try_from(id & u64::from(u32::MAX)).ok()?;
        Some(Wait::SystemV { kind, id, operation })
    };
    if numbers.ipc == Some(number) {
        // ipc(2): what to do, which, and for semop how many operations and, as the fifth, where they are.
        let [_, id, count, _, at, _] = call.arguments;
        return match first & 0xffff {
            1 | 4 => system_v(SystemVKind::Semaphores, id, keeping(target, at, count)),
            11 => system_v(SystemVKind::QueueSend, id, None),
            12 => system_v(SystemVKind::QueueReceive, id, None),
            _ => None,
        };
    }
    match number {
        _ if numbers.semop.contains(&number) => {
            system_v(SystemVKind::Semaphores, first, keeping(target, second, third))
        }
        _ if number == numbers.msgsnd => system_v(SystemVKind::QueueSend, first, None),
        _ if number == numbers.msgrcv => system_v(SystemVKind::QueueReceive, first, None),
        FUTEX_WAITV => waitv(target, first, second).map(Wait::Words),
        // Address, value, mask, flags.
        FUTEX_WAIT_2 => {
            let private = call.arguments.get(3)? & PRIVATE != 0;
            Some(Wait::Words(vec![word(first, private, false)?]))
        }
        _ => None,
    }
}

/// A call of futex(2) with this address and operation.
fn futex(at: u64, operation: u64) -> Option<Word> {
    let flags = PRIVATE | CLOCK_REALTIME;
    let operation = operation & u64::from(u32::MAX);
    let waits = matches!(operation & !flags, WAIT | LOCK_PI | WAIT_BITSET | WAIT_REQUEUE_PI | LOCK_PI_2);
    let inherits = matches!(operation & !flags, LOCK_PI | LOCK_PI_2);
    waits.then(|| word(at, operation & PRIVATE != 0, inherits)).flatten()
}

fn word(at: u64, private: bool, inherits: bool) -> Option<Word> {
    at.is_multiple_of(4).then_some(Word { at: Address::new(at), private, inherits })
}

/// The words in the array of `count` struct futex_waitv at `at` (linux/futex.h): value and address, 8 bytes each, the flags and
/// 4 bytes for later.
fn waitv(target: &dyn Target, at: u64, count: u64) -> Option<Vec<Word>> {
    const SIZE: u64 = 24;
    let bytes = memory(target, at, count.min(MOST_WORDS).checked_mul(SIZE)?)?;
    let mut reader = Reader::new(&bytes, target.identity().machine);
    let mut words = Vec::new();
    while let (Some(_value), Some(at), Some(flags), Some(_)) =
        (reader.u64(), reader.u64(), reader.u32(), reader.u32())
    {
        words.extend(word(at, u64::from(flags) & PRIVATE != 0, false));
    }
    Some(words)
}

/// The first of `count` struct sembuf at `at` (sys/sem.h: number, operation and flags, 2 bytes each) that can keep a thread
/// waiting, if it is the only one: its semaphore, and what is done to it.
fn keeping(target: &dyn Target, at: u64, count: u64) -> Option<(u16, i16)> {
    const SIZE: u64 = 6;
    let bytes = memory(target, at, count.min(MOST_OPERATIONS).checked_mul(SIZE)?)?;
    let mut reader = Reader::new(&bytes, target.identity().machine);
    let mut found = None;
    while let (Some(number), Some(operation), Some(_flags)) = (reader.u16(), reader.u16(), reader.u16()) {
        let operation = operation.cast_signed();
        if operation <= 0 && found.replace((number, operation)).is_some() {
            return None;
        }
    }
    found
}

/// `length` bytes of the process at `at`, a pointer of its class.
fn memory(target: &dyn Target, at: u64, length: u64) -> Option<Vec<u8>> {
    let Machine { class, .. } = target.identity().machine;
    let at = if class == Class::Bits32 { at & u64::from(u32::MAX) } else { at };
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    let count = target.read(Address::new(at), &mut bytes).ok()?;
    (count == bytes.len()).then_some(bytes)
}
