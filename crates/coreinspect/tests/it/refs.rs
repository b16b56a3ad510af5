//! Who was using a segment: threads, faults, and what points into it. Truth comes from programs that say what they did, from
//! gdb, and from a plain scan of the dump's memory.

mod command;
pub(crate) mod crashed;
mod fault;
mod foreign;
mod frames;
mod hostile;
mod planted;
mod registers;
mod stacks;
mod tags;
