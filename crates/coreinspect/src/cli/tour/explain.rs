//! What each part of the listing says, by the report that it was made from.

use crate::layout::Confidence;
use crate::render::printable::{Printable, Quoted};
use crate::report::{Content, Dump, Segment, State};
use crate::types::value::Kind;

/// Lines that explain the listing of `dump`; `None` if it shows no segment that was decoded.
pub(super) fn explain(dump: &Dump) -> Option<Vec<String>> {
    let segment = dump.segments.first()?;
    let content = segment.content.as_ref()?;
    let name = segment.name.as_ref().map_or_else(String::new, |name| Printable(name.bytes()).to_string());
    let mut lines = vec![
        "The dump has a list of mapped files (the note NT_FILE). One of them is".to_owned(),
        format!("    {name}"),
        "That is how the kernel names a System V segment: its key in hexadecimal.".to_owned(),
        "No folder holds that file, so the kernel adds \"(deleted)\". Debuggers stop here:".to_owned(),
        "gdb warns that it cannot open the file; WinDbg says \"Unable to verify\".".to_owned(),
        String::new(),
    ];
    let rows = columns(segment).into_iter().chain([("STATE", state(segment))]).chain(meaning(content));
    lines.extend(rows.map(|(name, text)| format!("  {name:8} {text}")));
    Some(lines)
}

type Row = (&'static str, String);

fn columns(segment: &Segment) -> Vec<Row> {
    let mut rows = Vec::new();
    if let (Some(key), Some(parts)) = (&segment.key, &segment.key_parts) {
        let character = parts.project_char.map_or_else(String::new, |c| format!(" '{c}'"));
        rows.push(("KEY", format!("{key}: what ftok(\".\", 'x') of the writer made of")));
        let device = &parts.device_low;
        rows.push((
            "",
            format!("the project id {}{character}, the low byte {device} of the device", parts.project_id),
        ));
        rows.push(("", format!("and the low 16 bits {} of the inode of its folder", parts.inode_low)));
    }
    if let Some(attachment) = segment.attachments.first() {
        let base = attachment.base.map_or_else(|| "unknown".to_owned(), |base| base.to_string());
        let permissions = attachment.mappings.first().and_then(|mapping| mapping.permissions.as_deref());
        rows.push(("BASE", format!("{base}: the address that the writer got from shmat")));
        rows.push((
            "MAPPED",
            format!("{} bytes: the writer asked for 1024, memory comes in pages", segment.mapped),
        ));
        rows.push(("SAVED", format!("{} of them are in the dump", segment.saved)));
        rows.push(("PERM", format!("{}: attached to read and write", permissions.unwrap_or("unknown"))));
    }
    rows
}

fn state(segment: &Segment) -> String {
    let meaning = match segment.state {
        State::Whole => "every mapped byte was saved",
        State::Absent => "no byte was saved",
        _ => "some bytes were not saved; the listing says why, and what to change",
    };
    format!("{}: {meaning}", segment.state)
}

fn meaning(content: &Content) -> Vec<Row> {
    let part = |name| content.value.as_ref().and_then(|value| value.part(name)).map(|part| &part.kind);
    let flag = match part("flag") {
        Some(Kind::Named(flag, name)) => {
            format!(
                "byte 0 is {flag}: the flag says {}",
                name.as_deref().unwrap_or("nothing that has a name")
            )
        }
        _ => "byte 0, the flag, is not in the dump".to_owned(),
    };
    let message = match part("message") {
        Some(Kind::Text(message)) => format!("from byte 1 stands the message: {}", Quoted(&message.bytes)),
        _ => "the message is not in the dump".to_owned(),
    };
    let mut rows = vec![("CONTENT", flag), ("", message)];
    if content.confidence == Confidence::Likely {
        rows.push(("", "\"(likely)\": it looks so, but no magic number proves it".to_owned()));
    }
    rows
}
