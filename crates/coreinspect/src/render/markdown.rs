//! The output `markdown`: GitHub Flavored Markdown (<https://github.github.com/gfm/>) for job summaries, issues and notes.
//! Tables are tables, trees and hex dumps stand in fences, and nothing that a dump says is read as markup.

use std::fmt::{self, Display, Formatter, Write as _};
use std::io::{self, Write};

use super::canvas::{Canvas, Drawing, Margin, Span};
use super::grid::{Cell, Grid};
use super::output::Output;
use super::sheet::Sheet;
use super::style::Style;

/// The row of this output.
pub const OUTPUT: Output = Output {
    name: "markdown",
    about: "Markdown as GitHub reads it, for a summary or an issue",
    for_people: true,
    joins: true,
    begin: |style| Box::new(Sheet::new(on_paper(style), |style, out| Box::new(Markdown::new(style, out)))),
};

/// Nobody sees a terminal's width or colours there.
fn on_paper(style: Style) -> Style {
    Style { width: None, color: false, unicode: true, interactive: false, bytes: style.bytes }
}

/// Blocks of Markdown, each with an empty line behind it.
pub struct Markdown<'o> {
    style: Style,
    out: &'o mut dyn Write,
    /// Whether the rows of a table of facts go on.
    facts: bool,
}

impl<'o> Markdown<'o> {
    /// A canvas on `out`.
    pub fn new(style: Style, out: &'o mut dyn Write) -> Self {
        Self { style, out, facts: false }
    }

    fn block(&mut self, before: &str, text: &str) -> io::Result<()> {
        self.end()?;
        let text = text.trim();
        if text.is_empty() { Ok(()) } else { write!(self.out, "{before}{}\n\n", Block(text)) }
    }

    fn row<'t>(&mut self, cells: impl IntoIterator<Item = &'t str>) -> io::Result<()> {
        for cell in cells {
            write!(self.out, "| {} ", Inline(cell))?;
        }
        self.out.write_all(b"|\n")
    }
}

fn joined(spans: &[Span<'_>]) -> String {
    spans.iter().map(|(_, text)| *text).collect()
}

impl Canvas for Markdown<'_> {
    fn style(&self) -> Style {
        self.style
    }

    /// Blocks are set off already.
    fn gap(&mut self) -> io::Result<()> {
        self.end()
    }

    fn heading(&mut self, spans: &[Span<'_>]) -> io::Result<()> {
        self.block("### ", &joined(spans))
    }

    fn line(&mut self, _: usize, spans: &[Span<'_>]) -> io::Result<()> {
        self.block("", &joined(spans))
    }

    fn prose(&mut self, _: usize, text: &str) -> io::Result<()> {
        self.block("", text)
    }

    fn fact(&mut self, margin: Margin, name: &str, text: &str) -> io::Result<()> {
        if margin.name == 0 {
            return self.block("", text);
        }
        if !self.facts {
            self.facts = true;
            self.out.write_all(b"|  |  |\n| --- | --- |\n")?;
        }
        self.row([name.trim(), text])
    }

    /// Columns are never left out: nobody knows how wide it will be shown.
    fn table(&mut self, grid: Grid) -> io::Result<Vec<&'static str>> {
        self.end()?;
        let names = grid.headings.iter().map(|heading| if grid.header { heading.name } else { "" });
        self.row(names)?;
        for heading in &grid.headings {
            self.out.write_all(if heading.right { b"| ---: " } else { b"| --- " })?;
        }
        self.out.write_all(b"|\n")?;
        for row in &grid.rows {
            self.row(row.iter().map(Cell::text))?;
        }
        self.out.write_all(b"\n")?;
        Ok(Vec::new())
    }

    /// In a fence that is longer than any run of backticks inside.
    fn preformatted(&mut self, drawing: Drawing<'_>) -> io::Result<()> {
        self.end()?;
        let mut runs = Backticks::default();
        drawing(self.style, &mut runs)?;
        let fence = "`".repeat(runs.longest.saturating_add(1).max(3));
        writeln!(self.out, "{fence}text")?;
        drawing(self.style, self.out)?;
        write!(self.out, "{fence}\n\n")
    }

    fn end(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.facts) { self.out.write_all(b"\n") } else { Ok(()) }
    }
}

/// Counts backticks that follow each other in what is written to it.
#[derive(Default)]
struct Backticks {
    run: usize,
    longest: usize,
}

impl Write for Backticks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.run = if *byte == b'`' { self.run.saturating_add(1) } else { 0 };
            self.longest = self.longest.max(self.run);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Text within a block, none of it markup. In the place of spaces at its start, which Markdown drops, are some that it keeps.
struct Inline<'t>(&'t str);

/// The same at the start of a block, where digits and dashes could begin a list.
struct Block<'t>(&'t str);

impl Display for Inline<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = self.0.trim_end().trim_start_matches(' ');
        let spaces = self.0.len().saturating_sub(self.0.trim_start_matches(' ').len());
        if !text.is_empty() {
            f.write_str(&"&nbsp;".repeat(spaces))?;
        }
        escape(text, f)
    }
}

impl Display for Block<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = self.0.trim();
        let digits = text.len().saturating_sub(text.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let (number, rest) = text.split_at(digits);
        f.write_str(number)?;
        if rest.starts_with(['-', '+', '=']) || digits > 0 && rest.starts_with(['.', ')']) {
            f.write_char('\\')?;
        }
        escape(rest, f)
    }
}

/// What makes a link of the text around it wherever it stands: a mention, a mail's address, a web's.
const LINKS: [&str; 3] = ["@", "://", "www."];

/// Writes `text` so that every character of it is read as itself.
fn escape(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for (at, c) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        match c {
            // A character in a code span is part of no link, also to a renderer that looks for links afterwards.
            '@' | ':' | 'w' | 'W' if begins_a_link(rest) => write!(f, "`{c}`")?,
            // Escapes of these are told apart in cells, and in HTML, by entities alone.
            '|' => f.write_str("&#124;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '&' => f.write_str("&amp;")?,
            // Between two of them GitHub reads a formula.
            '$' => f.write_str("&#36;")?,
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => write!(f, "\\{c}")?,
            c => f.write_char(c)?,
        }
    }
    Ok(())
}

fn begins_a_link(text: &str) -> bool {
    LINKS.iter().any(|link| text.get(..link.len()).is_some_and(|start| start.eq_ignore_ascii_case(link)))
}
