//! The command line as clap knows it, and as much of it as is asked for.
//!
//! clap makes every option of every command before it looks at the first word, which takes longer than to list a small core.
//! So a first look at the words chooses what is made: one command, or the main job alone. Help and complaints, and what
//! a first look cannot tell, are those of the whole command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};

use super::inspect::Inspect;
use super::{COMMANDS, Command, Context, Execute, Failure, INSPECT, Status, output};

/// The whole command line, for parsing, help and completions.
pub fn command() -> clap::Command {
    let root = output::Flags::augment_args(INSPECT.build(clap::Command::new("coreinspect")))
        .about("Reports what was in the System V shared memory of a dumped process")
        .long_about(
            "Reports what was in the System V shared memory of a dumped process: which segments were attached, what their keys mean, which of their bytes are in the dump, why the others are missing, and what the bytes mean.\n\nExit status: 0 a \
             segment was found; 1 the dump has none (or --expect fails); 2 coreinspect could not read the dump, or the command line is wrong.",
        )
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .subcommand_help_heading("Commands")
;
    let root = output::command_help::of_the_main_job(root);
    COMMANDS.iter().fold(root, |root, row| root.subcommand(output::command_help::of(row)))
}

/// What is to be done.
pub(super) enum Asked {
    /// To list dumps, without a flag: nothing is left to parse.
    Dumps(Vec<PathBuf>),
    /// A command, with its arguments and the flags of every command.
    Command(&'static Command, ArgMatches),
}

/// Why there is nothing to do.
pub(super) enum Unparsed {
    /// Help was asked for, or clap complains.
    Clap(clap::Error),
    /// A command behind a dump.
    Misplaced(Failure),
}

impl Asked {
    /// Parses `arguments`, the program's name first.
    pub(super) fn parse(arguments: Vec<OsString>) -> Result<Self, Unparsed> {
        match Self::at_first_look(&arguments) {
            Some(asked) => Ok(asked),
            None => Self::by_the_whole(arguments),
        }
    }

    /// By the part of the command line that the words name; `None` if that is not plain, or clap would not have them.
    fn at_first_look(arguments: &[OsString]) -> Option<Self> {
        let words = arguments.get(1..).filter(|words| !words.is_empty())?;
        let named = words.iter().position(|word| row(word).is_some());
        let is_plain = |word: &OsString| !word.is_empty() && !word.as_encoded_bytes().starts_with(b"-");
        let (command, arguments) = match named {
            None if words.iter().all(is_plain) => {
                return Some(Self::Dumps(words.iter().map(PathBuf::from).collect()));
            }
            None => (&INSPECT, arguments),
            Some(0) => (row(words.first()?)?, words),
            Some(_) => return None,
        };
        let line = output::Flags::augment_args((command.arguments)(clap::Command::new(command.name)));
        let matches = line.disable_version_flag(true).disable_help_subcommand(true);
        Some(Self::Command(command, matches.try_get_matches_from(arguments).ok()?))
    }

    /// The flags of every command.
    pub(super) fn flags(&self) -> Result<output::Flags, Failure> {
        let Self::Command(_, matches) = self else { return Ok(output::Flags::default()) };
        // A global flag that stands behind a command is known to the command's matches alone.
        let mut innermost = matches;
        while let Some((_, inner)) = innermost.subcommand() {
            innermost = inner;
        }
        output::Flags::from_arg_matches(innermost).map_err(|error| Failure::new(error.to_string()))
    }

    /// Does it.
    pub(super) fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        match self {
            Self::Dumps(dumps) => Inspect::of(dumps).execute(context),
            Self::Command(command, matches) => (command.execute)(&matches, context),
        }
    }

    fn by_the_whole(arguments: Vec<OsString>) -> Result<Self, Unparsed> {
        let mut matches = command().try_get_matches_from(arguments).map_err(Unparsed::Clap)?;
        let misplaced = matches.get_many::<PathBuf>("dumps").is_some();
        let Some((name, inner)) = matches.remove_subcommand() else {
            return Ok(Self::Command(&INSPECT, matches));
        };
        if misplaced {
            return Err(Unparsed::Misplaced(Failure::new(format!(
                "{name} is a command and must come first; for a dump of that name write ./{name}"
            ))));
        }
        match row(OsStr::new(&name)) {
            Some(command) => Ok(Self::Command(command, inner)),
            None => Err(Unparsed::Misplaced(Failure::new(format!("there is no command {name}")))),
        }
    }
}

/// The row of the command called `word`.
fn row(word: &OsStr) -> Option<&'static Command> {
    COMMANDS.iter().find(|row| word == row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What no flag means is said twice: to clap, and by `Default`.
    #[test]
    fn no_flag_means_what_clap_makes_of_none() {
        let matches = command().try_get_matches_from(["coreinspect", "core"]).unwrap();
        let by_clap = Inspect::from_arg_matches(&matches).unwrap();
        assert_eq!(format!("{by_clap:?}"), format!("{:?}", Inspect::of(vec!["core".into()])));
        let by_clap = output::Flags::from_arg_matches(&matches).unwrap();
        assert_eq!(format!("{by_clap:?}"), format!("{:?}", output::Flags::default()));
    }
}
