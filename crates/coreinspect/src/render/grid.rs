//! Columns of text that line up: the frame of every table here.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::prose::wrap;
use super::style::{Style, Tone};

/// One cell: harmless text and its meaning.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Plain text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Plain }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same in another tone.
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

/// A column's heading, and how it stands.
#[derive(Clone, Copy, Debug)]
pub struct Heading {
    /// The word above it.
    pub name: &'static str,
    /// Numbers stand at the right.
    pub right: bool,
    /// Whether it may be left out where the table is too wide: the highest goes first, 0 never goes.
    pub dispensable: u8,
    /// Whether its text may be broken over lines. For the last column only.
    pub breaks: bool,
}

impl Heading {
    /// The same, never left out.
    pub fn kept(self) -> Self {
        Self { dispensable: 0, ..self }
    }
}

/// What a table needs at least of a column that breaks.
const NARROWEST: usize = 16;
/// Lines that a broken text may take.
const MOST_LINES: usize = 3;
const GAP: &str = "  ";

/// A table.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The columns.
    pub headings: Vec<Heading>,
    /// The rows; each has a cell for each heading.
    pub rows: Vec<Vec<Cell>>,
    /// Whether the headings are printed.
    pub header: bool,
}

impl Grid {
    /// Writes the table; answers the names of columns that had to be left out.
    ///
    /// # Errors
    /// What writing said.
    pub fn write(mut self, style: Style, out: &mut dyn Write) -> io::Result<Vec<&'static str>> {
        let mut widths = self.widths();
        let mut left_out = Vec::new();
        if let Some(width) = style.width {
            while self.fixed_width(&widths) > width {
                let candidates =
                    self.headings.iter().enumerate().filter(|(_, heading)| heading.dispensable > 0);
                let Some((at, heading)) = candidates.max_by_key(|(_, heading)| heading.dispensable) else {
                    break;
                };
                left_out.push(heading.name);
                self.headings.remove(at);
                widths.remove(at);
                for row in &mut self.rows {
                    row.remove(at);
                }
            }
            let fixed = self.fixed_width(&widths);
            if let (Some(heading), Some(last)) = (self.headings.last(), widths.last_mut())
                && heading.breaks
            {
                *last = (*last)
                    .min(width.saturating_sub(fixed.saturating_sub(NARROWEST.min(*last))))
                    .max(heading.name.len());
            }
        }
        if self.header {
            let names = self
                .headings
                .iter()
                .map(|heading| Cell::new(heading.name).tone(Tone::Faint))
                .collect::<Vec<_>>();
            self.write_row(&names, &widths, style, out)?;
        }
        for row in &self.rows {
            self.write_row(row, &widths, style, out)?;
        }
        Ok(left_out)
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<_> =
            self.headings.iter().map(|heading| if self.header { heading.name.len() } else { 0 }).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        widths
    }

    /// Columns that the table takes at least, its last one broken.
    fn fixed_width(&self, widths: &[usize]) -> usize {
        let breaks = self.headings.iter().map(|heading| heading.breaks);
        let columns = widths
            .iter()
            .zip(breaks)
            .map(|(width, breaks)| if breaks { NARROWEST.min(*width) } else { *width });
        columns.sum::<usize>().saturating_add(GAP.len().saturating_mul(widths.len().saturating_sub(1)))
    }

    fn write_row(&self, row: &[Cell], widths: &[usize], style: Style, out: &mut dyn Write) -> io::Result<()> {
        let last = row.len().saturating_sub(1);
        let broken = match (row.last(), widths.last(), self.headings.last()) {
            (Some(cell), Some(width), Some(heading)) if heading.breaks && style.width.is_some() => {
                break_lines(&cell.text, *width, style.ellipsis())
            }
            (Some(cell), ..) => vec![cell.text.clone()],
            _ => return out.write_all(b"\n"),
        };
        for (number, line) in broken.iter().enumerate() {
            for (at, ((cell, width), heading)) in row.iter().zip(widths).zip(&self.headings).enumerate() {
                let text = match at {
                    at if at == last => line,
                    _ if number == 0 => &cell.text,
                    _ => "",
                };
                let padding = width.saturating_sub(text.width());
                let (before, after) = match heading.right {
                    true => (padding, 0),
                    false if at == last => (0, 0),
                    false => (0, padding),
                };
                let gap = if at == 0 { "" } else { GAP };
                write!(out, "{gap}{:before$}{}{:after$}", "", style.paint(cell.tone, text), "")?;
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// `text` in lines of at most `width` columns, broken at spaces where there are some; what does not fit into
/// [`MOST_LINES`] is left out, which `ellipsis` says.
fn break_lines(text: &str, width: usize, ellipsis: &str) -> Vec<String> {
    let mut lines = wrap(text, width);
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        if let Some(last) = lines.last_mut() {
            while last.width().saturating_add(ellipsis.width()) > width && last.pop().is_some() {}
            last.push_str(ellipsis);
        }
    }
    lines
}
