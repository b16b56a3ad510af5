//! The layouts that are known, and what one of them says.

use std::io::{self, Write};

use super::grid::{Cell, Grid, Heading};
use super::printable::Printable;
use super::style::{Style, Tone};
use crate::report::{LayoutDefinition, LayoutEntry, Layouts};

const fn heading(name: &'static str, right: bool, dispensable: u8) -> Heading {
    Heading { name, right, dispensable, breaks: false }
}

fn harmless(text: &str) -> String {
    Printable(text.as_bytes()).to_string()
}

/// Writes a row for each layout.
///
/// # Errors
/// What writing said.
pub fn write_list(layouts: &Layouts, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let headings = vec![
        heading("NAME", false, 0),
        heading("FROM", false, 1),
        Heading { name: "RECOGNISES", right: false, dispensable: 0, breaks: true },
    ];
    let rows = layouts.layouts.iter().map(|layout| {
        vec![
            Cell::new(harmless(&layout.name)).tone(Tone::Name),
            Cell::new(from(layout)).tone(Tone::Faint),
            Cell::new(harmless(&what(layout))),
        ]
    });
    Grid { headings, rows: rows.collect(), header: true }.write(style, out)?;
    Ok(())
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

/// Writes the fields of a layout, one a line.
///
/// # Errors
/// What writing said.
pub fn write_definition(definition: &LayoutDefinition, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let size = match definition.size {
        Some(1) => format!("1 byte on {}", definition.machine),
        Some(size) => format!("{size} bytes on {}", definition.machine),
        None => format!("of as many bytes as its contents say (on {})", definition.machine),
    };
    let name = harmless(&definition.layout.name);
    writeln!(out, "{} {}, from {}", style.paint(Tone::Name, name), size, from(&definition.layout))?;
    let headings = vec![
        heading("OFFSET", true, 0),
        heading("SIZE", true, 0),
        heading("TYPE", false, 0),
        heading("FIELD", false, 0),
        Heading { name: "NOTE", right: false, dispensable: 0, breaks: true },
    ];
    let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    let rows = definition.fields.iter().map(|field| {
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
    Grid { headings, rows: rows.collect(), header: true }.write(style, out)?;
    Ok(())
}
