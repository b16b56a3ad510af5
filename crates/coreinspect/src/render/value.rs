//! A decoded value: in a line, and as a tree with its offsets and, if asked for, its bytes.

use std::io::{self, Write};

use super::printable::{Printable, Quoted};
use super::prose::wrap;
use super::style::{Style, Tone};
use super::tag::tagged;
use crate::layout::Confidence;
use crate::report::{Content, Pointer};
use crate::types::TimeUnit;
use crate::types::value::{Kind, NumberStyle, Text, Value, cut};

/// Bytes of a text that a line shows where no width cuts it.
const IN_A_LINE: usize = 200;
/// Bytes of all parts of a line, and one more part.
const LINE: usize = 2000;

/// What a content says, in a line: names and texts speak for themselves, numbers by their field's name.
pub(super) fn summary(content: &Content, style: Style) -> Option<(String, Tone)> {
    let (layout, value) = (content.layout.as_ref()?, &content.value.as_ref()?.0);
    let parts: Vec<Part> = match &value.kind {
        Kind::Struct(members) => {
            let mut parts = members.iter().filter_map(|member| part(&member.name, &member.value, style));
            let mut left = LINE;
            let mut first: Vec<_> = parts
                .by_ref()
                .take_while(|part| {
                    let fits = left > 0;
                    left = left.saturating_sub(part.text.len());
                    fits
                })
                .collect();
            // What no line holds is not even made.
            if left == 0 {
                first.push(Part { text: style.ellipsis().to_owned(), speaks: true, missing: false });
            }
            first
        }
        _ => part("", value, style).into_iter().collect(),
    };
    if parts.iter().all(|part| part.missing) && (!parts.is_empty() || value.kind == Kind::Missing) {
        return Some(match content.unavailable.iter().all(|part| part.reason == "not-mapped") {
            true => ("not mapped".to_owned(), Tone::Care),
            false => ("not in the dump".to_owned(), Tone::Bad),
        });
    }
    let some_missing = parts.iter().any(|part| part.missing);
    let speaking = parts.iter().all(|part| part.speaks);
    let texts: Vec<_> = parts.into_iter().map(|part| part.text).collect();
    let mut text = texts.join(if some_missing { ", " } else { " " });
    if !speaking {
        text = format!("{}: {text}", Printable(layout.as_bytes()));
    }
    if content.confidence == Confidence::Likely {
        text.push_str(" (likely)");
    }
    if let Some(finding) = content.findings.first() {
        let more = content.findings.len().saturating_sub(1);
        let more = if more > 0 { format!(" ({more} more)") } else { String::new() };
        return Some((format!("{}{more}; {text}", finding.message), Tone::Care));
    }
    Some((text, Tone::Plain))
}

/// A field in a line.
struct Part {
    text: String,
    /// Whether it needs no name.
    speaks: bool,
    missing: bool,
}

/// A name as it may be shown: it comes from a program or a file that may come along with a hostile dump.
fn harmless(name: &str) -> String {
    Printable(name.as_bytes()).to_string()
}

fn part(name: &str, value: &Value, style: Style) -> Option<Part> {
    let name = &Printable(cut(name.as_bytes(), IN_A_LINE)).to_string();
    let plain = |text: String| Some(Part { text, speaks: false, missing: false });
    match &value.kind {
        Kind::Missing => Some(Part { text: format!("{name} not in the dump"), speaks: true, missing: true }),
        Kind::Named(_, Some(known)) => Some(Part { text: harmless(known), speaks: true, missing: false }),
        Kind::Named(value, None) => {
            Some(Part { text: format!("{name} {value}?"), speaks: true, missing: false })
        }
        Kind::Text(text) if text.measured => {
            (text.length > 0).then(|| Part { text: quoted(text, style), speaks: true, missing: false })
        }
        Kind::Text(text) => plain(format!("{name} {}", quoted(text, style))),
        Kind::Struct(_) => plain(format!("{name} {{{}}}", style.ellipsis())),
        Kind::Array(elements, omitted) => {
            plain(format!("{name}[{}]", (elements.len() as u64).saturating_add(*omitted)))
        }
        _ => plain(format!("{name}={}", scalar(value, style))),
    }
}

fn quoted(text: &Text, style: Style) -> String {
    let shown = cut(&text.bytes, IN_A_LINE);
    let more = text.length.saturating_sub(shown.len() as u64);
    let shown = Quoted(shown);
    if more > 0 { format!("{shown}{} {more} more", style.ellipsis()) } else { shown.to_string() }
}

/// A value without parts.
pub(crate) fn scalar(value: &Value, style: Style) -> String {
    match &value.kind {
        Kind::Missing => "not in the dump".to_owned(),
        Kind::Nothing => "null".to_owned(),
        Kind::Number(number, form) => match form {
            NumberStyle::Decimal => number.to_string(),
            NumberStyle::Hexadecimal => format!("{number:#x}"),
            NumberStyle::Character => match u8::try_from(*number) {
                Ok(byte) => format!("{number} '{}'", byte.escape_ascii()),
                Err(_) => number.to_string(),
            },
            NumberStyle::Boolean => match number {
                0 => "false".to_owned(),
                1 => "true".to_owned(),
                other => format!("{other} (neither 0 nor 1)"),
            },
            NumberStyle::Time(unit) => time(*number, *unit),
        },
        Kind::Named(number, Some(name)) => format!("{number} ({})", harmless(name)),
        Kind::Named(number, None) => format!("{number} (no name has this value)"),
        Kind::Flags(bits, names) if names.is_empty() => format!("{bits:#x}"),
        Kind::Flags(bits, names) => format!("{bits:#x} ({})", harmless(&names.join(" | "))),
        Kind::Float(number) => number.to_string(),
        Kind::Pointer(address) => format!("{address:#x}"),
        Kind::Text(text) if text.measured => {
            let more = text.length.saturating_sub(text.bytes.len() as u64);
            let shown = if more > 0 {
                format!(", {} shown: --full shows all", text.bytes.len())
            } else {
                String::new()
            };
            let end = if text.terminated { "ended by a NUL" } else { "not ended by a NUL" };
            format!("{} ({} bytes{shown}, {end})", Quoted(&text.bytes), text.length)
        }
        Kind::Text(text) => {
            let more = text.length.saturating_sub(text.bytes.len() as u64);
            let more = if more > 0 { format!(" ({more} bytes more: --full)") } else { String::new() };
            format!("{}{more}", Quoted(&text.bytes))
        }
        Kind::Bytes(bytes, length) => {
            let digits: Vec<_> = bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
            let more = length.saturating_sub(digits.len() as u64);
            let more = if more > 0 { format!(" {} {more} more", style.ellipsis()) } else { String::new() };
            format!("{}{more}", digits.join(" "))
        }
        Kind::Struct(members) => {
            let members = members.iter().map(|member| {
                let name = harmless(&member.name);
                format!("{name} {}", scalar(&member.value, style))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Kind::Array(elements, omitted) => list(elements, *omitted, style),
    }
}

/// A time since 1970 as a number and, unless it is out of all bounds, as a date.
fn time(number: i128, unit: TimeUnit) -> String {
    let nanoseconds = match unit {
        TimeUnit::Seconds => number.checked_mul(1_000_000_000),
        TimeUnit::Milliseconds => number.checked_mul(1_000_000),
        TimeUnit::Microseconds => number.checked_mul(1000),
        TimeUnit::Nanoseconds => Some(number),
    };
    let date =
        nanoseconds.filter(|_| number != 0).and_then(|time| jiff::Timestamp::from_nanosecond(time).ok());
    date.map_or_else(|| number.to_string(), |date| format!("{number} ({date})"))
}

/// Elements of an array that a person is shown, unless all are asked for.
const ELEMENTS: usize = 16;

fn list(elements: &[Value], omitted: u64, style: Style) -> String {
    let mut texts: Vec<_> = elements.iter().take(64).map(|element| scalar(element, style)).collect();
    let more = (elements.len().saturating_sub(texts.len()) as u64).saturating_add(omitted);
    if more > 0 {
        texts.push(format!("{} {more} more", style.ellipsis()));
    }
    format!("{{{}}}", texts.join(", "))
}

/// The bytes from an offset on, as many as are asked for; `None` for one that is missing.
pub type BytesAt<'b> = &'b dyn Fn(u64, usize) -> Vec<Option<u8>>;

/// A tree of fields, one a line: offset, bytes, name, value.
pub struct Tree<'a> {
    /// Where its pointers lead.
    pub pointers: &'a [Pointer],
    /// The bytes, if they are to be shown.
    pub bytes: Option<BytesAt<'a>>,
    /// Whether every element of an array is shown.
    pub full: bool,
}

/// Who is told the lines of a tree.
struct Lines<'l> {
    each: Box<dyn FnMut(Line) -> io::Result<()> + 'l>,
    /// Lines with a tone: each takes the next one.
    toned: usize,
}

impl<'l> Lines<'l> {
    fn new(each: impl FnMut(Line) -> io::Result<()> + 'l) -> Self {
        Self { each: Box::new(each), toned: 0 }
    }

    fn push(&mut self, line: Line) -> io::Result<()> {
        self.toned = self.toned.saturating_add(usize::from(line.tone.is_some()));
        (self.each)(line)
    }
}

/// A line of the tree.
struct Line {
    depth: usize,
    name: String,
    text: String,
    offset: u64,
    length: u64,
    tone: Option<usize>,
    missing: bool,
}

/// Bytes that stand beside a field.
const BESIDE: u64 = 8;

impl Tree<'_> {
    /// Writes `value`.
    ///
    /// # Errors
    /// What writing said.
    pub fn write(&self, value: &Value, style: Style, out: &mut dyn Write) -> io::Result<()> {
        // Twice: lines of all fields at once would take as much memory as the values.
        let mut names = 0;
        let mut lines = Lines::new(|line: Line| {
            let name = line.name.chars().count();
            names = names.max(line.depth.saturating_mul(2).saturating_add(name));
            Ok(())
        });
        self.all(value, style, &mut lines)?;
        drop(lines);
        let names = names.clamp(4, 32);
        let beside = match style.width {
            Some(width) if width < 78 => BESIDE / 2,
            _ => BESIDE,
        };
        let mut lines = Lines::new(|line: Line| {
            let offset = style.paint(Tone::Faint, format!("+{:<#7x}", line.offset));
            write!(out, "  {offset} ")?;
            let mut used = 2 + 8 + 1;
            if let Some(bytes) = self.bytes {
                let shown = self.beside(&line, bytes, beside, style);
                let columns = usize::try_from(beside).unwrap_or(8).saturating_mul(3);
                write!(
                    out,
                    "{}{:pad$} ",
                    style.field(line.tone, &shown),
                    "",
                    pad = columns.saturating_sub(shown.chars().count())
                )?;
                used = columns.saturating_add(used).saturating_add(1);
            }
            let name = format!("{:indent$}{}", "", line.name, indent = line.depth.saturating_mul(2));
            let width = names.saturating_sub(name.chars().count());
            write!(out, "{}{:width$}", style.field(line.tone, &name), "")?;
            used = names.saturating_add(used).saturating_add(2);
            let room = style.width.unwrap_or(usize::MAX).saturating_sub(used).max(20);
            let tone = if line.missing { Tone::Bad } else { Tone::Plain };
            for (at, text) in wrap(&line.text, room).iter().enumerate() {
                let indent = if at == 0 { 2 } else { used };
                if at > 0 {
                    writeln!(out)?;
                }
                write!(out, "{:indent$}{}", "", style.paint(tone, text))?;
            }
            writeln!(out)
        });
        self.all(value, style, &mut lines)
    }

    /// Tells the lines of `value`.
    fn all(&self, value: &Value, style: Style, lines: &mut Lines<'_>) -> io::Result<()> {
        match &value.kind {
            Kind::Struct(members) => {
                members.iter().try_for_each(|member| self.lines(&member.name, &member.value, 0, style, lines))
            }
            _ => self.lines("value", value, 0, style, lines),
        }
    }

    fn beside(&self, line: &Line, bytes: BytesAt<'_>, beside: u64, style: Style) -> String {
        if line.tone.is_none() {
            return String::new();
        }
        let more = line.length > beside;
        let count = if more { beside.saturating_sub(1) } else { line.length };
        let bytes = bytes(line.offset, usize::try_from(count).unwrap_or(0));
        let missing = if style.unicode { "··" } else { "--" };
        let digits = bytes.iter().map(|byte| byte.map_or(missing.to_owned(), |byte| format!("{byte:02x}")));
        let mut digits: Vec<_> = digits.collect();
        if more {
            digits.push(if style.unicode { "…".to_owned() } else { "..".to_owned() });
        }
        digits.join(" ")
    }

    fn lines(
        &self,
        name: &str,
        value: &Value,
        depth: usize,
        style: Style,
        lines: &mut Lines<'_>,
    ) -> io::Result<()> {
        let offsets = value.offsets;
        let mut line = Line {
            depth,
            name: harmless(name),
            text: String::new(),
            offset: offsets.start().get(),
            length: offsets.length(),
            tone: None,
            missing: value.kind == Kind::Missing,
        };
        match &value.kind {
            Kind::Struct(members) => {
                lines.push(line)?;
                for member in members {
                    self.lines(&member.name, &member.value, depth.saturating_add(1), style, lines)?;
                }
            }
            Kind::Array(elements, omitted) if elements.iter().any(|element| has_parts(&element.kind)) => {
                let total = (elements.len() as u64).saturating_add(*omitted);
                line.text = format!("{total} elements");
                lines.push(line)?;
                let most = if self.full { usize::MAX } else { ELEMENTS };
                for (index, element) in elements.iter().enumerate().take(most) {
                    if let Some(text) = record(element, style) {
                        lines.push(Line {
                            depth: depth.saturating_add(1),
                            name: format!("[{index}]"),
                            text,
                            offset: element.offsets.start().get(),
                            length: element.offsets.length(),
                            tone: Some(lines.toned),
                            missing: false,
                        })?;
                        continue;
                    }
                    self.lines(&format!("[{index}]"), element, depth.saturating_add(1), style, lines)?;
                }
                let more = (elements.len().saturating_sub(most) as u64).saturating_add(*omitted);
                if more > 0 {
                    let next = elements.get(most).map_or(offsets.end(), |element| element.offsets.start());
                    lines.push(Line {
                        depth: depth.saturating_add(1),
                        name: style.ellipsis().to_owned(),
                        text: format!("{more} more: --full, or --at and --count"),
                        offset: next.get(),
                        length: 0,
                        tone: None,
                        missing: false,
                    })?;
                }
            }
            kind => {
                line.tone = Some(lines.toned);
                line.text = scalar(value, style);
                if let (Kind::Pointer(_), Some(goal)) = (kind, self.leads_to(line.offset)) {
                    line.text = format!("{} {} {goal}", line.text, if style.unicode { "→" } else { "->" });
                }
                lines.push(line)?;
            }
        }
        Ok(())
    }

    fn leads_to(&self, at: u64) -> Option<String> {
        let found = self.pointers.binary_search_by_key(&at, |pointer| pointer.at).ok();
        let pointer = self.pointers.get(found?)?;
        let offset = format!("{:#x}{}", pointer.offset, tagged(pointer.tag));
        match (pointer.segment, &pointer.mapping) {
            (None, Some(name)) if pointer.symbol.is_some() => {
                let symbol = pointer.symbol.as_deref().unwrap_or_default();
                let file = name.bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                Some(format!("{} in {}+{offset}", Printable(symbol.as_bytes()), Printable(file)))
            }
            (Some(segment), _) if pointer.foreign => {
                Some(format!("{segment}+{offset} as another process sees it"))
            }
            (Some(segment), _) => Some(format!("{segment}+{offset}")),
            (None, Some(name)) => Some(format!("{}+{offset}", Printable(name.bytes()))),
            (None, None) => None,
        }
    }
}

/// A short struct of an array in a line, as debuggers print it; `None` for a long one, or one of parts that have parts.
fn record(value: &Value, style: Style) -> Option<String> {
    const SHORT: usize = 100;
    let Kind::Struct(members) = &value.kind else { return None };
    let plain = |kind: &Kind| !has_parts(kind) && !matches!(kind, Kind::Missing | Kind::Pointer(_));
    if members.is_empty() || !members.iter().all(|member| plain(&member.value.kind)) {
        return None;
    }
    Some(scalar(value, style)).filter(|text| text.chars().count() <= SHORT)
}

fn has_parts(kind: &Kind) -> bool {
    matches!(kind, Kind::Struct(_) | Kind::Array(..)) || matches!(kind, Kind::Text(text) if text.measured)
}

/// The offsets of the values without parts, in the order in which a tree shows them.
pub fn leaves(value: &Value) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let mut left = vec![(value, false)];
    while let Some((next, element)) = left.pop() {
        if element && record(next, Style::default()).is_some() {
            found.push((next.offsets.start().get(), next.offsets.end().get()));
            continue;
        }
        match &next.kind {
            Kind::Struct(members) => left.extend(members.iter().rev().map(|member| (&member.value, false))),
            Kind::Array(elements, _) if elements.iter().any(|element| has_parts(&element.kind)) => {
                left.extend(elements.iter().rev().map(|element| (element, true)));
            }
            _ => found.push((next.offsets.start().get(), next.offsets.end().get())),
        }
    }
    found
}
