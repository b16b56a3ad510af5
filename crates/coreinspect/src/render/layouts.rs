//! The layouts that are known, and what one of them says.

use std::io;

use super::canvas::{Canvas, Draw};
use super::grid::{Cell, Grid, Heading};
use super::printable::Printable;
use super::style::Tone;
use crate::report::{LayoutCheck, LayoutDefinition, LayoutEntry, Layouts};

const fn heading(name: &'static str, right: bool, dispensable: u8) -> Heading {
    Heading { name, right, dispensable, breaks: false }
}

fn harmless(text: &str) -> String {
    Printable(text.as_bytes()).to_string()
}

/// A row for each layout.
impl Draw for Layouts {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let headings = vec![
            heading("NAME", false, 0),
            heading("FROM", false, 1),
            Heading { name: "RECOGNISES", right: false, dispensable: 0, breaks: true },
        ];
        let rows = self.layouts.iter().map(|layout| {
            vec![
                Cell::new(harmless(&layout.name)).tone(Tone::Name),
                Cell::new(from(layout)).tone(Tone::Faint),
                Cell::new(harmless(&what(layout))),
            ]
        });
        canvas.table(Grid { headings, rows: rows.collect(), header: true }).map(drop)
    }
}

/// Where a layout comes from, short.
fn from(layout: &LayoutEntry) -> String {
    match (layout.origin.kind, &layout.origin.path) {
        ("file", Some(path)) => harmless(path),
        (kind, _) => kind.to_owned(),
    }
}

fn what(layout: &LayoutEntry) -> String {
    match (layout.about.is_empty(), layout.recognises.is_empty()) {
        (_, true) => layout.about.clone(),
        (true, false) => layout.recognises.join(", "),
        (false, false) => format!("{}; {}", layout.about, layout.recognises.join(", ")),
    }
}

/// The fields of a layout, one a line.
impl Draw for LayoutDefinition {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let size = match self.size {
            Some(1) => format!("1 byte on {}", self.machine),
            Some(size) => format!("{size} bytes on {}", self.machine),
            None => format!("of as many bytes as its contents say (on {})", self.machine),
        };
        let name = harmless(&self.layout.name);
        let about = format!(" {size}, from {}", from(&self.layout));
        canvas.heading(&[(Tone::Name, &name), (Tone::Plain, &about)])?;
        let headings = vec![
            heading("OFFSET", true, 0),
            heading("SIZE", true, 0),
            heading("TYPE", false, 0),
            heading("FIELD", false, 0),
            Heading { name: "NOTE", right: false, dispensable: 0, breaks: true },
        ];
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
        let rows = self.fields.iter().map(|field| {
            let indent = "  ".repeat(field.depth);
            let name = field.name.as_deref().map_or(String::new(), harmless);
            vec![
                Cell::new(field.offset.map_or("-".to_owned(), |offset| format!("{offset:#x}"))),
                Cell::new(number(field.size)),
                Cell::new(format!("{indent}{}", harmless(&field.r#type))),
                Cell::new(name).tone(Tone::Name),
                Cell::new(harmless(&field.notes.join("; "))).tone(Tone::Faint),
            ]
        });
        canvas.table(Grid { headings, rows: rows.collect(), header: true }).map(drop)
    }
}

/// The layouts that are in order; what is wrong with the others is told as a compiler does, on standard error.
impl Draw for LayoutCheck {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let layouts = self.files.iter().flat_map(|file| &file.layouts);
        for (number, layout) in layouts.enumerate() {
            if number > 0 {
                canvas.gap()?;
            }
            layout.draw(canvas)?;
        }
        Ok(())
    }
}
