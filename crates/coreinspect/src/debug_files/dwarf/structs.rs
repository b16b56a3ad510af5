//! Structs, classes and unions: members, bit fields, base classes.
//!
//! A base class is a member named after it, first as its members stand first (gdb prints `<Base> = {...}`). Static
//! members are no part of an object. Of a virtual base only the running program knows where it is: it is left out, as
//! the pointer to the table that says so (`_vptr`) is a member.

use std::collections::HashSet;
use std::sync::Arc;

use super::build::{Builder, Built, Failure, Standing};
use super::units::Die;
use crate::machine::ByteOrder;
use crate::types::expression::Expression;
use crate::types::{Bits, Count, Field, Integer, Struct, Type, Width};

/// The fields of a struct as they are found.
pub(super) struct Fields {
    pub(super) list: Vec<Field>,
    pub(super) nodes: u64,
    names: HashSet<String>,
}

impl Fields {
    pub(super) fn new() -> Self {
        Self { list: Vec::new(), nodes: 1, names: HashSet::new() }
    }

    /// Adds a field; a name that is taken gets a number: two base classes may have the same.
    pub(super) fn push(&mut self, name: Option<String>, built: Built, offset: u64) {
        let name = name.map(|name| {
            let mut unique = name.clone();
            let mut number = 1_u32;
            while !self.names.insert(unique.clone()) {
                number = number.saturating_add(1);
                unique = format!("{name}_{number}");
            }
            unique
        });
        self.nodes = self.nodes.saturating_add(built.nodes);
        let mut field = Field::new(name.as_deref().unwrap_or_default(), built.kind).at(offset);
        if name.is_none() {
            field.name = None;
        }
        self.list.push(field);
    }
}

impl<'d> Builder<'_, 'd> {
    /// The struct, class or union that `die` defines.
    pub(super) fn structure(
        &mut self,
        die: &Die<'d>,
        standing: Standing,
        depth: u32,
    ) -> Result<Built, Failure> {
        let size = self.units.number(die, gimli::DW_AT_byte_size);
        let union = die.entry.tag() == gimli::DW_TAG_union_type;
        let wanted = [gimli::DW_TAG_member, gimli::DW_TAG_inheritance, gimli::DW_TAG_variant_part];
        let mut members = self.units.children(die, &wanted)?;
        members.retain(|member| !is_static(member));
        let end = members.iter().rposition(|member| member.entry.tag() == gimli::DW_TAG_member);
        let mut fields = Fields::new();
        let mut open = false;
        for (index, member) in members.iter().enumerate() {
            match member.entry.tag() {
                gimli::DW_TAG_inheritance => self.base_class(member, &mut fields, depth)?,
                gimli::DW_TAG_variant_part => self.variant_part(member, &mut fields, depth)?,
                _ => {
                    let standing = if union || Some(index) != end { Standing::Inside } else { standing };
                    self.member(member, standing, &mut fields, depth)?;
                    open = standing == Standing::Last
                        && fields.list.last().is_some_and(|field| is_open(&field.kind));
                }
            }
        }
        let structure = Struct {
            name: self.spelling(die.place).map(Into::into),
            fields: fields.list,
            union,
            packed: false,
            // What is open reaches beyond what the compiler counts.
            size: if open { None } else { size.map(Expression::from) },
            aligned: Some(1),
            checks: Vec::new(),
        };
        Ok(Built { kind: structure.into(), nodes: fields.nodes })
    }

    /// The fields that the member `die` adds.
    pub(super) fn member(
        &mut self,
        die: &Die<'d>,
        standing: Standing,
        fields: &mut Fields,
        depth: u32,
    ) -> Result<(), Failure> {
        let Some(target) = self.units.target(die, gimli::DW_AT_type) else { return Ok(()) };
        let built = self.kind(target, standing, depth)?;
        let name = self.units.name(die).map(|name| String::from_utf8_lossy(name).into_owned());
        let name = match (&name, &built.kind) {
            // Its own fields stand in the struct.
            (None, Type::Struct(_)) => None,
            (None, _) => Some("unnamed".to_owned()),
            (Some(_), _) => name,
        };
        if let Some(count) = self.units.number(die, gimli::DW_AT_bit_size) {
            let (kind, offset) = self.bit_field(die, built.kind, count);
            fields.push(name, kind.into(), offset);
        } else if let Some(offset) = self.units.location(die) {
            fields.push(name, built, offset);
        }
        Ok(())
    }

    /// A base class: a member named after it. An empty one has no place of its own.
    fn base_class(&mut self, die: &Die<'d>, fields: &mut Fields, depth: u32) -> Result<(), Failure> {
        let Some(target) = self.units.target(die, gimli::DW_AT_type) else { return Ok(()) };
        let computed = match die.entry.attr_value(gimli::DW_AT_virtuality) {
            Some(gimli::AttributeValue::Virtuality(virtuality)) => virtuality == gimli::DW_VIRTUALITY_virtual,
            _ => false,
        };
        let Some(offset) = self.units.location(die).filter(|_| !computed) else { return Ok(()) };
        let built = self.kind(target, Standing::Inside, depth)?;
        if matches!(&built.kind, Type::Struct(base) if base.fields.is_empty()) {
            return Ok(());
        }
        let named = self.peeled(target);
        let name = named.and_then(|base| self.units.name(&base));
        let name = name.map_or("base".into(), |name| String::from_utf8_lossy(name));
        fields.push(Some(name.into_owned()), built, offset);
        Ok(())
    }

    /// The bytes that hold a bit field, and where they begin.
    fn bit_field(&self, die: &Die<'d>, kind: Type, count: u64) -> (Type, u64) {
        let Type::Integer(integer) = kind else { return (Type::Bytes(Count::Exactly(0.into())), 0) };
        let big = integer.order.unwrap_or(self.byte_order()) == ByteOrder::Big;
        let first = self.first_bit(die, &integer, count).unwrap_or(0);
        let (start, skipped) = (first / 8, first % 8);
        let width = skipped.saturating_add(count).div_ceil(8).clamp(1, 16);
        // Bits count from the lowest of the first byte, and from the highest where the highest byte comes first.
        let shift = match big {
            false => skipped,
            true => width.saturating_mul(8).saturating_sub(skipped).saturating_sub(count),
        };
        let bits = Bits { shift: narrow(shift), count: narrow(count).min(128) };
        (Integer { width: Width::Bytes(narrow(width)), bits: Some(bits), ..integer }.into(), start)
    }

    /// The first bit of a bit field, counted from the struct's first byte as the machine counts bits.
    fn first_bit(&self, die: &Die<'d>, integer: &Integer, count: u64) -> Option<u64> {
        let start = self.units.location(die)?.checked_mul(8)?;
        // DWARF 4 and 5.
        if let Some(offset) = self.units.number(die, gimli::DW_AT_data_bit_offset) {
            return start.checked_add(offset);
        }
        // DWARF 2 and 3 count from the highest bit of a unit, which on a little-endian machine is the last byte's; also
        // where the struct itself is stored the other way round.
        let Some(offset) =
            die.entry.attr_value(gimli::DW_AT_bit_offset).and_then(|value| value.sdata_value())
        else {
            return Some(start);
        };
        let own = self.units.number(die, gimli::DW_AT_byte_size);
        let size = own.unwrap_or(integer.width.on(self.machine)).checked_mul(8)?;
        let offset = match self.byte_order() {
            ByteOrder::Big => offset,
            ByteOrder::Little => {
                i64::try_from(size).ok()?.checked_sub(offset)?.checked_sub(i64::try_from(count).ok()?)?
            }
        };
        start.checked_add_signed(offset)
    }
}

/// As a byte; what does not fit is more than any machine has.
fn narrow(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Whether it has no place in the object: DWARF 4 and older declare static members so.
fn is_static(die: &Die<'_>) -> bool {
    let is = |name| matches!(die.entry.attr_value(name), Some(gimli::AttributeValue::Flag(true)));
    die.entry.tag() == gimli::DW_TAG_member && is(gimli::DW_AT_external) && is(gimli::DW_AT_declaration)
}

/// Whether its end hangs on what the bytes say, or on where the segment ends.
fn is_open(kind: &Type) -> bool {
    match kind {
        Type::Array(array) => array.count == Count::ToEnd,
        Type::Text(text) => text.extent == crate::types::Extent::Nul,
        Type::Struct(fields) => fields.size.is_none(),
        _ => false,
    }
}

/// The name that one field of a Rust enum has: which of its variants it holds.
pub(super) const VARIANT: &str = "variant";

/// A struct of these fields alone, which has no name and no size of its own.
pub(super) fn bare(fields: Vec<Field>) -> Type {
    Type::Struct(Arc::new(Struct { fields, packed: true, ..Struct::default() }))
}
