//! Sizes and alignments of types, where they do not hang on the bytes.

use std::sync::Arc;

use super::{
    Array, Bits, Characters, Count, Extent, Field, FloatFormat, Integer, Place, Struct, Switch, Type, Width,
};
use crate::machine::{ByteOrder, Machine};
use crate::types::expression::{Expression, Reference, Scope};

/// e_machine of i386 (elf.h).
const EM_386: u16 = 3;
/// e_machine of 32-bit ARM.
const EM_ARM: u16 = 40;
/// e_machine of aarch64.
const EM_AARCH64: u16 = 183;
/// e_machine of the Motorola 68000.
const EM_68K: u16 = 4;

/// Types within types that are looked into. A C program has a dozen; a hostile description may have no end.
pub(crate) const DEPTH: u32 = 64;

impl Width {
    /// Bytes on `machine`.
    pub fn on(self, machine: Machine) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::from(bytes),
            Self::Long => machine.class.long() as u64,
        }
    }
}

impl FloatFormat {
    /// Bytes.
    pub fn size(self) -> u64 {
        match self {
            Self::Half => 2,
            Self::Single => 4,
            Self::Double => 8,
            Self::Extended(bytes) => u64::from(bytes),
            Self::Quadruple | Self::DoubleDouble => 16,
        }
    }
}

impl Characters {
    /// Bytes of a unit.
    pub fn size(self) -> u64 {
        match self {
            Self::Bytes => 1,
            Self::Utf16 => 2,
            Self::Utf32 => 4,
        }
    }
}

impl Type {
    /// Its bytes on `machine`; `None` if they hang on what the bytes say, or have no bound.
    pub fn size(&self, machine: Machine) -> Option<u64> {
        self.size_within(machine, DEPTH)
    }

    fn size_within(&self, machine: Machine, depth: u32) -> Option<u64> {
        let depth = depth.checked_sub(1)?;
        match self {
            Self::Integer(integer) => Some(integer.width.on(machine)),
            Self::Float(float) => Some(float.format.size()),
            Self::Pointer(pointer) => Some(pointer.width.on(machine)),
            Self::Text(text) => match &text.extent {
                Extent::Nul => None,
                Extent::Room(count) => on(count, machine)?.checked_mul(text.characters.size()),
            },
            Self::Bytes(count) => count.constant(),
            Self::Array(array) => array.size_within(machine, depth),
            Self::Struct(fields) => fields.size_within(machine, depth),
            Self::Switch(switch) => switch.size,
            Self::Encoded(encoded) => encoded.length.constant(),
        }
    }

    /// Bytes of which its offset is a multiple in C on `machine`; 1 for what C does not know.
    pub fn alignment(&self, machine: Machine) -> u64 {
        self.alignment_within(machine, DEPTH)
    }

    /// The same type with every place and size that `machine` settles written into it, so that a decoder of a million
    /// records does not ask again. What is settled already is shared, not copied.
    pub fn on(&self, machine: Machine) -> Self {
        self.settled(machine, DEPTH).unwrap_or_else(|| self.clone())
    }

    /// The type with what `machine` settles; `None` if nothing is left to settle.
    fn settled(&self, machine: Machine, depth: u32) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        match self {
            Self::Array(array) => {
                let element = array.element.settled(machine, depth)?;
                Some(Self::Array(Arc::new(Array { element, count: array.count.clone() })))
            }
            Self::Struct(fields) => {
                fields.settled(machine, depth).map(|fields| Self::Struct(Arc::new(fields)))
            }
            Self::Switch(switch) => {
                let settled = |kind: &Self| kind.settled(machine, depth).unwrap_or_else(|| kind.clone());
                let cases = switch.cases.iter().map(|(first, last, kind)| (*first, *last, settled(kind)));
                Some(Self::Switch(Arc::new(Switch {
                    on: switch.on.clone(),
                    cases: cases.collect(),
                    otherwise: switch.otherwise.as_ref().map(settled),
                    size: switch.size,
                })))
            }
            _ => None,
        }
    }

    fn alignment_within(&self, machine: Machine, depth: u32) -> u64 {
        let Some(depth) = depth.checked_sub(1) else { return 1 };
        let natural = |size: u64| match (machine.number, size) {
            // System V ABI i386, 3.1.2: 8 bytes are aligned to 4; m68k aligns to 2.
            (EM_386, 5..) => 4,
            (EM_68K, 3..) => 2,
            _ if size.is_power_of_two() => size.min(16),
            _ => 1,
        };
        match self {
            Self::Integer(integer) => natural(integer.width.on(machine)),
            Self::Float(float) => match float.format {
                FloatFormat::Extended(12) => 4,
                format => natural(format.size()),
            },
            Self::Pointer(pointer) => natural(pointer.width.on(machine)),
            Self::Text(text) => natural(text.characters.size()),
            Self::Bytes(_) | Self::Encoded(_) => 1,
            Self::Array(array) => array.element.alignment_within(machine, depth),
            Self::Struct(fields) => fields.alignment_within(machine, depth),
            Self::Switch(switch) => {
                let cases = switch.cases.iter().map(|(.., kind)| kind).chain(&switch.otherwise);
                cases.map(|kind| kind.alignment_within(machine, depth)).max().unwrap_or(1)
            }
        }
    }
}

impl Array {
    fn size_within(&self, machine: Machine, depth: u32) -> Option<u64> {
        self.count.on(machine)?.checked_mul(self.element.size_within(machine, depth)?)
    }
}

impl Count {
    /// How many, if the description alone says so.
    pub fn constant(&self) -> Option<u64> {
        match self {
            Self::Exactly(count) => count.constant(),
            Self::ToEnd | Self::Until(_) => None,
        }
    }

    /// How many on `machine`, if the bytes need not be asked.
    fn on(&self, machine: Machine) -> Option<u64> {
        match self {
            Self::Exactly(count) => on(count, machine),
            Self::ToEnd | Self::Until(_) => None,
        }
    }
}

/// The value of `expression` on `machine`, if the bytes need not be asked.
fn on(expression: &Expression, machine: Machine) -> Option<u64> {
    expression.constant().or_else(|| u64::try_from(expression.value(&Alone { here: None, machine })?).ok())
}

impl Struct {
    /// The struct with what `machine` settles; `None` if nothing is left to settle.
    fn settled(&self, machine: Machine, depth: u32) -> Option<Self> {
        let size = self.known_size(machine);
        // Where the next field begins, as long as that can be told, and the bits that are free before it.
        let mut end = Some(0_u64);
        let mut spare = 0;
        let mut changed = false;
        let fields = self.fields.iter().map(|field| {
            if let (Place::NextBits, Type::Integer(integer), Some(before), true) =
                (&field.place, &field.kind, end, size.is_some())
                && let Some(place) = BitPlace::of(integer, self, before, spare, machine)
            {
                (end, spare) = (Some(place.end), place.spare);
                changed = true;
                return (Some(place.integer.into()), Some(place.start));
            }
            spare = 0;
            let start = end.and_then(|end| field.start(self, end, machine));
            let length =
                |start| field.kind.size_within(machine, depth).or_else(|| field.padding_size(start, machine));
            end = start.and_then(|start| start.checked_add(length(start)?));
            let kind = field.kind.settled(machine, depth);
            let start = start.filter(|_| field.place == Place::Next);
            changed |= kind.is_some() || start.is_some();
            (kind, start)
        });
        // Fields that stand anywhere are those of one segment: their struct is not read a million times.
        let anywhere = |field: &Field| matches!(field.place, Place::InSegment(_));
        let fields: Vec<(Option<Type>, Option<u64>)> = fields.collect();
        let sized = self.size.as_ref().is_none_or(|known| known.constant().is_none()) && size.is_some();
        if !changed && !sized && (self.aligned.is_some() || self.fields.iter().any(anywhere)) {
            return None;
        }
        let fields = self.fields.iter().zip(fields).map(|(field, (kind, start))| Field {
            kind: kind.unwrap_or_else(|| field.kind.clone()),
            place: start.map_or_else(|| field.place.clone(), |start| Place::At(Expression::from(start))),
            name: field.name.clone(),
            when: field.when.clone(),
            expected: field.expected.clone(),
            remembered: field.remembered,
            padding: field.padding,
        });
        Some(Self {
            name: self.name.clone(),
            fields: fields.collect(),
            union: self.union,
            packed: self.packed,
            size: size.map(Expression::from).or_else(|| self.size.clone()),
            aligned: Some(self.alignment(machine)),
            checks: self.checks.clone(),
        })
    }

    /// Its bytes on `machine`; `None` if they hang on what the bytes say.
    pub fn known_size(&self, machine: Machine) -> Option<u64> {
        self.size_within(machine, DEPTH)
    }

    /// Bytes of which its offset is a multiple in C on `machine`.
    pub fn alignment(&self, machine: Machine) -> u64 {
        self.alignment_within(machine, DEPTH)
    }

    fn alignment_within(&self, machine: Machine, depth: u32) -> u64 {
        if let Some(alignment) = self.aligned {
            return alignment.max(1);
        }
        if self.packed {
            return 1;
        }
        // Bits without a name align the struct on arm and aarch64 alone (AAPCS64, 10.1.8; System V ABI AMD64, 3.1.2).
        let counts = |field: &&Field| {
            let nameless = field.padding && field.place == Place::NextBits;
            !nameless || [EM_ARM, EM_AARCH64].contains(&machine.number)
        };
        let fields = self.fields.iter().filter(counts);
        fields.map(|field| field.kind.alignment_within(machine, depth)).max().unwrap_or(1)
    }

    fn size_within(&self, machine: Machine, depth: u32) -> Option<u64> {
        if let Some(size) = &self.size {
            return on(size, machine);
        }
        let mut end = 0_u64;
        let mut furthest = 0_u64;
        let mut spare = 0;
        for field in &self.fields {
            if let (Place::NextBits, Type::Integer(integer), None) = (&field.place, &field.kind, &field.when)
            {
                let place = BitPlace::of(integer, self, end, spare, machine)?;
                (end, spare) = (place.end, place.spare);
            } else {
                let start = field.start(self, end, machine)?;
                let size = field.kind.size_within(machine, depth);
                end = start.checked_add(size.or_else(|| field.padding_size(start, machine))?)?;
                spare = 0;
            }
            furthest = furthest.max(end);
        }
        if self.packed {
            Some(furthest)
        } else {
            align(furthest, Struct::alignment_within(self, machine, depth))
        }
    }
}

impl Field {
    /// Where it begins in `parent`, if the field before it ends at `end`; `None` if that hangs on what the bytes say.
    pub(super) fn start(&self, parent: &Struct, end: u64, machine: Machine) -> Option<u64> {
        if self.when.is_some() {
            return None;
        }
        match &self.place {
            Place::Next if parent.union => Some(0),
            Place::Next if parent.packed => Some(end),
            Place::Next => align(end, self.kind.alignment(machine)),
            Place::At(offset) => offset.constant(),
            Place::InSegment(_) | Place::NextBits => None,
        }
    }

    /// The bytes of room without a value that begins at `start` and hangs on that alone: up to an alignment.
    pub(super) fn padding_size(&self, start: u64, machine: Machine) -> Option<u64> {
        match &self.kind {
            Type::Bytes(Count::Exactly(count)) if self.padding => {
                u64::try_from(count.value(&Alone { here: Some(start), machine })?).ok()
            }
            _ => None,
        }
    }
}

/// What is known of a struct without its bytes.
struct Alone {
    here: Option<u64>,
    machine: Machine,
}

impl Scope for Alone {
    fn field(&self, _: &Reference) -> Option<i128> {
        None
    }
    fn here(&self) -> Option<i128> {
        self.here.map(i128::from)
    }
    fn segment_size(&self) -> Option<i128> {
        None
    }
    fn long_size(&self) -> Option<i128> {
        Some(self.machine.class.long() as i128)
    }
}

/// Where a field lies that has [`Place::NextBits`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BitPlace {
    /// Bytes from the struct's start to the unit that holds it.
    pub(crate) start: u64,
    /// The unit and its bits there.
    pub(crate) integer: Integer,
    /// Bytes from the struct's start to where the next field would begin.
    pub(crate) end: u64,
    /// Bits before `end` that are still free.
    pub(crate) spare: u64,
}

impl BitPlace {
    /// The place of `integer` in `parent`, if the field before it ends at `end` and left `spare` bits before that.
    pub(crate) fn of(
        integer: &Integer,
        parent: &Struct,
        end: u64,
        spare: u64,
        machine: Machine,
    ) -> Option<Self> {
        let count = u64::from(integer.bits?.count);
        let before = if parent.union { 0 } else { end.checked_mul(8)?.checked_sub(spare)? };
        let unit = integer.width.on(machine).checked_mul(8)?;
        let (first, start, bytes) = if parent.packed && count > 0 {
            let start = before.checked_div(8)?;
            let bits = before.checked_rem(8)?.checked_add(count)?;
            (before, start, bits.div_ceil(8))
        } else {
            let last = before.checked_add(count)?.saturating_sub(1);
            let fits = count > 0 && before.checked_div(unit) == last.checked_div(unit);
            let first = if fits { before } else { before.checked_next_multiple_of(unit)? };
            (first, first.checked_div(unit)?.checked_mul(unit / 8)?, unit / 8)
        };
        let shift = first.checked_sub(start.checked_mul(8)?)?;
        let shift = match integer.order.unwrap_or(machine.byte_order) {
            ByteOrder::Little => shift,
            ByteOrder::Big => bytes.checked_mul(8)?.checked_sub(shift.checked_add(count)?)?,
        };
        let after = first.checked_add(count)?;
        let end = after.div_ceil(8);
        let bits = Bits { shift: u8::try_from(shift).ok()?, count: u8::try_from(count).ok()? };
        let integer =
            Integer { width: Width::Bytes(u8::try_from(bytes).ok()?), bits: Some(bits), ..integer.clone() };
        Some(Self { start, integer, end, spare: end.checked_mul(8)?.checked_sub(after)? })
    }
}

/// `offset` up to the next multiple of `alignment`.
pub(crate) fn align(offset: u64, alignment: u64) -> Option<u64> {
    offset.checked_next_multiple_of(alignment.max(1))
}
