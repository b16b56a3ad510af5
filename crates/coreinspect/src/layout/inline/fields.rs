//! Fields: a type, a name, and what stands round them as C has it.

use std::ops::Range;
use std::sync::Arc;

use super::body::Names as BodyNames;
use super::definitions::with_names;
use super::lexer::TokenKind;
use super::names::{self, Base, C_WORDS};
use super::parser::Parser;
use super::statements::order;
use crate::layout::encoding;
use crate::layout::expression::{Binary, Expression};
use crate::layout::problem::{Problem, meant};
use crate::layout::types::{
    Array, Bits, Characters, Count, Encoded, Expected, Extent, Field, Integer, Meaning, Place, Pointer, Text,
    TimeUnit, Type, Width,
};
use crate::machine::ByteOrder;

/// Words before a type.
#[derive(Debug, Default)]
pub(super) struct Modifiers {
    order: Option<ByteOrder>,
    hexadecimal: bool,
    time: Option<TimeUnit>,
    flags: bool,
    packed: bool,
    /// Where they stand.
    span: Range<usize>,
}

/// A type before its declarator.
pub(super) struct Specifier {
    pub(super) base: Base,
    /// As it was written, for pointers to it.
    name: String,
    pub(super) parts: u64,
    pub(super) depth: u32,
    /// Whether its parts were counted where it was written out.
    counted: bool,
    /// The names of a struct without a tag.
    names: Option<BodyNames>,
    /// Whether it was written out with a tag: alone it defines the type.
    defines: bool,
    span: Range<usize>,
}

/// What a declarator makes of a type.
pub(super) struct Declared<'s> {
    pub(super) name: Option<(&'s str, Range<usize>)>,
    pub(super) kind: Type,
    /// Of a bit field.
    pub(super) place: Option<Place>,
    pub(super) expected: Option<Expected>,
    padding: bool,
    plain: bool,
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
                    let field =
                        Field { place, expected: declared.expected, ..Field::new(name, declared.kind) };
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
        self.expect("(")?;
        let (mut name, mut span) = self.name("the name of an encoding")?;
        // Names may have hyphens.
        while self.is_sign("-") || !self.is_sign(")") && !self.word().is_empty() {
            self.next();
            span.end = self.before();
            name = self.written(span.clone());
        }
        self.expect(")")?;
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

    /// `*name[4] : 3 { 0=no 1=yes } = 1`, each part of which may be missing.
    pub(super) fn declarator(
        &mut self,
        spec: &Specifier,
        modifiers: &Modifiers,
    ) -> Result<Declared<'s>, Problem> {
        let mut base = spec.base.clone();
        let mut to = spec.name.clone();
        let mut stars = 0;
        while self.is_sign("*") || matches!(self.word(), "const" | "volatile" | "restrict") && stars > 0 {
            if self.took("*") {
                let name = if stars == 0 {
                    to.clone()
                } else {
                    format!("{to}{}*", if stars == 1 { " " } else { "" })
                };
                base = self.pointer_to(&name, modifiers);
                to = name;
                stars += 1;
            } else {
                self.next();
            }
        }
        if self.is_sign("(") && self.sign_follows("*") {
            return self.function_pointer(modifiers);
        }
        let span = self.span();
        let name = match self.kind() {
            TokenKind::Word => Some((self.next_word(), span)),
            _ => None,
        };
        let sizes = self.dimensions()?;
        let bits = match self.took(":") {
            true => Some(self.constant()?),
            false => None,
        };
        if self.is_sign("{") {
            self.names_of(&mut base, modifiers.flags)?;
        } else if modifiers.flags {
            return Err(self.expected("the names of the flags, as `{ 1=read 2=write }`,"));
        }
        let plain = sizes.is_empty();
        let (expected, room) = self.expected_value(&mut base, &sizes)?;
        let mut kind = self.sized(base, sizes, room, spec)?;
        let mut place = None;
        let mut padding = false;
        if let Some((count, span)) = bits {
            padding = name.is_none();
            place = Some(Place::NextBits);
            bit_field(&mut kind, count, padding, span)?;
        }
        Ok(Declared { name, kind, place, expected, padding, plain })
    }

    fn pointer_to(&self, name: &str, modifiers: &Modifiers) -> Base {
        let order = modifiers.order.or(self.order);
        let to = (name != "void").then(|| Arc::from(name));
        Base::Type(Type::Pointer(Pointer { width: Width::Long, order, to }))
    }

    /// `(*name)(int, char *)`
    fn function_pointer(&mut self, modifiers: &Modifiers) -> Result<Declared<'s>, Problem> {
        let open = self.span();
        self.next();
        self.next();
        let name = self.name("a name")?;
        let sizes = self.dimensions()?;
        self.expect(")")?;
        self.expect("(")?;
        let mut depth = 1_u32;
        while depth > 0 {
            match self.kind() {
                TokenKind::Sign("(") => depth = depth.saturating_add(1),
                TokenKind::Sign(")") => depth = depth.saturating_sub(1),
                TokenKind::End => return Err(Problem::new("this `(` has no `)`", open)),
                _ => {}
            }
            self.next();
        }
        let spec = Specifier::plain(Base::Void, "function".to_owned());
        let kind = self.sized(self.pointer_to("function", modifiers), sizes, None, &spec)?;
        Ok(Declared { name: Some(name), kind, place: None, expected: None, padding: false, plain: true })
    }

    /// `[4][n]`, `[]`, `[until length]`: each with where it stands.
    fn dimensions(&mut self) -> Result<Vec<(Count, Range<usize>)>, Problem> {
        let mut sizes = Vec::new();
        loop {
            let start = self.span().start;
            if !self.took("[") {
                return Ok(sizes);
            }
            let count = if self.is_sign("]") {
                Count::ToEnd
            } else if self.word() == "until" && !self.sign_follows("]") {
                self.next();
                Count::Until(self.expression()?)
            } else {
                let count = self.expression()?;
                if let Expression::Constant(count @ ..0) = count {
                    return Err(Problem::new(format!("{count} is no count"), start..self.before()));
                }
                Count::Exactly(count)
            };
            self.expect("]")?;
            let span = start..self.before();
            if !sizes.is_empty() && !matches!(count, Count::Exactly(_)) {
                return Err(Problem::new("only the first of several may be open", span));
            }
            if sizes.len() >= 8 {
                return Err(Problem::new("more than 8 dimensions", span));
            }
            sizes.push((count, span));
        }
    }

    /// `{ 0=empty 1=ready }` behind a field.
    fn names_of(&mut self, base: &mut Base, flags: bool) -> Result<(), Problem> {
        let span = self.span();
        let names = self.value_names(flags)?;
        let span = span.start..self.before();
        if let Base::Character(_, integer) = base {
            *base = Base::Type(integer.clone().into());
        }
        for (value, name) in names.iter() {
            self.add_constant(name, *value);
        }
        match base {
            Base::Type(Type::Integer(integer)) => {
                *integer = with_names(integer.clone(), names, flags, span)?;
                Ok(())
            }
            _ => Err(Problem::new("only the values of integers have names", span)),
        }
    }

    /// What stands behind `=`, and the room that text takes.
    fn expected_value(
        &mut self,
        base: &mut Base,
        sizes: &[(Count, Range<usize>)],
    ) -> Result<(Option<Expected>, Option<u64>), Problem> {
        if !self.took("=") {
            return Ok((None, None));
        }
        let span = self.span();
        let bytes = match self.kind() {
            TokenKind::Text(text) => {
                let text = text.clone();
                self.next();
                Some(text)
            }
            TokenKind::Sign("{") => Some(self.byte_list()?),
            _ => None,
        };
        let one_byte = matches!(base, Base::Type(Type::Integer(integer)) if integer.width == Width::Bytes(1));
        let holds_bytes = match base {
            Base::Character(Characters::Bytes, _) | Base::Bytes => sizes.len() == 1,
            Base::CString | Base::String(Characters::Bytes, _) => true,
            _ => one_byte && sizes.len() == 1,
        };
        match bytes {
            Some(_) if !holds_bytes => {
                Err(Problem::new("text is held by `char name[8]`, `cstr`, `bytes` or `u8`", span))
            }
            Some(bytes) => {
                let length = bytes.len() as u64;
                if let Some((Count::Exactly(count), _)) = sizes.first()
                    && count.constant().is_some_and(|count| count < length)
                {
                    let text = format!("these are {length} bytes, more than the field has");
                    return Err(Problem::new(text, span).help("no NUL is added to the text"));
                }
                Ok((Some(Expected::Bytes(bytes.into())), Some(length)))
            }
            None => {
                let hexadecimal = matches!(self.kind(), TokenKind::Number(_, true));
                let (value, _) = self.constant()?;
                match base {
                    Base::Type(Type::Integer(integer)) if sizes.is_empty() => {
                        if hexadecimal && integer.meaning == Meaning::Number {
                            integer.meaning = Meaning::Hexadecimal;
                        }
                    }
                    Base::Character(..) | Base::Type(Type::Pointer(_)) if sizes.is_empty() => {}
                    _ => return Err(Problem::new("a number is held by an integer or a pointer", span)),
                }
                Ok((Some(Expected::Number(value)), None))
            }
        }
    }

    /// `{ 0x7f, 'E', 'L', 'F' }`
    fn byte_list(&mut self) -> Result<Vec<u8>, Problem> {
        self.expect("{")?;
        let mut bytes = Vec::new();
        while !self.took("}") {
            let (value, span) = self.constant()?;
            bytes.push(u8::try_from(value).map_err(|_| Problem::new("a byte is 0 to 255", span))?);
            if !self.took(",") && !self.is_sign("}") {
                return Err(self.expected("`,` or `}`"));
            }
        }
        Ok(bytes)
    }

    /// The type that `sizes` make of `base`.
    fn sized(
        &self,
        base: Base,
        mut sizes: Vec<(Count, Range<usize>)>,
        room: Option<u64>,
        spec: &Specifier,
    ) -> Result<Type, Problem> {
        let text = |extent, characters, measured| Type::Text(Text { extent, characters, measured });
        let span = spec.span.clone();
        let kind = match base {
            Base::Type(kind) => kind,
            Base::CString if sizes.is_empty() => text(Extent::Nul, Characters::Bytes, false),
            Base::CString => {
                return Err(Problem::new("`cstr` ends at its NUL and takes no length", span).help(
                    "text with room is `char name[16]`; several strings are `struct { cstr s; } list[16]`",
                ));
            }
            Base::Character(_, integer) if sizes.is_empty() => integer.into(),
            Base::String(characters, measured) if sizes.is_empty() => text(Extent::Nul, characters, measured),
            Base::Character(characters, Integer { order, .. })
                if order.is_some() && characters != Characters::Bytes =>
            {
                return Err(Problem::new(
                    format!("text of `{}` is read in the machine's byte order", spec.name),
                    span,
                ));
            }
            Base::Character(characters, _) => {
                text(room_for(sizes.pop(), room, characters), characters, false)
            }
            Base::String(characters, measured) => {
                text(room_for(sizes.pop(), room, characters), characters, measured)
            }
            Base::Bytes | Base::Encoded(_) => {
                let Some((count, _)) = sizes.pop() else {
                    return Err(Problem::new(format!("`{}` needs to know how many", spec.name), span)
                        .help("`name[16]`, `name[length]`, or `name[]` up to the end"));
                };
                let count = match (count, room) {
                    (Count::ToEnd, Some(room)) => Count::Exactly(room.into()),
                    (count, _) => count,
                };
                match base {
                    Base::Encoded(encoding) => Type::Encoded(Encoded { encoding, length: count }),
                    _ => Type::Bytes(count),
                }
            }
            Base::Void => {
                return Err(Problem::new(format!("`{}` has no size", spec.name), span)
                    .help(format!("a pointer to it is `{} *name`", spec.name)));
            }
        };
        Ok(sizes
            .into_iter()
            .rev()
            .fold(kind, |element, (count, _)| Type::Array(Arc::new(Array { element, count }))))
    }
}

/// Where text ends that has this size.
fn room_for(size: Option<(Count, Range<usize>)>, room: Option<u64>, characters: Characters) -> Extent {
    match (size.map(|(count, _)| count), room) {
        (Some(Count::Exactly(count)), _) => Extent::Room(count),
        (Some(Count::Until(end)), _) => {
            let binary =
                |operator, left, right| Expression::Binary(operator, Box::new(left), Box::new(right));
            let bytes = binary(Binary::Subtract, end, Expression::Here);
            let unit = Expression::Constant(characters.size().into());
            Extent::Room(binary(Binary::Divide, bytes, unit))
        }
        (_, Some(room)) => Extent::Room(room.into()),
        (_, None) => Extent::Nul,
    }
}

/// Makes a bit field of `kind`.
fn bit_field(kind: &mut Type, count: i128, padding: bool, span: Range<usize>) -> Result<(), Problem> {
    let Type::Integer(integer) = kind else {
        return Err(Problem::new("only integers have bits", span));
    };
    let most = match integer.width {
        Width::Bytes(bytes) => i128::from(bytes).saturating_mul(8),
        Width::Long => 32,
    };
    let least = if padding { 0 } else { 1 };
    let count = u8::try_from(count).ok().filter(|_| (least..=most).contains(&count));
    let count = count.ok_or_else(|| Problem::new(format!("this type has {least} to {most} bits"), span))?;
    integer.bits = Some(Bits { shift: 0, count });
    Ok(())
}

impl Specifier {
    fn plain(base: Base, name: String) -> Self {
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
