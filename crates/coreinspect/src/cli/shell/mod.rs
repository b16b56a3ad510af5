//! A prompt on one dump: the commands of the command line, the dump filled in.
//!
//! There is no second parser: a line becomes words, and the words become a command line of this very program, run as a
//! child. So a pipe, a terminal's colours and Ctrl-C are what they are in any shell, and a dump that shrinks ends a command
//! and not the prompt. Reading the dump's headers anew for each costs a millisecond or two.

#[cfg(feature = "line-editing")]
mod completion;
mod line;
#[cfg_attr(not(feature = "line-editing"), path = "plain_prompt.rs")]
mod prompt;
mod scripts;
mod session;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::PathBuf;

use clap::Args;

use self::prompt::Prompt;
use self::scripts::{Script, Scripts};
use self::session::{Next, Session};
use super::{Context, Execute, Failure, Status, dumps};

/// Opens a prompt on one dump: every command, with history and completion.
///
/// Type commands as on the command line, without `coreinspect` and without the dump: `list`, `show 1`, `hex --at
/// 0x100`. A command without a segment uses the segment that was named last. `| less`, `| jq .` and `> FILE` as in any
/// shell; `!ls` runs ls; `# ...` is a comment. Without a terminal, lines come from standard input and no prompt is
/// printed. The exit status is the worst of all commands.
#[derive(Args, Debug)]
pub(super) struct Shell {
    /// The dump; or its program and then the dump.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"])]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    dump: dumps::DumpFlags,
    #[command(flatten)]
    scripts: Scripts,
}

impl Execute for Shell {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        if !context.output.is_usual() {
            return Err(Failure::new(
                "choose the output for each command: `coreinspect shell core -e 'list --json'`",
            ));
        }
        let named = dumps::pair(&self.paths, self.dump.dump().as_ref())?;
        let [named] = named.as_slice() else {
            return Err(Failure::new("the shell works on one dump; name it"));
        };
        let on_terminal = self.scripts.0.is_empty() && io::stdin().is_terminal() && context.style.interactive;
        let mut session = Session::open(named, on_terminal, context)?;
        if on_terminal {
            return converse(&mut session, context);
        }
        if self.scripts.0.is_empty() {
            return Ok(run_all(&mut session, io::stdin().lock(), context)?.0);
        }
        let mut worst = Status::Found;
        for script in &self.scripts.0 {
            let (status, ended) = match script {
                Script::Command(line) => run_all(&mut session, line.as_bytes(), context)?,
                Script::File(path) => {
                    let file = File::open(path).map_err(|error| {
                        Failure::new(format!("cannot read the script {}: {error}", dumps::shown(path)))
                    })?;
                    run_all(&mut session, BufReader::new(file), context)?
                }
            };
            worst = worst.max(status);
            if ended {
                break;
            }
        }
        Ok(worst)
    }
}

/// What came of a prompt.
enum Typed {
    /// A line.
    Line(String),
    /// Ctrl-C.
    #[cfg(feature = "line-editing")]
    Cancelled,
    /// Ctrl-D.
    End,
}

/// Runs each line of `lines`; the worst status, and whether one of them was `quit`.
fn run_all(
    session: &mut Session,
    lines: impl BufRead,
    context: &mut Context<'_>,
) -> Result<(Status, bool), Failure> {
    let mut worst = Status::Found;
    let mut lines = Lines { lines, number: 0 };
    while let Some(line) = lines.next()? {
        match session.run(&line, context)? {
            Next::Line(status) => worst = worst.max(status),
            Next::End => return Ok((worst, true)),
        }
    }
    Ok((worst, false))
}

/// The lines of a script, which need not be one: a device may have no line at all.
struct Lines<R> {
    lines: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<String>, Failure> {
        /// Bytes of a command: the kernel itself takes no longer argument (MAX_ARG_STRLEN, linux/binfmts.h).
        const LONGEST: u64 = 128 << 10;
        self.number = self.number.saturating_add(1);
        let cannot =
            |problem: &dyn fmt::Display| Failure::new(format!("cannot read the commands: {problem}"));
        let mut line = Vec::new();
        let read = self.lines.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        if read.map_err(|error| cannot(&error))? == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            line.pop_if(|last| *last == b'\r');
        } else if line.len() as u64 >= LONGEST {
            let number = self.number;
            return Err(cannot(&format_args!(
                "line {number} has more than 128 KiB; a script is text with a command in each line"
            )));
        }
        String::from_utf8(line)
            .map(Some)
            .map_err(|_| cannot(&format_args!("line {} is not UTF-8", self.number)))
    }
}

/// Prompts until the user has seen enough. What went wrong at a prompt was told there: the status is that of `quit`.
fn converse(session: &mut Session, context: &mut Context<'_>) -> Result<Status, Failure> {
    let mut prompt = Prompt::open(session.report())?;
    if !context.quiet {
        writeln!(context.out, "{}", session.greeting())?;
    }
    loop {
        context.out.flush()?;
        match prompt.read(&session.prompt())? {
            Typed::Line(line) => match session.run(&line, context)? {
                Next::Line(_) => {}
                Next::End => return Ok(Status::Found),
            },
            #[cfg(feature = "line-editing")]
            Typed::Cancelled => {}
            Typed::End => return Ok(Status::Found),
        }
        if let Some(report) = session.changed_report() {
            prompt.complete_from(report);
        }
    }
}
