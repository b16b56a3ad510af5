//! The threads of a minidump: ThreadList, whose rows point at the registers of each, and ThreadNames.
//!
//! Registers: `CONTEXT_*` of Breakpad's `minidump_cpu_*.h`. lldb cuts the end of the structure off, where the vectors are, so
//! that it is read up to the program counter only.

use std::collections::HashMap;

use minidump_common::format::{MINIDUMP_EXCEPTION_STREAM, MINIDUMP_THREAD, MINIDUMP_THREAD_NAME};

use super::streams::{Kind, Streams};
use crate::core_file::Reader;
use crate::error::{Error, Warnings};
use crate::machine::{Class, Machine};
use crate::position::{FileOffset, Interval};
use crate::process::Signal;
use crate::thread::{Registers, Thread};

/// Threads whose registers and names are read.
const MOST_TOLD: usize = 1 << 14;
/// Bytes of a thread's name that are read; the kernel's have 15.
const LONGEST_NAME: u64 = 256;

/// Where the general registers stand in a machine's context.
struct Layout {
    machine: u16,
    class: Class,
    /// Bytes before the first.
    at: usize,
    names: &'static [&'static str],
    stack_pointer: &'static str,
    program_counter: &'static str,
}

#[rustfmt::skip]
const AMD64: &[&str] = &[
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip",
];
#[rustfmt::skip]
const X86: &[&str] = &[
    "gs", "fs", "es", "ds", "edi", "esi", "ebx", "edx", "ecx", "eax", "ebp", "eip", "cs", "eflags", "esp", "ss",
];
#[rustfmt::skip]
const ARM: &[&str] = &[
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc", "cpsr",
];
#[rustfmt::skip]
const ARM64: &[&str] = &[
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
    "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp", "pc",
];

const LAYOUTS: &[Layout] = &[
    layout(62, Class::Bits64, 120, AMD64, "rsp", "rip"),
    layout(3, Class::Bits32, 140, X86, "esp", "eip"),
    layout(40, Class::Bits32, 4, ARM, "sp", "pc"),
    layout(183, Class::Bits64, 8, ARM64, "sp", "pc"),
];

const fn layout(
    machine: u16,
    class: Class,
    at: usize,
    names: &'static [&'static str],
    stack_pointer: &'static str,
    program_counter: &'static str,
) -> Layout {
    Layout { machine, class, at, names, stack_pointer, program_counter }
}

/// The threads, the one first that was ended by a signal, or for which the dump was asked.
///
/// # Errors
/// [`Error::Read`].
pub(crate) fn read(
    streams: &Streams<'_>,
    machine: Machine,
    exception: Option<&MINIDUMP_EXCEPTION_STREAM>,
    signal: Option<Signal>,
) -> Result<Vec<Thread>, Error> {
    // What is wrong with this list was told where its stacks were read.
    let rows: Vec<MINIDUMP_THREAD> = streams.list(Kind::ThreadListStream, &mut Warnings::default())?;
    let names = names(streams)?;
    let mut threads = Vec::with_capacity(rows.len());
    for (number, row) in rows.iter().enumerate() {
        let raised = exception.filter(|exception| exception.thread_id == row.thread_id);
        let context = raised.map(|one| one.thread_context).filter(|context| context.data_size > 0);
        let context = context.unwrap_or(row.thread_context);
        let place = FileOffset::new(u64::from(context.rva));
        let registers = match number < MOST_TOLD {
            true => registers(streams, machine, Interval::clamped(place, u64::from(context.data_size)))?,
            false => None,
        };
        threads.push(Thread {
            id: Some(row.thread_id).filter(|id| *id != 0),
            name: names.get(&row.thread_id).cloned(),
            signal: signal.filter(|_| raised.is_some()),
            registers,
            thread_pointer: None,
        });
    }
    let first =
        exception.and_then(|exception| rows.iter().position(|row| row.thread_id == exception.thread_id));
    if let Some(first) = first {
        threads.get_mut(..=first).unwrap_or_default().rotate_right(1);
    }
    Ok(threads)
}

fn registers(
    streams: &Streams<'_>,
    machine: Machine,
    context: Interval<FileOffset>,
) -> Result<Option<Registers>, Error> {
    let known = |layout: &&Layout| (layout.machine, layout.class) == (machine.number, machine.class);
    let Some(layout) = LAYOUTS.iter().find(known) else { return Ok(None) };
    let needed = layout.at.saturating_add(layout.names.len().saturating_mul(machine.class.long()));
    let context = Interval::clamped(context.start(), context.length().min(needed as u64));
    let bytes = streams.at(context, "the registers of a thread")?;
    let mut reader = Reader::new(&bytes, machine);
    let values: Option<Vec<u64>> =
        reader.skip(layout.at).and_then(|()| layout.names.iter().map(|_| reader.long()).collect());
    Ok(values
        .map(|values| Registers::new(layout.names, values, layout.stack_pointer, layout.program_counter)))
}

/// ThreadNames: of each a length in bytes, 4 bytes, and UTF-16.
fn names(streams: &Streams<'_>) -> Result<HashMap<u32, Vec<u8>>, Error> {
    let rows: Vec<MINIDUMP_THREAD_NAME> = streams.list(Kind::ThreadNamesStream, &mut Warnings::default())?;
    let mut names = HashMap::new();
    for row in rows.into_iter().take(MOST_TOLD) {
        let place = Interval::clamped(FileOffset::new(row.thread_name_rva), LONGEST_NAME.saturating_add(4));
        let bytes = streams.at(place, "the name of a thread")?;
        let text = bytes.split_first_chunk::<4>().and_then(|(length, text)| {
            let length = streams.number(*length);
            text.get(..usize::try_from(length).ok()?)
        });
        let Some(text) = text else { continue };
        let (units, _) = text.as_chunks::<2>();
        let name: Vec<u16> = units.iter().map(|unit| streams.unit(*unit)).collect();
        names.insert(
            row.thread_id,
            String::from_utf16_lossy(&name).trim_end_matches('\0').as_bytes().to_vec(),
        );
    }
    Ok(names)
}
