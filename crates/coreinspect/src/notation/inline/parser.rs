//! The parser's place in the text, and what it knows of it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::body::{Body, Named};
use super::lexer::{Token, TokenKind};
use crate::machine::ByteOrder;
use crate::notation::problem::Problem;

/// Structs, parentheses and branches within each other.
const DEPTH: u32 = 32;

pub(super) struct Parser<'s> {
    pub(super) text: &'s str,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    /// The structs around, outermost first.
    pub(super) bodies: Vec<Body>,
    /// Types that the text defines.
    pub(super) types: HashMap<&'s str, Named>,
    /// Constants and names of enums; `None` where a name has several values.
    pub(super) constants: HashMap<Arc<str>, Option<i128>>,
    /// The struct that was defined last.
    pub(super) last_struct: Option<&'s str>,
    /// The byte order that was said for all that follows.
    pub(super) order: Option<ByteOrder>,
    /// Parts of all types so far, those of types that are used again counted again.
    pub(super) parts: u64,
    /// Branches so far: the number of the next.
    pub(super) branches: u32,
}

impl<'s> Parser<'s> {
    pub(super) fn new(text: &'s str, tokens: Vec<Token>) -> Self {
        Self {
            text,
            tokens,
            at: 0,
            depth: 0,
            bodies: Vec::new(),
            types: HashMap::new(),
            constants: HashMap::new(),
            last_struct: None,
            order: None,
            parts: 0,
            branches: 0,
        }
    }

    fn ahead(&self, count: usize) -> &TokenKind {
        self.tokens.get(self.at.saturating_add(count)).map_or(&TokenKind::End, |token| &token.kind)
    }

    pub(super) fn kind(&self) -> &TokenKind {
        self.ahead(0)
    }

    /// The bytes of the next token.
    pub(super) fn span(&self) -> Range<usize> {
        let end = self.text.len();
        self.tokens.get(self.at).map_or(end..end, |token| token.span.clone())
    }

    /// Where the last token ends.
    pub(super) fn before(&self) -> usize {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or(0, |token| token.span.end)
    }

    /// The text between two places.
    pub(super) fn written(&self, span: Range<usize>) -> &'s str {
        self.text.get(span).unwrap_or_default()
    }

    pub(super) fn next(&mut self) {
        self.at = self.at.saturating_add(1).min(self.tokens.len().saturating_sub(1));
    }

    /// The next token if it is a word, else "".
    pub(super) fn word(&self) -> &'s str {
        self.word_ahead(0)
    }

    pub(super) fn word_ahead(&self, count: usize) -> &'s str {
        let token = self.tokens.get(self.at.saturating_add(count));
        match token {
            Some(Token { kind: TokenKind::Word, span }) => self.written(span.clone()),
            _ => "",
        }
    }

    pub(super) fn next_word(&mut self) -> &'s str {
        let word = self.word();
        self.next();
        word
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.kind(), TokenKind::Sign(next) if *next == sign)
    }

    /// Whether `sign` stands behind the next token.
    pub(super) fn sign_follows(&self, sign: &str) -> bool {
        self.sign_ahead(1, sign)
    }

    pub(super) fn sign_ahead(&self, count: usize, sign: &str) -> bool {
        matches!(self.ahead(count), TokenKind::Sign(next) if *next == sign)
    }

    /// Takes `sign` if it comes next.
    pub(super) fn took(&mut self, sign: &str) -> bool {
        let is = self.is_sign(sign);
        if is {
            self.next();
        }
        is
    }

    /// Takes `word` if it comes next.
    pub(super) fn took_word(&mut self, word: &str) -> bool {
        let is = self.word() == word;
        if is {
            self.next();
        }
        is
    }

    pub(super) fn at_end(&self) -> bool {
        *self.kind() == TokenKind::End
    }

    pub(super) fn want(&mut self, sign: &'static str) -> Result<(), Problem> {
        match self.took(sign) {
            true => Ok(()),
            false => Err(self.expected(&format!("`{sign}`"))),
        }
    }

    /// A `;`, which the last of several may leave out.
    pub(super) fn end_of_statement(&mut self) -> Result<(), Problem> {
        if self.took(";") || self.is_sign("}") || self.at_end() {
            return Ok(());
        }
        let last = self.before();
        let found = self.found();
        let start = last.saturating_sub(1);
        Err(Problem::new(format!("`;` is missing, before {found}"), start..last))
    }

    /// A name, and where it stands.
    pub(super) fn name(&mut self, what: &str) -> Result<(&'s str, Range<usize>), Problem> {
        let span = self.span();
        match self.kind() {
            TokenKind::Word => Ok((self.next_word(), span)),
            _ => Err(self.expected(what)),
        }
    }

    /// Takes text if it comes next.
    pub(super) fn text_literal(&mut self) -> Option<Vec<u8>> {
        let TokenKind::Text(text) = self.kind() else { return None };
        let text = text.clone();
        self.next();
        Some(text)
    }

    /// That something else than `what` stands here.
    pub(super) fn expected(&self, what: &str) -> Problem {
        Problem::new(format!("{what} is expected here, not {}", self.found()), self.span())
    }

    fn found(&self) -> String {
        match self.kind() {
            TokenKind::End => "the end".to_owned(),
            TokenKind::Text(_) => "text".to_owned(),
            _ => format!("`{}`", self.written(self.span())),
        }
    }

    /// Parses something that stands within something; both may not be too deep.
    pub(super) fn deeper<T>(
        &mut self,
        span: Range<usize>,
        parse: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if self.depth >= DEPTH {
            return Err(Problem::new(format!("more than {DEPTH} deep within each other"), span));
        }
        self.depth = self.depth.saturating_add(1);
        let result = parse(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }
}
