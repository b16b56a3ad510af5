//! /proc/PID/task/TID/syscall (proc(5)): the system call that a thread sleeps in.

/// What the file says of a thread that is in a system call: its number, its six arguments, the stack pointer and the program
/// counter, in hex but for the number. One that runs, or sleeps elsewhere, says `running` or `-1`.
pub(crate) struct SleepingCall {
    pub(crate) number: u64,
    pub(crate) arguments: [u64; 6],
    pub(crate) stack_pointer: u64,
    pub(crate) program_counter: u64,
}

impl SleepingCall {
    /// Reads the file's `text`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
        let number = words.next()?.parse().ok()?;
        let mut hex = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
        let mut arguments = [0; 6];
        for argument in &mut arguments {
            *argument = hex()?;
        }
        Some(Self { number, arguments, stack_pointer: hex()?, program_counter: hex()? })
    }
}
