//! What each part of the listing says, by the report that it was made from.

use std::io::Write;

use coreinspect::render::printable::{Printable, Quoted};
use coreinspect::report::{Dump, Segment};
use coreinspect::types::value::Kind;

use crate::Result;

/// Explains the listing of `dump`.
pub(super) fn explain(dump: &Dump, out: &mut dyn Write) -> Result<()> {
    let segment = dump.segments.first().ok_or("the dump shows no segment")?;
    let name = segment.name.as_ref().map_or_else(String::new, |name| Printable(name.bytes()).to_string());
    writeln!(out, "The dump has a list of mapped files (the note NT_FILE). One of them is")?;
    writeln!(out, "    {name}")?;
    writeln!(out, "That is how the kernel names a System V segment: its key in hexadecimal, and")?;
    writeln!(out, "\"(deleted)\" because the file behind it stands in no folder. Debuggers stop here:")?;
    writeln!(out, "gdb warns that it cannot open it, WinDbg is \"Unable to verify\" it.")?;
    writeln!(out)?;
    let mut line = |name: &str, text: String| writeln!(out, "  {name:8} {text}");
    if let (Some(key), Some(parts)) = (&segment.key, &segment.key_parts) {
        let character = parts.project_char.map_or_else(String::new, |c| format!(" '{c}'"));
        line("KEY", format!("{key}: what ftok(\".\", 'x') of the writer made of"))?;
        line(
            "",
            format!(
                "the project id {}{character}, the low byte {} of the device and",
                parts.project_id, parts.device_low
            ),
        )?;
        line("", format!("the low 16 bits {} of the inode of its folder", parts.inode_low))?;
    }
    if let Some(attachment) = segment.attachments.first() {
        let base = attachment.base.map_or_else(|| "unknown".to_owned(), |base| base.to_string());
        line("BASE", format!("{base}: the address that the writer got from shmat"))?;
        line(
            "MAPPED",
            format!("{} bytes: the writer asked for 1024, memory comes in pages", segment.mapped),
        )?;
        line("SAVED", format!("{} of them are in the dump", segment.saved))?;
        let permissions = attachment.mappings.first().and_then(|mapping| mapping.permissions.as_deref());
        line("PERM", format!("{}: attached to read and write", permissions.unwrap_or("unknown")))?;
    }
    line("STATE", format!("{}: {}", segment.state, state(segment)))?;
    content(segment, &mut line)?;
    Ok(())
}

fn state(segment: &Segment) -> &'static str {
    match segment.state {
        "whole" => "every mapped byte was saved",
        "absent" => "no byte was saved",
        _ => "some bytes were not saved; the listing says why, and what to change",
    }
}

fn content(segment: &Segment, line: &mut dyn FnMut(&str, String) -> std::io::Result<()>) -> Result<()> {
    let content = segment.content.as_ref().ok_or("the segment was not decoded")?;
    let part = |name| content.value.as_ref().and_then(|value| value.part(name)).map(|part| &part.kind);
    match part("flag") {
        Some(Kind::Named(flag, name)) => {
            let name = name.as_deref().unwrap_or("without a name");
            line("CONTENT", format!("byte 0 is {flag}: the flag says {name}"))?;
        }
        _ => line("CONTENT", "byte 0, the flag, is not in the dump".to_owned())?,
    }
    match part("message") {
        Some(Kind::Text(message)) => {
            line("", format!("from byte 1 stands the message: {}", Quoted(&message.bytes)))?;
        }
        _ => line("", "the message is not in the dump".to_owned())?,
    }
    Ok(())
}
