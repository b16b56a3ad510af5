//! The listing of a dump: a line about the process, a row for each attachment, and what is missing, why, and what to do.

use std::collections::HashMap;
use std::io::{self, Write};

use super::grid::{Cell, Grid, Heading, wrap};
use super::printable::{Printable, Quoted};
use super::size::size;
use super::style::{Style, Tone};
use crate::report::{Attachment, Content, Dump, Message, Segment, Text};

/// A column of the listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column(usize);

/// What a row is made from: an attachment of a segment, and whether it is the segment's first.
struct Row<'a> {
    segment: &'a Segment,
    attachment: &'a Attachment,
    first: bool,
}

type CellOf = fn(&Row<'_>, Style) -> Cell;

/// Every column: its heading, and how it is filled.
const COLUMNS: &[(Heading, CellOf)] = &[
    (heading("#", true, 0), |row, _| Cell::new(row.segment.number.to_string())),
    (heading("KEY", false, 0), |row, _| {
        Cell::new(row.segment.key.as_deref().unwrap_or("-")).tone(Tone::Name)
    }),
    (heading("BASE", false, 0), |row, _| {
        Cell::new(row.attachment.base.map_or("-".to_owned(), |base| base.to_string()))
    }),
    (heading("MAPPED", true, 3), |row, style| Cell::new(size(row.attachment.mapped, style.bytes))),
    (heading("SAVED", true, 1), |row, style| Cell::new(size(row.attachment.saved, style.bytes))),
    (heading("PERM", false, 2), |row, _| Cell::new(permissions(row.attachment))),
    (heading("STATE", false, 0), |row, _| {
        let state = if row.first { row.segment.state } else { row.attachment.state };
        Cell::new(state).tone(state_tone(state))
    }),
    (Heading { name: "CONTENT", right: false, dispensable: 0, breaks: true }, |row, style| {
        if row.first {
            content(row.segment.content.as_ref(), style)
        } else {
            Cell::new(format!("#{} attached again", row.segment.number)).tone(Tone::Faint)
        }
    }),
];

const fn heading(name: &'static str, right: bool, dispensable: u8) -> Heading {
    Heading { name, right, dispensable, breaks: false }
}

impl Column {
    /// Every column, in order.
    pub fn all() -> Vec<Self> {
        (0..COLUMNS.len()).map(Self).collect()
    }

    /// The names of all columns, as `--columns` takes them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        COLUMNS.iter().map(|(heading, _)| heading.name)
    }

    /// The column of a name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::names().position(|known| known.eq_ignore_ascii_case(name)).map(Self)
    }
}

/// What the listing shows.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// Whether headings are printed, and with them all that is no row.
    pub header: bool,
    /// More about the process.
    pub verbose: bool,
    /// Rows alone.
    pub quiet: bool,
}

impl Listing {
    /// Writes `dump`.
    ///
    /// # Errors
    /// What writing said.
    pub fn write(&self, dump: &Dump, style: Style, out: &mut dyn Write) -> io::Result<()> {
        let prose = self.header && !self.quiet;
        if prose {
            about(dump, self.verbose, style, out)?;
        }
        if dump.segments.is_empty() {
            return Ok(());
        }
        if prose {
            writeln!(out)?;
        }
        let chosen: Vec<_> = self.columns.iter().filter_map(|column| COLUMNS.get(column.0)).collect();
        let rows = dump.segments.iter().flat_map(|segment| {
            (0..).zip(&segment.attachments).map(move |(at, attachment)| Row {
                segment,
                attachment,
                first: at == 0,
            })
        });
        let grid = Grid {
            headings: chosen.iter().map(|(heading, _)| *heading).collect(),
            rows: rows.map(|row| chosen.iter().map(|(_, cell)| cell(&row, style)).collect()).collect(),
            header: self.header,
        };
        let left_out = grid.write(style, out)?;
        if !prose {
            return Ok(());
        }
        missing(dump, style, out)?;
        if !left_out.is_empty() {
            writeln!(
                out,
                "\n{}",
                style.paint(Tone::Faint, format!("(no room for {})", left_out.join(", ")))
            )?;
        }
        if style.interactive {
            let path = Printable(dump.path.path.as_bytes());
            let hint = format!("next: coreinspect show {path} '#1' --hex");
            writeln!(out, "\n{}", style.paint(Tone::Faint, hint))?;
        }
        Ok(())
    }
}

/// Who the process was and who wrote the dump.
fn about(dump: &Dump, verbose: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let process = &dump.process;
    let mut text = format!("{}: ", Printable(dump.path.path.as_bytes()));
    match &dump.error {
        Some(error) => text.push_str(&error.message),
        None => {
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
            if dump.warnings.iter().any(|warning| warning.code == "truncated") {
                text.push_str("; the file is cut off");
            }
        }
    }
    write_wrapped(&text, "", "  ", style, out)?;
    if verbose && dump.error.is_none() {
        let shown = |text: &Option<Text>| text.as_ref().map(|text| Printable(text.bytes()).to_string());
        let facts = [
            ("executable", shown(&process.executable)),
            ("arguments", shown(&process.arguments)),
            ("uid", process.uid.map(|uid| uid.to_string())),
            ("threads", Some(join(&process.threads))),
            ("page size", dump.page_size.map(|size| size.to_string())),
            ("file size", dump.file_size.map(|bytes| format!("{bytes} bytes"))),
            ("POSIX shm", Some(format!("{} mappings in /dev/shm", dump.posix_mappings))),
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

/// What is missing of the segments, by cause: a thousand segments that lack the same are told once.
fn missing(dump: &Dump, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut groups = Vec::<Vec<&Segment>>::new();
    let mut group_of = HashMap::new();
    for segment in dump.segments.iter().filter(|segment| !segment.causes.is_empty()) {
        let causes = segment.causes.iter().map(|cause| (cause.code, cause.certain, cause.fix.as_str()));
        let group = *group_of.entry(causes.collect::<Vec<_>>()).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(segments) => segments.push(segment),
            None => groups.push(vec![segment]),
        }
    }
    for segments in &groups {
        writeln!(out)?;
        let Some(first) = segments.first() else { continue };
        write_wrapped(&lacking(segments, style), "", "  ", style, out)?;
        for cause in &first.causes {
            let sure = if cause.certain { "" } else { " (perhaps)" };
            let example = if segments.len() > 1 { format!("(#{}) ", first.number) } else { String::new() };
            let why = format!("{}{sure}: {example}{}", cause.code, cause.evidence);
            write_wrapped(&why, "  why  ", "       ", style, out)?;
            write_wrapped(&cause.fix, "  fix  ", "       ", style, out)?;
        }
    }
    Ok(())
}

/// Which bytes are missing, in a sentence.
fn lacking(segments: &[&Segment], style: Style) -> String {
    const NAMED: usize = 6;
    let sum =
        |of: fn(&Segment) -> u64| segments.iter().fold(0_u64, |sum, segment| sum.saturating_add(of(segment)));
    let lacked = sum(|segment| segment.mapped.saturating_sub(segment.saved));
    let mapped = sum(|segment| segment.mapped);
    let mut names: Vec<_> =
        segments.iter().take(NAMED).map(|segment| format!("#{}", segment.number)).collect();
    if segments.len() > NAMED {
        names.push(format!("{} ({} segments)", style.ellipsis(), segments.len()));
    }
    let which = match segments {
        [segment] => format!("#{} {}", segment.number, segment.key.as_deref().unwrap_or("without a key")),
        _ => names.join(" "),
    };
    format!("{which}: {lacked} of {mapped} bytes are not in the dump")
}

fn write_wrapped(text: &str, first: &str, rest: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let width = style.width.unwrap_or(usize::MAX).saturating_sub(rest.len()).max(20);
    for (number, line) in wrap(text, width).iter().enumerate() {
        writeln!(out, "{}{line}", style.paint(Tone::Faint, if number == 0 { first } else { rest }))?;
    }
    Ok(())
}

/// The rights of all of an attachment's mappings.
fn permissions(attachment: &Attachment) -> String {
    let mut all = attachment.mappings.iter().map(|mapping| mapping.permissions.as_deref().unwrap_or("?"));
    match all.next() {
        Some(first) if all.all(|other| other == first) => first.to_owned(),
        Some(_) => "mixed".to_owned(),
        None => "?".to_owned(),
    }
}

/// The tone of a state.
pub(super) fn state_tone(state: &str) -> Tone {
    match state {
        "whole" => Tone::Good,
        "partial" => Tone::Care,
        _ => Tone::Bad,
    }
}

/// What a segment says, in a line.
fn content(content: Option<&Content>, style: Style) -> Cell {
    let Some(content) = content else { return Cell::new("") };
    let flag = content.value.flag.map(|flag| match flag.name {
        Some(name) => name.to_owned(),
        None => format!("flag {}?", flag.value),
    });
    let text = match (flag, &content.value.message) {
        (None, None) if content.unavailable.iter().all(|part| part.reason == "not-mapped") => {
            return Cell::new("not mapped").tone(Tone::Care);
        }
        (None, None) => return Cell::new("not in the dump").tone(Tone::Bad),
        (Some(flag), None) => format!("{flag}, message not in the dump"),
        (None, Some(message)) => format!("flag not in the dump, {}", message_text(message, style)),
        (Some(flag), Some(message)) if message.length == 0 => flag,
        (Some(flag), Some(message)) => format!("{flag} {}", message_text(message, style)),
    };
    let tone = if content.confidence == "none" { Tone::Faint } else { Tone::Plain };
    Cell::new(text).tone(tone)
}

/// Bytes of a message that a row shows where no width cuts it.
const IN_A_ROW: usize = 200;

fn message_text(message: &Message, style: Style) -> String {
    let bytes = message.text.as_ref().map(Text::bytes).unwrap_or_default();
    let mut shown = IN_A_ROW.min(bytes.len());
    while shown > 0 && shown < bytes.len() && bytes.get(shown).is_some_and(|byte| byte & 0xc0 == 0x80) {
        shown -= 1;
    }
    let text = Quoted(bytes.get(..shown).unwrap_or_default());
    let more = message.length.saturating_sub(shown as u64);
    if more > 0 { format!("{text}{} {more} more", style.ellipsis()) } else { text.to_string() }
}
