//! A segment in full, for `show`.

use std::io::{self, Write};

use super::look;
use super::printable::Printable;
use super::prose::wrap;
use super::style::{Style, Tone};
use super::table::state_tone;
use super::value::{BytesAt, Tree};
use crate::report::{Attachment, Content, Segment};

/// What is shown of a segment beyond what always is.
#[derive(Clone, Copy, Default)]
pub struct Shown<'b> {
    /// Its bytes, for the fields of its value.
    pub bytes: Option<BytesAt<'b>>,
    /// Whether every element of an array is shown.
    pub full: bool,
    /// What could have made its key.
    pub makers: &'b [String],
}

/// The column where values begin.
const VALUES: usize = 14;

/// Writes everything that the report has of `segment`.
///
/// # Errors
/// What writing said.
pub fn write(segment: &Segment, shown: &Shown<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let name = segment
        .name
        .as_ref()
        .map_or_else(|| "without a name".to_owned(), |name| Printable(name.bytes()).to_string());
    let key = segment.key.as_deref().unwrap_or("without a key");
    writeln!(out, "{}", style.paint(Tone::Name, format!("#{} {key}  {name}", segment.number)))?;
    let mut fact = |name: &str, value: &str| field(name, value, style, out);
    match (&segment.key_parts, segment.key_t) {
        (Some(parts), Some(key_t)) => {
            let character = parts.project_char.map_or_else(String::new, |c| format!(" '{c}'"));
            fact(
                "key",
                &format!(
                    "{key_t}; as ftok packs it: project id {}{character}, low byte of the device {}, low 16 bits of \
                     the inode {}",
                    parts.project_id, parts.device_low, parts.inode_low
                ),
            )?;
        }
        (None, Some(_)) => fact("key", "IPC_PRIVATE: every private segment has this key")?,
        (_, None) => fact("key", "unknown: the mapping has no name")?,
    }
    for maker in shown.makers {
        fact("made by", maker)?;
    }
    let known = [
        ("shmid", segment.shmid.map(|id| id.to_string())),
        ("size", segment.size.map(|size| format!("{size} bytes"))),
        ("owner", segment.owner.map(|uid| uid.to_string())),
        ("perms", segment.perms.clone()),
        ("nattch", segment.nattch.map(|count| count.to_string())),
        ("cpid", segment.cpid.map(|pid| pid.to_string())),
        ("lpid", segment.lpid.map(|pid| pid.to_string())),
    ];
    let times = [
        ("attached", segment.attached.and_then(date)),
        ("detached", segment.detached.and_then(date)),
        ("changed", segment.changed.and_then(date)),
    ];
    for (name, value) in known.iter().chain(&times).filter_map(|(name, value)| Some((name, value.as_ref()?)))
    {
        fact(name, value)?;
    }
    let unknown: Vec<_> = known.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    if segment.removed == Some(true) {
        fact("removed", "by IPC_RMID: it is gone with its last attachment")?;
    }
    let found = segment.found_reasons.join("; ");
    if !found.is_empty() {
        let found = Printable(found.as_bytes());
        fact("taken for", &format!("a segment by what it looks like, which is no proof: {found}"))?;
    }
    if !segment.may_be.is_empty() {
        let others: Vec<_> = segment.may_be.iter().map(|number| format!("#{number}")).collect();
        fact(
            "may be",
            &format!(
                "{}, attached again: IPC_PRIVATE has one name, and they do not differ",
                others.join(", ")
            ),
        )?;
    }
    if !unknown.is_empty() {
        fact("unknown", &format!("{}: this dump does not hold them", unknown.join(", ")))?;
    }
    fact("mapped", &format!("{} bytes", segment.mapped))?;
    fact("saved", &format!("{} bytes: {}", segment.saved, segment.state))?;
    for attachment in &segment.attachments {
        writeln!(out)?;
        write_attachment(attachment, style, out)?;
    }
    for cause in &segment.causes {
        writeln!(out)?;
        let sure = if cause.certain { "certain" } else { "perhaps" };
        field("missing", &format!("{} ({sure})", cause.code), style, out)?;
        field("evidence", &cause.evidence, style, out)?;
        field("fix", &cause.fix, style, out)?;
    }
    if let Some(content) = &segment.content {
        writeln!(out)?;
        write_content(content, shown, style, out)?;
    }
    Ok(())
}

/// Seconds since 1970 as a date, in UTC.
fn date(seconds: u64) -> Option<String> {
    Some(jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?.to_string())
}

fn field(name: &str, value: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let width = style.width.unwrap_or(usize::MAX).saturating_sub(VALUES).max(20);
    let indent = VALUES - 2;
    for (number, line) in wrap(value, width).iter().enumerate() {
        let name = if number == 0 { name } else { "" };
        writeln!(out, "  {}{line}", style.paint(Tone::Faint, format!("{name:indent$}")))?;
    }
    Ok(())
}

fn write_attachment(attachment: &Attachment, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let base = attachment.base.map_or_else(|| "unknown".to_owned(), |base| base.to_string());
    let state = style.paint(state_tone(attachment.state), attachment.state);
    writeln!(
        out,
        "  attached at {base}: {} of {} bytes saved, {state}",
        attachment.saved, attachment.mapped
    )?;
    for mapping in &attachment.mappings {
        let permissions = mapping.permissions.as_deref().unwrap_or("rights unknown");
        writeln!(
            out,
            "    {}-{}  offset {:#x}  {permissions}  {} bytes saved",
            mapping.start, mapping.end, mapping.offset, mapping.saved
        )?;
        for missing in &mapping.missing {
            let bytes = missing.end.0.saturating_sub(missing.start.0);
            let text = format!(
                "missing  offset {:#x}-{:#x}  {bytes} bytes: {}",
                missing.offset,
                missing.offset.saturating_add(bytes),
                missing.reason
            );
            writeln!(out, "      {}", style.paint(Tone::Bad, text))?;
        }
    }
    Ok(())
}

fn write_content(content: &Content, shown: &Shown<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let from = content.attachment.map_or_else(String::new, |base| format!(", read from {base}"));
    let layout = Printable(content.layout.as_bytes());
    let layout = match content.possible {
        true => format!("layout {layout}, confidence {}{from}", content.confidence),
        false => format!("no known layout{from}; --layout {layout} reads it as one all the same"),
    };
    field("content", &layout, style, out)?;
    for reason in &content.reasons {
        field("", reason, style, out)?;
    }
    for other in &content.runners_up {
        let reasons = other.reasons.join("; ");
        field("or perhaps", &format!("{} ({}): {reasons}", other.layout, other.confidence), style, out)?;
    }
    if let Some(look) = &content.look {
        look::write(look, style, out)?;
    }
    if let Some(value) = content.value.as_ref().filter(|_| content.possible) {
        Tree { pointers: &content.pointers, bytes: shown.bytes, full: shown.full }
            .write(&value.0, style, out)?;
    }
    for finding in &content.findings {
        let message = Printable(finding.message.as_bytes());
        let text = format!("{}{message}", place(&finding.path, finding.start, finding.end));
        field("finding", &text, style, out)?;
    }
    for part in content.unavailable.iter().filter(|_| content.possible) {
        let text = format!("{}{}", place(&part.path, part.start, part.end), part.reason);
        field("unavailable", &text, style, out)?;
    }
    for limit in &content.limits {
        // It may name a file as the dump does.
        field("limit", &Printable(limit.as_bytes()).to_string(), style, out)?;
    }
    Ok(())
}

fn place(path: &str, start: u64, end: u64) -> String {
    let path = if path.is_empty() { "all" } else { path };
    format!("{} at {start:#x}-{end:#x}: ", Printable(path.as_bytes()))
}
