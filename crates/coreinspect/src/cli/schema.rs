//! The JSON Schemas of the contracts.

use std::io::Write;

use clap::Args;

use super::{Context, Execute, Failure, Status};

/// Prints the JSON Schema of --format json and jsonl.
#[derive(Args, Debug)]
pub(super) struct Schema {
    /// Print the schema of what is written beside a dump: the sidecar of `collect`, and the note of `dump`.
    #[arg(long)]
    sidecar: bool,
}

impl Execute for Schema {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let schema = match self.sidecar {
            true => include_str!("../../schema/sidecar-1.json"),
            false => include_str!("../../schema/coreinspect-1.json"),
        };
        context.out.write_all(schema.as_bytes())?;
        Ok(Status::Found)
    }
}
