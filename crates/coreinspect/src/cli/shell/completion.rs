//! Completion at the prompt: verbs, flags and their values from the command line's own definition; segments from the dump.

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::super::{Takes, Verb, verbs};
use super::line::cut;
use super::session::WORDS;
use crate::layout::BUILTIN;
use crate::render::printable::Printable;
use crate::report::Dump;

/// What can stand at the prompt.
pub(super) struct Completion {
    /// The numbers of segments, each with what is shown of it.
    numbers: Vec<Pair>,
    keys: Vec<String>,
    files: FilenameCompleter,
}

impl Completion {
    /// Completes the segments of `report`.
    pub(super) fn of(report: &Dump) -> Self {
        let numbers = report.segments.iter().map(|segment| {
            let display = format!("{} {}", segment.number, Printable(segment.label().as_bytes()));
            Pair { display, replacement: segment.word(report) }
        });
        let mut keys: Vec<_> = report.segments.iter().filter_map(|segment| segment.key.clone()).collect();
        keys.sort();
        keys.dedup();
        Self { numbers: numbers.collect(), keys, files: FilenameCompleter::new() }
    }

    /// The segments by number, with `#` if `word` begins so, and by key.
    fn segments(&self, word: &str) -> impl Iterator<Item = Pair> {
        let mark = if word.starts_with('#') { "#" } else { "" };
        let numbers = self.numbers.iter().map(move |Pair { display, replacement }| Pair {
            display: display.clone(),
            replacement: format!("{mark}{}", replacement.trim_start_matches(mark)),
        });
        numbers.chain(self.keys.iter().map(pair))
    }

    /// The candidates for the word that follows `words`; `None` where a file is wanted.
    fn candidates(&self, words: &[String], word: &str) -> Option<Vec<Pair>> {
        let Some((first, rest)) = words.split_first() else {
            let own = WORDS.iter().map(|(word, _)| *word);
            let own = own.filter(|word| word.chars().all(char::is_alphabetic));
            let words = verbs().map(|verb| verb.name).chain(own).map(pair);
            return Some(words.chain(self.segments(word)).collect());
        };
        if first == "help" {
            return Some(verbs().map(|verb| pair(verb.name)).collect());
        }
        let Some(verb) = verbs().find(|verb| verb.name == first) else { return Some(Vec::new()) };
        let clap = verb.clap();
        let flags = || clap.get_arguments().filter(|arg| !arg.is_positional());
        let before = rest.last().map(String::as_str).unwrap_or_default();
        if let Some(flag) = flags().find(|flag| takes_value(flag) && names(flag).any(|name| name == before)) {
            return values(flag);
        }
        if word.starts_with('-') {
            let visible = flags().filter(|flag| !flag.is_hide_set());
            return Some(
                visible.filter_map(clap::Arg::get_long).map(|long| pair(format!("--{long}"))).collect(),
            );
        }
        self.arguments(verb, word)
    }

    fn arguments(&self, verb: Verb, word: &str) -> Option<Vec<Pair>> {
        match verb.command.takes {
            Takes::Segments => Some(self.segments(word).collect()),
            Takes::Key => Some(self.keys.iter().map(pair).collect()),
            Takes::Dumps => None,
            Takes::Dump | Takes::Process | Takes::Nothing => Some(Vec::new()),
        }
    }
}

fn pair(word: impl Into<String>) -> Pair {
    let word = word.into();
    Pair { display: word.clone(), replacement: word }
}

fn takes_value(flag: &clap::Arg) -> bool {
    flag.get_action().takes_values()
}

/// `--layout`, `-l`.
fn names(flag: &clap::Arg) -> impl Iterator<Item = String> {
    let long = flag.get_long().map(|long| format!("--{long}"));
    long.into_iter().chain(flag.get_short().map(|short| format!("-{short}")))
}

/// The values of a flag; `None` where they are files.
fn values(flag: &clap::Arg) -> Option<Vec<Pair>> {
    let listed = flag.get_possible_values();
    if !listed.is_empty() {
        return Some(listed.iter().map(|value| pair(value.get_name())).collect());
    }
    if flag.get_value_names().unwrap_or_default().iter().any(|name| name.as_str() == "LAYOUT") {
        return Some(BUILTIN.iter().map(|layout| pair(layout.name())).collect());
    }
    (flag.get_value_hint() == clap::ValueHint::Unknown).then(Vec::new)
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or_default();
        let start = before.rfind(char::is_whitespace).map_or(0, |blank| blank.saturating_add(1));
        let (earlier, word) = before.split_at_checked(start).unwrap_or_default();
        if before.trim_start().starts_with('!') || cut(before).1.is_some() {
            return self.files.complete(line, at, context);
        }
        let words = shlex::split(&cut(earlier).0).unwrap_or_default();
        match self.candidates(&words, word) {
            Some(mut candidates) => {
                candidates.retain(|candidate| candidate.replacement.starts_with(word));
                for candidate in &mut candidates {
                    candidate.replacement.push(' ');
                }
                Ok((start, candidates))
            }
            None => self.files.complete(line, at, context),
        }
    }
}

impl Hinter for Completion {
    type Hint = String;
}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}
