//! `--expect`: what a test expects of a dump, and how it differs.

use std::fmt;
use std::str::FromStr;

use shmcore::Key;

use crate::report::{Dump, Segment, Text};
use crate::types::value::Kind;

/// Terms that one segment must meet, all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expectation {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: Field,
    comparison: Comparison,
    value: String,
    /// What `value` means where the field is a key: any spelling will do.
    keys: Vec<Key>,
}

/// What a term is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    /// A field of the report.
    Known(&'static str),
    /// `value.PATH`: a part of the decoded value.
    Part(String),
}

impl Field {
    fn name(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Part(path) => path,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Is,
    IsNot,
    Contains,
}

/// What a segment has in a field; `None` where the dump does not say.
type ValueOf = fn(&Dump, &Segment) -> Option<String>;

/// The fields that a term can name.
const FIELDS: &[(&str, ValueOf)] = &[
    ("key", |_, segment| segment.key.clone()),
    ("flag", |_, segment| part(segment, "flag")),
    ("message", |_, segment| part(segment, "message")),
    ("layout", |_, segment| segment.content.as_ref()?.layout.clone()),
    ("state", |_, segment| Some(segment.state.name().to_owned())),
    ("mapped", |_, segment| Some(segment.mapped.to_string())),
    ("saved", |_, segment| Some(segment.saved.to_string())),
    ("attachments", |_, segment| Some(segment.attachments.len().to_string())),
    ("cause", |_, segment| segment.causes.first().map(|cause| cause.code.name().to_owned())),
    ("writer", |dump, _| dump.writer.map(|writer| writer.to_string())),
    ("pid", |dump, _| dump.process.pid.map(|pid| pid.to_string())),
    ("command", |dump, _| dump.process.command.as_ref().map(Text::escaped)),
    ("signal", |dump, _| dump.process.signal.and_then(|signal| signal.name).map(str::to_owned)),
    // Of a dump without segments the exit status is 1, whatever is expected.
    ("segments", |dump, _| Some(dump.segments.len().to_string())),
];

/// A part of the value that a segment's bytes say, as text: names by their name, texts by their characters.
fn part(segment: &Segment, path: &str) -> Option<String> {
    let part = segment.content.as_ref()?.value.as_ref()?.part(path)?;
    match &part.kind {
        Kind::Named(_, Some(name)) => Some(name.to_string()),
        Kind::Text(text) => Some(Text::new(text.bytes.as_slice()).escaped()),
        Kind::Pointer(address) => Some(format!("{address:#x}")),
        Kind::Float(value) => Some(value.to_string()),
        _ => part_number(segment, path),
    }
}

/// The number behind a part of the value.
fn part_number(segment: &Segment, path: &str) -> Option<String> {
    match &segment.content.as_ref()?.value.as_ref()?.part(path)?.kind {
        Kind::Number(value, _) | Kind::Named(value, _) | Kind::Flags(value, _) => Some(value.to_string()),
        _ => None,
    }
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = words(text)?;
        if words.is_empty() {
            return Err(
                "it has no term; write for example 'key=0x7800c028 flag=ready message~hello'".to_owned()
            );
        }
        Ok(Self { terms: words.iter().map(|word| Term::parse(word)).collect::<Result<_, _>>()? })
    }
}

/// Words parted by spaces; quotes, single or double, keep spaces in one.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if open == c => quote = None,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    match quote {
        Some(open) => Err(format!("the quote {open} is not closed")),
        None => {
            words.extend(word);
            Ok(words)
        }
    }
}

impl Term {
    fn parse(word: &str) -> Result<Self, String> {
        let known = || FIELDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let at = word.find(['=', '~', '!']).ok_or_else(|| {
            format!("{word:?} is no term; write FIELD=VALUE, FIELD!=VALUE or FIELD~PART; fields: {}", known())
        })?;
        let (name, rest) = word.split_at(at);
        let (comparison, value) = if let Some(value) = rest.strip_prefix("!=") {
            (Comparison::IsNot, value)
        } else if let Some(value) = rest.strip_prefix('~') {
            (Comparison::Contains, value)
        } else if let Some(value) = rest.strip_prefix('=') {
            (Comparison::Is, value)
        } else {
            return Err(format!("{word:?}: `!` is followed by `=`"));
        };
        let field = match (name.strip_prefix("value."), FIELDS.iter().find(|(known, _)| *known == name)) {
            (Some(path), _) => Field::Part(path.to_owned()),
            (None, Some((known, _))) => Field::Known(known),
            (None, None) => {
                return Err(format!("there is no field {name:?}; known: {}, value.PATH", known()));
            }
        };
        let keys = match field {
            Field::Known("key") => {
                Key::readings(value).map_err(|error| error.to_string())?.into_iter().collect()
            }
            _ => Vec::new(),
        };
        Ok(Self { field, comparison, value: value.to_owned(), keys })
    }

    fn actual(&self, dump: &Dump, segment: &Segment) -> Option<String> {
        match &self.field {
            Field::Part(path) => part(segment, path),
            Field::Known(field) => {
                FIELDS.iter().find(|(name, _)| name == field).and_then(|(_, value)| value(dump, segment))
            }
        }
    }

    /// The number behind a field that is told by its name.
    fn number(&self, dump: &Dump, segment: &Segment) -> Option<String> {
        match &self.field {
            Field::Known("flag") => part_number(segment, "flag"),
            Field::Known("signal") => Some(dump.process.signal?.number.to_string()),
            Field::Known(_) => None,
            Field::Part(path) => part_number(segment, path),
        }
    }

    /// Whether it holds; what the dump does not say meets nothing.
    fn holds(&self, dump: &Dump, segment: &Segment) -> bool {
        let Some(actual) = self.actual(dump, segment) else { return false };
        let is = || match segment.key_t {
            Some(key) if !self.keys.is_empty() => self.keys.iter().any(|known| known.raw() == key),
            _ => {
                actual == self.value || self.number(dump, segment).is_some_and(|number| number == self.value)
            }
        };
        match self.comparison {
            Comparison::Is => is(),
            Comparison::IsNot => !is(),
            Comparison::Contains => actual.contains(&self.value),
        }
    }
}

/// A value in quotes, as much of it as a line takes.
fn excerpt(value: &str) -> String {
    const SHOWN: usize = 100;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("\"{}...\" ({} bytes)", value.get(..end).unwrap_or_default(), value.len()),
        None => format!("\"{value}\""),
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comparison = match self.comparison {
            Comparison::Is => "=",
            Comparison::IsNot => "!=",
            Comparison::Contains => "~",
        };
        let value = if matches!(self.field, Field::Part(_)) { "value." } else { "" };
        write!(f, "{value}{}{comparison}{}", self.field.name(), self.value)
    }
}

impl Expectation {
    /// Whether it says something of a mailbox.
    pub(super) fn is_of_a_mailbox(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.field, Field::Known("flag" | "message")))
    }

    fn failing(&self, dump: &Dump, segment: &Segment) -> Vec<&Term> {
        self.terms.iter().filter(|term| !term.holds(dump, segment)).collect()
    }

    /// How `dump` differs from it: the segment that comes nearest, and each term that it does not meet.
    pub(super) fn difference(&self, dump: &Dump) -> Option<String> {
        // A segment with the right key is the one that is meant, however much else differs.
        let distance = |segment: &&Segment| {
            let failing = self.failing(dump, segment);
            (failing.iter().any(|term| term.field == Field::Known("key")), failing.len())
        };
        let nearest = dump.segments.iter().min_by_key(distance)?;
        let failing = self.failing(dump, nearest);
        if failing.is_empty() {
            return None;
        }
        let terms = failing.iter().map(|term| match term.actual(dump, nearest) {
            Some(actual) => format!("{term}, but it is {}", excerpt(&actual)),
            None => format!("{term}, but it is not in the dump"),
        });
        let terms = terms.collect::<Vec<_>>().join("; ");
        Some(format!("not as expected: segment {} comes nearest; expected {terms}", nearest.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_parsed() {
        let expectation: Expectation = "key=0x1 message~'two coffees' flag!=read".parse().unwrap();
        let terms: Vec<_> = expectation.terms.iter().map(ToString::to_string).collect();
        assert_eq!(terms, ["key=0x1", "message~two coffees", "flag!=read"]);
        for wrong in ["", "key", "colour=red", "key!0x1", "message='open"] {
            assert!(wrong.parse::<Expectation>().is_err(), "{wrong}");
        }
    }
}
