//! How two copies differ: fields first, bytes behind them, and what was not compared.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::canvas::{Canvas, Draw, Margin};
use super::json::Data;
use super::output::Shown;
use super::printable::Printable;
use super::prose::write_wrapped;
use super::style::{Style, Tone};
use super::value::scalar;
use crate::report::{Diff, DiffField, DiffRange, DiffSegment};
use crate::types::value::Value;

/// Bytes of the left and the right copy of the segment with an index, from an offset on; `None` for one that is missing.
pub type BytesOf<'b> = &'b dyn Fn(usize, u64, usize) -> [Vec<Option<u8>>; 2];

/// A report of `diff`, and how it is shown.
pub struct ShownDiff<'b> {
    /// The report.
    pub diff: &'b Diff,
    /// The bytes, if they are to be shown side by side.
    pub bytes: Option<BytesOf<'b>>,
    /// Fields, runs, and lines of bytes that are shown of a segment.
    pub limit: usize,
    /// No headings, and nothing of segments that are the same.
    pub quiet: bool,
}

impl Shown for ShownDiff<'_> {
    fn data(&self) -> &dyn Data {
        self.diff
    }
}

impl Draw for ShownDiff<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        draw(self, canvas)
    }
}

const SIDES: Margin = Margin { indent: 0, name: 6 };
const RANGES: Margin = Margin { indent: 2, name: 7 };

fn draw(shown: &ShownDiff<'_>, canvas: &mut dyn Canvas) -> io::Result<()> {
    let diff = shown.diff;
    if !shown.quiet {
        canvas.fact(SIDES, "left", &Printable(diff.left.as_bytes()).to_string())?;
        let right = match diff.right_kind {
            "live" => "the live segments of this kernel".to_owned(),
            _ => Printable(diff.right.as_bytes()).to_string(),
        };
        canvas.fact(SIDES, "right", &right)?;
    }
    for (index, segment) in diff.segments.iter().enumerate() {
        if shown.quiet && !segment.differs() && segment.only_in.is_none() {
            continue;
        }
        if !shown.quiet {
            canvas.gap()?;
        }
        heading(segment, canvas)?;
        if segment.only_in.is_some() {
            continue;
        }
        fields(segment, shown.limit, canvas)?;
        ranges(&segment.ranges, segment.more_ranges, shown.limit, canvas)?;
        if let Some(bytes) = shown.bytes.filter(|_| !segment.ranges.is_empty()) {
            canvas.preformatted(&mut |style, out| {
                hex(index, &segment.ranges, bytes, shown.limit, style, out)
            })?;
        }
        missing(segment, shown.limit, canvas)?;
        newer(segment, canvas)?;
        if let Some(read) = segment.read.as_ref().filter(|_| !shown.quiet) {
            canvas.fact(Margin { indent: 2, name: 0 }, "", &format!("the living segment was {read}"))?;
        }
    }
    Ok(())
}

fn heading(segment: &DiffSegment, canvas: &mut dyn Canvas) -> io::Result<()> {
    let number = |number: Option<usize>| number.map_or_else(String::new, |number| format!("{number} "));
    let label = segment.label();
    let key = &Printable(label.as_bytes()).to_string();
    if let Some(side) = segment.only_in {
        let number = number(segment.left.or(segment.right));
        let only = format!("only {side}");
        return canvas.heading(&[
            (Tone::Plain, &number),
            (Tone::Name, key),
            (Tone::Plain, ": "),
            (Tone::Care, &only),
        ]);
    }
    let (left, right) = match (segment.left, segment.right) {
        (Some(left), Some(right)) if left != right => (format!("{left} "), format!(" and {right}")),
        (left, right) => (number(left.or(right)), String::new()),
    };
    let runs = (segment.ranges.len() as u64).saturating_add(segment.more_ranges);
    let runs = if runs == 1 { "1 range".to_owned() } else { format!("{runs} ranges") };
    let said = match (segment.different, segment.compared) {
        (0, 0) => (Tone::Care, "no byte could be compared".to_owned()),
        (0, all) if segment.differs() => {
            (Tone::Bad, format!("{all} bytes compared, all the same, and read differently by the two sides"))
        }
        (0, all) => (Tone::Good, format!("{all} bytes compared, all the same")),
        (different, all) => (Tone::Bad, format!("{different} of {all} bytes differ, in {runs}")),
    };
    let (tone, said) = said;
    canvas.heading(&[
        (Tone::Plain, &left),
        (Tone::Name, key),
        (Tone::Plain, &right),
        (Tone::Plain, ": "),
        (tone, &said),
    ])
}

fn fields(segment: &DiffSegment, limit: usize, canvas: &mut dyn Canvas) -> io::Result<()> {
    if let Some(problem) = &segment.problem {
        canvas.fact(Margin { indent: 2, name: 0 }, "", &format!("no fields: {problem}"))?;
    }
    let shown = segment.fields.get(..limit.min(segment.fields.len())).unwrap_or_default();
    if !shown.is_empty() {
        canvas.preformatted(&mut |style, out| write_fields(shown, style, out))?;
    }
    let more = (segment.fields.len().saturating_sub(shown.len()) as u64).saturating_add(segment.more_fields);
    if more > 0 {
        canvas.line(2, &[(Tone::Faint, &format!("{more} more fields differ: --limit shows more"))])?;
    }
    let layout = segment.layout.as_deref().map(|layout| Printable(layout.as_bytes()).to_string());
    match layout {
        Some(layout) if segment.fields.is_empty() && segment.different > 0 => {
            canvas.line(2, &[(Tone::Faint, &format!("no field of the layout {layout} differs"))])
        }
        _ => Ok(()),
    }
}

/// Each field in a line; both values below it where a line has no room.
fn write_fields(shown: &[DiffField], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let names = shown.iter().map(|field| name(field).width()).max().unwrap_or(0).min(28);
    for field in shown {
        let name = name(field);
        let [left, right] = [&field.left, &field.right].map(|value| said(value.as_ref(), style));
        let arrow = if style.unicode { "→" } else { "->" };
        let widths = [names.max(name.width()), left.width(), arrow.width(), right.width()];
        // Two blanks before the name and behind it, one on each side of the arrow.
        let used = widths.into_iter().fold(6_usize, usize::saturating_add);
        if style.width.is_none_or(|width| used <= width) {
            let padding = names.saturating_sub(name.width());
            let name = style.paint(Tone::Name, name);
            writeln!(out, "  {name}{:padding$}  {left} {} {right}", "", style.paint(Tone::Faint, arrow))?;
        } else {
            writeln!(out, "  {}", style.paint(Tone::Name, name))?;
            write_wrapped(&left, "    left   ", "           ", style, out)?;
            write_wrapped(&right, "    right  ", "           ", style, out)?;
        }
    }
    Ok(())
}

fn name(field: &DiffField) -> String {
    if field.path.is_empty() { "value".to_owned() } else { Printable(field.path.as_bytes()).to_string() }
}

fn said(value: Option<&Value>, style: Style) -> String {
    value.map_or_else(|| "(none)".to_owned(), |value| scalar(value, style))
}

fn ranges(ranges: &[DiffRange], more: u64, limit: usize, canvas: &mut dyn Canvas) -> io::Result<()> {
    if ranges.is_empty() {
        return Ok(());
    }
    let mut texts: Vec<_> =
        ranges.iter().take(limit).map(|range| format!("{:#x}-{:#x}", range.start, range.end)).collect();
    let more = more.saturating_add(ranges.len().saturating_sub(texts.len()) as u64);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    canvas.fact(RANGES, "bytes", &texts.join(", "))
}

/// Bytes of a line, of each copy: 80 columns hold both.
const LINE: usize = 8;

/// The lines that hold a byte that differs, both copies side by side.
fn hex(
    index: usize,
    ranges: &[DiffRange],
    bytes: BytesOf<'_>,
    limit: usize,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut next = 0;
    let mut written = 0_usize;
    for range in ranges {
        let mut at = (range.start & !7).max(next);
        while at < range.end {
            if written >= limit {
                let text = "  more bytes differ: --limit shows more";
                return writeln!(out, "{}", style.paint(Tone::Faint, text));
            }
            let [left, right] = bytes(index, at, LINE);
            write!(out, "{at:08x}  ")?;
            half(&left, &right, style, out)?;
            write!(out, "  ")?;
            half(&right, &left, style, out)?;
            writeln!(out)?;
            written = written.saturating_add(1);
            at = at.saturating_add(LINE as u64);
        }
        next = at;
    }
    Ok(())
}

fn half(bytes: &[Option<u8>], other: &[Option<u8>], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let tones = bytes.iter().zip(other).map(|pair| match pair {
        (Some(one), Some(other)) if one != other => Tone::Bad,
        (Some(_), _) => Tone::Plain,
        (None, _) => Tone::Faint,
    });
    let tones: Vec<_> = tones.collect();
    for (at, (byte, tone)) in bytes.iter().zip(&tones).enumerate() {
        let gap = if at == 0 { "" } else { " " };
        let digits = match byte {
            Some(byte) => format!("{byte:02x}"),
            None => if style.unicode { "··" } else { "--" }.to_owned(),
        };
        write!(out, "{gap}{}", style.paint(*tone, digits))?;
    }
    write!(out, " |")?;
    for (byte, tone) in bytes.iter().zip(&tones) {
        let character = match byte {
            Some(byte @ 0x20..=0x7e) => char::from(*byte),
            Some(_) => '.',
            None => {
                if style.unicode {
                    '·'
                } else {
                    '-'
                }
            }
        };
        write!(out, "{}", style.paint(*tone, character))?;
    }
    write!(out, "|")
}

fn missing(segment: &DiffSegment, limit: usize, canvas: &mut dyn Canvas) -> io::Result<()> {
    for run in segment.not_compared_ranges.iter().take(limit) {
        let why: Vec<_> = [("left", run.left), ("right", run.right)]
            .into_iter()
            .filter_map(|(side, reason)| Some(format!("{side}: {}", reason?)))
            .collect();
        let length = run.end.saturating_sub(run.start);
        let text =
            format!("not compared: {:#x}-{:#x} ({length} bytes; {})", run.start, run.end, why.join(", "));
        canvas.line(2, &[(Tone::Care, &text)])?;
    }
    let more = segment.not_compared_ranges.len().saturating_sub(limit);
    if more > 0 {
        canvas.line(2, &[(Tone::Care, &format!("not compared: {more} more runs"))])?;
    }
    Ok(())
}

fn newer(segment: &DiffSegment, canvas: &mut dyn Canvas) -> io::Result<()> {
    if segment.different == 0 {
        return Ok(());
    }
    let text = match segment.newer {
        Some(side) => format!("the {side} copy is newer"),
        None if segment.evidence.is_empty() => "which copy is newer is not known".to_owned(),
        None => "which copy is newer is not known, because the evidence disagrees".to_owned(),
    };
    canvas.line(2, &[(Tone::Plain, &text)])?;
    for evidence in &segment.evidence {
        let guess = if evidence.heuristic { " (a guess)" } else { "" };
        let text = format!("{}: {}{guess}", evidence.newer, Printable(evidence.text.as_bytes()));
        canvas.prose(4, &text)?;
    }
    Ok(())
}
