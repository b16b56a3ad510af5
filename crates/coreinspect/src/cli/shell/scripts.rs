//! Commands that are given, not typed: `-x FILE` and `-e COMMAND`, in the order in which they stand.

use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};

/// Where lines come from.
#[derive(Clone, Debug)]
pub(super) enum Script {
    /// The lines of a file.
    File(PathBuf),
    /// One line.
    Command(String),
}

/// The scripts of a command line, in its order.
#[derive(Clone, Debug)]
pub(super) struct Scripts(pub(super) Vec<Script>);

#[derive(Args)]
struct ScriptFlags {
    /// Run the commands of a file, one a line, and end; may be given more than once.
    #[arg(short = 'x', long, value_name = "FILE")]
    script: Vec<PathBuf>,
    /// Run a command, and end; may be given more than once.
    #[arg(short, long, value_name = "COMMAND")]
    execute: Vec<String>,
}

impl Args for Scripts {
    fn augment_args(command: clap::Command) -> clap::Command {
        ScriptFlags::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        ScriptFlags::augment_args_for_update(command)
    }
}

impl FromArgMatches for Scripts {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = ScriptFlags::from_arg_matches(matches)?;
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let files = places("script").zip(flags.script.into_iter().map(Script::File));
        let commands = places("execute").zip(flags.execute.into_iter().map(Script::Command));
        let mut scripts: Vec<_> = files.chain(commands).collect();
        scripts.sort_by_key(|(place, _)| *place);
        Ok(Self(scripts.into_iter().map(|(_, script)| script).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
