//! Declarators: what stands round a field's name, and the type that it makes.

use std::ops::Range;
use std::sync::Arc;

use super::definitions::with_names;
use super::fields::{Modifiers, Specifier};
use super::lexer::TokenKind;
use super::names::Base;
use super::parser::Parser;
use crate::notation::problem::Problem;
use crate::types::expression::{Binary, Expression};
use crate::types::{
    Array, Bits, Characters, Count, Encoded, Expected, Extent, Integer, Meaning, Place, Pointer, Text, Type,
    Width,
};

/// What a declarator makes of a type.
pub(super) struct Declared<'s> {
    pub(super) name: Option<(&'s str, Range<usize>)>,
    pub(super) kind: Type,
    /// Of a bit field.
    pub(super) place: Option<Place>,
    pub(super) expected: Option<Expected>,
    pub(super) padding: bool,
    /// Whether no count stands behind it.
    pub(super) plain: bool,
}

impl<'s> Parser<'s> {
    /// `*name[4] : 3 { 0=no 1=yes } = 1`, each part of which may be missing.
    pub(super) fn declarator(
        &mut self,
        spec: &Specifier,
        modifiers: &Modifiers,
    ) -> Result<Declared<'s>, Problem> {
        let mut base = spec.base.clone();
        let mut to = spec.name.clone();
        let mut stars = 0_usize;
        while self.is_sign("*") || matches!(self.word(), "const" | "volatile" | "restrict") && stars > 0 {
            if self.took("*") {
                let name = if stars == 0 {
                    to.clone()
                } else {
                    format!("{to}{}*", if stars == 1 { " " } else { "" })
                };
                base = self.pointer_to(&name, modifiers);
                to = name;
                stars = stars.saturating_add(1);
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
        self.want(")")?;
        self.want("(")?;
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
            self.want("]")?;
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
        self.want("{")?;
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
