//! The address space of a process.

use std::ffi::OsString;

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::{Context, Execute, Failure, Status};
use crate::report::Options;
use crate::source::Amount;

/// Lists every mapping of a process: rights, what it is, and what of it the dump holds.
#[derive(Args, Debug)]
pub(super) struct Map {
    /// The dump, or its program and then the dump.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"])]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
}

impl Execute for Map {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let (path, words) = dumps::one(self.words, self.dump.dump().as_ref(), context)?;
        if let Some(word) = words.first() {
            return Err(Failure::new(format!("`map` takes one dump; {word:?} is too much")));
        }
        // Shared memory of every kind is told apart, unless the user wants less.
        context.looks_at_all_kinds();
        let inspection = dumps::inspect(&path, Amount::Everything, &Options::without_content(), context)?;
        let space = inspection.address_space();
        context.print(&space)?;
        let why = match &space.error {
            Some(error) => error.message.as_str(),
            None if space.mappings.is_empty() => "the dump tells of no mapping",
            None => return Ok(Status::Found),
        };
        context.tell(format_args!("{}: {why}", inspection.report().path.path));
        Ok(if space.error.is_some() { Status::Failed } else { Status::Nothing })
    }
}
