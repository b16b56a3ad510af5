//! A segment in full, for `show`.

use std::io::{self, Write};

use super::canvas::{Canvas, Draw, FACTS};
use super::page_map::ShownMap;
use super::printable::Printable;
use super::style::{Style, Tone};
use super::table::state_tone;
use super::value::{BytesAt, Tree, leaves};
use super::{bytes, times};
use crate::kind::Kind;
use crate::position::{Interval, SegmentOffset};
use crate::report::{Attachment, Content, Moment, Segment};
use crate::shm;
use crate::targets::Target;

/// Runs of missing bytes that are listed; more are shown as a map.
pub const MOST_RUNS_LISTED: usize = 6;

/// Segments in full.
pub struct ShownSegments<'a> {
    /// Each of them.
    pub segments: Vec<ShownSegment<'a>>,
    /// Whether every element of an array is shown.
    pub full: bool,
    /// What is known of times.
    pub moments: Vec<Moment>,
}

/// A segment, and what is shown of it beyond what always is.
pub struct ShownSegment<'a> {
    /// The report of it.
    pub segment: &'a Segment,
    /// What could have made its key.
    pub makers: Vec<&'a str>,
    /// Where its bytes are read.
    pub memory: Option<(&'a dyn Target, &'a shm::Segment)>,
    /// The offset in it of the access that killed the process.
    pub fault: Option<u64>,
    /// The part of it of which every byte is shown.
    pub hex: Option<Interval<SegmentOffset>>,
}

impl<'a> ShownSegment<'a> {
    /// A segment of which nothing is known but its report.
    pub fn of(segment: &'a Segment) -> Self {
        Self { segment, makers: Vec::new(), memory: None, fault: None, hex: None }
    }
}

impl Draw for ShownSegments<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        for (at, one) in self.segments.iter().enumerate() {
            if at > 0 {
                canvas.gap()?;
            }
            one.draw(self.full, canvas)?;
        }
        times::draw(&self.moments, canvas)
    }
}

impl ShownSegment<'_> {
    fn draw(&self, full: bool, canvas: &mut dyn Canvas) -> io::Result<()> {
        let content = self.segment.content.as_ref();
        match self.memory.zip(self.hex) {
            Some(((target, segment), window)) => {
                let beside = |offset, length| bytes::at(target, segment, offset, length);
                draw(self, Shown { bytes: Some(&beside), full }, canvas)?;
                canvas.gap()?;
                let value = content.and_then(|content| content.value.as_ref());
                let fields = value.map(|value| leaves(&value.0)).unwrap_or_default();
                bytes::draw(target, segment, window, &fields, canvas)
            }
            None => {
                draw(self, Shown { bytes: None, full }, canvas)?;
                let unknown = content.is_some_and(|content| content.look.is_some());
                match self.memory.filter(|_| unknown) {
                    Some((target, segment)) => bytes::excerpt(target, segment, canvas),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What is shown of a value.
#[derive(Clone, Copy)]
struct Shown<'b> {
    /// The bytes of its fields, beside them.
    bytes: Option<BytesAt<'b>>,
    /// Every element of an array.
    full: bool,
}

/// Everything that the report has of a segment.
fn draw(one: &ShownSegment<'_>, shown: Shown<'_>, canvas: &mut dyn Canvas) -> io::Result<()> {
    let ShownSegment { segment, makers, fault, .. } = one;
    let name = segment
        .name
        .as_ref()
        .map_or_else(|| "without a name".to_owned(), |name| Printable(name.bytes()).to_string());
    let other = segment.kind.filter(|kind| *kind != Kind::SystemV);
    let key = segment.key.as_deref().unwrap_or("without a key");
    let key = other.map_or(key, |kind| kind.label());
    canvas.heading(&[(Tone::Name, &format!("{} {key}  {name}", segment.number))])?;
    let mut fact = |name: &str, value: &str| canvas.fact(FACTS, name, value);
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
        (None, Some(key_t)) if segment.private != Some(true) => {
            fact("key", &format!("{key_t}; not made by ftok"))?;
        }
        (None, Some(_)) => fact("key", "IPC_PRIVATE: every private segment has this key")?,
        (_, None) if other.is_some() => {}
        (_, None) => fact("key", "unknown: the mapping has no name")?,
    }
    for maker in makers {
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
    // The kernel counts and dates System V segments alone.
    let tells = |name: &&str| other.is_none() || ["size", "owner", "perms"].contains(name);
    let unknown = known.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name);
    let unknown: Vec<_> = unknown.filter(tells).collect();
    if segment.removed == Some(true) {
        let how = match other {
            None => "by IPC_RMID: it is gone with its last attachment",
            Some(_) => "its file was unlinked: it is gone with its last mapping and descriptor",
        };
        fact("removed", how)?;
    }
    let found = segment.found_reasons.join("; ");
    if !found.is_empty() {
        let found = Printable(found.as_bytes());
        match other {
            None => fact("taken for", &format!("probably a segment, without proof: {found}"))?,
            Some(_) => fact("doubt", &found.to_string())?,
        }
    }
    if !segment.may_be.is_empty() {
        let others: Vec<_> = segment.may_be.iter().map(|number| number.to_string()).collect();
        fact(
            "may be",
            &match other {
                None => format!(
                    "{}, attached again: all IPC_PRIVATE segments have one name, and these do not differ",
                    others.join(", ")
                ),
                Some(_) => format!("{}, mapped again: they have one name", others.join(", ")),
            },
        )?;
    }
    if !unknown.is_empty() {
        fact("unknown", &format!("{}: this dump does not hold them", unknown.join(", ")))?;
    }
    fact("mapped", &format!("{} bytes", segment.mapped))?;
    fact("saved", &format!("{} bytes: {}", segment.saved, segment.state))?;
    // The map shows runs better than many lines do.
    let listed = segment.map.is_none() || segment.missing_runs() <= MOST_RUNS_LISTED;
    if segment.filled > 0 {
        let from = one.memory.map_or(&[][..], |(target, _)| target.filled_from());
        let from = segment.filled_from.iter().filter_map(|index| from.get(*index));
        let from: Vec<_> = from.map(|from| from.words()).collect();
        let from = Printable(from.join(", ").as_bytes()).to_string();
        fact("filled", &format!("{} of the missing bytes by coreinspect fill, from {from}", segment.filled))?;
    }
    if let Some(foreign) = &segment.foreign {
        fact("foreign", &foreign.sentence(segment.number))?;
    }
    for attachment in &segment.attachments {
        canvas.gap()?;
        canvas.preformatted(&mut |style, out| write_attachment(attachment, listed, style, out))?;
    }
    if let Some(map) = &segment.map {
        canvas.gap()?;
        let value = segment.content.as_ref().and_then(|content| content.value.as_ref()).map(|value| &value.0);
        ShownMap { map, value, fault: *fault }.draw(canvas)?;
    }
    for cause in &segment.causes {
        canvas.gap()?;
        let sure = if cause.certain { "certain" } else { "perhaps" };
        canvas.fact(FACTS, "missing", &format!("{} ({sure})", cause.code.name()))?;
        canvas.fact(FACTS, "evidence", &cause.evidence)?;
        canvas.fact(FACTS, "fix", &cause.fix)?;
    }
    if let Some(content) = &segment.content {
        canvas.gap()?;
        draw_content(content, shown, canvas)?;
    }
    Ok(())
}

/// Seconds since 1970 as a date, in UTC.
fn date(seconds: u64) -> Option<String> {
    Some(jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?.to_string())
}

fn write_attachment(
    attachment: &Attachment,
    listed: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
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
        if !listed && !mapping.missing.is_empty() {
            let text = format!("missing  {} runs: see the map", mapping.missing.len());
            writeln!(out, "      {}", style.paint(Tone::Bad, text))?;
            continue;
        }
        for fill in mapping.fills.iter().filter(|_| listed) {
            let bytes = fill.end.0.saturating_sub(fill.start.0);
            let end = fill.offset.saturating_add(bytes);
            let text = format!("filled   offset {:#x}-{end:#x}  {bytes} bytes", fill.offset);
            writeln!(out, "      {}", style.paint(Tone::Care, text))?;
        }
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

/// Locks of a segment that are told; `locks` tells all.
const MOST_LOCKS: usize = 20;

fn draw_content(content: &Content, shown: Shown<'_>, canvas: &mut dyn Canvas) -> io::Result<()> {
    let from = content.attachment.map_or_else(String::new, |base| format!(", read from {base}"));
    let layout = match &content.layout {
        Some(layout) => {
            let layout = Printable(layout.as_bytes());
            format!("layout {layout}, confidence {}{from}", content.confidence.name())
        }
        None => format!("no known layout{from}; --layout NAME decodes it as one anyway"),
    };
    canvas.fact(FACTS, "content", &layout)?;
    for reason in &content.reasons {
        // It may quote what it saw.
        canvas.fact(FACTS, "", &Printable(reason.as_bytes()).to_string())?;
    }
    for other in &content.runners_up {
        let reasons = other.reasons.join("; ");
        canvas.fact(
            FACTS,
            "or perhaps",
            &format!("{} ({}): {}", other.layout, other.confidence.name(), Printable(reasons.as_bytes())),
        )?;
    }
    if let Some(summary) = &content.summary {
        canvas.fact(FACTS, "says", &Printable(summary.as_bytes()).to_string())?;
    }
    if let Some(look) = &content.look {
        look.draw(canvas)?;
    }
    if let Some(value) = &content.value {
        let tree = Tree { pointers: &content.pointers, bytes: shown.bytes, full: shown.full };
        canvas.preformatted(&mut |style, out| tree.write(&value.0, style, out))?;
    }
    for lock in content.locks.iter().take(MOST_LOCKS) {
        canvas.fact(
            FACTS,
            "lock",
            &format!("{}{}", place(&lock.path, lock.start, lock.end), super::locks::said(lock)),
        )?;
    }
    let more = content.locks.len().saturating_sub(MOST_LOCKS);
    if more > 0 {
        canvas.fact(FACTS, "", &format!("{more} more locks: coreinspect locks tells all"))?;
    }
    for finding in &content.findings {
        let message = Printable(finding.message.as_bytes());
        let text = format!("{}{message}", place(&finding.path, finding.start, finding.end));
        canvas.fact(FACTS, "finding", &text)?;
    }
    for part in &content.unavailable {
        let text = format!("{}{}", place(&part.path, part.start, part.end), part.reason);
        canvas.fact(FACTS, "unavailable", &text)?;
    }
    for limit in &content.limits {
        // It may name a file as the dump does.
        canvas.fact(FACTS, "limit", &Printable(limit.as_bytes()).to_string())?;
    }
    Ok(())
}

fn place(path: &str, start: u64, end: u64) -> String {
    let path = if path.is_empty() { "all" } else { path };
    format!("{} at {start:#x}-{end:#x}: ", Printable(path.as_bytes()))
}
