//! The system call that a thread is in, as its registers show it.

use crate::machine::{Class, Machine};
use crate::position::Address;
use crate::thread::Registers;

/// A system call that a thread is in: it has not been answered, or was interrupted and will be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemCall {
    /// Its number on this machine. One that waited with a time limit and was interrupted has that of restart_syscall(2), and its
    /// own arguments all the same.
    pub number: u64,
    /// Its arguments.
    pub arguments: [u64; 6],
    /// The stack pointer.
    pub stack_pointer: Option<Address>,
    /// The instruction behind the call.
    pub program_counter: Option<Address>,
}

/// Where a machine's calling convention has what (syscall(2)).
struct Convention {
    machine: u16,
    class: Class,
    number: &'static str,
    arguments: [&'static str; 6],
    /// Where the answer will stand; `None` where the first argument stands there until the call ends.
    answer: Option<&'static str>,
}

const CONVENTIONS: &[Convention] = &[
    Convention {
        machine: 62,
        class: Class::Bits64,
        number: "orig_rax",
        arguments: ["rdi", "rsi", "rdx", "r10", "r8", "r9"],
        answer: Some("rax"),
    },
    // x32.
    Convention {
        machine: 62,
        class: Class::Bits32,
        number: "orig_rax",
        arguments: ["rdi", "rsi", "rdx", "r10", "r8", "r9"],
        answer: Some("rax"),
    },
    Convention {
        machine: 3,
        class: Class::Bits32,
        number: "orig_eax",
        arguments: ["ebx", "ecx", "edx", "esi", "edi", "ebp"],
        answer: Some("eax"),
    },
    Convention {
        machine: 183,
        class: Class::Bits64,
        number: "x8",
        arguments: ["x0", "x1", "x2", "x3", "x4", "x5"],
        answer: None,
    },
];

/// Answers of a call that has not ended (include/linux/errno.h; arch/x86/entry/common.c): ERESTARTSYS, ERESTARTNOINTR,
/// ERESTARTNOHAND, ERESTART_RESTARTBLOCK; EINTR, by which the dump itself ended one that is never made again; and ENOSYS, with
/// which it begins.
const NOT_ENDED: [i32; 6] = [-512, -513, -514, -516, -4, -38];

impl SystemCall {
    /// The one that a thread with these `registers` is in.
    ///
    /// On AArch64 the number's register is an ordinary one, so what it holds proves nothing by itself: the arguments must fit.
    pub(super) fn of_registers(registers: &Registers, machine: Machine) -> Option<Self> {
        let known = |one: &&Convention| (one.machine, one.class) == (machine.number, machine.class);
        let convention = CONVENTIONS.iter().find(known)?;
        let number = registers.get(convention.number)?;
        if let Some(answer) = convention.answer {
            let answer = u32::try_from(registers.get(answer)? & u64::from(u32::MAX)).ok()?;
            NOT_ENDED.contains(&answer.cast_signed()).then_some(())?;
        }
        let mut arguments = [0; 6];
        for (argument, name) in arguments.iter_mut().zip(convention.arguments) {
            *argument = registers.get(name)?;
        }
        Some(Self {
            number,
            arguments,
            stack_pointer: registers.stack_pointer(),
            program_counter: registers.program_counter(),
        })
    }

    /// What an unwinder can begin with where no more of the registers is known.
    pub fn registers(&self, machine: Machine) -> Option<Registers> {
        let values = vec![self.stack_pointer?.get(), self.program_counter?.get()];
        let (names, [stack_pointer, program_counter]): (&'static [_], [_; 2]) = match machine.number {
            62 => (&["rsp", "rip"], ["rsp", "rip"]),
            3 => (&["esp", "eip"], ["esp", "eip"]),
            183 => (&["sp", "pc"], ["sp", "pc"]),
            _ => return None,
        };
        Some(Registers::new(names, values, stack_pointer, program_counter))
    }
}
