//! Structs, unions, enums, flags, constants, and other names for types.

use std::ops::Range;
use std::sync::Arc;

use super::body::{Body, Named, Names as BodyNames};
use super::lexer::TokenKind;
use super::parser::Parser;
use super::statements::order;
use crate::notation::problem::Problem;
use crate::types::{Integer, Meaning, Names, Type};

/// Structs within each other: what a decoder goes into, and room for arrays around them.
const STRUCTS: u32 = 24;

/// A struct, a union or an enum that was written out.
pub(super) struct Written {
    pub(super) kind: Type,
    pub(super) parts: u64,
    pub(super) depth: u32,
    /// Its tag.
    pub(super) tag: Option<String>,
    /// Its names, if it is a struct without a tag.
    pub(super) names: Option<BodyNames>,
}

impl<'s> Parser<'s> {
    /// `struct [packed] [be] [size N] [align N] [tag] { ... }`, from behind `struct`; `None` if no `{` follows.
    pub(super) fn struct_written(
        &mut self,
        keyword: &str,
        mut packed: bool,
    ) -> Result<Option<Written>, Problem> {
        let start = self.span().start;
        let mut body = Body { union: keyword == "union", ..Body::default() };
        let mut tag = None;
        let mut inside = self.order;
        while !self.is_sign("{") {
            let word = self.word();
            let takes_number = !self.sign_follows("{") && tag.is_none() || tag.is_some();
            match word {
                "packed" => {
                    packed = true;
                    self.next();
                }
                _ if order(word).is_some() => {
                    inside = order(word);
                    self.next();
                }
                "size" if takes_number => {
                    self.next();
                    let (size, span) = self.constant()?;
                    let size = u64::try_from(size).map_err(|_| Problem::new("no size", span))?;
                    body.size = Some(size.into());
                }
                "align" if takes_number => {
                    self.next();
                    let (alignment, span) = self.constant()?;
                    let alignment = u64::try_from(alignment).ok().filter(|alignment| *alignment > 0);
                    body.aligned = Some(alignment.ok_or_else(|| Problem::new("no alignment", span))?);
                }
                "" => return Err(self.expected("`{` or a name")),
                _ if tag.is_none() && (self.sign_follows("{") || self.head_follows()) => {
                    tag = Some((word, self.span()));
                    self.next();
                }
                _ => return Ok(None),
            }
        }
        let open = self.span();
        self.next();
        body.packed = packed;
        body.alone = tag.is_some();
        body.title = match &tag {
            Some((tag, _)) => format!("{keyword} {tag}"),
            None => format!("this {keyword}"),
        };
        self.bodies.push(body);
        let outside = std::mem::replace(&mut self.order, inside);
        let read = self.deeper(open.clone(), Self::statements);
        self.order = outside;
        let body = self.bodies.pop();
        read?;
        if !self.took("}") {
            return Err(Problem::new(format!("the `{{` of this {keyword} has no `}}`"), open));
        }
        let span = start..self.before();
        let Some(body) = body else { return Ok(None) };
        let depth = body.depth.saturating_add(1);
        if depth > STRUCTS {
            return Err(Problem::new(format!("more than {STRUCTS} structs within each other"), span));
        }
        let parts = body.parts.saturating_add(1);
        let full = tag.as_ref().map(|(tag, _)| Arc::from(format!("{keyword} {tag}")));
        let (fields, names) = body.into_struct(full);
        let kind = Type::from(fields);
        // The parts were counted for the body alone: they are its user's too.
        if let Some(outer) = self.bodies.last_mut() {
            outer.parts = outer.parts.saturating_add(parts);
        }
        if let Some((tag, span)) = &tag {
            self.define(tag, Named { kind: kind.clone(), parts, depth }, span.clone())?;
            self.last_struct = Some(tag);
        }
        let names = tag.is_none().then_some(names);
        Ok(Some(Written { kind, parts, depth, tag: tag.map(|(tag, _)| tag.to_owned()), names }))
    }

    /// Whether words of a struct's head follow the next one.
    fn head_follows(&self) -> bool {
        let word = self.word_ahead(1);
        matches!(word, "packed" | "size" | "align") || order(word).is_some() && self.sign_ahead(2, "{")
    }

    pub(super) fn define(&mut self, name: &'s str, named: Named, span: Range<usize>) -> Result<(), Problem> {
        match self.types.insert(name, named) {
            None => Ok(()),
            Some(_) => Err(Problem::new(format!("a type `{name}` is there already"), span)),
        }
    }

    /// `enum [tag] [: type] { ... }`, or `flags ...`, from behind the keyword; `None` if no `{` follows.
    pub(super) fn enum_written(&mut self, flags: bool) -> Result<Option<Written>, Problem> {
        let span = self.span();
        let head = self.sign_follows("{") || self.sign_follows(":");
        let tag = (!self.word().is_empty() && head).then(|| self.next_word());
        let tag_span = span.clone();
        if tag.is_none() && !self.is_sign("{") && !self.is_sign(":") {
            return Ok(None);
        }
        let storage = match self.took(":") {
            true => Some(self.integer_type()?),
            false => None,
        };
        if !self.is_sign("{") {
            return Err(self.expected("`{`"));
        }
        let names = self.value_names(flags)?;
        let span = span.start..self.before();
        let negative = names.iter().any(|(value, _)| *value < 0);
        let integer = match storage {
            Some(integer) => integer,
            None => {
                let fits =
                    |value: i128| i32::try_from(value).is_ok() || !negative && u32::try_from(value).is_ok();
                let small = names.iter().all(|(value, _)| fits(*value));
                Integer::new(if small { 4 } else { 8 }, negative)
            }
        };
        for (value, name) in names.iter() {
            self.add_constant(name, *value);
        }
        let integer = with_names(integer, names, flags, span)?;
        let kind = Type::from(integer);
        if let Some(tag) = tag {
            self.define(tag, Named::plain(kind.clone()), tag_span)?;
        }
        Ok(Some(Written { kind, parts: 0, depth: 0, tag: tag.map(str::to_owned), names: None }))
    }

    /// `{ 0=empty 1=ready 2=read }` or `{ red, green = 5 }`.
    pub(super) fn value_names(&mut self, flags: bool) -> Result<Names, Problem> {
        self.want("{")?;
        let mut names: Vec<(i128, Arc<str>)> = Vec::new();
        let mut next = Some(if flags { 1 } else { 0 });
        while !self.took("}") {
            let span = self.span();
            let (value, name) = if let TokenKind::Word = self.kind() {
                let name = self.next_word();
                let value = match self.took("=") {
                    true => self.constant()?.0,
                    false => next.ok_or_else(|| Problem::new("this value is too great", span.clone()))?,
                };
                (value, Arc::from(name))
            } else if let Some(text) = self.text_literal() {
                self.want("=")?;
                (self.constant()?.0, Arc::from(String::from_utf8_lossy(&text)))
            } else {
                if self.at_end() {
                    return Err(self.expected("`}`"));
                }
                let (value, _) = self.constant()?;
                self.want("=")?;
                let name = match self.text_literal() {
                    Some(text) => Arc::from(String::from_utf8_lossy(&text)),
                    None => Arc::from(self.name("a name for the value")?.0),
                };
                (value, name)
            };
            let span = span.start..self.before();
            if flags && value < 0 {
                return Err(Problem::new("a flag is a bit, or several: no number below 0", span));
            }
            next = match flags {
                true => value.checked_mul(2).filter(|next| *next > 0),
                false => value.checked_add(1),
            };
            if names.iter().any(|(_, known)| *known == name) {
                return Err(Problem::new(format!("`{name}` is there twice"), span));
            }
            names.push((value, name));
            self.count_parts(1, span)?;
            self.took(",");
        }
        Ok(Names::new(names))
    }

    /// The integer type behind `enum color :`.
    fn integer_type(&mut self) -> Result<Integer, Problem> {
        let span = self.span();
        let spec = self.specifier(&super::fields::Modifiers::default())?;
        match spec.base {
            super::names::Base::Type(Type::Integer(integer)) => Ok(integer),
            _ => Err(Problem::new("an enum is stored as an integer", span.start..self.before())
                .help("such as `enum color : u8 { red, green }`")),
        }
    }

    /// `const N = 4;`
    pub(super) fn define_constant(&mut self) -> Result<(), Problem> {
        self.next();
        let (name, span) = self.name("the constant's name")?;
        self.want("=")?;
        let (value, _) = self.constant()?;
        if self.constants.insert(name.into(), Some(value)).is_some_and(|known| known != Some(value)) {
            return Err(Problem::new(format!("`{name}` has another value already"), span));
        }
        self.end_of_statement()
    }

    /// A name of an enum's value, which is a constant as long as no other has it.
    pub(super) fn add_constant(&mut self, name: &Arc<str>, value: i128) {
        let known = self.constants.entry(name.clone()).or_insert(Some(value));
        if *known != Some(value) {
            *known = None;
        }
    }

    /// The value of the constant `name`.
    pub(super) fn constant_called(&self, name: &str, span: &Range<usize>) -> Result<Option<i128>, Problem> {
        match self.constants.get(name) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(*value)),
            Some(None) => {
                Err(Problem::new(format!("`{name}` has several values"), span.clone())
                    .help("write the number"))
            }
        }
    }

    /// `typedef u32 id;`
    pub(super) fn define_type(&mut self) -> Result<(), Problem> {
        self.next();
        let modifiers = self.modifiers();
        let spec = self.specifier(&modifiers)?;
        let declared = self.declarator(&spec, &modifiers)?;
        let Some((name, span)) = declared.name else {
            return Err(self.expected("the new name of the type"));
        };
        if declared.place.is_some() || declared.expected.is_some() {
            return Err(Problem::new("a type has no bits and no value", span));
        }
        let named = Named { kind: declared.kind, parts: spec.parts.saturating_add(1), depth: spec.depth };
        self.define(name, named, span)?;
        self.end_of_statement()
    }
}

/// The integer with names for its values; those must fit.
pub(super) fn with_names(
    mut integer: Integer,
    names: Names,
    flags: bool,
    span: Range<usize>,
) -> Result<Integer, Problem> {
    use crate::types::Width;
    let bits = match (integer.bits, integer.width) {
        (Some(bits), _) => u32::from(bits.count),
        (None, Width::Bytes(bytes)) => u32::from(bytes).saturating_mul(8),
        (None, Width::Long) => 64,
    };
    let (least, most) = match integer.signed {
        _ if bits >= 127 => (i128::MIN, i128::MAX),
        true if !flags => (-1 << bits.saturating_sub(1), !(-1 << bits.saturating_sub(1))),
        _ => (0, !(-1 << bits)),
    };
    if let Some((value, name)) = names.iter().find(|(value, _)| !(least..=most).contains(value)) {
        return Err(Problem::new(format!("`{name}` is {value}, which {bits} bits do not hold"), span));
    }
    let names = Arc::new(names);
    integer.meaning = if flags { Meaning::Flags(names) } else { Meaning::Names(names) };
    Ok(integer)
}
