//! Who the process was: the streams that are copies of its files in /proc, MiscInfo and Exception.

use minidump_common::format::{MINIDUMP_EXCEPTION_STREAM, MINIDUMP_MISC_INFO};

use super::names::Names;
use super::streams::{Kind, Streams};
use super::threads;
use crate::core_file::AuxiliaryVector;
use crate::error::Error;
use crate::machine::Machine;
use crate::position::Address;
use crate::process::{Process, Signal};
use crate::thread::Thread;
use crate::writer::{Habits, Writer, WrittenSignal};

/// Signals have numbers up to 64; a minidump writes others for what is no signal (a dump that was asked for).
const LAST_SIGNAL: u32 = 64;
/// `MINIDUMP_MISC1_PROCESS_ID`: the process id is there.
const HAS_PROCESS_ID: u32 = 1;
/// si_code of a signal that the kernel raised without an address (sigaction(2)).
const SI_KERNEL: u32 = 0x80;

/// What the streams say of it, and of its threads.
///
/// # Errors
/// [`Error::Read`].
pub(crate) fn read(
    streams: &Streams<'_>,
    machine: Machine,
    writer: Option<Writer>,
    auxiliary: &AuxiliaryVector,
    names: Option<&Names>,
) -> Result<(Process, Vec<Thread>), Error> {
    let status = streams.bytes(Kind::LinuxProcStatus, "the stream LinuxProcStatus")?.unwrap_or_default();
    let arguments = streams.bytes(Kind::LinuxCmdLine, "the stream LinuxCmdLine")?.unwrap_or_default();
    let miscellaneous: Option<MINIDUMP_MISC_INFO> = streams.structure(Kind::MiscInfoStream)?;
    let exception: Option<MINIDUMP_EXCEPTION_STREAM> = streams.structure(Kind::ExceptionStream)?;
    let signal = exception.as_ref().and_then(|exception| fatal_signal(exception, machine, writer));
    let threads = threads::read(streams, machine, exception.as_ref(), signal)?;
    let named = |address: Option<Address>| names?.holding(address?).map(<[u8]>::to_vec);
    let pid = || {
        let info = miscellaneous.filter(|info| info.flags1 & HAS_PROCESS_ID != 0)?;
        Some(info.process_id)
    };
    let process = Process {
        pid: number(&status, b"Tgid").or_else(pid).filter(|pid| *pid != 0),
        command: field(&status, b"Name").map(unescaped).filter(|name| !name.is_empty()),
        executable: named(auxiliary.program_headers).or_else(|| named(auxiliary.entry)),
        arguments: Some(joined(&arguments)).filter(|arguments| !arguments.is_empty()),
        uid: number(&status, b"Uid"),
        signal,
        signal_code: exception
            .as_ref()
            .filter(|_| signal.is_some() && !is_a_debugger(writer))
            .map(|exception| exception.exception_record.exception_flags.cast_signed()),
        fault_address: exception
            .filter(|_| signal.is_some())
            .and_then(|exception| fault(&exception, machine, writer)),
        threads: threads.iter().filter_map(|thread| thread.id).collect(),
    };
    Ok((process, threads))
}

/// `Name:\tvalue` of /proc/PID/status (proc_pid_status(5)).
fn field<'a>(status: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let lines = status.split(|byte| *byte == b'\n');
    let value = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(b":")).next()?;
    Some(value.trim_ascii())
}

/// The first number of a field.
fn number(status: &[u8], name: &[u8]) -> Option<u32> {
    let word = field(status, name)?.split(u8::is_ascii_whitespace).next()?;
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// A command's name as it is: /proc/PID/status writes `\n` for a newline in it and `\\` for a backslash.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut bytes = name.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(other) => other,
                None => byte,
            },
            other => other,
        });
    }
    plain
}

/// The command line: arguments end with NUL each, and are parted by spaces here, as the kernel does in pr_psargs.
fn joined(command_line: &[u8]) -> Vec<u8> {
    let end = command_line.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let arguments = command_line.get(..end).unwrap_or_default();
    arguments.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect()
}

/// Whether `writer` stops a process to dump it.
fn is_a_debugger(writer: Option<Writer>) -> bool {
    Habits::of(writer).signal == WrittenSignal::Stopped
}

/// The signal that ended the process; `None` if the dump was asked for.
fn fatal_signal(
    exception: &MINIDUMP_EXCEPTION_STREAM,
    machine: Machine,
    writer: Option<Writer>,
) -> Option<Signal> {
    let signal = Some(exception.exception_record.exception_code)
        .filter(|code| *code <= LAST_SIGNAL)
        .and_then(Signal::new)?;
    let stopped = signal == Signal::TRAP || signal.number() == machine.signals().stop();
    (!is_a_debugger(writer) || !stopped).then_some(signal)
}

/// si_addr, where the kernel raised the signal for an access. Breakpad and its kin write si_code into the flags; lldb has
/// the instruction's address there, and neither.
fn fault(exception: &MINIDUMP_EXCEPTION_STREAM, machine: Machine, writer: Option<Writer>) -> Option<Address> {
    let record = &exception.exception_record;
    let signal = Signal::new(record.exception_code)?;
    let has_address = [Signal::SEGV, Signal::ILL, Signal::FPE].contains(&signal)
        || signal.number() == machine.signals().bus();
    let raised = record.exception_flags > 0
        && i32::try_from(record.exception_flags).is_ok()
        && record.exception_flags != SI_KERNEL;
    (!is_a_debugger(writer) && has_address && raised).then(|| Address::new(record.exception_address))
}
