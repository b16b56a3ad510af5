//! Shell completions, made from the same table as the command line itself.

use std::io::Write;

use clap::Args;
use clap_complete::Shell;

use super::{Context, Execute, Failure, Status};

/// Prints the completions for a shell.
#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Execute for Completions {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "coreinspect", &mut script);
        context.out.write_all(&script)?;
        Ok(Status::Found)
    }
}
