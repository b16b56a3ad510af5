//! The output `jsonl`: each report, each dump and a namespace is a line, so that no program has to keep a document.

use std::io::{self, Write};

use super::canvas::Draw;
use super::json::compact;
use super::output::{Beside, Document, Output, Shown};
use crate::report::{Dump, Line, NamespaceLine, SCHEMA};

/// The row of this output.
pub const OUTPUT: Output = Output {
    name: "jsonl",
    about: "One JSON object a line and dump",
    for_people: false,
    joins: false,
    begin: |_| Box::new(Lines),
};

/// Writes `dump` as one line.
///
/// # Errors
/// What writing said.
pub fn line(dump: &Dump, out: &mut dyn Write) -> io::Result<()> {
    compact(&Line { schema: SCHEMA, time: None, dump }, out)
}

/// As [`line()`], of a dump at `time`, in seconds since 1970.
pub(super) fn line_at(time: f64, dump: &Dump, out: &mut dyn Write) -> io::Result<()> {
    compact(&Line { schema: SCHEMA, time: Some(time), dump }, out)
}

struct Lines;

impl Document for Lines {
    fn report(&mut self, shown: &dyn Shown, out: &mut dyn Write) -> io::Result<()> {
        shown.data().compact(out)
    }

    fn dump(&mut self, dump: &Dump, _: &dyn Draw, out: &mut dyn Write) -> io::Result<()> {
        line(dump, out)
    }

    fn end(&mut self, beside: Beside<'_>, out: &mut dyn Write) -> io::Result<()> {
        match beside {
            // A line is a dump: there is no place for what they share.
            Beside::Nothing | Beside::Shared(_) => Ok(()),
            Beside::Namespace(listed) => {
                compact(&NamespaceLine { schema: SCHEMA, namespace: listed.namespace }, out)
            }
        }
    }
}
