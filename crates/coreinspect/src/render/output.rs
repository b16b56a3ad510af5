//! The outputs there are, and what each can print. A new one is a file and a row.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use super::canvas::Draw;
use super::json::{self, Data};
use super::namespace::ListedNamespace;
use super::style::Style;
use super::{jsonl, markdown, terminal};
use crate::report::{Dump, Shared};

/// Every output, the usual one first.
pub static OUTPUTS: &[Output] = &[terminal::OUTPUT, json::OUTPUT, jsonl::OUTPUT, markdown::OUTPUT];

/// An output: what `--format` names.
pub struct Output {
    /// The word for it.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether people read it: what they are told beside it need not be in it.
    pub for_people: bool,
    /// Whether it has a place for what several dumps share.
    pub joins: bool,
    /// Begins a document.
    pub begin: fn(Style) -> Box<dyn Document>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Default for &'static Output {
    /// The usual one.
    fn default() -> Self {
        OUTPUTS.first().unwrap_or(&terminal::OUTPUT)
    }
}

impl Output {
    /// The output of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        OUTPUTS.iter().find(|output| output.name == name)
    }

    /// Whether it is the one that nobody has to name.
    pub fn is_usual(&self) -> bool {
        OUTPUTS.first().is_some_and(|usual| usual.name == self.name)
    }
}

/// A report, and how it is drawn for people.
pub trait Shown: Draw {
    /// What machines get of it.
    fn data(&self) -> &dyn Data;
}

impl<T: Draw + Serialize> Shown for T {
    fn data(&self) -> &dyn Data {
        self
    }
}

/// What stands beside the dumps of a document.
#[derive(Clone, Copy)]
pub enum Beside<'a> {
    /// Nothing.
    Nothing,
    /// What the dumps share.
    Shared(&'a Shared),
    /// The segments of the namespace that the processes live in.
    Namespace(&'a ListedNamespace<'a>),
}

/// What is printed by one run: a report alone; or dumps, as they come, and what stands beside them. Nothing is kept of a dump
/// that was written: memory does not add up over a thousand of them.
pub trait Document {
    /// Prints a report that is no list of dumps.
    ///
    /// # Errors
    /// What writing said, here and below; or reading the bytes that are shown.
    fn report(&mut self, shown: &dyn Shown, out: &mut dyn Write) -> io::Result<()>;

    /// Prints a dump, for people as `drawn`.
    fn dump(&mut self, dump: &Dump, drawn: &dyn Draw, out: &mut dyn Write) -> io::Result<()>;

    /// Prints a dump that has changed at `time`, in seconds since 1970: a line of JSON, unless the output knows better.
    fn changed(&mut self, time: f64, dump: &Dump, drawn: &dyn Draw, out: &mut dyn Write) -> io::Result<()> {
        let _ = drawn;
        jsonl::line_at(time, dump, out)
    }

    /// Ends the dumps.
    fn end(&mut self, beside: Beside<'_>, out: &mut dyn Write) -> io::Result<()>;
}
