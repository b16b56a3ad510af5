//! Types of built-in layouts: written in the inline grammar, as their programs' headers declare them, and put where the
//! bytes say that they are.

use std::sync::Arc;

use super::{is_text, parsed};
use crate::types::expression::Expression;
use crate::types::{Characters, Count, Extent, Field, Place, Struct, Text, Type};

/// The type that `text` writes.
///
/// # Errors
/// That the built-in text is wrong, which a test of each layout rules out.
pub(super) fn written(text: &str) -> Result<Type, String> {
    parsed(text).map(Arc::unwrap_or_clone)
}

/// A field at an offset of the segment.
pub(super) fn at(offset: u64, name: &str, kind: Type) -> Field {
    Field { place: Place::InSegment(Expression::from(offset)), ..Field::new(name, kind) }
}

/// Fields that stand anywhere in the segment, as one, which begins where the first of them does.
pub(super) fn group(name: &str, fields: Vec<Field>) -> Field {
    let offsets = fields.iter().filter_map(|field| match &field.place {
        Place::InSegment(offset) => offset.constant(),
        _ => None,
    });
    let first = offsets.min().map_or(Place::Next, |offset| Place::InSegment(Expression::from(offset)));
    Field { place: first, ..Field::new(name, Struct { fields, ..Struct::default() }.into()) }
}

/// A type with fields behind its own.
///
/// # Errors
/// That it is no struct.
pub(super) fn with_fields(kind: Type, fields: impl IntoIterator<Item = Field>) -> Result<Type, String> {
    match kind {
        Type::Struct(inner) => {
            let mut inner = Arc::unwrap_or_clone(inner);
            inner.fields.extend(fields);
            Ok(inner.into())
        }
        _ => Err("no struct".to_owned()),
    }
}

/// Text in a room of `length` bytes.
pub(super) fn text(length: u64) -> Type {
    let extent = Extent::Room(Expression::from(length));
    Type::Text(Text { extent, characters: Characters::Bytes, measured: false })
}

/// `length` bytes without a meaning.
pub(super) fn bytes(length: u64) -> Type {
    Type::Bytes(Count::Exactly(Expression::from(length)))
}

/// Text if `sample`, the first bytes of it, is text, else bytes.
pub(super) fn text_or_bytes(sample: &[u8], length: u64) -> Type {
    let used = sample.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let used = sample.get(..used).unwrap_or_default();
    // A sample may end within a character.
    if is_text(used, used.len() == sample.len()) { text(length) } else { bytes(length) }
}
