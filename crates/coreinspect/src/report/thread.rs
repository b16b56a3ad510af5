//! The threads of a dump.

use serde::Serialize;
use serde::ser::Serializer;

use super::{Hex, Signal, Text, text};
use crate::targets::Target;
use crate::thread;

/// A thread at the moment of the dump.
#[derive(Clone, Debug, Serialize)]
pub struct Thread {
    /// Its id.
    pub id: Option<u32>,
    /// Its name, which no ELF core has.
    #[serde(flatten, with = "text::name")]
    pub name: Option<Text>,
    /// The signal that was being delivered to it.
    pub signal: Option<Signal>,
    /// Its stack pointer.
    pub stack_pointer: Option<Hex>,
    /// Its program counter.
    pub program_counter: Option<Hex>,
    /// Its general registers by gdb's names; null if they are not known, or were not asked for: they may hold secrets.
    pub registers: Option<Registers>,
}

/// General registers by gdb's names.
#[derive(Clone, Debug)]
pub struct Registers(thread::Registers);

impl Serialize for Registers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Hex(value))))
    }
}

impl Thread {
    /// Those of `target`, with their registers if `registers`.
    pub fn all(target: &dyn Target, registers: bool) -> Vec<Self> {
        let numbering = target.identity().machine.signals();
        let threads = target.threads().iter().map(|thread| Self {
            id: thread.id,
            name: thread.name.clone().map(Text::new),
            signal: thread.signal.map(|signal| Signal::new(signal, numbering)),
            stack_pointer: thread.stack_pointer().map(Hex::from),
            program_counter: thread.program_counter().map(Hex::from),
            registers: thread.registers.clone().filter(|_| registers).map(Registers),
        });
        threads.collect()
    }
}
