//! The outputs that people read: whatever is printed is drawn, one after the other.

use std::io::{self, Write};

use super::canvas::{Canvas, Draw};
use super::output::{Beside, Document, Shown};
use super::style::Style;
use crate::report::Dump;

/// Makes a canvas on a `Write`.
pub(crate) type Make = for<'o> fn(Style, &'o mut dyn Write) -> Box<dyn Canvas + 'o>;

/// A document that is drawn.
pub(crate) struct Sheet {
    style: Style,
    canvas: Make,
}

impl Sheet {
    /// A sheet of canvases that `canvas` makes.
    pub(crate) fn new(style: Style, canvas: Make) -> Self {
        Self { style, canvas }
    }

    fn draw(&self, drawn: &dyn Draw, out: &mut dyn Write) -> io::Result<()> {
        let mut canvas = (self.canvas)(self.style, out);
        drawn.draw(canvas.as_mut())?;
        canvas.end()
    }
}

impl Document for Sheet {
    fn report(&mut self, shown: &dyn Shown, out: &mut dyn Write) -> io::Result<()> {
        self.draw(shown, out)
    }

    fn dump(&mut self, _: &Dump, drawn: &dyn Draw, out: &mut dyn Write) -> io::Result<()> {
        self.draw(drawn, out)
    }

    fn end(&mut self, beside: Beside<'_>, out: &mut dyn Write) -> io::Result<()> {
        match beside {
            Beside::Nothing => Ok(()),
            Beside::Shared(shared) => self.draw(shared, out),
            Beside::Namespace(namespace) => self.draw(namespace, out),
        }
    }
}
