//! `NAME.layout`: the grammar of the command line, headed by lines that begin with `//!`.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::{Contents, Definition, FileLayout, KeyPattern, Recognition, check_name};
use crate::notation::inline;
use crate::notation::problem::{Problem, meant};

/// Words of the head.
const WORDS: &[&str] = &["name", "about", "keys", "program"];

pub(super) fn read(path: &Path, text: &str) -> Contents {
    let mut contents = Contents::default();
    for section in sections(text) {
        match layout(path, text, section) {
            Ok(layout) => contents.layouts.push(layout),
            Err(problem) => contents.problems.push(problem),
        }
    }
    contents
}

/// The word and the value of a line of the head, and where the line's value begins.
fn head_line(line: &str) -> Option<(&str, &str)> {
    line.trim_start().strip_prefix("//!")?.split_once(':').map(|(word, value)| (word.trim(), value.trim()))
}

/// A layout goes from a line with its name up to the next such line; what stands before the first is a part of it.
fn sections(text: &str) -> Vec<Range<usize>> {
    let mut starts = Vec::new();
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        if head_line(line).is_some_and(|(word, _)| word == "name") {
            starts.push(at);
        }
        at = at.saturating_add(line.len());
    }
    if let Some(first) = starts.first_mut() {
        *first = 0;
    } else {
        starts.push(0);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

fn layout(path: &Path, text: &str, section: Range<usize>) -> Result<FileLayout, Problem> {
    let own = text.get(section.clone()).unwrap_or_default();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut name = None;
    let mut about = String::new();
    let mut recognition = Recognition::default();
    let mut at = section.start;
    for line in own.split_inclusive('\n') {
        let span = at..at.saturating_add(line.trim_end().len());
        at = at.saturating_add(line.len());
        let Some((word, value)) = head_line(line) else {
            if line.trim_start().starts_with("//!") {
                return Err(Problem::new("a line of the head is a word, a colon and what it is", span)
                    .help(format!("the words are {}; other comments begin with `//`", WORDS.join(", "))));
            }
            continue;
        };
        let place = |part: &str| {
            let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            offset..offset.saturating_add(part.len())
        };
        match word {
            "name" => {
                check_name(value, place(value))?;
                name = Some(value.to_owned());
            }
            "about" => about = value.to_owned(),
            "program" => recognition.program = Some(value.to_owned()),
            "keys" => {
                for key in value.split(',') {
                    let key = key.trim();
                    let pattern = KeyPattern::parse(key).map_err(|why| Problem::new(why, place(key)))?;
                    recognition.keys.push(pattern);
                }
            }
            _ => {
                let problem = Problem::new(format!("`{word}` is no word of the head"), place(word));
                return Err(match meant(word, WORDS.iter().copied()) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem.help(format!("the words are {}", WORDS.join(", "))),
                });
            }
        }
    }
    let name = match name {
        Some(name) => name,
        None => {
            check_name(&stem, section.start..section.start).map_err(|problem| {
                problem.help("the file's own name will not do: write `//! name: NAME` into its first line")
            })?;
            stem
        }
    };
    let kind = inline::parse(own).map_err(|problem| within(problem, section.start))?;
    let definition = Definition::Type(Arc::new(kind));
    Ok(FileLayout { name, about, path: path.to_owned(), recognition, definition })
}

/// A problem of a text that stands at `start` of another.
pub(super) fn within(problem: Problem, start: usize) -> Problem {
    let span = problem.span.start.saturating_add(start)..problem.span.end.saturating_add(start);
    Problem { span, ..problem }
}
