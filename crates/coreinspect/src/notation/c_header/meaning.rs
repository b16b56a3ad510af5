//! From C's types to [`Type`]: every offset and size is a number, so that the decoder needs no ABI.

use std::collections::HashMap;
use std::sync::Arc;

use super::abi::FloatType;
use super::ctype::{Body, CField, CType, Kind, Role};
use super::parser::Parser;
use crate::machine::ByteOrder;
use crate::types::encoding::pthread;
use crate::types::expression::Expression;
use crate::types::{
    Array, Bits, Characters, Count, Encoded, Extent, Field, Float, Integer, Meaning, Names, Place, Pointer,
    Struct, Text, TimeUnit, Type, Width,
};

/// Makes types, each record's once.
pub(super) struct Maker<'p, 's> {
    parser: &'p Parser<'s>,
    made: HashMap<usize, Arc<Struct>>,
}

/// A number of a bit field that lies in so many bytes: there is no integer that is wider.
const WIDEST: u64 = 16;

impl<'p, 's> Maker<'p, 's> {
    pub(super) fn new(parser: &'p Parser<'s>) -> Self {
        Self { parser, made: HashMap::new() }
    }

    /// The type of bytes. `open`: an array without a size in its end takes all that is left.
    pub(super) fn of(&mut self, kind: &CType, open: bool) -> Type {
        self.ordered(kind, open, None)
    }

    fn ordered(&mut self, kind: &CType, open: bool, order: Option<ByteOrder>) -> Type {
        match &kind.kind {
            Kind::Integer { bytes, signed, role } => integer(kind, *bytes, *signed, role, order),
            Kind::Float(float) => floating(*float, order),
            Kind::Complex(float) => {
                let part = floating(*float, order);
                let fields = vec![
                    Field::new("real", part.clone()).at(0),
                    Field::new("imaginary", part).at(float.bytes),
                ];
                let size = float.bytes.saturating_mul(2);
                Type::from(Struct {
                    fields,
                    size: Some(size.into()),
                    aligned: Some(float.alignment),
                    ..Struct::default()
                })
            }
            Kind::Pointer(to) => {
                let to = match to.kind {
                    Kind::Void => None,
                    _ => Some(super::names::of(self.parser, to).into()),
                };
                Type::Pointer(Pointer { width: width(self.parser.abi.long()), order: None, to })
            }
            Kind::Array(element, count) => self.array(element, *count, open, order),
            Kind::Vector(element, count) => {
                let element = self.ordered(element, false, order);
                Type::Array(Arc::new(Array { element, count: Count::Exactly((*count).into()) }))
            }
            Kind::Record(number) => Type::Struct(self.record(*number, open)),
            Kind::Opaque(bytes) => {
                let length = Count::Exactly((*bytes).into());
                match kind.name.as_deref().and_then(pthread::named) {
                    Some(encoding) => Type::Encoded(Encoded { encoding, length }),
                    None => Type::Bytes(length),
                }
            }
            Kind::Void | Kind::Function(_) => Type::Bytes(Count::Exactly(0.into())),
        }
    }

    fn array(&mut self, element: &CType, count: Option<u64>, open: bool, order: Option<ByteOrder>) -> Type {
        let count = count.filter(|count| *count > 0 || !open);
        if let Some(characters) = characters(element) {
            let extent = match count {
                Some(count) => Extent::Room(count.into()),
                None if open => Extent::Nul,
                None => Extent::Room(0.into()),
            };
            return Type::Text(Text { extent, characters, measured: false });
        }
        let count = match count {
            Some(count) => Count::Exactly(count.into()),
            None if open => Count::ToEnd,
            None => Count::Exactly(0.into()),
        };
        Type::Array(Arc::new(Array { element: self.ordered(element, false, order), count }))
    }

    /// Whether the bytes of a type end with an array without a size.
    fn is_open(&self, kind: &CType) -> bool {
        match &kind.kind {
            Kind::Array(_, count) => count.is_none_or(|count| count == 0),
            Kind::Record(number) => {
                let record = self.parser.records.get(*number);
                let body = record.and_then(|record| record.body.as_ref());
                let Some((record, body)) = record.zip(body) else { return false };
                match record.union {
                    true => body.fields.iter().any(|field| field.bits.is_none() && self.is_open(&field.kind)),
                    false => body
                        .fields
                        .last()
                        .is_some_and(|field| field.bits.is_none() && self.is_open(&field.kind)),
                }
            }
            _ => false,
        }
    }

    fn record(&mut self, number: usize, open: bool) -> Arc<Struct> {
        let open = open && self.is_open(&CType::record(number, None));
        if let Some(made) = self.made.get(&number).filter(|_| !open) {
            return made.clone();
        }
        let empty = Body::default();
        let parser = self.parser;
        let record = parser.records.get(number);
        let body = record.and_then(|record| record.body.as_ref()).unwrap_or(&empty);
        let union = record.is_some_and(|record| record.union);
        let last = body.fields.len().saturating_sub(1);
        let mut fields = Vec::with_capacity(body.fields.len());
        for (index, field) in body.fields.iter().enumerate() {
            // What has no name and no members is room alone.
            if field.name.is_none() && !matches!(field.kind.kind, Kind::Record(_)) {
                continue;
            }
            fields.push(self.field(field, open && (union || index == last), body.reversed));
        }
        let made = Arc::new(Struct {
            name: record.and_then(|record| record.name.as_deref()).map(Arc::from),
            fields,
            union,
            packed: false,
            size: (!open).then(|| body.size.into()),
            aligned: Some(body.alignment),
            checks: Vec::new(),
        });
        if !open {
            self.made.insert(number, made.clone());
        }
        made
    }

    fn field(&mut self, field: &CField, open: bool, reversed: bool) -> Field {
        let order = reversed.then(|| match self.parser.abi.is_big_endian() {
            true => ByteOrder::Little,
            false => ByteOrder::Big,
        });
        let big = self.parser.abi.is_big_endian() != reversed;
        let bytes = field.offset.checked_div(8).unwrap_or(0);
        let kind = match (field.bits, &field.kind.kind) {
            (Some(count), Kind::Integer { signed, role, .. }) => {
                let into = field.offset.checked_rem(8).unwrap_or(0);
                let unit = into.saturating_add(count).div_ceil(8);
                // Big-endian machines fill a unit from its highest bit down.
                let shift = match big {
                    true => unit.saturating_mul(8).saturating_sub(into).saturating_sub(count),
                    false => into,
                };
                match (u8::try_from(shift), u8::try_from(count)) {
                    (Ok(shift), Ok(count)) if unit <= WIDEST => {
                        let mut kind = integer(&field.kind, unit, *signed, role, order);
                        if let Type::Integer(integer) = &mut kind {
                            integer.bits = Some(Bits { shift, count });
                        }
                        kind
                    }
                    _ => Type::Bytes(Count::Exactly(unit.into())),
                }
            }
            _ => self.ordered(&field.kind, open, order),
        };
        Field {
            name: field.name.as_deref().map(Arc::from),
            kind,
            place: Place::At(Expression::from(bytes)),
            when: None,
            expected: None,
            remembered: false,
            padding: false,
        }
    }
}

fn width(bytes: u64) -> Width {
    Width::Bytes(u8::try_from(bytes).unwrap_or(8))
}

fn floating(float: FloatType, order: Option<ByteOrder>) -> Type {
    match float.format {
        Some(format) => Type::Float(Float { format, order }),
        None => Type::Bytes(Count::Exactly(float.bytes.into())),
    }
}

fn integer(kind: &CType, bytes: u64, signed: bool, role: &Role, order: Option<ByteOrder>) -> Type {
    let meaning = match role {
        Role::Boolean => Meaning::Boolean,
        Role::Enumeration(names, _) => {
            Meaning::Names(names.clone().unwrap_or_else(|| Arc::new(Names::default())))
        }
        Role::Character => Meaning::Character,
        Role::Number if characters(kind).is_some() => Meaning::Character,
        Role::Number => match kind.name.as_deref() {
            Some("time_t" | "__time_t" | "__time64_t" | "time64_t") => Meaning::Time(TimeUnit::Seconds),
            _ => Meaning::Number,
        },
    };
    // The kernel's __be32 and __le32 say their order by their names (linux/types.h).
    let order = match kind.name.as_deref() {
        Some("__be16" | "__be32" | "__be64") => Some(ByteOrder::Big),
        Some("__le16" | "__le32" | "__le64") => Some(ByteOrder::Little),
        _ => order,
    };
    Type::Integer(Integer { width: width(bytes), signed, order, bits: None, meaning })
}

/// How the characters of an array of this type are stored; `None` for numbers.
fn characters(element: &CType) -> Option<Characters> {
    match (&element.kind, element.name.as_deref()) {
        (Kind::Integer { role: Role::Character, .. }, _) => Some(Characters::Bytes),
        (Kind::Integer { bytes: 2, .. }, Some("char16_t")) => Some(Characters::Utf16),
        (Kind::Integer { bytes: 4, .. }, Some("char32_t" | "wchar_t")) => Some(Characters::Utf32),
        _ => None,
    }
}
