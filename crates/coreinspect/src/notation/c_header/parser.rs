//! Declarations (ISO C11 6.7, 6.9). Functions are skipped: only types count.

use std::collections::HashMap;
use std::rc::Rc;

use super::abi::Abi;
use super::attributes::Attributes;
use super::ctype::{CType, Kind, LARGEST, Record};
use super::problem::{Place, Problem, Sources};
use super::token::{self, Token};
use crate::notation::problem::meant;

/// Brackets, braces and operators within each other.
const DEPTH: u32 = 64;

/// A tag: `struct queue`, `enum color`.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub(super) kind: CType,
    /// `struct`, `union` or `enum`.
    pub(super) keyword: Rc<str>,
    /// Whether the prelude defined it: the header may do so again.
    pub(super) given: bool,
}

/// A name that a header gives to a struct or union.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    /// As C writes it: `struct queue`, or a typedef's name.
    pub(super) name: String,
    /// Which record.
    pub(super) record: usize,
    /// Whether a system header defines it.
    pub(super) system: bool,
}

/// A parser with all that it has read.
pub(super) struct Parser<'s> {
    pub(super) sources: &'s Sources,
    pub(super) abi: Abi,
    tokens: Vec<Token>,
    at: usize,
    /// What stands behind the last token.
    end: Token,
    pub(super) records: Vec<Record>,
    pub(super) tags: HashMap<Rc<str>, Tag>,
    pub(super) typedefs: HashMap<Rc<str>, CType>,
    pub(super) constants: HashMap<Rc<str>, (i128, CType)>,
    objects: HashMap<Rc<str>, CType>,
    pub(super) definitions: Vec<Definition>,
    /// Bytes to which `#pragma pack` limits alignment; 0 for none.
    pub(super) pack: u64,
    /// Whether all numbers have 64 bits, as in `#if`.
    pub(super) in_condition: bool,
    /// Whether the prelude is read: what it defines, the header may define again.
    pub(super) giving: bool,
    depth: u32,
    /// Headers that were not read: named where a type is unknown.
    unread: Vec<Rc<str>>,
}

impl<'s> Parser<'s> {
    pub(super) fn new(tokens: Vec<Token>, abi: Abi, sources: &'s Sources, unread: Vec<Rc<str>>) -> Self {
        let place = tokens.last().map(|token| token.place).unwrap_or_default();
        Self {
            sources,
            abi,
            tokens,
            at: 0,
            end: Token {
                kind: token::Kind::End,
                text: "".into(),
                place,
                starts_line: true,
                adjoins: false,
                painted: false,
            },
            records: Vec::new(),
            tags: HashMap::new(),
            typedefs: HashMap::new(),
            constants: HashMap::new(),
            objects: HashMap::new(),
            definitions: Vec::new(),
            pack: 0,
            in_condition: false,
            giving: false,
            depth: 0,
            unread,
        }
    }

    /// A parser for the expression of an `#if`.
    pub(super) fn of_condition(tokens: Vec<Token>, abi: Abi, sources: &'s Sources) -> Self {
        Self { in_condition: true, ..Self::new(tokens, abi, sources, Vec::new()) }
    }

    /// Goes on with other tokens.
    pub(super) fn turn_to(&mut self, tokens: Vec<Token>) {
        self.end.place = tokens.last().map(|token| token.place).unwrap_or_default();
        self.tokens = tokens;
        self.at = 0;
    }

    pub(super) fn peek(&self) -> &Token {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, count: usize) -> &Token {
        self.tokens.get(self.at.saturating_add(count)).unwrap_or(&self.end)
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn go_to(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = self.at.saturating_add(1);
        token
    }

    /// Takes the next token if it is `text`.
    pub(super) fn takes(&mut self, text: &str) -> bool {
        let takes = self.peek().is(text);
        if takes {
            self.at = self.at.saturating_add(1);
        }
        takes
    }

    pub(super) fn want(&mut self, text: &str) -> Result<(), Problem> {
        match self.takes(text) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("expected `{text}`"))),
        }
    }

    /// A problem at the next token: what was expected instead of it.
    pub(super) fn unexpected(&self, expected: &str) -> Problem {
        let token = self.peek();
        let found = match token.kind {
            token::Kind::End => "the header ends".to_owned(),
            _ => format!("found `{}`", token.text.chars().take(40).collect::<String>()),
        };
        let problem = self.problem(token.place, format!("{expected}, {found}"));
        let plus_plus = ["class", "template", "namespace", "using", "public", "private", "virtual", "::"];
        match plus_plus.iter().any(|word| token.is(word)) {
            true => problem.help("this is C++: name the program instead, whose debug information has its types: --types PROGRAM"),
            false => problem,
        }
    }

    pub(super) fn problem(&self, place: Place, message: impl Into<String>) -> Problem {
        self.sources.problem(place, message)
    }

    /// A problem with a name that nothing declared.
    pub(super) fn unknown(&self, token: &Token, what: &str) -> Problem {
        let known = self.typedefs.keys().chain(self.constants.keys()).chain(self.tags.keys());
        let close = meant(&token.text, known.map(|name| &**name).filter(|name| !name.starts_with('_')));
        let problem = self.problem(token.place, format!("unknown {what} `{}`", token.text));
        match (close, self.unread.as_slice()) {
            (_, [unread, ..]) => problem.help(format!(
                "<{unread}> was not read; have a compiler put all into one file: gcc -E {} > flat.h",
                self.sources.path(token.place.file as usize)
            )),
            (Some(close), _) => problem.help(format!("did you mean `{close}`?")),
            (None, _) => problem.help(
                "declare it before, or have a compiler put all that the header includes into one file: \
                 gcc -E HEADER > flat.h",
            ),
        }
    }

    /// Reads one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if self.depth >= DEPTH {
            let place = self.peek().place;
            return Err(self.problem(place, format!("brackets are nested more than {DEPTH} deep")));
        }
        self.depth = self.depth.saturating_add(1);
        let result = read(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Skips from an opening bracket to behind its closing one.
    pub(super) fn skip_brackets(&mut self) -> Result<(), Problem> {
        let open = self.next();
        let mut depth = 1_u32;
        while depth > 0 {
            let token = self.next();
            if token.kind == token::Kind::End {
                return Err(self.problem(open.place, format!("this `{}` is not closed", open.text)));
            }
            if ["(", "[", "{"].iter().any(|open| token.is(open)) {
                depth = depth.saturating_add(1);
            } else if [")", "]", "}"].iter().any(|close| token.is(close)) {
                depth = depth.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Reads a whole header.
    pub(super) fn header(&mut self) -> Result<(), Problem> {
        // `extern "C" {` and its brace, which are C++'s, are no part of what is declared.
        let mut linkage = 0_u32;
        loop {
            let token = self.peek();
            match token.kind {
                token::Kind::End => return Ok(()),
                token::Kind::Pack => self.take_pack(),
                _ if token.is(";") => self.at = self.at.saturating_add(1),
                _ if token.is("}") && linkage > 0 => {
                    linkage = linkage.saturating_sub(1);
                    self.at = self.at.saturating_add(1);
                }
                _ if token.is("extern") && self.ahead(1).kind == token::Kind::String => {
                    self.at = self.at.saturating_add(2);
                    if self.takes("{") {
                        linkage = linkage.saturating_add(1);
                    }
                }
                _ if ["_Static_assert", "static_assert", "__asm__", "asm", "_Pragma"]
                    .iter()
                    .any(|word| token.is(word)) =>
                {
                    self.at = self.at.saturating_add(1);
                    self.skip_brackets()?;
                }
                _ => self.declaration()?,
            }
        }
    }

    pub(super) fn take_pack(&mut self) {
        self.pack = self.next().text.parse().unwrap_or(0);
    }

    fn declaration(&mut self) -> Result<(), Problem> {
        let specifiers = self.specifiers()?;
        let mut first = true;
        loop {
            if first && self.takes(";") {
                return Ok(());
            }
            let (name, kind, mut attributes) = self.declarator(specifiers.kind.clone(), false)?;
            let Some(name) = name else { return Err(self.unexpected("expected a name")) };
            self.attributes_behind(&mut attributes)?;
            if specifiers.typedef {
                let kind = self.apply(kind, specifiers.attributes.clone().and(attributes), name.place)?;
                self.define_type(&name, kind);
            } else {
                let body = first && matches!(kind.kind, Kind::Function(_)) && self.peek().is("{");
                if !matches!(kind.kind, Kind::Function(_)) {
                    self.objects.insert(name.text.clone(), kind);
                }
                if body {
                    return self.skip_brackets();
                }
                if self.takes("=") {
                    self.skip_initializer()?;
                }
            }
            first = false;
            if self.takes(",") {
                continue;
            }
            return self.want(";");
        }
    }

    fn define_type(&mut self, name: &Token, mut kind: CType) {
        if let Kind::Record(number) = kind.kind {
            if let Some(record) = self.records.get_mut(number) {
                record.name.get_or_insert_with(|| name.text.clone());
            }
            self.defined(name.text.to_string(), number, name);
        }
        if let Kind::Integer { role: super::ctype::Role::Enumeration(_, tag), .. } = &mut kind.kind {
            tag.get_or_insert_with(|| name.text.clone());
        }
        kind.name = Some(name.text.clone());
        // A header may say once more what the prelude said, or what it said itself.
        self.typedefs.insert(name.text.clone(), kind);
    }

    /// Remembers a name under which a record can be asked for.
    pub(super) fn defined(&mut self, name: String, record: usize, token: &Token) {
        if !self.giving {
            let system = self.sources.is_system(token.place);
            self.definitions.push(Definition { name, record, system });
        }
    }

    /// Skips what stands behind `=`.
    fn skip_initializer(&mut self) -> Result<(), Problem> {
        loop {
            let token = self.peek();
            if token.kind == token::Kind::End || token.is(",") || token.is(";") {
                return Ok(());
            }
            match ["(", "[", "{"].iter().any(|open| token.is(open)) {
                true => self.skip_brackets()?,
                false => self.at = self.at.saturating_add(1),
            }
        }
    }

    /// The type of a variable that the header declares.
    pub(super) fn object(&self, name: &str) -> Option<&CType> {
        self.objects.get(name)
    }

    /// Whether a type begins with the next token.
    pub(super) fn begins_type(&self) -> bool {
        let token = self.peek();
        token.kind == token::Kind::Identifier
            && (super::specifiers::is_keyword(&token.text) || self.typedefs.contains_key(&token.text))
    }

    /// A type without a name: in `sizeof`, in a cast, in what the user asks for.
    pub(super) fn type_name(&mut self) -> Result<CType, Problem> {
        let specifiers = self.specifiers()?;
        let place = self.peek().place;
        let (_, kind, attributes) = self.declarator(specifiers.kind, true)?;
        self.apply(kind, specifiers.attributes.and(attributes), place)
    }

    /// Bytes of a type; `None` if it is not complete.
    pub(super) fn size(&self, kind: &CType) -> Option<u64> {
        Some(match &kind.kind {
            // GNU C counts void and functions as a byte.
            Kind::Void | Kind::Function(_) => 1,
            Kind::Integer { bytes, .. } | Kind::Opaque(bytes) => *bytes,
            Kind::Float(float) => float.bytes,
            Kind::Complex(float) => float.bytes.checked_mul(2)?,
            Kind::Pointer(_) => self.abi.long(),
            Kind::Array(element, count) => self.size(element)?.checked_mul((*count)?)?,
            Kind::Vector(element, count) => self.size(element)?.checked_mul(*count)?,
            Kind::Record(number) => self.records.get(*number)?.body.as_ref()?.size,
        })
    }

    /// The same type with attributes of a declaration.
    pub(super) fn apply(
        &mut self,
        kind: CType,
        attributes: Attributes,
        place: Place,
    ) -> Result<CType, Problem> {
        let mut kind = self.shaped(kind, &attributes, place)?;
        if let Some(aligned) = attributes.aligned {
            kind.alignment = aligned;
            kind.user_aligned = true;
        }
        Ok(kind)
    }

    /// An array; the sizes of arrays are the only ones that a header can make too large.
    pub(super) fn array(&self, element: CType, count: Option<u64>, place: Place) -> Result<CType, Problem> {
        let element = self.refreshed(element);
        let incomplete =
            |kind: &CType| matches!(kind.kind, Kind::Function(_) | Kind::Void | Kind::Array(_, None));
        let Some(size) = self.size(&element).filter(|_| !incomplete(&element)) else {
            let name = super::names::of(self, &element);
            return Err(self.problem(place, format!("an array of `{name}`, whose size is not known")));
        };
        if element.alignment > size && size > 0 {
            return Err(
                self.problem(place, "the elements of this array are aligned to more bytes than they have")
            );
        }
        if size.checked_mul(count.unwrap_or(0)).is_none_or(|size| size > LARGEST) {
            return Err(self.problem(place, "this array has more than 2^48 bytes"));
        }
        Ok(CType::array(element, count))
    }

    /// A record that was completed after the type was made has its alignment now.
    pub(super) fn refreshed(&self, mut kind: CType) -> CType {
        if let (Kind::Record(number), false) = (&kind.kind, kind.user_aligned)
            && let Some(body) = self.records.get(*number).and_then(|record| record.body.as_ref())
        {
            kind.alignment = body.alignment.max(kind.alignment);
            kind.user_aligned = body.user_aligned;
        }
        kind
    }
}
