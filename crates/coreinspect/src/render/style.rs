//! Where text will be read: how wide, in colour or not, with which characters.

use std::fmt;

/// What a renderer must know of the place where its text will be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Columns; `None` where lines may be as long as they like (a pipe, a file).
    pub width: Option<usize>,
    /// Whether to colour.
    pub color: bool,
    /// Whether our own decorations may leave ASCII.
    pub unicode: bool,
    /// Whether a person reads along (a terminal): hints are for people.
    pub interactive: bool,
    /// Sizes as plain bytes, not as `4K`.
    pub bytes: bool,
}

/// A meaning that has a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Plain text.
    Plain,
    /// What is whole, ready, as it should be.
    Good,
    /// What is partly there, or calls for care.
    Care,
    /// What is missing.
    Bad,
    /// What names something: keys, headings.
    Name,
    /// What may be passed over.
    Faint,
}

impl Tone {
    /// Its SGR parameters (console_codes(4)).
    fn parameters(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "32",
            Self::Care => "33",
            Self::Bad => "31",
            Self::Name => "1",
            Self::Faint => "2",
        }
    }
}

impl Style {
    /// `text` in the colour of `tone`. The text must be harmless already.
    pub fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        Painted { parameters: if self.color { tone.parameters() } else { "" }, text }
    }

    /// `text` in the colour of the field with this number: one of a few, in turn, the same for its name and its bytes.
    pub fn field<T: fmt::Display>(self, number: Option<usize>, text: T) -> Painted<T> {
        let parameters = number.filter(|_| self.color).map_or("", field_color);
        Painted { parameters, text }
    }

    /// What stands for text that is left out.
    pub fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

/// The SGR parameters of the field with this number.
pub(super) fn field_color(number: usize) -> &'static str {
    match number % 5 {
        0 => "36",
        1 => "33",
        2 => "35",
        3 => "32",
        _ => "34",
    }
}

/// Text with a colour.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    parameters: &'static str,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parameters.is_empty() {
            return self.text.fmt(f);
        }
        write!(f, "\x1b[{}m{}\x1b[0m", self.parameters, self.text)
    }
}
