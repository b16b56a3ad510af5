//! The threads of a dumped process, and what stood in their registers.

use std::sync::Arc;

use crate::position::Address;
use crate::process::Signal;

/// A thread at the moment of the dump. `None` is unknown.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// Its id, as gettid(2) gives it.
    pub id: Option<u32>,
    /// Its name (proc(5), comm). No ELF core has the name of a thread: NT_PRPSINFO has that of the process.
    pub name: Option<Vec<u8>>,
    /// The signal that was being delivered. The kernel gives every thread the one that ended the process.
    pub signal: Option<Signal>,
    /// Its general registers.
    pub registers: Option<Registers>,
    /// Where its thread-local memory is, as the machine's ABI counts.
    pub thread_pointer: Option<Address>,
}

impl Thread {
    /// Where its stack ends: the lowest address that is in use.
    pub fn stack_pointer(&self) -> Option<Address> {
        self.registers.as_ref()?.stack_pointer()
    }

    /// The instruction that it would execute next; for a fault, the one that failed.
    pub fn program_counter(&self) -> Option<Address> {
        self.registers.as_ref()?.program_counter()
    }
}

/// General registers by the names that gdb gives them, in the order of the dump.
#[derive(Clone, Debug)]
pub struct Registers {
    names: &'static [&'static str],
    values: Arc<[u64]>,
    stack_pointer: &'static str,
    program_counter: &'static str,
}

impl Registers {
    /// Registers that are called `names`, with a value each. An empty name is a place that holds no register.
    pub fn new(
        names: &'static [&'static str],
        values: Vec<u64>,
        stack_pointer: &'static str,
        program_counter: &'static str,
    ) -> Self {
        Self { names, values: values.into(), stack_pointer, program_counter }
    }

    /// Each register and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let both = self.names.iter().copied().zip(self.values.iter().copied());
        both.filter(|(name, _)| !name.is_empty())
    }

    /// The value of the register called `name`.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The stack pointer.
    pub fn stack_pointer(&self) -> Option<Address> {
        self.get(self.stack_pointer).map(Address::new)
    }

    /// The program counter.
    pub fn program_counter(&self) -> Option<Address> {
        self.get(self.program_counter).map(Address::new)
    }
}
