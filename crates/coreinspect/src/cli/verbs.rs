//! The verbs of a prompt that knows its dump: the shell's, and those behind `shm` in gdb and lldb.
//!
//! A verb is a row of [`COMMANDS`] whose [`Takes`] such a prompt can fill in; `list` is the main job, which has no name on
//! the command line, and `hex` is short for `show --hex`. A new row is a new verb, without an edit here.

use std::ffi::{OsStr, OsString};

use clap::Args;

use super::{COMMANDS, Command, INSPECT, output};

/// What a command works on: what stands behind its name, and a prompt that knows the dump puts there itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// `NAME DUMP`: a dump as a whole.
    Dump,
    /// `NAME DUMP SEGMENT...`: a dump, and segments of it.
    Segments,
    /// `NAME DUMP DUMP`: a dump, and another beside it, which the user names.
    Dumps,
    /// `NAME KEY`: a key, of a dump or not.
    Key,
    /// `NAME PID`: a running process.
    Process,
    /// Nothing of a dump or a process: no verb.
    Nothing,
}

impl Takes {
    /// The word for it that plugins read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dump => "dump",
            Self::Segments => "segments",
            Self::Dumps => "dumps",
            Self::Key => "key",
            Self::Process => "process",
            Self::Nothing => "nothing",
        }
    }

    /// Whether the dump stands behind the command's name.
    pub fn a_dump(self) -> bool {
        matches!(self, Self::Dump | Self::Segments | Self::Dumps)
    }
}

/// A word at a prompt that knows its dump.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// The word.
    pub name: &'static str,
    /// The command that it calls.
    pub command: &'static Command,
    /// The flags that it stands for.
    pub flags: &'static [&'static str],
}

/// Every verb, in the order of the help text.
pub fn verbs() -> impl Iterator<Item = Verb> {
    let list = Verb { name: "list", command: &INSPECT, flags: &[] };
    let rows = COMMANDS.iter().filter(|row| row.takes != Takes::Nothing);
    let rows = rows.map(|row| Verb { name: row.name, command: row, flags: &[] });
    let hex = COMMANDS.iter().filter(|row| row.name == "show");
    let hex = hex.map(|row| Verb { name: "hex", command: row, flags: &["--hex"] });
    std::iter::once(list).chain(rows).chain(hex)
}

impl Verb {
    /// The words of the command line that it stands for, without the program's name: `show --hex`.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        let name = (!std::ptr::eq(self.command, &INSPECT)).then_some(self.command.name);
        name.into_iter().chain(self.flags.iter().copied())
    }

    /// The command line for it, as [`run`](super::run) takes it: `coreinspect show --hex DUMP REST...`.
    pub fn command_line(&self, dump: &OsStr, rest: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let dump = self.command.takes.a_dump().then(|| dump.to_owned());
        let words = std::iter::once("coreinspect").chain(self.words()).map(OsString::from);
        words.chain(dump).chain(rest).collect()
    }

    /// What clap knows of it, for help and completion: its options and the shared ones, without the dump.
    pub fn clap(&self) -> clap::Command {
        let row = self.command.build(clap::Command::new(self.name));
        let about = row.get_about().cloned().unwrap_or_default();
        // The shared flags say what they are, which is not what the command is.
        let command = output::Flags::augment_args(row).about(about).long_about(None);
        let dump = self.command.takes.a_dump();
        command.mut_args(|arg| {
            let names_a_dump =
                dump && (arg.is_positional() || arg.get_id() == "core" || arg.get_id() == "pid");
            let is_version = arg.get_id() == "version";
            if names_a_dump || is_version || self.stands_for(&arg) { arg.hide(true) } else { arg }
        })
    }

    fn stands_for(&self, arg: &clap::Arg) -> bool {
        arg.get_long().is_some_and(|long| self.flags.iter().any(|flag| flag.strip_prefix("--") == Some(long)))
    }

    /// The line that says what it does.
    pub fn about(&self) -> String {
        match self.name {
            "hex" => "Shows segments in full, with their bytes; marks bytes that are missing".to_owned(),
            _ => self.clap().get_about().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// How it is called at a prompt where `prefix` stands before every verb (`shm `, or nothing).
    pub fn usage(&self, prefix: &str) -> String {
        let lines = self.command.usage.lines().map(|line| self.at_prompt(line.trim(), prefix));
        let lines = lines.filter(|line| !line.contains("COMMAND"));
        lines.collect::<Vec<_>>().join("\n       ")
    }

    /// The command's examples that need no shell, as they are written at the prompt.
    pub fn examples(&self, prefix: &str) -> Vec<String> {
        let lines = self.command.examples.lines().map(str::trim).filter(|line| !line.contains(['|', '>']));
        lines.map(|line| self.at_prompt(line, prefix)).collect()
    }

    /// A line of the command line without program and dump.
    fn at_prompt(&self, line: &str, prefix: &str) -> String {
        let rest = line.strip_prefix("coreinspect").unwrap_or(line);
        let rest = rest.strip_prefix(&format!(" {}", self.command.name)).unwrap_or(rest);
        let rest = match self.command.takes.a_dump() {
            true => [" [PROGRAM] DUMP...", " [PROGRAM] DUMP", " core"]
                .iter()
                .fold(rest.to_owned(), |rest, dump| rest.replacen(dump, "", 1)),
            false => rest.to_owned(),
        };
        // What the verb stands for is not said twice.
        let rest = self.flags.iter().fold(rest, |rest, flag| rest.replace(&format!(" {flag}"), ""));
        format!("{prefix}{}{}", self.name, rest)
    }

    /// The long help, at most `width` columns wide.
    pub fn help(&self, prefix: &str, width: usize) -> String {
        let segment = "\nSEGMENT is a key in any spelling (0x7800c028, SYSV7800c028), @ADDRESS inside it, or its number;\n+OFFSET behind it names a place in it\n";
        let segment = if self.command.takes == Takes::Segments { segment } else { "" };
        let examples = self.examples(prefix).iter().map(|line| format!("  {line}\n")).collect::<String>();
        let mut command =
            self.clap().about(self.about()).override_usage(self.usage(prefix)).term_width(width);
        command = command.after_help(format!("{segment}\nExamples:\n{examples}").trim_start().to_owned());
        let help = command.disable_help_flag(true).render_long_help().to_string();
        // clap leaves lines of blanks alone, on which the help of lldb 14 loops for ever.
        help.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}
