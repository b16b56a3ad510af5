//! The JSON Schema of the contract.

use std::io::Write;

use clap::Args;

use super::{Context, Execute, Failure, Status};

/// The schema, as the repository has it.
const SCHEMA: &str = include_str!("../../schema/coreinspect-1.json");

/// Prints the JSON Schema of --format json and jsonl.
#[derive(Args, Debug)]
pub(super) struct Schema {}

impl Execute for Schema {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        context.out.write_all(SCHEMA.as_bytes())?;
        Ok(Status::Found)
    }
}
