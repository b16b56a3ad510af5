//! Rust's enums with values: a variant part (DWARF 5, 5.7.10), of which one field says which variant is there.
//!
//! Its value is `{variant, Name}`: which one, and its fields. A tag has a number for each variant. A niche is a value
//! that the one variant with a value cannot have (`Option<&T>`: null): all other values are that variant.

use std::sync::Arc;

use gimli::AttributeValue;

use super::build::{Builder, Built, Failure, Standing};
use super::numbers::{constant, truncated};
use super::structs::{Fields, VARIANT, bare};
use super::units::Die;
use crate::types::expression::{Expression, Reference};
use crate::types::{Field, Integer, Meaning, Names, Place, Switch, Type};

/// A variant: its name, the values that choose it (none: all others), its fields.
struct Variant {
    name: Option<Arc<str>>,
    values: Vec<(i128, i128)>,
    kind: Type,
}

impl<'d> Builder<'_, 'd> {
    /// Adds what a variant part holds.
    pub(super) fn variant_part(
        &mut self,
        part: &Die<'d>,
        fields: &mut Fields,
        depth: u32,
    ) -> Result<(), Failure> {
        let selector =
            self.units.target(part, gimli::DW_AT_discr).and_then(|place| self.units.die(place).ok());
        let tag = selector
            .as_ref()
            .and_then(|selector| Some((self.tag(selector)?, self.units.location(selector)?)));
        let mut variants = Vec::new();
        for die in self.units.children(part, &[gimli::DW_TAG_variant])? {
            let mut inner = Fields::new();
            for member in self.units.children(&die, &[gimli::DW_TAG_member])? {
                self.member(&member, Standing::Inside, &mut inner, depth)?;
            }
            fields.nodes = fields.nodes.saturating_add(inner.nodes);
            let name = inner.list.first().and_then(|field| field.name.clone());
            let values = tag.as_ref().map_or(Vec::new(), |(tag, _)| self.values(&die, tag));
            // A variant without values is its name alone.
            inner
                .list
                .retain(|field| !matches!(&field.kind, Type::Struct(fields) if fields.fields.is_empty()));
            variants.push(Variant { name, values, kind: bare(inner.list) });
        }
        let Some((tag, offset)) = tag else {
            // One variant, which needs no tag.
            for variant in variants {
                fields.list.push(anonymous(variant.kind));
            }
            return Ok(());
        };
        let (mut names, mut cases, mut otherwise, mut other_name) = (Vec::new(), Vec::new(), None, None);
        for Variant { name, values, kind } in variants {
            if values.is_empty() {
                (otherwise, other_name) = (Some(kind), name);
                continue;
            }
            for (first, last) in values {
                // A name stands for one value; a range of values has none of its own.
                names.extend(name.clone().filter(|_| first == last).map(|name| (first, name)));
                cases.push((first, last, kind.clone()));
            }
        }
        let meaning = Meaning::Names(Arc::new(Names::new(names).with_other(other_name)));
        let index = fields.list.len();
        fields.push(Some(VARIANT.to_owned()), Built::from(Type::from(tag.meaning(meaning))), offset);
        if let Some(field) = fields.list.last_mut() {
            field.remembered = true;
        }
        let on = Expression::Field(Reference { up: 0, path: vec![index], name: VARIANT.into() });
        let switch = Switch { on, cases, otherwise, size: None };
        fields.list.push(anonymous(Type::Switch(Arc::new(switch))));
        Ok(())
    }

    /// The number that tells variants apart.
    fn tag(&self, selector: &Die<'d>) -> Option<Integer> {
        let target = self.units.target(selector, gimli::DW_AT_type)?;
        if let Some(integer) = self.scalar(target) {
            return Some(integer);
        }
        let die = self.peeled(target)?;
        let size = self.units.number(&die, gimli::DW_AT_byte_size).and_then(|size| u8::try_from(size).ok());
        let size = size.unwrap_or_else(|| self.units.address_size(target.unit));
        (1..=16).contains(&size).then(|| Integer::new(size, false))
    }

    /// The values of the tag that choose `variant`.
    fn values(&self, variant: &Die<'d>, tag: &Integer) -> Vec<(i128, i128)> {
        let bits = u32::try_from(tag.width.on(self.machine)).unwrap_or(16).saturating_mul(8);
        if let Some(value) = variant.entry.attr_value(gimli::DW_AT_discr_value) {
            return constant(&value, bits, tag.signed).map(|value| (value, value)).into_iter().collect();
        }
        match variant.entry.attr_value(gimli::DW_AT_discr_list) {
            Some(AttributeValue::Block(list)) => ranges(list, tag.signed).unwrap_or_default(),
            _ => Vec::new(),
        }
        .into_iter()
        .map(|(first, last)| (truncated(first, bits, tag.signed), truncated(last, bits, tag.signed)))
        .collect()
    }
}

/// DWARF 5, 7.5.5, "discriminant list".
fn ranges(mut list: super::sections::Slice<'_>, signed: bool) -> Option<Vec<(i128, i128)>> {
    use gimli::Reader;
    let mut found = Vec::new();
    while !list.is_empty() {
        let kind = list.read_u8().ok()?;
        let mut number = || match signed {
            true => list.read_sleb128().ok().map(i128::from),
            false => list.read_uleb128().ok().map(i128::from),
        };
        let first = number()?;
        let last = if kind == gimli::DW_DSC_range.0 { number()? } else { first };
        found.push((first, last));
    }
    Some(found)
}

/// A field whose own fields stand in the struct.
fn anonymous(kind: Type) -> Field {
    Field { name: None, place: Place::At(0_u64.into()), ..Field::new("", kind) }
}
