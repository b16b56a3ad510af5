//! What semctl(2) says of one System V semaphore.

use crate::sys;

/// A semaphore of a set, at one moment: each number is asked for by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SemaphoreState {
    /// GETVAL: its value.
    pub value: i32,
    /// GETPID: the process that changed it last; 0 if none did, or it is of another PID namespace.
    pub pid: i32,
    /// GETNCNT: how many threads wait for it to grow.
    pub waiting: i32,
    /// GETZCNT: how many threads wait for it to be 0.
    pub waiting_for_zero: i32,
}

impl SemaphoreState {
    /// That of semaphore `number`, from 0, of the set `id`; `None` if there is no such, or it may not be read.
    pub fn of(id: i32, number: i32) -> Option<Self> {
        let ask = |what| sys::semaphore(id, number, what).ok();
        Some(Self {
            value: ask(sys::GETVAL)?,
            pid: ask(sys::GETPID)?,
            waiting: ask(sys::GETNCNT)?,
            waiting_for_zero: ask(sys::GETZCNT)?,
        })
    }
}
