//! What a page shows of the contents: all, or their structure alone.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// What is removed, and what was.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    on: bool,
    removed: RefCell<BTreeMap<&'static str, usize>>,
    /// Texts of the contents that were removed: what stands outside must not repeat them.
    texts: RefCell<Vec<String>>,
}

/// Texts that are remembered; and the shortest that says something.
const MOST_TEXTS: usize = 1000;
const SHORTEST: usize = 4;

impl Redaction {
    /// All contents are removed.
    pub(crate) fn of_contents() -> Self {
        Self { on: true, ..Self::default() }
    }

    /// Whether anything is removed.
    pub(crate) fn on(&self) -> bool {
        self.on
    }

    fn note(&self, what: &'static str) {
        let mut removed = self.removed.borrow_mut();
        let count = removed.entry(what).or_default();
        *count = count.saturating_add(1);
    }

    /// A decoded value: letters are `x`, digits `0`, as long as it was.
    pub(super) fn value(&self, text: String) -> String {
        if !self.on {
            return text;
        }
        self.note("decoded values (letters are x, digits 0)");
        text.chars().map(blank).collect()
    }

    /// Remembers a text of the contents.
    pub(super) fn remember(&self, bytes: &[u8]) {
        let mut texts = self.texts.borrow_mut();
        if self.on
            && texts.len() < MOST_TEXTS
            && let Ok(text) = std::str::from_utf8(bytes)
            && text.chars().count() >= SHORTEST
        {
            texts.push(text.to_owned());
        }
    }

    /// A byte, in digits and as a character.
    pub(super) fn byte(&self, byte: u8) -> (String, char) {
        if self.on {
            self.note("bytes (▪)");
            return ("▪▪".to_owned(), '▪');
        }
        let character = if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '·' };
        (format!("{byte:02x}"), character)
    }

    /// What was removed, a line a kind.
    pub(super) fn removed(&self) -> Vec<String> {
        let removed = self.removed.borrow();
        let mut lines: Vec<_> = removed.iter().map(|(what, count)| format!("{count} {what}")).collect();
        if self.on {
            lines.push("arguments of the processes".to_owned());
        }
        lines
    }

    /// A text of the contents that `outside` would still show.
    pub(crate) fn shown_by(&self, outside: &str) -> Option<String> {
        self.texts.borrow().iter().find(|text| outside.contains(text.as_str())).cloned()
    }
}

/// What stands in the place of a character of the contents.
fn blank(c: char) -> char {
    match c {
        c if c.is_ascii_digit() => '0',
        c if c.is_alphanumeric() => 'x',
        c if c.is_ascii() => c,
        _ => 'x',
    }
}
