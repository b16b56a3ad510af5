//! Numbers and addresses.

use std::borrow::Cow;

use super::{Decoder, Sink, span};
use crate::error::Error;
use crate::machine::ByteOrder;
use crate::types::value::{Kind, NumberStyle};
use crate::types::{Float, FloatFormat, Integer, Meaning, Pointer};

impl Decoder<'_, '_, '_, '_> {
    pub(super) fn integer(&mut self, integer: &Integer, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        let size = integer.width.on(self.machine);
        let end = at.saturating_add(size);
        let order = integer.order.unwrap_or(self.machine.byte_order);
        if integer.bits.is_none()
            && end <= self.bound
            && let Ok(length) = usize::try_from(size)
            && let Some(word) = self.window.word(at, length, order)
        {
            // What nearly every integer is, without arithmetic of 128 bits.
            let value = match (size, integer.signed) {
                (8, true) => i128::from(word.cast_signed()),
                (4, true) => i128::from(low(word.into()).cast_signed()),
                (_, false) => i128::from(word),
                (size, true) => {
                    extended(word.into(), u32::try_from(size.saturating_mul(8)).unwrap_or(8), true)
                }
            };
            self.told(integer, value, at, end, sink);
            return Ok(end);
        }
        let Some(unit) = self.unit(at, size, order)? else {
            self.missing(at, end, sink);
            return Ok(end);
        };
        let value = match (integer.bits, size, integer.signed) {
            (Some(bits), ..) => {
                let unit = unit.checked_shr(bits.shift.into()).unwrap_or(0);
                extended(unit, bits.count.into(), integer.signed)
            }
            (None, ..) => {
                extended(unit, u32::try_from(size.saturating_mul(8)).unwrap_or(128), integer.signed)
            }
        };
        self.told(integer, value, at, end, sink);
        Ok(end)
    }

    /// Tells what an integer stands for.
    #[inline]
    fn told(&mut self, integer: &Integer, value: i128, at: u64, end: u64, sink: &mut impl Sink) {
        let offsets = span(at, end);
        self.last_number = Some(value);
        let style = match &integer.meaning {
            Meaning::Number => NumberStyle::Decimal,
            Meaning::Hexadecimal => NumberStyle::Hexadecimal,
            Meaning::Character => NumberStyle::Character,
            Meaning::Boolean => NumberStyle::Boolean,
            Meaning::Time(unit) => NumberStyle::Time(*unit),
            Meaning::Names(names) => {
                return sink.value(offsets, Cow::Owned(Kind::Named(value, names.get(value).cloned())));
            }
            Meaning::Flags(names) => {
                let set = names.of_bits(value).cloned().collect();
                return sink.value(offsets, Cow::Owned(Kind::Flags(value, set)));
            }
        };
        sink.number(offsets, value, style);
    }

    pub(super) fn pointer(&mut self, pointer: &Pointer, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        let size = pointer.width.on(self.machine);
        let end = at.saturating_add(size);
        let order = pointer.order.unwrap_or(self.machine.byte_order);
        match self.unit(at, size, order)? {
            Some(unit) => {
                let address = u64::try_from(unit).unwrap_or(u64::MAX);
                sink.value(span(at, end), Cow::Owned(Kind::Pointer(address)));
                self.last_number = Some(address.into());
            }
            None => self.missing(at, end, sink),
        }
        Ok(end)
    }

    pub(super) fn float(&mut self, float: Float, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        let size = float.format.size();
        let end = at.saturating_add(size);
        let order = float.order.unwrap_or(self.machine.byte_order);
        match self.unit(at, size, order)? {
            Some(unit) => {
                let value = match float.format {
                    FloatFormat::Half => half(unit),
                    FloatFormat::Single => f64::from(f32::from_bits(low(unit))),
                    FloatFormat::Double => f64::from_bits(low64(unit)),
                    FloatFormat::Extended(_) => extended_precision(unit),
                    FloatFormat::Quadruple => quadruple(unit),
                    FloatFormat::DoubleDouble => double_double(unit),
                };
                sink.value(span(at, end), Cow::Owned(Kind::Float(value)));
            }
            None => self.missing(at, end, sink),
        }
        Ok(end)
    }

    /// `size` bytes, 16 at most, as one number; `None` if one is missing.
    #[inline]
    fn unit(&mut self, at: u64, size: u64, order: ByteOrder) -> Result<Option<u128>, Error> {
        let Some(size) = usize::try_from(size).ok().filter(|size| *size <= 16) else { return Ok(None) };
        if at.saturating_add(size as u64) > self.bound {
            return Ok(None);
        }
        let Some(bytes) = self.window.bytes(at, size, self.budget)? else { return Ok(None) };
        Ok(Some(match (order, size) {
            (ByteOrder::Little, 8) => bytes.try_into().map_or(0, u64::from_le_bytes).into(),
            (ByteOrder::Little, 4) => bytes.try_into().map_or(0, u32::from_le_bytes).into(),
            (ByteOrder::Big, 8) => bytes.try_into().map_or(0, u64::from_be_bytes).into(),
            (ByteOrder::Big, 4) => bytes.try_into().map_or(0, u32::from_be_bytes).into(),
            (ByteOrder::Little, _) => bytes.iter().rev().fold(0, shift_in),
            (ByteOrder::Big, _) => bytes.iter().fold(0, shift_in),
        }))
    }
}

fn shift_in(unit: u128, byte: &u8) -> u128 {
    unit << 8 | u128::from(*byte)
}

fn low(unit: u128) -> u32 {
    u32::try_from(unit & u128::from(u32::MAX)).unwrap_or(0)
}

fn low64(unit: u128) -> u64 {
    u64::try_from(unit & u128::from(u64::MAX)).unwrap_or(0)
}

/// The low `bits` of `unit` as a number. An unsigned one of 128 bits beyond what i128 holds stays at its greatest.
fn extended(unit: u128, bits: u32, signed: bool) -> i128 {
    let Some(above) = 128_u32.checked_sub(bits).filter(|_| bits > 0) else { return 0 };
    let top = unit.checked_shl(above).unwrap_or(0);
    if signed {
        top.cast_signed().checked_shr(above).unwrap_or(0)
    } else {
        i128::try_from(top.checked_shr(above).unwrap_or(0)).unwrap_or(i128::MAX)
    }
}

/// Sign, 5 bits of exponent, 10 of fraction.
fn half(unit: u128) -> f64 {
    let unit = low(unit);
    assemble(unit >> 15 & 1 == 1, unit >> 10 & 0x1f, 0x1f, u64::from(unit & 0x3ff) << 42)
}

/// Sign, 15 bits of exponent, and 64 of which the first is the whole part, always 1 in a normal number.
fn extended_precision(unit: u128) -> f64 {
    let head = low(unit >> 64);
    let fraction = low64(unit);
    // A number without its whole part is denormal, or none that a processor makes.
    let exponent = if fraction >> 63 == 0 { 0 } else { head & 0x7fff };
    assemble(head >> 15 & 1 == 1, exponent, 0x7fff, (fraction << 1) >> 12)
}

/// Sign, 15 bits of exponent, 112 of fraction.
fn quadruple(unit: u128) -> f64 {
    let head = low(unit >> 112);
    let fraction = u64::try_from(unit >> 60 & 0xf_ffff_ffff_ffff).unwrap_or(0);
    assemble(head >> 15 & 1 == 1, head & 0x7fff, 0x7fff, fraction)
}

/// Both halves are numbers of their own; their sum does not hang on which stands first.
fn double_double(unit: u128) -> f64 {
    let half = |bits: u128| f64::from_bits(u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0));
    half(unit) + half(unit >> 64)
}

/// The double nearest (towards zero) to a number with a biased exponent and the 52 highest bits of its fraction.
fn assemble(negative: bool, exponent: u32, greatest: u32, fraction: u64) -> f64 {
    let sign = u64::from(negative) << 63;
    let bias = i64::from(greatest / 2);
    let double = match exponent {
        0 => {
            // Zero, or a denormal: for 16 bits still a normal double, for the wide formats far below one.
            let scale = 2f64.powi(i32::try_from(1_i64.saturating_sub(bias)).unwrap_or(0));
            let value = fraction as f64 / (1_u64 << 52) as f64 * scale;
            return if negative { -value } else { value };
        }
        exponent if exponent == greatest => 0x7ff << 52 | fraction,
        exponent => match i64::from(exponent).saturating_sub(bias).saturating_add(1023) {
            ..=0 => 0,
            biased @ 1..=2046 => u64::try_from(biased).unwrap_or(0) << 52 | fraction,
            _ => 0x7ff << 52,
        },
    };
    f64::from_bits(sign | double)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit patterns by numpy.float16, gcc's `long double` and `_Float128` (x86-64).
    #[test]
    fn unusual_floats() {
        assert_eq!(half(0x3e00), 1.5);
        assert_eq!(half(0xc248), -3.140_625);
        assert_eq!(half(0x0001), 5.960_464_477_539_063e-8);
        assert!(half(0x7e00).is_nan());
        assert_eq!(half(0xfc00), f64::NEG_INFINITY);
        assert_eq!(extended_precision(0x3fff_8000_0000_0000_0000), 1.0);
        assert_eq!(extended_precision(0xc000_c90f_daa2_2168_c235), -std::f64::consts::PI);
        assert_eq!(extended_precision(0x7fff_8000_0000_0000_0000), f64::INFINITY);
        assert_eq!(quadruple(0x3fff_8000_0000_0000_0000_0000_0000_0000), 1.5);
        assert_eq!(quadruple(0), 0.0);
    }

    #[test]
    fn bits_are_extended_by_their_sign() {
        assert_eq!(extended(0xff, 8, true), -1);
        assert_eq!(extended(0xff, 8, false), 255);
        assert_eq!(extended(0b101, 3, true), -3);
        assert_eq!(extended(u128::MAX, 128, true), -1);
        assert_eq!(extended(u128::MAX, 128, false), i128::MAX);
    }
}
