//! What is wrong with the text of a description, told as compilers tell it: the line, a caret, and what to do.

use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong, in a line.
    pub message: String,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// What to do, or what was meant.
    pub help: Option<String>,
}

impl Problem {
    /// A problem with the bytes `span` of a text.
    pub fn new(message: impl Into<String>, span: Range<usize>) -> Self {
        Self { message: message.into(), span, help: None }
    }

    /// The same with what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The problem as a compiler tells it, with the line of `text` and a caret. `name` is that of the file, or what
    /// the text is called.
    pub fn in_text<'a>(&'a self, text: &'a str, name: &'a str) -> InText<'a> {
        InText { problem: self, text, name }
    }

    /// The line and the column in `text`, both from 1; the column counts characters.
    pub fn place(&self, text: &str) -> (usize, usize) {
        let before = upto(text, self.span.start);
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
        (line, column)
    }
}

/// See [`Problem::in_text`].
#[derive(Debug)]
pub struct InText<'a> {
    problem: &'a Problem,
    text: &'a str,
    name: &'a str,
}

/// Columns of a line that are shown: a layout on the command line is one long line.
const SHOWN: usize = 96;

impl fmt::Display for InText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { problem, text, name } = self;
        let (line, column) = problem.place(text);
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let before = upto(text, problem.span.start).rsplit('\n').next().unwrap_or_default();
        let whole = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().trim_end_matches('\r');
        let within = whole.get(before.len()..).unwrap_or_default();
        let marked = upto(within, problem.span.end.saturating_sub(problem.span.start));

        // What stands far before the caret is left out, so that the caret is in sight.
        let (mut start, mut columns) = (before.len(), 0_usize);
        for (at, char) in before.char_indices().rev() {
            columns = columns.saturating_add(width(char));
            if columns > SHOWN / 2 && width_of(whole) > SHOWN {
                break;
            }
            start = at;
        }
        let before = before.get(start..).unwrap_or_default();
        let dots = if start > 0 { "..." } else { "" };
        let mut shown = String::new();
        for char in before.chars().chain(within.chars()) {
            if width_of(&shown) >= SHOWN {
                shown.push_str("...");
                break;
            }
            shown.push(visible(char));
        }
        let blank = " ".repeat(width_of(before).saturating_add(dots.len()));
        let carets = "^".repeat(width_of(marked).clamp(1, SHOWN.saturating_sub(width_of(before)).max(1)));

        writeln!(f, "error: {}", problem.message)?;
        writeln!(f, "{margin}--> {name}:{line}:{column}")?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {dots}{shown}")?;
        write!(f, "{margin} | {blank}{carets}")?;
        if let Some(help) = &problem.help {
            write!(f, "\n{margin} = help: {help}")?;
        }
        Ok(())
    }
}

/// `text` up to `at`, or to the character before it.
fn upto(text: &str, at: usize) -> &str {
    let at = at.min(text.len());
    let boundary = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..boundary).unwrap_or_default()
}

/// A tab is one column here, and so is what a terminal would obey.
fn visible(char: char) -> char {
    match char {
        '\t' => ' ',
        // What turns the direction of text round, too.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        char if char.is_control() || char.width().is_none() => '\u{fffd}',
        char => char,
    }
}

fn width(char: char) -> usize {
    visible(char).width().unwrap_or(1)
}

fn width_of(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// The name among `known` that was likely meant by `unknown`.
pub(crate) fn meant<'n>(unknown: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let unknown = unknown.get(..unknown.len().min(40))?;
    let far = match unknown.chars().count() {
        0 | 1 => return None,
        2..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    let distances = known.into_iter().filter(|name| name.len() < 80).map(|name| {
        let distance = match name.eq_ignore_ascii_case(unknown) {
            true => 0,
            false => strsim::damerau_levenshtein(unknown, name),
        };
        (distance, name)
    });
    distances
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_under_what_is_meant() {
        let text = "u8 flag;\n\tu23 zahl;";
        let problem = Problem::new("no type is called `u23`", 10..13).help("did you mean `u32`?");
        let expected = "error: no type is called `u23`\n --> inline:2:2\n  |\n2 |  u23 zahl;\n  |  ^^^\n  = help: did you mean `u32`?";
        assert_eq!(problem.in_text(text, "inline").to_string(), expected);
    }

    #[test]
    fn wide_and_hostile_characters_do_not_move_it() {
        let text = "// \u{6f22}\u{1b} \u{e4} u23";
        let at = text.find("u23").unwrap_or(0);
        let told = Problem::new("no", at..at + 3).in_text(text, "x").to_string();
        assert!(!told.contains('\u{1b}'), "{told}");
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            width_of(lines[3].split("u23").next().unwrap_or_default()),
            lines[4].find('^').unwrap_or(0)
        );
    }

    #[test]
    fn a_long_line_is_cut_round_the_caret() {
        let text = format!("{} oops {}", "u8 a; ".repeat(100), "u8 b; ".repeat(100));
        let at = text.find("oops").unwrap_or(0);
        let told = Problem::new("no", at..at + 4).in_text(&text, "x").to_string();
        assert!(told.lines().all(|line| line.len() < 120), "{told}");
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines[3].find("oops"), lines[4].find("^^^^"));
    }

    #[test]
    fn a_span_beyond_the_text_is_its_end() {
        let told = Problem::new("ends", 90..99).in_text("u8", "x").to_string();
        assert!(told.contains("x:1:3"), "{told}");
        assert!(Problem::new("ends", 0..9).in_text("", "x").to_string().contains("1 | "));
    }

    #[test]
    fn near_names_are_meant_and_far_ones_are_not() {
        assert_eq!(meant("u23", ["u32", "cstr"]), Some("u32"));
        assert_eq!(meant("Item", ["item"]), Some("item"));
        assert_eq!(meant("whatever", ["u32", "cstr"]), None);
    }
}
