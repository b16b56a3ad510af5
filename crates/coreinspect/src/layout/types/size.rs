//! Sizes and alignments of types, where they do not hang on the bytes.

use super::{Array, Characters, Count, Extent, Field, FloatFormat, Place, Struct, Type, Width};
use crate::machine::Machine;

/// e_machine of i386 (elf.h).
const EM_386: u16 = 3;
/// e_machine of the Motorola 68000.
const EM_68K: u16 = 4;

/// Types within types that are looked into. A C program has a dozen; a hostile description may have no end.
pub(in crate::layout) const DEPTH: u32 = 64;

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
            Self::Quadruple => 16,
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
                Extent::Room(count) => count.constant()?.checked_mul(text.characters.size()),
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
        self.count.constant()?.checked_mul(self.element.size_within(machine, depth)?)
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
}

impl Struct {
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
        let fields = self.fields.iter().map(|field| field.kind.alignment_within(machine, depth));
        fields.max().unwrap_or(1)
    }

    fn size_within(&self, machine: Machine, depth: u32) -> Option<u64> {
        if let Some(size) = &self.size {
            return size.constant();
        }
        let mut end = 0_u64;
        let mut furthest = 0_u64;
        for field in &self.fields {
            let start = field.start(self, end, machine)?;
            end = start.checked_add(field.kind.size_within(machine, depth)?)?;
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
    fn start(&self, parent: &Struct, end: u64, machine: Machine) -> Option<u64> {
        if self.when.is_some() {
            return None;
        }
        match &self.place {
            Place::Next if parent.union => Some(0),
            Place::Next if parent.packed => Some(end),
            Place::Next => align(end, self.kind.alignment(machine)),
            Place::At(offset) => offset.constant(),
            Place::InSegment(_) => None,
        }
    }
}

/// `offset` up to the next multiple of `alignment`.
pub(in crate::layout) fn align(offset: u64, alignment: u64) -> Option<u64> {
    offset.checked_next_multiple_of(alignment.max(1))
}
