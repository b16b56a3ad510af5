//! Hits of a search: a line for each, and the bytes around it as `hexdump -C` prints them.

use std::io::{self, Write};

use super::canvas::{Canvas, Draw};
use super::hex::HexDump;
use super::json::Data;
use super::output::Shown;
use super::printable::Printable;
use super::style::{Style, Tone};
use crate::report::{FoundAt, Search, SearchedSegment};

/// A report of `search`, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub struct ShownSearch<'a> {
    /// The report.
    pub search: &'a Search,
    /// The lines of the hits alone.
    pub quiet: bool,
}

impl Shown for ShownSearch<'_> {
    fn data(&self) -> &dyn Data {
        self.search
    }
}

/// What was found, segment by segment.
impl Draw for ShownSearch<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        draw(self.search, self.quiet, canvas)
    }
}

fn draw(search: &Search, quiet: bool, canvas: &mut dyn Canvas) -> io::Result<()> {
    let shown =
        search.segments.iter().filter(|segment| segment.total > 0 || !segment.not_searched.is_empty());
    for (at, segment) in shown.enumerate() {
        if at > 0 && !quiet {
            canvas.gap()?;
        }
        if !quiet {
            heading(segment, canvas)?;
        }
        let fields = segment.hits.iter().filter_map(field).map(|field| field.len()).max();
        if !segment.hits.is_empty() {
            canvas.preformatted(&mut |style, out| {
                for hit in &segment.hits {
                    line(search, hit, fields.unwrap_or(0), style, out)?;
                    if !quiet {
                        bytes(hit, style, out)?;
                    }
                }
                Ok(())
            })?;
        }
        if !quiet {
            footing(segment, canvas)?;
        }
    }
    Ok(())
}

fn heading(segment: &SearchedSegment, canvas: &mut dyn Canvas) -> io::Result<()> {
    let label = segment.label();
    let key = &Printable(label.as_bytes()).to_string();
    let hits = if segment.total == 1 { "hit" } else { "hits" };
    let layout = segment.layout.as_ref().filter(|_| segment.total > 0);
    let layout = layout.map(|layout| format!("; fields of the layout {}", Printable(layout.as_bytes())));
    let said = format!(": {} {hits} in {} bytes", segment.total, segment.searched);
    let number = format!("{} ", segment.number);
    canvas.heading(&[
        (Tone::Plain, &number),
        (Tone::Name, key),
        (Tone::Plain, &said),
        (Tone::Plain, layout.as_deref().unwrap_or_default()),
    ])
}

/// The field, and how far within it the hit lies.
fn field(hit: &FoundAt) -> Option<String> {
    let path = Printable(hit.field.as_ref()?.as_bytes()).to_string();
    Some(match hit.field_offset {
        Some(inside) if inside > 0 => format!("{path}+{inside:#x}"),
        _ => path,
    })
}

fn line(search: &Search, hit: &FoundAt, fields: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let address = hit.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
    let offset = format!("+{:#x}", hit.offset);
    let mut text = format!("{:10}  {address:14}", style.paint(Tone::Name, format!("{offset:10}")));
    if fields > 0 {
        let name = field(hit).unwrap_or_else(|| "-".to_owned());
        text.push_str(&format!("  {name:width$}", width = fields.min(32)));
    }
    if search.patterns.len() > 1
        && let Some(pattern) = search.patterns.get(hit.pattern).and_then(|one| one.pattern.as_ref())
    {
        text.push_str(&format!("  {}", style.paint(Tone::Faint, Printable(pattern.bytes()))));
    }
    writeln!(out, "{}", text.trim_end())
}

/// The bytes around a hit, in lines that begin at multiples of 16; the hit's own in a colour of theirs.
fn bytes(hit: &FoundAt, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let first = hit.context_offset & !15;
    let end = hit.offset.saturating_add(hit.length);
    let mut dump = HexDump::new(first, style, out).fields(vec![(hit.offset, end)]);
    dump.missing(hit.context_offset.saturating_sub(first))?;
    dump.bytes(&hit.context_bytes)?;
    dump.end_without_offset()
}

fn footing(segment: &SearchedSegment, canvas: &mut dyn Canvas) -> io::Result<()> {
    let more = segment.total.saturating_sub(segment.hits.len() as u64);
    if more > 0 {
        canvas.line(0, &[(Tone::Faint, &format!("{more} more hits: --limit shows more"))])?;
    }
    const NAMED: usize = 8;
    for run in segment.not_searched.iter().take(NAMED) {
        let text =
            format!("not searched: {:#x}-{:#x} ({} bytes, {})", run.start, run.end, run.length(), run.reason);
        canvas.line(0, &[(Tone::Care, &text)])?;
    }
    let more = segment.not_searched.len().saturating_sub(NAMED);
    if more > 0 {
        canvas.line(0, &[(Tone::Care, &format!("not searched: {more} more runs (--json names all)"))])?;
    }
    Ok(())
}
