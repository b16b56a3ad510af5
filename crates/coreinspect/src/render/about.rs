//! Who the process was, and who wrote the dump.

use std::io::{self, Write};

use super::printable::Printable;
use super::prose::write_wrapped;
use super::style::Style;
use crate::report::{Dump, Text};

/// Who the process was and who wrote the dump.
pub(super) fn write(dump: &Dump, verbose: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let process = &dump.process;
    let mut text = format!("{}: ", Printable(dump.path.path.as_bytes()));

    let or_unknown = |known: Option<String>| known.unwrap_or_else(|| "unknown".to_owned());
    let command = process.command.as_ref().map(|command| Printable(command.bytes()).to_string());
    text.push_str(&format!(
        "{} core of {} (pid {}), written by {}",
        or_unknown(dump.machine.clone()),
        command.unwrap_or_else(|| "an unknown command".to_owned()),
        or_unknown(process.pid.map(|pid| pid.to_string())),
        match dump.writer.as_deref() {
            Some("kernel") => "the kernel",
            Some(writer) => writer,
            None => "an unknown program",
        }
    ));
    if let Some(signal) = process.signal {
        // gdb dumps a process that lives on, whatever it was just sent.
        let how = if dump.writer.as_deref() == Some("gcore") { "stopped by" } else { "killed by" };
        match signal.name {
            Some(name) => text.push_str(&format!(", {how} {name}")),
            None => text.push_str(&format!(", {how} signal {}", signal.number)),
        }
        if let Some(address) = process.fault_address {
            text.push_str(&format!(" at {address}{}", inside(dump, address.0)));
        }
    }
    if dump.warnings.iter().any(|warning| ["truncated", "program-headers"].contains(&warning.code)) {
        text.push_str("; the file is cut off");
    }
    write_wrapped(&text, "", "  ", style, out)?;
    if verbose {
        let shown = |text: &Option<Text>| text.as_ref().map(|text| Printable(text.bytes()).to_string());
        let facts = [
            ("executable", shown(&process.executable)),
            ("arguments", shown(&process.arguments)),
            ("uid", process.uid.map(|uid| uid.to_string())),
            ("threads", Some(join(&process.threads))),
            ("page size", dump.page_size.map(|size| size.to_string())),
            ("file size", dump.file_size.map(|bytes| format!("{bytes} bytes"))),
            ("POSIX shm", dump.posix_mappings.map(|count| format!("{count} mappings in /dev/shm"))),
        ];
        for (name, value) in facts {
            let value = value.unwrap_or_else(|| "unknown".to_owned());
            write_wrapped(&value, &format!("  {name:11}"), "             ", style, out)?;
        }
    }
    Ok(())
}

/// Which segment an address lies in, for a sentence; nothing if in none.
fn inside(dump: &Dump, address: u64) -> String {
    let attachments = dump
        .segments
        .iter()
        .flat_map(|one| one.attachments.iter().map(move |attachment| (one.number, attachment)));
    let mut mappings =
        attachments.flat_map(|(number, attachment)| attachment.mappings.iter().map(move |one| (number, one)));
    let holding = mappings.find(|(_, mapping)| mapping.start.0 <= address && address < mapping.end.0);
    holding.map_or_else(String::new, |(number, mapping)| {
        let offset = mapping.offset.saturating_add(address.saturating_sub(mapping.start.0));
        let permissions = mapping.permissions.as_deref().unwrap_or("rights unknown");
        format!(" (in #{number}, offset {offset:#x}, {permissions})")
    })
}

fn join(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}
