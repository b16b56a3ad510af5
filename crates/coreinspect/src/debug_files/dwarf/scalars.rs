//! Base types: what the compiler calls a number, a character, a truth (DWARF 5, 5.1).

use gimli::AttributeValue;

use super::build::Builder;
use super::units::Die;
use crate::machine::ByteOrder;
use crate::types::{Array, Count, Float, FloatFormat, Integer, Meaning, Pointer, Type, Width};

/// e_machine of those whose `long double` has 80 bits (elf.h).
const X86: [u16; 2] = [3, 62];
/// PowerPC: its `long double` may be two doubles, which DWARF does not tell from an IEEE number.
const POWERPC: [u16; 2] = [20, 21];
const EM_68K: u16 = 4;

impl<'d> Builder<'_, 'd> {
    /// The type that a DW_TAG_base_type is.
    pub(super) fn base(&self, die: &Die<'d>) -> Type {
        let bits = self.units.number(die, gimli::DW_AT_bit_size);
        let bytes = self.units.number(die, gimli::DW_AT_byte_size).or(bits.map(|bits| bits.div_ceil(8)));
        let Some(size) =
            bytes.and_then(|size| u8::try_from(size).ok()).filter(|size| (1..=32).contains(size))
        else {
            return self.bytes(die);
        };
        let order = match die.entry.attr_value(gimli::DW_AT_endianity) {
            Some(AttributeValue::Endianity(gimli::DW_END_big)) => Some(ByteOrder::Big),
            Some(AttributeValue::Endianity(gimli::DW_END_little)) => Some(ByteOrder::Little),
            _ => None,
        };
        let Some(AttributeValue::Encoding(encoding)) = die.entry.attr_value(gimli::DW_AT_encoding) else {
            return self.bytes(die);
        };
        if encoding == gimli::DW_ATE_complex_float {
            let Some(element) = self.float(die, size / 2, order) else { return self.bytes(die) };
            return Type::Array(std::sync::Arc::new(Array { element, count: Count::Exactly(2.into()) }));
        }
        if matches!(encoding, gimli::DW_ATE_float | gimli::DW_ATE_imaginary_float) {
            return self.float(die, size, order).unwrap_or_else(|| self.bytes(die));
        }
        if size > 16 {
            return self.bytes(die);
        }
        let integer =
            |signed, meaning| Integer { order, ..Integer::new(size, signed) }.meaning(meaning).into();
        // C's char is a letter; `signed char` and `unsigned char` are small numbers (int8_t, uint8_t).
        let letter = match self.units.name(die) {
            Some(b"char" | b"char8_t" | b"char16_t" | b"char32_t" | b"wchar_t" | b"wide char") => {
                Meaning::Character
            }
            _ => Meaning::Number,
        };
        match encoding {
            gimli::DW_ATE_boolean => integer(false, Meaning::Boolean),
            gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => integer(true, letter),
            gimli::DW_ATE_unsigned | gimli::DW_ATE_unsigned_char => integer(false, letter),
            gimli::DW_ATE_UTF | gimli::DW_ATE_UCS | gimli::DW_ATE_ASCII => integer(false, Meaning::Character),
            gimli::DW_ATE_address => Type::Pointer(Pointer { width: Width::Bytes(size), order, to: None }),
            _ => self.bytes(die),
        }
    }

    fn float(&self, die: &Die<'d>, size: u8, order: Option<ByteOrder>) -> Option<Type> {
        let name = self.units.name(die).unwrap_or_default();
        let has = |part: &[u8]| memchr::memmem::find(name, part).is_some();
        let number = self.machine.number;
        let format = match size {
            // The upper half of a float, which no format here is.
            2 if has(b"bf") => return None,
            2 => FloatFormat::Half,
            4 => FloatFormat::Single,
            8 => FloatFormat::Double,
            16 if has(b"128") || has(b"ieee") => FloatFormat::Quadruple,
            12 | 16 if X86.contains(&number) => FloatFormat::Extended(size),
            16 if !POWERPC.contains(&number) && number != EM_68K => FloatFormat::Quadruple,
            _ => return None,
        };
        Some(Type::Float(Float { format, order }))
    }
}
