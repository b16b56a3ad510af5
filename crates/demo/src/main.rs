//! Processes over System V shared memory that can be dumped and inspected.
//!
//! Exit status: 0 when done, 1 when a time-out ran out, 2 for errors.

mod crash;
mod reader;
mod rendezvous;
mod tour;
mod writer;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgMatches, Args};

/// Every command: a new one is a file with a type that implements [`Run`], and a row here.
const COMMANDS: &[Command] = &[
    Command::new::<writer::Writer>("writer"),
    Command::new::<reader::Reader>("reader"),
    Command::new::<tour::Tour>("tour"),
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A command with its arguments. The documentation of the type is the command's help.
trait Run: Args {
    fn run(self, out: &mut dyn Write) -> Result<Outcome>;
}

/// How a command ended without an error.
enum Outcome {
    Done,
    /// What was waited for in vain.
    TimedOut(shmcore::Error),
    /// Something failed, and was told; the exit status.
    Failed(u8),
}

struct Command {
    name: &'static str,
    arguments: fn(clap::Command) -> clap::Command,
    run: fn(&ArgMatches, &mut dyn Write) -> Result<Outcome>,
}

impl Command {
    const fn new<C: Run>(name: &'static str) -> Command {
        Command {
            name,
            arguments: C::augment_args,
            run: |matches, out| C::from_arg_matches(matches)?.run(out),
        }
    }
}

fn main() -> ExitCode {
    let (code, error): (u8, Box<dyn Error>) = match run(&mut io::stdout()) {
        Ok(Outcome::Done) => return ExitCode::SUCCESS,
        Ok(Outcome::Failed(status)) => return ExitCode::from(status),
        Ok(Outcome::TimedOut(error)) => (1, error.into()),
        Err(error) if is_broken_pipe(&*error) => return ExitCode::SUCCESS,
        Err(error) => (2, error),
    };
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let line = causes.fold(format!("demo: {error}"), |line, cause| format!("{line}: {cause}"));
    // Where this fails, nobody listens.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(code)
}

fn run(out: &mut dyn Write) -> Result<Outcome> {
    let commands = COMMANDS.iter().map(|command| (command.arguments)(clap::Command::new(command.name)));
    let matches = clap::Command::new("demo")
        .about("Processes over System V shared memory that can be dumped and inspected")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help("Exit status: 0 when done, 1 when a time-out ran out, 2 for errors")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands)
        .get_matches();
    let (name, matches) = matches.subcommand().ok_or("no command was given")?;
    let command = COMMANDS.iter().find(|command| command.name == name).ok_or("no such command")?;
    (command.run)(matches, out)
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
