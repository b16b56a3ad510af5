//! The numbers in attributes.

use gimli::{AttributeValue, DwAt, Operation};

use super::units::{Die, Units, Value};

impl<'d> Units<'d> {
    /// The number that the attribute `name` of `die` holds; `None` if it has to be computed as the program runs.
    pub(super) fn number(&self, die: &Die<'d>, name: DwAt) -> Option<u64> {
        die.entry.attr_value(name)?.udata_value()
    }

    /// Where a member begins, in bytes; `None` if only the running program can tell (a virtual base).
    pub(super) fn location(&self, die: &Die<'d>) -> Option<u64> {
        match die.entry.attr_value(gimli::DW_AT_data_member_location) {
            // Of a union, and of whatever begins where its parent does.
            None => Some(0),
            Some(AttributeValue::Exprloc(expression)) => self.constant(die, expression),
            Some(AttributeValue::Block(bytes)) => self.constant(die, gimli::Expression(bytes)),
            Some(value) => value.udata_value(),
        }
    }

    /// DWARF 2 and 3 write an offset as the sum that is added to the object's address.
    fn constant(
        &self,
        die: &Die<'d>,
        expression: gimli::Expression<super::sections::Slice<'d>>,
    ) -> Option<u64> {
        let mut operations = expression.operations(self.encoding(die.place.unit)?);
        let first = operations.next().ok()??;
        if operations.next().ok()?.is_some() {
            return None;
        }
        match first {
            Operation::PlusConstant { value } => Some(value),
            _ => None,
        }
    }
}

/// The value of a constant, of which `bits` count; `signed` if the highest of them is a sign.
///
/// A compiler writes 255 or -1 for the same byte, as it likes.
pub(super) fn constant(value: &Value<'_>, bits: u32, signed: bool) -> Option<i128> {
    let raw = match value {
        AttributeValue::Data1(value) => i128::from(*value),
        AttributeValue::Data2(value) => i128::from(*value),
        AttributeValue::Data4(value) => i128::from(*value),
        AttributeValue::Data8(value) | AttributeValue::Udata(value) => i128::from(*value),
        AttributeValue::Data16(value) => value.cast_signed(),
        AttributeValue::Sdata(value) => i128::from(*value),
        AttributeValue::Block(bytes) => {
            let mut unit = [0; 16];
            let bytes = bytes.slice();
            unit.get_mut(..bytes.len())?.copy_from_slice(bytes);
            i128::from_le_bytes(unit)
        }
        _ => return None,
    };
    Some(truncated(raw, bits, signed))
}

/// The low `bits` of `value` as a number.
pub(super) fn truncated(value: i128, bits: u32, signed: bool) -> i128 {
    let Some(above) = 128_u32.checked_sub(bits).filter(|above| *above > 0 && bits > 0) else { return value };
    let top = value.cast_unsigned().checked_shl(above).unwrap_or(0);
    if signed {
        top.cast_signed().checked_shr(above).unwrap_or(0)
    } else {
        top.checked_shr(above).unwrap_or(0).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_is_written_in_many_ways() {
        for (value, signed, expected) in [
            (AttributeValue::Data1(255), false, 255),
            (AttributeValue::Data1(255), true, -1),
            (AttributeValue::Sdata(-1), true, -1),
            (AttributeValue::Sdata(-1), false, 255),
            (AttributeValue::Udata(7), true, 7),
        ] {
            assert_eq!(constant(&value, 8, signed), Some(expected), "{value:?}");
        }
        assert_eq!(constant(&AttributeValue::Data16(u128::MAX), 128, true), Some(-1));
    }
}
