//! The prompt of a terminal in a build without the feature `line-editing`: what the terminal itself can edit.

use std::io::{self, Write};

use super::super::Failure;
use super::Typed;
use crate::report::Dump;

/// Reads lines from a terminal.
pub(super) struct Prompt;

impl Prompt {
    /// A prompt; it completes nothing.
    pub(super) fn open(_: &Dump) -> Result<Self, Failure> {
        Ok(Self)
    }

    /// It completes nothing.
    pub(super) fn complete_from(&mut self, _: &Dump) {}

    /// Reads a line.
    pub(super) fn read(&mut self, prompt: &str) -> Result<Typed, Failure> {
        let mut out = io::stdout();
        out.write_all(prompt.as_bytes()).and_then(|()| out.flush())?;
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(0) => Ok(Typed::End),
            Ok(_) => Ok(Typed::Line(line.trim_end_matches('\n').to_owned())),
            Err(error) => Err(Failure::new(format!("cannot read from the terminal: {error}"))),
        }
    }
}
