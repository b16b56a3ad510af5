//! Tokens of C (ISO C11 6.4), each with its place, so that a problem can point at it.

use std::collections::HashSet;
use std::rc::Rc;

use super::problem::{Place, Problem, Sources};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Identifier,
    /// A number, as the preprocessor sees one (6.4.8).
    Number,
    /// `'a'`
    Character,
    /// `"text"`
    String,
    /// An operator, a bracket, a comma.
    Punctuator,
    /// `#pragma pack`: its text is the number of bytes, 0 for none.
    Pack,
    /// The end of all.
    End,
}

/// A token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: Rc<str>,
    pub(super) place: Place,
    /// Whether it is the first of its line.
    pub(super) starts_line: bool,
    /// Whether nothing stands between it and the token before it.
    pub(super) adjoins: bool,
    /// Whether it is a macro's name that must stay as it is (6.10.3.4).
    pub(super) painted: bool,
}

impl Token {
    /// Whether it is the keyword, name or operator `text`.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Identifier | Kind::Punctuator) && &*self.text == text
    }
}

/// Texts of tokens, each kept once.
#[derive(Debug, Default)]
pub(super) struct Texts(HashSet<Rc<str>>);

impl Texts {
    pub(super) fn get(&mut self, text: &str) -> Rc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Rc<str> = text.into();
        self.0.insert(new.clone());
        new
    }
}

/// Longest first.
const PUNCTUATORS: [&str; 23] = [
    "...", "<<=", ">>=", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=",
    "/=", "%=", "&=", "^=", "|=", "##",
];

struct Lexer<'s> {
    text: &'s str,
    bytes: &'s [u8],
    at: usize,
    file: usize,
    starts_line: bool,
    adjoins: bool,
}

/// The tokens of the file `file`.
///
/// # Errors
/// A comment that does not end; more than `most` tokens.
pub(super) fn tokens(
    sources: &Sources,
    file: usize,
    texts: &mut Texts,
    most: usize,
) -> Result<Vec<Token>, Problem> {
    let text = sources.text(file);
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, file, starts_line: true, adjoins: false };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space(sources)?;
        let Some(byte) = lexer.peek(0) else { break };
        let start = lexer.at;
        let kind = lexer.token(byte);
        // What is no character of C's, such as a stray byte, is a punctuator that nothing knows.
        if lexer.at == start {
            lexer.at = start.saturating_add(1);
        }
        let text = text.get(start..lexer.at).unwrap_or_default();
        let place = Place::new(file, start, lexer.at);
        if tokens.len() >= most {
            return Err(sources.problem(place, "the header has more than a million tokens"));
        }
        tokens.push(Token {
            kind,
            text: texts.get(text),
            place,
            starts_line: lexer.starts_line,
            adjoins: lexer.adjoins,
            painted: false,
        });
        lexer.starts_line = false;
        lexer.adjoins = true;
    }
    Ok(tokens)
}

fn names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.checked_add(ahead)?).copied()
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.bytes.len());
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self, sources: &Sources) -> Result<(), Problem> {
        loop {
            match self.peek(0) {
                Some(b'\n') => {
                    self.starts_line = true;
                    self.advance(1);
                }
                Some(b' ' | b'\t' | b'\r' | 0x0b | 0x0c) => self.advance(1),
                Some(b'\\') if self.rest().starts_with(b"\\\n") => self.advance(2),
                Some(b'\\') if self.rest().starts_with(b"\\\r\n") => self.advance(3),
                // The mark with which some editors begin UTF-8.
                Some(0xef) if self.at == 0 && self.rest().starts_with(b"\xef\xbb\xbf") => self.advance(3),
                Some(b'/') if self.peek(1) == Some(b'/') => {
                    while let Some(byte) = self.peek(0).filter(|byte| *byte != b'\n') {
                        let continued = byte == b'\\' && self.peek(1) == Some(b'\n');
                        self.advance(if continued { 2 } else { 1 });
                    }
                }
                Some(b'/') if self.peek(1) == Some(b'*') => {
                    let after = self.at.saturating_add(2);
                    let inside = self.text.get(after..).unwrap_or_default();
                    let Some(length) = inside.find("*/") else {
                        let place = Place::new(self.file, self.at, after);
                        return Err(sources.problem(place, "this comment does not end"));
                    };
                    self.at = after.saturating_add(length).saturating_add(2);
                }
                _ => return Ok(()),
            }
            self.adjoins = false;
        }
    }

    fn token(&mut self, byte: u8) -> Kind {
        match byte {
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
            b'"' => self.quoted(b'"', Kind::String),
            b'\'' => self.quoted(b'\'', Kind::Character),
            byte if names(byte) => {
                while self.peek(0).is_some_and(names) {
                    self.advance(1);
                }
                // u8"text", L'c': the prefix is a part of the literal (6.4.5).
                let quote = self.peek(0).filter(|byte| matches!(byte, b'"' | b'\''));
                let prefix = ["L", "u", "U", "u8"].iter().any(|prefix| {
                    let start = self.at.saturating_sub(prefix.len());
                    self.text.get(start..self.at) == Some(prefix)
                        && !start.checked_sub(1).and_then(|at| self.bytes.get(at)).copied().is_some_and(names)
                });
                match quote {
                    Some(b'"') if prefix => self.quoted(b'"', Kind::String),
                    Some(b'\'') if prefix => self.quoted(b'\'', Kind::Character),
                    _ => Kind::Identifier,
                }
            }
            _ => {
                let known = PUNCTUATORS.iter().find(|known| self.rest().starts_with(known.as_bytes()));
                self.advance(known.map_or(1, |known| known.len()));
                Kind::Punctuator
            }
        }
    }

    fn number(&mut self) -> Kind {
        while let Some(byte) = self.peek(0) {
            let exponent = matches!(byte, b'e' | b'E' | b'p' | b'P');
            if exponent && matches!(self.peek(1), Some(b'+' | b'-')) && !self.is_hexadecimal_integer(byte) {
                self.advance(2);
            } else if byte == b'.' || names(byte) {
                self.advance(1);
            } else {
                break;
            }
        }
        Kind::Number
    }

    /// `0xe+1`: C reads one (wrong) number, people mean a sum; so do we.
    fn is_hexadecimal_integer(&self, exponent: u8) -> bool {
        let start = (0..self.at).rev().find(|at| !self.bytes.get(*at).copied().is_some_and(names));
        let start = start.map_or(0, |at| at.saturating_add(1));
        let digits = self.bytes.get(start..self.at).unwrap_or_default();
        matches!(exponent, b'e' | b'E') && (digits.starts_with(b"0x") || digits.starts_with(b"0X"))
    }

    /// A quote that its line does not close is a punctuator: an apostrophe in `#error`, or in lines that are skipped.
    fn quoted(&mut self, quote: u8, kind: Kind) -> Kind {
        self.advance(1);
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' => return Kind::Punctuator,
                b'\\' => self.advance(2),
                byte if byte == quote => {
                    self.advance(1);
                    return kind;
                }
                _ => self.advance(1),
            }
        }
        Kind::Punctuator
    }
}
