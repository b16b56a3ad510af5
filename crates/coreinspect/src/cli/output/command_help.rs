//! What the help of a command tells: its own options, those of every command that do something there, and what its status means.

use clap::Args;

use super::super::{Command, Takes};
use super::Flags;

/// Options for those who look for them: `--help` and the man page have them, `-h` has not.
const SHORT: &[&str] = &["pid", "json", "quiet", "help"];
/// Options of `collect` in its `-h`.
const SHORT_OF_COLLECT: &[&str] = &["pid", "output_dir", "install", "uninstall", "listen", "segments", "yes"];

/// The command line of `row` as its help shows it.
pub(in crate::cli) fn of(row: &Command) -> clap::Command {
    let command = row.build(clap::Command::new(row.name));
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long_about = command.get_long_about().cloned();
    // The shared flags say what they are, which is not what the command is.
    let command = Flags::augment_args(command).about(first_clause(&about).to_owned());
    let command = command.long_about(long_about.map_or(about, |long| long.to_string()));
    command.mut_args(|arg| {
        let id = arg.get_id().as_str();
        let shared = Flags::has(id);
        let is_content = arg.get_help_heading() == Some("Content") && id != "layout";
        let is_long = row.name == "collect" && !SHORT_OF_COLLECT.contains(&id);
        match shared {
            true if !does_something(row, id) => arg.hide(true),
            _ if (shared || is_content || is_long) && !SHORT.contains(&id) => arg.hide_short_help(true),
            _ => arg,
        }
    })
}

/// The main job, of which `-h` is a page.
pub(in crate::cli) fn of_the_main_job(command: clap::Command) -> clap::Command {
    let is_short = |arg: &clap::Arg| arg.is_positional() || SHORT.contains(&arg.get_id().as_str());
    command.mut_args(|arg| if is_short(&arg) { arg } else { arg.hide_short_help(true) })
}

/// `Shows segments in full` of `Shows segments in full: every mapping, ...`: what is a line in the list of commands.
fn first_clause(about: &str) -> &str {
    const COLUMNS: usize = 62;
    // A dot inside of a word, as in kernel.core_pattern, ends nothing.
    let sentence = about.split(". ").next().unwrap_or(about).trim_end_matches('.');
    let clause = sentence.split([':', ';', '(']).next().unwrap_or(sentence).trim_end();
    let fits = |at: &usize| *at <= COLUMNS;
    let commas = || clause.match_indices(',').map(|(at, _)| at);
    match clause.len() <= COLUMNS {
        true => clause,
        false => commas().rfind(fits).and_then(|at| clause.get(..at)).unwrap_or(clause),
    }
}

/// Whether a flag that all commands share does something for `row`.
fn does_something(row: &Command, flag: &str) -> bool {
    let prints_text = ["schema", "completions", "plugin", "help", "tour"].contains(&row.name);
    let reads_a_dump = row.takes.a_dump() || ["key", "shell"].contains(&row.name);
    let writes_a_file = ["extract", "dump", "diff", "report", "fill", "collect"].contains(&row.name);
    match flag {
        "format" | "json" | "color" => !prints_text,
        "find_unnamed" | "sister" | "max_size" => reads_a_dump,
        "kind" => reads_a_dump || row.takes == Takes::Process,
        "bytes" => row.takes.a_dump() || row.takes == Takes::Process || row.name == "shell",
        "force" => writes_a_file,
        "verbose" => row.takes.a_dump() || row.takes == Takes::Process || row.name == "shell",
        _ => true,
    }
}

/// What the exit status of `row` means.
pub(in crate::cli) fn status(row: &Command) -> &'static str {
    match row.name {
        "check" => "0 the dump would keep all; 1 something would be lost; 2 the process could not be read",
        "diff" => "0 no difference; 1 a difference; 2 a dump could not be read",
        "search" | "refs" | "locks" | "key" => "0 found; 1 nothing found; 2 the dump could not be read",
        "live" => "0 a segment was found; 1 there is none; 2 a process could not be read",
        "map" => "0 a mapping was found; 1 the dump tells of none; 2 the dump could not be read",
        "show" | "extract" | "restore" => {
            "0 done; 1 the dump has no segment; 2 the dump or the segment could not be read"
        }
        "shell" => "that of the last command",
        _ => "0 done; 2 it could not be done, or the command line is wrong",
    }
}
