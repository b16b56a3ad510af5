//! Numbers, characters and texts as C writes them (ISO C11 6.4.4, 6.4.5).

use super::abi::Abi;
use super::ctype::{CType, Role};

/// The value of a number and its type; `None` for the value of a floating-point number, which no array size is.
pub(super) fn number(text: &str, abi: Abi, widest: bool) -> Option<(Option<i128>, CType)> {
    let lower = text.to_ascii_lowercase().replace('\'', "");
    let hexadecimal = lower.starts_with("0x");
    let is_float = lower.contains('.') || lower.contains(if hexadecimal { 'p' } else { 'e' });
    if is_float && !lower.starts_with("0b") {
        return Some((None, CType::float(abi.double())));
    }
    let digits = lower.trim_end_matches(['u', 'l']);
    let suffix = lower.get(digits.len()..)?;
    let (base, digits) = match digits.strip_prefix("0x") {
        Some(digits) => (16, digits),
        None => match (digits.strip_prefix("0b"), digits.strip_prefix('0')) {
            (Some(digits), _) => (2, digits),
            (None, Some(digits)) if !digits.is_empty() => (8, digits),
            _ => (10, digits),
        },
    };
    let value = u64::from_str_radix(digits, base).ok()?;
    let unsigned = suffix.contains('u');
    let least = match suffix.matches('l').count() {
        _ if widest => 8,
        0 => 4,
        1 => abi.long(),
        _ => 8,
    };
    // The first type that holds it; an unsigned one only if asked for, or if it is not decimal (6.4.4.1).
    let fits = |bytes: u64, signed: bool| {
        let bits = u32::try_from(bytes.saturating_mul(8)).unwrap_or(64);
        let room = if signed { bits.saturating_sub(1) } else { bits };
        value.checked_shr(room).is_none_or(|above| above == 0)
    };
    let mut candidates = Vec::new();
    for bytes in [4, 8].into_iter().filter(|bytes| *bytes >= least) {
        if !unsigned {
            candidates.push((bytes, true));
        }
        if unsigned || base != 10 {
            candidates.push((bytes, false));
        }
    }
    let (bytes, signed) =
        candidates.into_iter().find(|(bytes, signed)| fits(*bytes, *signed)).unwrap_or((8, false));
    Some((Some(value.into()), CType::integer(bytes, signed, Role::Number, abi)))
}

/// The value of `'a'`; `None` if it has several characters.
pub(super) fn character(text: &str) -> Option<i128> {
    let inside = text.split_once('\'')?.1.strip_suffix('\'')?;
    let mut chars = inside.chars();
    let first = chars.next()?;
    let rest = chars.as_str();
    if first != '\\' {
        return rest.is_empty().then_some(u32::from(first).into());
    }
    let escaped = rest.chars().next()?;
    let value = match escaped {
        'n' => 10,
        't' => 9,
        'r' => 13,
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'v' => 11,
        'e' => 27,
        'x' => return i128::from_str_radix(rest.get(1..)?, 16).ok(),
        '0'..='7' => return i128::from_str_radix(rest, 8).ok(),
        other => u32::from(other).into(),
    };
    (rest.chars().count() == 1).then_some(value)
}

/// Bytes of a text, without its NUL.
pub(super) fn length(text: &str) -> u64 {
    let inside = text.split_once('"').map_or("", |(_, inside)| inside);
    let inside = inside.strip_suffix('"').unwrap_or(inside);
    let (mut length, mut bytes) = (0_u64, inside.bytes().peekable());
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            match bytes.next() {
                Some(b'x') => while bytes.next_if(u8::is_ascii_hexdigit).is_some() {},
                Some(b'0'..=b'7') => {
                    for _ in 0..2 {
                        let _ = bytes.next_if(|byte| (b'0'..=b'7').contains(byte));
                    }
                }
                _ => {}
            }
        }
        length = length.saturating_add(1);
    }
    length
}
