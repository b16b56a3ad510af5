//! What a report is drawn on. A report says once what it consists of; each [`Canvas`] knows how its readers see that.

use std::io::{self, Write};

use super::grid::Grid;
use super::style::{Style, Tone};

/// A piece of a line: harmless text, and what it means.
pub type Span<'t> = (Tone, &'t str);

/// Writes text that keeps its spaces. It may be called twice, and must write the same each time.
pub type Drawing<'d> = &'d mut dyn FnMut(Style, &mut dyn Write) -> io::Result<()>;

/// The columns before the value of a fact.
#[derive(Clone, Copy, Debug)]
pub struct Margin {
    /// Columns before its name.
    pub indent: usize,
    /// Columns of its name, padded.
    pub name: usize,
}

/// The margin of most facts.
pub const FACTS: Margin = Margin { indent: 2, name: 12 };

/// Where a report is drawn, from its top to its end. Nothing is kept: what was drawn is written.
///
/// All text must be harmless on a terminal already ([`Printable`](super::printable::Printable)).
pub trait Canvas {
    /// How it will be read.
    fn style(&self) -> Style;

    /// Sets off what follows.
    ///
    /// # Errors
    /// What writing said, here and below.
    fn gap(&mut self) -> io::Result<()>;

    /// Names what follows.
    fn heading(&mut self, spans: &[Span<'_>]) -> io::Result<()>;

    /// A line that is never broken, `indent` columns in.
    fn line(&mut self, indent: usize, spans: &[Span<'_>]) -> io::Result<()>;

    /// Sentences, broken where they do not fit, `indent` columns in.
    fn prose(&mut self, indent: usize, text: &str) -> io::Result<()>;

    /// A value beside its name; without a name it goes on with the fact before it.
    fn fact(&mut self, margin: Margin, name: &str, text: &str) -> io::Result<()>;

    /// A table; answers the names of columns that had to be left out.
    fn table(&mut self, grid: Grid) -> io::Result<Vec<&'static str>>;

    /// A tree, a hex dump, commands: text that keeps its spaces.
    fn preformatted(&mut self, drawing: Drawing<'_>) -> io::Result<()>;

    /// Ends what is open: nothing more is drawn.
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What draws itself.
pub trait Draw {
    /// Draws it on `canvas`.
    ///
    /// # Errors
    /// What writing said, or reading the bytes that are shown.
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()>;
}

/// Draws nothing.
impl Draw for () {
    fn draw(&self, _: &mut dyn Canvas) -> io::Result<()> {
        Ok(())
    }
}
