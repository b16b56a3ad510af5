//! `help`, for whoever asks with a word and not with a flag.

use std::io::Write;

use clap::Args;

use super::{Context, Execute, Failure, Status, mistaken};

/// Prints the help of coreinspect or of a command, as --help does.
#[derive(Args, Debug)]
pub(super) struct Help {
    /// The command: `show`, `layouts check`; coreinspect itself if none is named.
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

impl Execute for Help {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let mut command = super::command();
        command.build();
        for word in &self.words {
            let Some(inner) = command.find_subcommand(word).cloned() else {
                return Err(Failure::new(mistaken::unknown_command(word)));
            };
            command = inner;
        }
        context.out.write_all(command.render_long_help().to_string().as_bytes())?;
        Ok(Status::Found)
    }
}
