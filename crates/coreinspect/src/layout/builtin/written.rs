//! Types of built-in layouts: written in the inline grammar, as their programs' headers declare them, and put where the
//! bytes say that they are.

use std::sync::Arc;

use super::{is_text, parsed};
use crate::layout::Subject;
use crate::types::expression::Expression;
use crate::types::value::{distinct, push};
use crate::types::{Characters, Count, Extent, Field, Place, Stop, Struct, Text, Type};

/// The type that `text` writes, on the machine of `subject`.
///
/// # Errors
/// That the built-in text is wrong, which a test of each layout rules out.
pub(super) fn written(subject: &Subject<'_>, text: &str) -> Result<Type, String> {
    parsed(text).map(|kind| kind.on(subject.machine))
}

/// Bytes of a field, in a list that has room for those that are known.
const FIELD: u64 = size_of::<Field>() as u64;
/// Bytes of a struct and its counters.
const STRUCT: u64 = size_of::<Struct>() as u64 + 16;
/// Bytes of a name's counters.
const NAME: u64 = 16;

/// A field at an offset of the segment.
///
/// # Errors
/// That memory for it is spent.
pub(super) fn at(subject: &Subject<'_>, offset: u64, name: &str, kind: Type) -> Result<Field, Stop> {
    subject.describes(FIELD.saturating_add(NAME).saturating_add(name.len() as u64))?;
    Ok(Field { place: Place::InSegment(Expression::from(offset)), ..Field::new(name, kind) })
}

/// A struct at an offset of the segment whose fields stand in the struct around it.
///
/// # Errors
/// That memory for it is spent.
pub(super) fn unnamed(subject: &Subject<'_>, offset: u64, kind: Type) -> Result<Field, Stop> {
    Ok(Field { name: None, ..at(subject, offset, "", kind)? })
}

/// Fields that stand anywhere in the segment, as one that is paid for before they are: when nothing is left for more of them,
/// it holds those that there are. Bytes name them: of one name each has its number.
pub(super) struct Group<'n, 's> {
    subject: &'n Subject<'s>,
    name: &'n str,
}

impl<'n, 's> Group<'n, 's> {
    /// Fields called `name`.
    ///
    /// # Errors
    /// That memory for them is spent.
    pub(super) fn new(subject: &'n Subject<'s>, name: &'n str) -> Result<Self, Stop> {
        subject.describes(
            FIELD
                .saturating_add(FIELD / 8)
                .saturating_add(STRUCT)
                .saturating_add(NAME)
                .saturating_add(name.len() as u64),
        )?;
        Ok(Self { subject, name })
    }

    /// The field that holds `fields`, and begins where the first of them does.
    pub(super) fn of(self, mut fields: Vec<Field>) -> Field {
        let paid = |name: &str| {
            let paid = self.subject.describes(NAME.saturating_add(name.len() as u64));
            paid.ok().map(|()| name.into())
        };
        distinct(&mut fields, |field| field.name.as_mut(), paid);
        let offsets = fields.iter().filter_map(|field| match &field.place {
            Place::InSegment(offset) => offset.constant(),
            _ => None,
        });
        let first = offsets.min().map_or(Place::Next, |offset| Place::InSegment(Expression::from(offset)));
        Field { place: first, ..Field::new(self.name, Struct { fields, ..Struct::default() }.into()) }
    }
}

/// What `describe` makes of `items`, as far as there is memory for it.
///
/// # Errors
/// What else is wrong.
pub(super) fn each<I>(
    items: impl IntoIterator<Item = I>,
    mut describe: impl FnMut(I) -> Result<Field, Stop>,
) -> Result<Vec<Field>, Stop> {
    let mut fields = Vec::new();
    for item in items {
        match describe(item) {
            Ok(field) => push(&mut fields, field),
            Err(Stop::Spent) => break,
            Err(wrong) => return Err(wrong),
        }
    }
    Ok(fields)
}

/// A type with fields behind its own, which need not be within its size.
///
/// # Errors
/// That it is no struct.
pub(super) fn with_fields(kind: Type, fields: impl IntoIterator<Item = Field>) -> Result<Type, String> {
    match kind {
        Type::Struct(inner) => {
            let mut inner = Arc::unwrap_or_clone(inner);
            inner.fields.extend(fields);
            inner.size = None;
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
