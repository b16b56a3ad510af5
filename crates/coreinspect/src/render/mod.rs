//! A report as text. One file an output: each gets a report, a `Write`, and what it must know of the place where the
//! text will be read ([`Style`]).

mod about;
pub mod check;
pub mod diff;
pub mod grid;
pub mod hex;
pub mod json;
pub mod layouts;
pub mod look;
mod missing;
pub mod namespace;
pub mod printable;
mod prose;
pub mod records;
pub mod refs;
pub mod search;
pub mod segment;
pub mod shared;
pub mod size;
pub mod style;
pub mod table;
mod unnamed;
pub mod value;

pub use style::Style;

use std::io::{self, Write};

/// Writes a paragraph of its own: `text`, which must be harmless, in lines that fit.
///
/// # Errors
/// What writing said.
pub fn line(text: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    prose::write_wrapped(text, "", "  ", style, out)
}
