//! What a prompt knows between its lines: the dump, what is in it, and the segment that was named last.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use clap::error::ErrorKind;

use super::super::dumps::{self, Named};
use super::super::{COMMANDS, Context, Failure, Status, Takes, Verb, verbs};
use super::line::Line;
use crate::kind::{Kind, Kinds};
use crate::render::printable::Printable;
use crate::report::{Dump, Options, Place, Segment};
use crate::source::Amount;

/// The prompt's own words, and what they do.
pub(super) const WORDS: &[(&str, &str)] = &[
    ("SEGMENT", "Uses this segment for the commands that follow and name none"),
    ("all", "Forgets the segment that was named"),
    ("!COMMAND", "Runs a command of sh"),
    ("help", "Lists the commands; `help show` explains one"),
    ("quit", "Quits, as Ctrl-D does"),
];

/// What follows a line.
pub(super) enum Next {
    /// Another line.
    Line(Status),
    /// Nothing: it was `quit`.
    End,
}

/// Whether the file at a path is still the one that it was.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self {
            file: (file.dev(), file.ino()),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
        })
    }
}

/// One dump, and the talk about it.
pub(super) struct Session {
    dump: PathBuf,
    program: Option<PathBuf>,
    report: Dump,
    stamp: Option<Stamp>,
    /// The number of the segment that was named last.
    segment: Option<usize>,
    on_terminal: bool,
    changed: bool,
}

impl Session {
    /// Reads the dump.
    ///
    /// # Errors
    /// It cannot be read, or is standard input, which the lines come from.
    pub(super) fn open(named: &Named, on_terminal: bool, context: &mut Context<'_>) -> Result<Self, Failure> {
        if named.dump.as_os_str() == "-" {
            return Err(Failure::new(
                "the shell reads its commands from standard input; name the dump's file",
            ));
        }
        if on_terminal {
            // Ctrl-C ends what runs, which has it from the terminal too, and not the prompt.
            signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default())
                .map_err(|error| Failure::new(format!("cannot handle SIGINT: {error}")))?;
        }
        let stamp = Stamp::of(&named.dump);
        let report = read(&named.dump, context)?;
        if let Some(error) = &report.error {
            return Err(Failure::new(format!("{}: {}", report.path.path, error.message)));
        }
        Ok(Self {
            dump: named.dump.clone(),
            program: named.program.clone(),
            report,
            stamp,
            segment: None,
            on_terminal,
            changed: false,
        })
    }

    /// What is in the dump.
    pub(super) fn report(&self) -> &Dump {
        &self.report
    }

    /// What is in the dump, if it is another since this was last asked.
    pub(super) fn changed_report(&mut self) -> Option<&Dump> {
        std::mem::take(&mut self.changed).then_some(&self.report)
    }

    /// The first line on a terminal.
    pub(super) fn greeting(&self) -> String {
        // What `list` shows without a flag; all kinds can be named.
        let listed =
            |segment: &&crate::report::Segment| segment.kind.is_none_or(|kind| kind == Kind::SystemV);
        let found = match self.report.segments.iter().filter(listed).count() {
            0 => self.report.nothing_found().unwrap_or_else(|| "no System V segment".to_owned()),
            1 => "1 segment; `list` shows it, `help` all commands".to_owned(),
            several => format!("{several} segments; `list` shows them, `help` all commands"),
        };
        format!("{}: {found}", self.report.path.path)
    }

    /// What stands before the cursor: the dump's name, and the segment that was named last.
    pub(super) fn prompt(&self) -> String {
        let name = Path::new(self.dump.file_name().unwrap_or(self.dump.as_os_str()));
        let segment = self.segment.map_or_else(String::new, |number| format!(" {number}"));
        format!("({}{segment}) ", dumps::shown(name))
    }

    /// Does what a line asks for. What is wrong with it is told; it does not end the session.
    ///
    /// # Errors
    /// Nothing can be written any longer.
    pub(super) fn run(&mut self, line: &str, context: &mut Context<'_>) -> Result<Next, Failure> {
        let done = Line::parse(line).and_then(|line| match line {
            Line::Nothing => Ok(Next::Line(Status::Found)),
            Line::Shell(command) => {
                context.out.flush()?;
                self.sh(&command)
                    .status()
                    .map(|status| Next::Line(verdict(status)))
                    .map_err(|error| cannot("sh", &error))
            }
            Line::Words(words, reader) => self.command(words, reader.as_deref(), context),
        });
        match done {
            Err(Failure::Message(message)) => {
                context.tell(message);
                Ok(Next::Line(Status::Failed))
            }
            done => done,
        }
    }

    fn command(
        &mut self,
        words: Vec<String>,
        reader: Option<&str>,
        context: &mut Context<'_>,
    ) -> Result<Next, Failure> {
        let mut rest = words.into_iter();
        let first = rest.next().unwrap_or_default();
        let mut rest: Vec<String> = rest.collect();
        self.notice_changes(context)?;
        if let Some(verb) = verbs().find(|verb| verb.name == first) {
            let said = self.named(verb, &mut rest);
            let status = self.call(verb, rest, reader, context)?;
            if status != Status::Failed {
                self.segment = said.or(self.segment);
            }
            return Ok(Next::Line(status));
        }
        if reader.is_some() && first != "help" {
            return Err(Failure::new(format!("{first} prints nothing that could be piped")));
        }
        match (first.as_str(), rest.as_slice()) {
            ("help" | "?", topic) => {
                let help = help(topic.first().map(String::as_str), context)?;
                self.show(&help, reader, context)?;
            }
            ("quit" | "exit" | "q", []) => return Ok(Next::End),
            ("all", []) => self.segment = None,
            (word, []) => match word.parse::<Place>() {
                Ok(place) => {
                    let located = place.locate(&self.report);
                    let located = located.map_err(|error| Failure::new(error.to_string()))?;
                    self.segment = Some(located.segment.number);
                }
                Err(_) => return Err(unknown(word)),
            },
            (word, _) => return Err(unknown(word)),
        }
        Ok(Next::Line(Status::Found))
    }

    /// The first segment that the words behind `verb` name; if they name none, the last one that was named joins them.
    fn named(&self, verb: Verb, words: &mut Vec<String>) -> Option<usize> {
        let takes = verb.command.takes;
        if !matches!(takes, Takes::Segments | Takes::Key) {
            return None;
        }
        let line = self.command_line(verb, words.iter().map(OsString::from));
        let first = match first_argument(verb, line, self.own_arguments(takes)) {
            Ok(first) => first,
            Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => None,
            // The command itself will say what is wrong.
            Err(_) => return None,
        };
        let place = first.and_then(|first| first.parse::<Place>().ok());
        match (place, self.segment_named()) {
            (Some(place), _) => Some(place.locate(&self.report).ok()?.segment.number),
            (None, Some(segment)) if takes == Takes::Key && words.is_empty() => {
                words.extend(segment.key.clone());
                None
            }
            (None, Some(segment)) if takes == Takes::Segments => {
                words.insert(0, segment.word(&self.report));
                None
            }
            (None, _) => None,
        }
    }

    fn segment_named(&self) -> Option<&Segment> {
        self.report.segments.iter().find(|segment| Some(segment.number) == self.segment)
    }

    /// How many arguments before the user's [`Self::command_line`] puts there.
    fn own_arguments(&self, takes: Takes) -> usize {
        usize::from(takes.a_dump()).saturating_add((takes.a_dump() && self.program.is_some()).into())
    }

    fn command_line(&self, verb: Verb, rest: impl Iterator<Item = OsString>) -> Vec<OsString> {
        let dump = argument(&self.dump);
        match &self.program {
            Some(program) if verb.command.takes.a_dump() => {
                verb.command_line(&argument(program), std::iter::once(dump).chain(rest))
            }
            _ => verb.command_line(&dump, rest),
        }
    }

    /// Runs the command line for `verb`, its output read by the command `reader` of sh.
    fn call(
        &self,
        verb: Verb,
        rest: Vec<String>,
        reader: Option<&str>,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        context.out.flush()?;
        let line = self.command_line(verb, rest.into_iter().map(OsString::from));
        let program = std::env::current_exe().map_err(|error| cannot("coreinspect", &error))?;
        let mut command = Command::new(program);
        command.arg0("coreinspect").args(self.on_terminal.then_some("--pager")).stdin(Stdio::null());
        command.args(line.into_iter().skip(1));
        match (context.style.color, context.style.interactive) {
            (true, false) => drop(command.env("CLICOLOR_FORCE", "1")),
            (false, true) => drop(command.env("NO_COLOR", "1")),
            _ => {}
        }
        let Some(reader) = reader else {
            return command.status().map(verdict).map_err(|error| cannot("coreinspect", &error));
        };
        let (output, input) = io::pipe().map_err(|error| cannot("a pipe", &error))?;
        let mut reader = self.sh(reader).stdin(output).spawn().map_err(|error| cannot("sh", &error))?;
        let status = command.stdout(input).status();
        // Else the reader would wait for what we might still write.
        drop(command);
        let read = reader.wait().map_err(|error| cannot("sh", &error))?;
        Ok(status.map(verdict).map_err(|error| cannot("coreinspect", &error))?.max(verdict(read)))
    }

    /// A command of sh. Off a terminal it must not read the lines that are ours.
    fn sh(&self, command: &str) -> Command {
        let mut sh = Command::new("sh");
        sh.args(["-c", command]);
        if !self.on_terminal {
            sh.stdin(Stdio::null());
        }
        sh
    }

    /// Writes what we have to say ourselves.
    fn show(&self, text: &str, reader: Option<&str>, context: &mut Context<'_>) -> Result<(), Failure> {
        let Some(reader) = reader else {
            context.out.pages = self.on_terminal;
            // Whoever leaves the pager has seen enough.
            let written = context.out.write_all(text.as_bytes()).or_else(ended_early);
            context.out.end_paging();
            return Ok(written?);
        };
        context.out.flush()?;
        let mut reader =
            self.sh(reader).stdin(Stdio::piped()).spawn().map_err(|error| cannot("sh", &error))?;
        if let Some(mut input) = reader.stdin.take() {
            input.write_all(text.as_bytes()).or_else(ended_early)?;
        }
        reader.wait().map(drop).map_err(|error| cannot("sh", &error))
    }

    /// Reads the dump again if its file is another now.
    fn notice_changes(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        let stamp = Stamp::of(&self.dump);
        if stamp == self.stamp {
            return Ok(());
        }
        self.stamp = stamp;
        self.changed = true;
        self.segment = None;
        self.report = read(&self.dump, context)?;
        context.tell(format_args!(
            "{} has changed since it was read, so coreinspect reads it again",
            self.report.path.path
        ));
        Ok(())
    }
}

fn read(dump: &Path, context: &mut Context<'_>) -> Result<Dump, Failure> {
    // Whatever is listed, all can be named.
    let listed = std::mem::replace(&mut context.kinds, Kinds::all());
    let inspection = dumps::inspect(dump, Amount::Starts, &Options::without_content(), context);
    context.kinds = listed;
    Ok(inspection?.into_report())
}

/// The first argument of the user's own in `line`, behind `own` arguments of ours.
fn first_argument(verb: Verb, line: Vec<OsString>, own: usize) -> Result<Option<String>, clap::Error> {
    let matches = super::super::command().try_get_matches_from(line)?;
    let Some((name, matches)) = matches.subcommand() else { return Ok(None) };
    let command = super::super::command();
    let positionals = command.find_subcommand(name).into_iter().flat_map(clap::Command::get_positionals);
    let mut words = positionals.filter_map(|arg| matches.get_raw(arg.get_id().as_str())).flatten();
    debug_assert_eq!(name, verb.command.name);
    Ok(words.nth(own).map(|word| word.to_string_lossy().into_owned()))
}

/// A path that is neither a flag nor a command.
fn argument(path: &Path) -> OsString {
    let is_a_word = path.as_os_str().as_encoded_bytes().starts_with(b"-")
        || COMMANDS.iter().any(|row| path.as_os_str() == row.name);
    if is_a_word { Path::new(".").join(path).into() } else { path.into() }
}

/// 130 and whatever else ended it is a failure; what sh says beyond 1 is one too.
fn verdict(status: ExitStatus) -> Status {
    match status.code() {
        Some(0) => Status::Found,
        Some(1) => Status::Nothing,
        None if status.signal() == Some(signal_hook::consts::SIGPIPE) => Status::Found,
        _ => Status::Failed,
    }
}

/// Whoever read us has seen enough.
fn ended_early(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

fn cannot(what: &str, error: &io::Error) -> Failure {
    Failure::new(format!("cannot run {what}: {error}"))
}

fn unknown(word: &str) -> Failure {
    let word = Printable(word.as_bytes());
    Failure::new(format!("there is no command {word} here; `help` lists the commands"))
}

fn help(topic: Option<&str>, context: &Context<'_>) -> Result<String, Failure> {
    if let Some(topic) = topic {
        let verb = verbs().find(|verb| verb.name == topic).ok_or_else(|| unknown(topic))?;
        return Ok(verb.help("", context.style.width.unwrap_or(usize::MAX)));
    }
    let own = WORDS.iter().map(|(word, about)| (*word, (*about).to_owned()));
    let lines = verbs().map(|verb| (verb.name, verb.about())).chain(own);
    let lines = lines.map(|(word, about)| format!("  {word:9} {about}\n")).collect::<String>();
    let pipes = "COMMAND | less, COMMAND --json | jq . and COMMAND > FILE work as in sh.\n";
    Ok(format!("Commands; the dump need not be named:\n{lines}{pipes}"))
}
