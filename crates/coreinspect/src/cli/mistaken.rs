//! Words that stand where a dump should and are none: a command that is misspelt, a process id.

use std::io;
use std::path::{Path, PathBuf};

use super::{COMMANDS, dumps};
use crate::notation::problem::meant;

/// Words of other programs, and what does the same here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("list", "coreinspect DUMP"),
    ("info", "coreinspect DUMP"),
    ("inspect", "coreinspect DUMP"),
    ("hex", "coreinspect show DUMP --hex"),
    ("hexdump", "coreinspect show DUMP --hex"),
    ("version", "coreinspect --version"),
    ("attach", "coreinspect live PID"),
    ("ipcs", "coreinspect live"),
    ("gdb", "coreinspect plugin gdb"),
];

/// What to say where `paths` begin with a word that is no file and that likely means a command; `None` if it does not.
pub(super) fn command(paths: &[PathBuf]) -> Option<String> {
    let first = paths.first()?;
    let word = first.to_str().filter(|word| !word.contains('/'))?;
    if first.exists() {
        return None;
    }
    let meant = meaning(word)?;
    Some(format!("there is no dump and no command {word:?}; did you mean `{meant}`?"))
}

/// What to say of a word that should be a command.
pub(super) fn unknown_command(word: &str) -> String {
    let meant = meaning(word).map(|meant| format!("; did you mean `{meant}`?"));
    let known = "; `coreinspect help` lists the commands";
    format!("there is no command {word:?}{}", meant.as_deref().unwrap_or(known))
}

/// The command line that likely was meant by `word`.
fn meaning(word: &str) -> Option<String> {
    let names = COMMANDS.iter().map(|row| row.name);
    let name = meant(word, names.chain(ELSEWHERE.iter().map(|(name, _)| *name)))?;
    let elsewhere = ELSEWHERE.iter().find(|(known, _)| *known == name).map(|(_, call)| (*call).to_owned());
    let row = || COMMANDS.iter().find(|row| row.name == name);
    elsewhere.or_else(|| {
        let usage = row()?.usage.lines().next()?;
        Some(usage.replace(" [OPTIONS]", "").replace(" [PROGRAM]", ""))
    })
}

/// What opening `path` said, with what else the word could be.
pub(super) fn explained(path: &Path, error: io::Error) -> io::Error {
    let pid = path.to_str().and_then(|word| dumps::process_id(word).ok());
    let Some(pid) = pid.filter(|_| error.kind() == io::ErrorKind::NotFound) else { return error };
    let or = match dumps::path_of_process(pid).exists() {
        true => format!("but process {pid} runs: `coreinspect live {pid}`"),
        false => format!("and no process {pid} runs (`coreinspect live PID` looks at one)"),
    };
    io::Error::other(format!("there is no such file, {or}"))
}
