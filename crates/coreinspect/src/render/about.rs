//! Who the process was, and who wrote the dump.

use std::io;

use super::canvas::{Canvas, Margin};
use super::printable::Printable;
use crate::report::{Dump, Handler, Text, Thread};
use crate::targets::FoundBy;
use crate::writer::{Habits, WrittenSignal};

const MARGIN: Margin = Margin { indent: 2, name: 11 };

/// Who the process was and who wrote the dump.
pub(super) fn draw(dump: &Dump, verbose: bool, canvas: &mut dyn Canvas) -> io::Result<()> {
    let process = &dump.process;
    let mut text = format!("{}: ", Printable(dump.path.path.as_bytes()));

    let or_unknown = |known: Option<String>| known.unwrap_or_else(|| "unknown".to_owned());
    let command = process.command.as_ref().map(|command| Printable(command.bytes()).to_string());
    let machine = or_unknown(dump.machine.clone());
    let command = command.unwrap_or_else(|| "an unknown command".to_owned());
    let pid = or_unknown(process.pid.map(|pid| pid.to_string()));
    if dump.kind == Some("process") {
        let threads = process.threads.len();
        let threads = if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
        text.push_str(&format!("{machine} process {command} (pid {pid}), {threads}"));
    } else {
        let writer = dump.writer.map_or("an unknown program", |writer| writer.habits().label);
        let kind = if dump.kind == Some("minidump") { "minidump" } else { "core" };
        text.push_str(&format!("{machine} {kind} of {command} (pid {pid}), written by {writer}"));
    }
    if let Some(signal) = process.signal {
        let lived = Habits::of(dump.writer).signal == WrittenSignal::Stopped;
        let how = if lived { "stopped by" } else { "killed by" };
        match signal.name {
            Some(name) => text.push_str(&format!(", {how} {name}")),
            None => text.push_str(&format!(", {how} signal {}", signal.number)),
        }
        if let Some(address) = process.fault_address {
            text.push_str(&format!(" at {address}"));
        }
    }
    if dump.warnings.iter().any(|warning| ["truncated", "program-headers"].contains(&warning.code)) {
        text.push_str("; the file is cut off");
    }
    canvas.prose(0, &text)?;
    if let Some(fault) = dump.fault.as_ref().filter(|fault| fault.segment.is_some() || fault.from.is_some()) {
        canvas.prose(0, &fault.message)?;
    }
    if verbose {
        let shown = |text: &Option<Text>| text.as_ref().map(|text| Printable(text.bytes()).to_string());
        let facts = [
            ("executable", shown(&process.executable)),
            ("arguments", shown(&process.arguments)),
            ("uid", process.uid.map(|uid| uid.to_string())),
            ("page size", dump.page_size.map(|size| size.to_string())),
            ("file size", dump.file_size.map(|bytes| format!("{bytes} bytes"))),
            ("POSIX shm", dump.posix_mappings.map(|count| format!("{count} mappings in /dev/shm"))),
        ];
        let running = dump.kind == Some("process");
        let facts = facts.into_iter().filter(|(name, _)| !(running && *name == "file size"));
        let by_name = dump.segments.iter().any(|segment| segment.found_by == FoundBy::Name);
        let found_by =
            by_name.then(|| "the names of mappings, which an unlinked file can have too".to_owned());
        let found_by = found_by.map(|found_by| ("found by", Some(found_by)));
        for (name, value) in facts.chain(found_by) {
            let value = value.unwrap_or_else(|| "unknown".to_owned());
            canvas.fact(MARGIN, name, &value)?;
        }
        threads(&process.thread_states, canvas)?;
        if let Some(told) = &dump.handler {
            handler(told, canvas)?;
        }
    }
    Ok(())
}

/// What stands beside the dump, and which of it fills what the dump does not say.
fn handler(told: &Handler, canvas: &mut dyn Canvas) -> io::Result<()> {
    let number = |name, number: Option<u64>| number.map(|number| format!("{name} {number}"));
    let text =
        |name, text: &Option<Text>| text.as_ref().map(|text| format!("{name} {}", Printable(text.bytes())));
    let time = told.time.and_then(|time| jiff::Timestamp::from_second(i64::try_from(time).ok()?).ok());
    let facts = [
        number("pid", told.pid.map(u64::from)),
        number("uid", told.uid.map(u64::from)),
        number("gid", told.gid.map(u64::from)),
        number("signal", told.signal.map(u64::from)),
        time.map(|time| format!("at {time}")),
        text("command", &told.command),
        text("executable", &told.executable),
        text("arguments", &told.arguments),
        text("host", &told.hostname),
    ];
    let mut line = format!("{} noted beside the dump: ", told.name);
    line.push_str(&facts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    if !told.fills.is_empty() {
        line.push_str(&format!("; the dump itself does not say: {}", told.fills.join(", ")));
    }
    canvas.fact(MARGIN, "handler", &line)
}

/// Threads that are listed; the JSON has all.
const MOST_THREADS: usize = 100;

fn threads(threads: &[Thread], canvas: &mut dyn Canvas) -> io::Result<()> {
    if threads.is_empty() {
        return canvas.fact(MARGIN, "threads", "unknown");
    }
    for (at, thread) in threads.iter().take(MOST_THREADS).enumerate() {
        let mut text = thread.id.map_or_else(|| "?".to_owned(), |id| id.to_string());
        if let Some(name) = &thread.name {
            text.push_str(&format!(" {}", Printable(name.bytes())));
        }
        if let Some((pc, sp)) = thread.program_counter.zip(thread.stack_pointer) {
            text.push_str(&format!(" at {pc}, stack at {sp}"));
        }
        canvas.fact(MARGIN, if at == 0 { "threads" } else { "" }, &text)?;
    }
    let unnamed = threads.iter().all(|thread| thread.name.is_none());
    let more = threads.len().saturating_sub(MOST_THREADS);
    if more > 0 {
        canvas.fact(MARGIN, "", &format!("and {more} more"))?;
    }
    if unnamed {
        let text = "their names are unknown: the dump has that of the process alone";
        canvas.fact(MARGIN, "", text)?;
    }
    Ok(())
}
