//! An entry of debug information becomes a [`Type`].
//!
//! Everything has its offset from the compiler, so nothing is aligned again. What DWARF can say and a type cannot (a
//! decimal float, an array with a stride of its own) are bytes without a meaning, of the right size. Entries form a
//! graph, and a damaged file may make a circle of it: each is built once, what is being built is not built again, and
//! the whole has a limit.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::units::{Die, Place, Units};
use crate::machine::{ByteOrder, Machine};
use crate::types::expression::Expression;
use crate::types::{
    Array, Characters, Count, Extent, Integer, Meaning, Names, Pointer, Text, TimeUnit, Type, Width,
};

/// Types within types that are followed, their other names and qualities counted.
const DEPTH: u32 = 120;
/// Fields and elements' types of one type, of all depths.
const NODES: u64 = 100_000;
/// Names of one type: `typedef` of `const` of `typedef` and so on.
const ALIASES: u32 = 64;

/// Why a type cannot be built.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file is damaged.
    Damaged(gimli::Error),
    /// It has too many parts.
    TooLarge,
    /// It holds itself.
    Circle,
}

impl From<gimli::Error> for Failure {
    fn from(error: gimli::Error) -> Self {
        Self::Damaged(error)
    }
}

/// A type, and how many types it is made of.
#[derive(Clone)]
pub(super) struct Built {
    pub(super) kind: Type,
    pub(super) nodes: u64,
}

impl From<Type> for Built {
    fn from(kind: Type) -> Self {
        Self { kind, nodes: 1 }
    }
}

/// Where a type stands in the one that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// Something may follow it.
    Inside,
    /// Nothing follows it.
    Last,
}

/// Builds types, each entry once.
pub(super) struct Builder<'u, 'd> {
    pub(super) units: &'u Units<'d>,
    pub(super) machine: Machine,
    /// Definitions of what is only declared where it is used.
    definitions: &'u HashMap<String, Place>,
    built: HashMap<(Place, Standing), Built>,
    building: HashSet<Place>,
    /// What is declared, and nowhere defined yet.
    pub(super) undefined: Vec<String>,
    /// What stands before the names of each unit that was asked.
    pub(super) scopes: RefCell<HashMap<usize, HashMap<usize, Arc<str>>>>,
}

impl<'u, 'd> Builder<'u, 'd> {
    pub(super) fn new(
        units: &'u Units<'d>,
        machine: Machine,
        definitions: &'u HashMap<String, Place>,
    ) -> Self {
        Self {
            units,
            machine,
            definitions,
            built: HashMap::new(),
            building: HashSet::new(),
            undefined: Vec::new(),
            scopes: RefCell::default(),
        }
    }

    /// The type at `place`. An array without a length reaches to the end if it is the last.
    pub(super) fn kind(&mut self, place: Place, standing: Standing, depth: u32) -> Result<Built, Failure> {
        if let Some(known) = self.built.get(&(place, standing)) {
            return Ok(known.clone());
        }
        if depth >= DEPTH || self.built.len() as u64 >= NODES {
            return Err(Failure::TooLarge);
        }
        if !self.building.insert(place) {
            return Err(Failure::Circle);
        }
        let built = self.build(place, standing, depth);
        self.building.remove(&place);
        let built = built?;
        if built.nodes > NODES {
            return Err(Failure::TooLarge);
        }
        self.built.insert((place, standing), built.clone());
        Ok(built)
    }

    fn build(&mut self, place: Place, standing: Standing, depth: u32) -> Result<Built, Failure> {
        let inner = depth.saturating_add(1);
        let die = self.units.die(place)?;
        match die.entry.tag() {
            gimli::DW_TAG_base_type => Ok(self.base(&die).into()),
            gimli::DW_TAG_enumeration_type => Ok(self.enumeration(&die)?.into()),
            gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_interface_type => match self.defined(&die)? {
                Some(defined) if defined != place => self.kind(defined, standing, inner),
                Some(_) => self.structure(&die, standing, inner),
                None => Ok(self.bytes(&die).into()),
            },
            gimli::DW_TAG_array_type => self.array(&die, standing, inner),
            gimli::DW_TAG_pointer_type
            | gimli::DW_TAG_reference_type
            | gimli::DW_TAG_rvalue_reference_type => Ok(self.pointer(&die).into()),
            gimli::DW_TAG_ptr_to_member_type => Ok(self.member_pointer(&die).into()),
            gimli::DW_TAG_string_type => Ok(match self.units.number(&die, gimli::DW_AT_byte_size) {
                Some(size) => text(Some(size), Characters::Bytes),
                None => self.bytes(&die),
            }
            .into()),
            gimli::DW_TAG_typedef => {
                let built = self.inside(&die, standing, inner)?;
                Ok(Built { kind: self.named(&die, built.kind), ..built })
            }
            // Qualifiers, subranges, and what a newer DWARF may wrap round a type.
            _ => self.inside(&die, standing, inner),
        }
    }

    /// The type that `die` gives another name or a quality.
    fn inside(&mut self, die: &Die<'d>, standing: Standing, depth: u32) -> Result<Built, Failure> {
        match self.units.target(die, gimli::DW_AT_type) {
            Some(target) => self.kind(target, standing, depth),
            None => Ok(self.bytes(die).into()),
        }
    }

    /// What a typedef's name says beyond its type.
    fn named(&self, die: &Die<'d>, kind: Type) -> Type {
        match (self.units.name(die), kind) {
            (Some(b"time_t" | b"__time_t" | b"__time64_t"), Type::Integer(integer))
                if integer.meaning == Meaning::Number =>
            {
                integer.meaning(Meaning::Time(TimeUnit::Seconds)).into()
            }
            // `typedef struct { ... } queue_t`: its only name.
            (Some(name), Type::Struct(fields)) if fields.name.is_none() => {
                let mut fields = Arc::unwrap_or_clone(fields);
                fields.name = Some(String::from_utf8_lossy(name).into());
                fields.into()
            }
            (_, kind) => kind,
        }
    }

    /// Where the type that `die` declares is defined: there itself, in a type unit, in another unit.
    fn defined(&mut self, die: &Die<'d>) -> Result<Option<Place>, Failure> {
        if let Some(signature) = self.units.target(die, gimli::DW_AT_signature) {
            return Ok(Some(signature));
        }
        if !is_declaration(die) {
            return Ok(Some(die.place));
        }
        let Some(name) = self.full_name(die) else { return Ok(None) };
        if let Some(place) = self.definitions.get(&name) {
            return Ok(Some(*place));
        }
        if !self.undefined.contains(&name) {
            self.undefined.push(name);
        }
        Ok(None)
    }

    /// Bytes without a meaning, as many as `die` has.
    pub(super) fn bytes(&self, die: &Die<'d>) -> Type {
        let size = self.units.number(die, gimli::DW_AT_byte_size).unwrap_or(0);
        Type::Bytes(Count::Exactly(size.into()))
    }

    fn pointer(&self, die: &Die<'d>) -> Type {
        let size = self.units.number(die, gimli::DW_AT_byte_size).and_then(|size| u8::try_from(size).ok());
        let size = size.unwrap_or_else(|| self.units.address_size(die.place.unit));
        let to = self.units.target(die, gimli::DW_AT_type).and_then(|target| self.spelling(target));
        Type::Pointer(Pointer { width: Width::Bytes(size.clamp(1, 16)), order: None, to: to.map(Into::into) })
    }

    /// C++ keeps a pointer to a data member as an offset, one to a function as its address and what to add to `this`
    /// (Itanium C++ ABI, 2.3).
    fn member_pointer(&self, die: &Die<'d>) -> Type {
        let word = self.units.address_size(die.place.unit).clamp(1, 8);
        let signed = Type::from(Integer::new(word, true));
        let target = self.units.target(die, gimli::DW_AT_type).and_then(|place| self.units.die(place).ok());
        match target.is_some_and(|target| target.entry.tag() == gimli::DW_TAG_subroutine_type) {
            true => Type::Array(Arc::new(Array { element: signed, count: Count::Exactly(2.into()) })),
            false => signed,
        }
    }

    fn enumeration(&mut self, die: &Die<'d>) -> Result<Type, Failure> {
        if let Some(place) = self.defined(die)?.filter(|place| *place != die.place) {
            let definition = self.units.die(place)?;
            if definition.entry.tag() == gimli::DW_TAG_enumeration_type && !is_declaration(&definition) {
                return self.enumeration(&definition);
            }
        }
        let under = self.units.target(die, gimli::DW_AT_type).and_then(|place| self.scalar(place));
        let size = self.units.number(die, gimli::DW_AT_byte_size).and_then(|size| u8::try_from(size).ok());
        let size = match (&under, size) {
            (_, Some(size)) => size,
            (Some(Integer { width: Width::Bytes(size), .. }), None) => *size,
            _ => 4,
        };
        let size = size.clamp(1, 16);
        let children = self.units.children(die, &[gimli::DW_TAG_enumerator])?;
        let values = || {
            children.iter().filter_map(|child| {
                let value = child.entry.attr_value(gimli::DW_AT_const_value)?;
                Some((value, self.units.name(child)?))
            })
        };
        let signed = match &under {
            Some(integer) => integer.signed,
            // As gdb decides where the compiler does not say.
            None => values().any(|(value, _)| matches!(value, gimli::AttributeValue::Sdata(..0))),
        };
        let bits = u32::from(size).saturating_mul(8);
        let names = values().filter_map(|(value, name)| {
            Some((super::numbers::constant(&value, bits, signed)?, String::from_utf8_lossy(name).into()))
        });
        let meaning = Meaning::Names(Arc::new(Names::new(names)));
        let order = under.and_then(|integer| integer.order);
        Ok(Integer { order, ..Integer::new(size, signed) }.meaning(meaning).into())
    }

    /// The integer that a base type is, behind its other names.
    pub(super) fn scalar(&self, place: Place) -> Option<Integer> {
        let die = self.peeled(place)?;
        match die.entry.tag() {
            gimli::DW_TAG_base_type => match self.base(&die) {
                Type::Integer(integer) => Some(integer),
                _ => None,
            },
            _ => None,
        }
    }

    /// The entry behind typedefs and qualifiers.
    pub(super) fn peeled(&self, place: Place) -> Option<Die<'d>> {
        let mut die = self.units.die(place).ok()?;
        for _ in 0..ALIASES {
            // A stub that stands for a type unit.
            if let Some(unit) = self.units.target(&die, gimli::DW_AT_signature) {
                return self.units.die(unit).ok();
            }
            match die.entry.tag() {
                gimli::DW_TAG_typedef
                | gimli::DW_TAG_const_type
                | gimli::DW_TAG_volatile_type
                | gimli::DW_TAG_restrict_type
                | gimli::DW_TAG_atomic_type
                | gimli::DW_TAG_packed_type
                | gimli::DW_TAG_immutable_type
                | gimli::DW_TAG_subrange_type => {
                    die = self.units.die(self.units.target(&die, gimli::DW_AT_type)?).ok()?;
                }
                _ => return Some(die),
            }
        }
        None
    }

    fn array(&mut self, die: &Die<'d>, standing: Standing, depth: u32) -> Result<Built, Failure> {
        let Some(target) = self.units.target(die, gimli::DW_AT_type) else {
            return Ok(self.bytes(die).into());
        };
        let element = self.kind(target, Standing::Inside, depth)?;
        let indices =
            self.units.children(die, &[gimli::DW_TAG_subrange_type, gimli::DW_TAG_enumeration_type])?;
        let mut dimensions: Vec<Option<u64>> = indices.iter().map(|index| self.dimension(index)).collect();
        if dimensions.is_empty() {
            dimensions.push(None);
        }
        if self.column_major(die) {
            dimensions.reverse();
        }
        let size = element.kind.size(self.machine);
        let stride = die.entry.attr_value(gimli::DW_AT_byte_stride).and_then(|value| value.udata_value());
        let bits = die.entry.has_attr(gimli::DW_AT_bit_stride);
        if bits || stride.is_some_and(|stride| Some(stride) != size) {
            return Ok(self.bytes(die).into());
        }
        // Characters in a row are text, but not the lanes of a vector.
        let vector = die.entry.has_attr(gimli::DW_AT_GNU_vector);
        let characters = if vector { None } else { self.characters(target, &element.kind) };
        let mut built = element;
        for (index, dimension) in dimensions.into_iter().enumerate().rev() {
            // Only the outermost may be open, and only if nothing follows.
            let count = match dimension {
                Some(count) => Some(count),
                None if standing == Standing::Last && index == 0 => None,
                None => Some(0),
            };
            let kind = match characters.filter(|_| matches!(built.kind, Type::Integer(_))) {
                Some(characters) => text(count, characters),
                None => {
                    let count = count.map_or(Count::ToEnd, |count| Count::Exactly(count.into()));
                    Type::Array(Arc::new(Array { element: built.kind, count }))
                }
            };
            built = Built { kind, nodes: built.nodes.saturating_add(1) };
        }
        Ok(built)
    }

    /// How many elements an index has; `None` if it is open or computed.
    fn dimension(&self, index: &Die<'d>) -> Option<u64> {
        if index.entry.tag() == gimli::DW_TAG_enumeration_type {
            return Some(self.units.children(index, &[gimli::DW_TAG_enumerator]).ok()?.len() as u64);
        }
        if let Some(count) = self.units.number(index, gimli::DW_AT_count) {
            return Some(count);
        }
        let signed = |name| index.entry.attr_value(name).and_then(|value| value.sdata_value());
        let unsigned = |name| self.units.number(index, name).and_then(|value| i64::try_from(value).ok());
        let value = |name| unsigned(name).or_else(|| signed(name));
        let upper = value(gimli::DW_AT_upper_bound)?;
        let lower = value(gimli::DW_AT_lower_bound).unwrap_or_else(|| self.first_index(index.place.unit));
        let count = upper.checked_sub(lower)?.checked_add(1)?;
        // gcc before 8 wrote `x[0]` with an upper bound of -1 as 4 or 8 bytes without a sign.
        Some(u64::try_from(count).unwrap_or(0)).filter(|count| *count != 1 << 32)
    }

    fn first_index(&self, unit: usize) -> i64 {
        // DWARF 5, table 7.17: Ada, COBOL, Fortran, Modula-2, Pascal, PL/I and Julia count from 1.
        match self.units.language(unit).map(|language| language.0) {
            Some(0x03 | 0x05..=0x0a | 0x0d..=0x0f | 0x1f | 0x22 | 0x23) => 1,
            _ => 0,
        }
    }

    fn column_major(&self, die: &Die<'d>) -> bool {
        match die.entry.attr_value(gimli::DW_AT_ordering) {
            Some(gimli::AttributeValue::Ordering(order)) => order == gimli::DW_ORD_col_major,
            // Fortran 77, 90, 95, 2003, 2008.
            _ => matches!(
                self.units.language(die.place.unit).map(|language| language.0),
                Some(0x07 | 0x08 | 0x0e | 0x22 | 0x23)
            ),
        }
    }

    /// How the elements of an array are stored if they are text.
    fn characters(&self, element: Place, kind: &Type) -> Option<Characters> {
        let Type::Integer(integer) = kind else { return None };
        if integer.order.is_some_and(|order| order != self.machine.byte_order) {
            return None;
        }
        if self.is_rust(element.unit) {
            return None;
        }
        match (&integer.meaning, integer.width) {
            (Meaning::Character, Width::Bytes(1)) => Some(Characters::Bytes),
            (Meaning::Character, Width::Bytes(2)) => Some(Characters::Utf16),
            (Meaning::Character, Width::Bytes(4)) => Some(Characters::Utf32),
            // Numbers by another name in C.
            (Meaning::Number, Width::Bytes(2)) => {
                self.is_called(element, &[b"char16_t"]).then_some(Characters::Utf16)
            }
            (Meaning::Number, Width::Bytes(4)) => {
                self.is_called(element, &[b"wchar_t", b"char32_t"]).then_some(Characters::Utf32)
            }
            _ => None,
        }
    }

    /// Whether one of the names of the type at `place` is one of these.
    fn is_called(&self, mut place: Place, names: &[&[u8]]) -> bool {
        for _ in 0..ALIASES {
            let Ok(die) = self.units.die(place) else { return false };
            if self.units.name(&die).is_some_and(|name| names.contains(&name)) {
                return true;
            }
            match self.units.target(&die, gimli::DW_AT_type) {
                Some(target) => place = target,
                None => return false,
            }
        }
        false
    }

    /// The byte order of what has none of its own.
    pub(super) fn byte_order(&self) -> ByteOrder {
        self.machine.byte_order
    }
}

/// Whether `die` only says that there is such a type.
pub(super) fn is_declaration(die: &Die<'_>) -> bool {
    matches!(die.entry.attr_value(gimli::DW_AT_declaration), Some(gimli::AttributeValue::Flag(true)))
}

/// Text with room for `count` characters, or to its NUL.
fn text(count: Option<u64>, characters: Characters) -> Type {
    let extent = count.map_or(Extent::Nul, |count| Extent::Room(Expression::from(count)));
    Type::Text(Text { extent, characters, measured: false })
}
