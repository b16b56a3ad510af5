//! Fields: a type, a name, and what stands round them as C has it.

use std::ops::Range;

use super::body::Names as BodyNames;
use super::declarator::Declared;
use super::names::{self, Base, C_WORDS};
use super::parser::Parser;
use super::statements::order;
use crate::machine::ByteOrder;
use crate::notation::problem::{Problem, meant};
use crate::types::encoding;
use crate::types::expression::Expression;
use crate::types::{Field, Meaning, Place, TimeUnit, Type};

/// Words before a type.
#[derive(Debug, Default)]
pub(super) struct Modifiers {
    pub(super) order: Option<ByteOrder>,
    hexadecimal: bool,
    time: Option<TimeUnit>,
    pub(super) flags: bool,
    packed: bool,
    /// Where they stand.
    span: Range<usize>,
}

/// A type before its declarator.
pub(super) struct Specifier {
    pub(super) base: Base,
    /// As it was written, for pointers to it.
    pub(super) name: String,
    pub(super) parts: u64,
    pub(super) depth: u32,
    /// Whether its parts were counted where it was written out.
    counted: bool,
    /// The names of a struct without a tag.
    names: Option<BodyNames>,
    /// Whether it was written out with a tag: alone it defines the type.
    defines: bool,
    pub(super) span: Range<usize>,
}

impl<'s> Parser<'s> {
    /// Words that say how the type behind them is read.
    pub(super) fn modifiers(&mut self) -> Modifiers {
        let mut modifiers = Modifiers { span: self.span(), ..Modifiers::default() };
        loop {
            let word = self.word();
            match word {
                _ if self.types.contains_key(word) => break,
                "const" | "volatile" | "static" | "extern" | "register" | "_Atomic" => {}
                "hex" => modifiers.hexadecimal = true,
                "time_s" => modifiers.time = Some(TimeUnit::Seconds),
                "time_ms" => modifiers.time = Some(TimeUnit::Milliseconds),
                "time_us" => modifiers.time = Some(TimeUnit::Microseconds),
                "time_ns" => modifiers.time = Some(TimeUnit::Nanoseconds),
                "packed" => modifiers.packed = true,
                "flags" if !self.sign_follows("{") && !self.sign_follows(":") => {
                    if self.sign_ahead(2, ":") && !self.word_ahead(1).is_empty() || self.sign_ahead(2, "{") {
                        break;
                    }
                    modifiers.flags = true;
                }
                _ if order(word).is_some() => modifiers.order = order(word),
                _ => break,
            }
            self.next();
        }
        modifiers.span.end = self.before().max(modifiers.span.start);
        modifiers
    }

    /// One or several fields of one type, up to their `;`.
    pub(super) fn declaration(&mut self, place: Place) -> Result<(), Problem> {
        let start = self.span().start;
        let modifiers = self.modifiers();
        let mut spec = self.specifier(&modifiers)?;
        let mut place = Some(place);
        let ends = self.is_sign(";") || self.is_sign("}") || self.at_end();
        if ends && spec.defines {
            return self.end_of_statement();
        }
        if ends && let (Some(names), Base::Type(kind @ Type::Struct(_))) = (spec.names.take(), &spec.base) {
            let span = start..self.before();
            let place = place.take().unwrap_or(Place::Next);
            let field = Field { name: None, place, ..Field::new("", kind.clone()) };
            self.took(";");
            self.enter_depth(spec.depth)?;
            return self.add_field(field, Some(names), span);
        }
        loop {
            let start = self.span().start;
            let declared = self.declarator(&spec, &modifiers)?;
            if !std::mem::take(&mut spec.counted) {
                self.count_parts(spec.parts, spec.span.clone())?;
            }
            self.enter_depth(spec.depth)?;
            let place = declared.place.clone().or(place.take()).unwrap_or(Place::Next);
            match declared.name.clone() {
                Some((name, span)) => {
                    let field = Field {
                        place,
                        expected: declared.expected.map(Box::new),
                        ..Field::new(name, declared.kind)
                    };
                    self.add_field(field, None, span)?;
                }
                None if declared.padding => {
                    let field = super::body::padding(declared.kind, place);
                    self.add_field(field, None, start..self.before())?;
                }
                None => self.all_there_is(declared, start, &spec)?,
            }
            if !self.took(",") {
                break;
            }
        }
        self.end_of_statement()
    }

    fn enter_depth(&mut self, depth: u32) -> Result<(), Problem> {
        let body = self.body()?;
        body.depth = body.depth.max(depth);
        Ok(())
    }

    /// A type without a name is all that there is, or wrong.
    fn all_there_is(
        &mut self,
        declared: Declared<'_>,
        start: usize,
        spec: &Specifier,
    ) -> Result<(), Problem> {
        let span = spec.span.start..self.before().max(start);
        let follows = !(self.is_sign(";") || self.is_sign("}") || self.at_end());
        if follows {
            return Err(self.expected("a name"));
        }
        let body = self.body()?;
        let may = !body.alone && (body.title == super::WHOLE || body.title == super::CASE);
        if may && body.fields.is_empty() && body.unnamed.is_none() && declared.expected.is_none() {
            body.unnamed = Some((declared.kind, span));
            return Ok(());
        }
        Err(Problem::new("a field needs a name", span).help(match declared.plain {
            true => "a type, then a name: `u32 count;`",
            false => "one without a name may stand alone only: `struct item { ... }; item[]`",
        }))
    }

    /// A type without its declarator.
    pub(super) fn specifier(&mut self, modifiers: &Modifiers) -> Result<Specifier, Problem> {
        let span = self.span();
        let word = self.word();
        let mut spec = if word.is_empty() {
            return Err(self.expected("a type"));
        } else if self.types.contains_key(word) && !self.sign_follows("(") {
            self.next();
            self.used(word, &span)?
        } else if C_WORDS.contains(&word) {
            let mut words = Vec::new();
            while C_WORDS.contains(&self.word()) || matches!(self.word(), "const" | "volatile") {
                let word = self.next_word();
                if C_WORDS.contains(&word) && words.len() < 8 {
                    words.push(word);
                }
            }
            let span = span.start..self.before();
            let base = names::c_type(&words).map_err(|why| Problem::new(why, span))?;
            Specifier::plain(base, words.join(" "))
        } else {
            self.next();
            match word {
                "struct" | "union" => match self.struct_written(word, modifiers.packed)? {
                    Some(written) => written.into(),
                    None => self.tagged(word)?,
                },
                "enum" | "flags" => match self.enum_written(word == "flags")? {
                    Some(written) => written.into(),
                    None => self.tagged(word)?,
                },
                "encoded" => self.encoded()?,
                _ => match names::named(word) {
                    Some(base) => Specifier::plain(base, word.to_owned()),
                    None => return Err(self.no_type(word, span)),
                },
            }
        };
        spec.span = span.start..self.before();
        self.modify(&mut spec, modifiers)?;
        Ok(spec)
    }

    fn used(&self, name: &str, span: &Range<usize>) -> Result<Specifier, Problem> {
        if let (None, Some(kind)) = (self.types.get(name), names::known_struct(name)) {
            return Ok(Specifier { depth: 1, ..Specifier::plain(Base::Type(kind), name.to_owned()) });
        }
        let Some(named) = self.types.get(name) else { return Err(self.no_type(name, span.clone())) };
        let mut spec = Specifier::plain(Base::Type(named.kind.clone()), name.to_owned());
        spec.parts = named.parts;
        spec.depth = named.depth;
        Ok(spec)
    }

    /// `struct item` where it is used.
    fn tagged(&mut self, keyword: &str) -> Result<Specifier, Problem> {
        let (name, span) = self.name("a name")?;
        let full = format!("{keyword} {name}");
        if self.is_sign("*") && !self.types.contains_key(name) {
            // Pointers may lead to what is not known.
            return Ok(Specifier::plain(Base::Void, full));
        }
        let mut spec = self.used(name, &span)?;
        spec.name = full;
        Ok(spec)
    }

    fn no_type(&self, name: &str, span: Range<usize>) -> Problem {
        if let Some(body) = self.bodies.iter().find(|body| body.title.ends_with(&format!(" {name}"))) {
            return Problem::new(format!("{} cannot hold itself", body.title), span)
                .help(format!("it can hold a pointer: `{} *next;`", body.title));
        }
        let problem = Problem::new(format!("no type is called `{name}`"), span);
        if names::odd_bits(name) {
            return problem.help("bits are written `u32 field : 12;`");
        }
        let words =
            ["struct", "union", "enum", "flags", "switch", "if", "check", "pad", "align", "size", "encoded"];
        let known = names::NAMES.iter().copied().chain(self.types.keys().copied());
        let known = known.chain(C_WORDS.iter().copied()).chain(words);
        match (name, meant(name, known)) {
            ("string" | "str" | "char_t", _) => {
                problem.help("text up to its NUL is `cstr`, with room `char name[16]`")
            }
            (_, Some(meant)) => problem.help(format!("did you mean `{meant}`?")),
            _ => problem.help(
                "a field is a type and a name: `u32 count;`; `coreinspect layouts --help` lists the types",
            ),
        }
    }

    /// `encoded(php)`, from behind the word.
    fn encoded(&mut self) -> Result<Specifier, Problem> {
        self.want("(")?;
        let (mut name, mut span) = self.name("the name of an encoding")?;
        // Names may have hyphens.
        while self.is_sign("-") || !self.is_sign(")") && !self.word().is_empty() {
            self.next();
            span.end = self.before();
            name = self.written(span.clone());
        }
        self.want(")")?;
        let known = encoding::ENCODINGS;
        match encoding::named(name) {
            Some(encoding) => Ok(Specifier::plain(Base::Encoded(encoding), name.to_owned())),
            None => {
                let all: Vec<_> = known.iter().map(|encoding| encoding.name()).collect();
                Err(Problem::new(format!("no encoding is called `{name}`"), span)
                    .help(format!("there are: {}", all.join(", "))))
            }
        }
    }

    /// What the words before a type make of it.
    fn modify(&self, spec: &mut Specifier, modifiers: &Modifiers) -> Result<(), Problem> {
        if let Some(order) = modifiers.order.or(self.order) {
            match &mut spec.base {
                Base::Type(kind) => *kind = super::byte_order::with_order(kind, order),
                Base::Character(_, integer) => integer.order = integer.order.or(Some(order)),
                _ => {}
            }
        }
        let meaning = match (modifiers.hexadecimal, modifiers.time, modifiers.flags) {
            (true, None, _) => Some(Meaning::Hexadecimal),
            (_, Some(unit), false) => Some(Meaning::Time(unit)),
            (false, None, _) => None,
            _ => return Err(Problem::new("these words exclude each other", modifiers.span.clone())),
        };
        let Some(meaning) = meaning else { return Ok(()) };
        if let Base::Character(_, integer) = &spec.base {
            spec.base = Base::Type(integer.clone().into());
        }
        match &mut spec.base {
            Base::Type(Type::Integer(integer)) => {
                integer.meaning = meaning;
                Ok(())
            }
            _ => Err(Problem::new("this goes with integers only", modifiers.span.clone())),
        }
    }
}

impl Specifier {
    pub(super) fn plain(base: Base, name: String) -> Self {
        Self { base, name, parts: 0, depth: 0, counted: false, names: None, defines: false, span: 0..0 }
    }
}

impl From<super::definitions::Written> for Specifier {
    fn from(written: super::definitions::Written) -> Self {
        let name = match (&written.tag, &written.kind) {
            (Some(tag), _) => tag.clone(),
            (None, _) => "struct".to_owned(),
        };
        Self {
            parts: written.parts,
            depth: written.depth,
            names: written.names,
            defines: written.tag.is_some(),
            counted: true,
            ..Self::plain(Base::Type(written.kind), name)
        }
    }
}

impl<'s> Parser<'s> {
    /// The size of the type between the parentheses of `sizeof(...)`.
    pub(super) fn size_of(&mut self) -> Result<Expression, Problem> {
        let span = self.span();
        let modifiers = self.modifiers();
        let spec = self.specifier(&modifiers)?;
        let declared = self.declarator(&spec, &modifiers)?;
        let span = span.start..self.before();
        super::byte_order::size_on_all_machines(&declared.kind).ok_or_else(|| {
            Problem::new("this type has no size that is known on every machine", span)
                .help("write the number")
        })
    }
}
