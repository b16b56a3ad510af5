//! The output `table`: text for a terminal, or a pipe.

use std::io::{self, Write};

use super::canvas::{Canvas, Drawing, Margin, Span};
use super::grid::Grid;
use super::output::Output;
use super::prose::write_wrapped;
use super::sheet::Sheet;
use super::style::Style;

/// The row of this output.
pub const OUTPUT: Output = Output {
    name: "table",
    about: "A table for people",
    for_people: true,
    joins: true,
    begin: |style| Box::new(Sheet::new(style, |style, out| Box::new(Terminal { style, out }))),
};

/// Text in lines that fit, in colour where that is wanted.
pub struct Terminal<'o> {
    /// How it will be read.
    pub style: Style,
    /// Where it is written.
    pub out: &'o mut dyn Write,
}

impl Canvas for Terminal<'_> {
    fn style(&self) -> Style {
        self.style
    }

    fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    fn heading(&mut self, spans: &[Span<'_>]) -> io::Result<()> {
        self.line(0, spans)
    }

    fn line(&mut self, indent: usize, spans: &[Span<'_>]) -> io::Result<()> {
        write!(self.out, "{:indent$}", "")?;
        for (tone, text) in spans {
            write!(self.out, "{}", self.style.paint(*tone, text))?;
        }
        writeln!(self.out)
    }

    fn prose(&mut self, indent: usize, text: &str) -> io::Result<()> {
        let [first, rest] = [indent, indent.saturating_add(2)].map(|columns| " ".repeat(columns));
        write_wrapped(text, &first, &rest, self.style, self.out)
    }

    fn fact(&mut self, Margin { indent, name: width }: Margin, name: &str, text: &str) -> io::Result<()> {
        let first = format!("{:indent$}{name:width$}", "");
        let rest = " ".repeat(indent.saturating_add(width));
        write_wrapped(text, &first, &rest, self.style, self.out)
    }

    fn table(&mut self, grid: Grid) -> io::Result<Vec<&'static str>> {
        grid.write(self.style, self.out)
    }

    fn preformatted(&mut self, drawing: Drawing<'_>) -> io::Result<()> {
        drawing(self.style, self.out)
    }
}
