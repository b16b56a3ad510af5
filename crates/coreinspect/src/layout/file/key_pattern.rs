//! Which keys a layout is for.

use std::fmt;

use shmcore::Key;

/// A key, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPattern {
    /// One.
    Exact(Key),
    /// Those with these bits: of the hex digits `0x4e5450??` the last two may be any.
    Masked {
        /// The bits.
        bits: u32,
        /// Which of them count.
        mask: u32,
    },
    /// From one to another, both among them; as unsigned numbers.
    Range(u32, u32),
}

impl KeyPattern {
    /// Reads `0x7800c028`, any other spelling of a key, `0x4e5450??`, or `0x4e545030..0x4e545037`.
    ///
    /// # Errors
    /// Why it is no key, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some((first, last)) = text.split_once("..") {
            let last = last.strip_prefix('=').unwrap_or(last);
            let (first, last) = (key(first)?, key(last)?);
            let (first, last) = (first.raw().cast_unsigned(), last.raw().cast_unsigned());
            return match first <= last {
                true => Ok(Self::Range(first, last)),
                false => Err("this range ends before it begins".to_owned()),
            };
        }
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        if let (Some(digits), true) = (digits, text.contains('?')) {
            let (mut bits, mut mask) = (0_u32, 0_u32);
            if digits.len() != 8 {
                return Err("a pattern has 8 hex digits, some of them `?`: `0x4e5450??`".to_owned());
            }
            for digit in digits.chars() {
                let value = match digit {
                    '?' => None,
                    digit => Some(
                        digit
                            .to_digit(16)
                            .ok_or_else(|| format!("`{}` is no hex digit", digit.escape_default()))?,
                    ),
                };
                bits = bits << 4 | value.unwrap_or(0);
                mask = mask << 4 | if value.is_some() { 0xf } else { 0 };
            }
            return Ok(Self::Masked { bits, mask });
        }
        key(text).map(Self::Exact)
    }

    /// Whether it is for `key`.
    pub fn matches(&self, key: Key) -> bool {
        let bits = key.raw().cast_unsigned();
        match self {
            Self::Exact(known) => *known == key,
            Self::Masked { bits: known, mask } => bits & mask == *known,
            Self::Range(first, last) => (*first..=*last).contains(&bits),
        }
    }
}

fn key(text: &str) -> Result<Key, String> {
    let text = text.trim();
    let key = Key::readings(text).map(|readings| readings.first());
    match key {
        Ok(key) if key.is_private() => {
            Err("all segments of IPC_PRIVATE have this key, so it identifies none".to_owned())
        }
        Ok(key) => Ok(key),
        Err(_) => {
            Err(format!("`{}` is no key: write `0x7800c028`, `0x4e5450??` or a range", text.escape_debug()))
        }
    }
}

impl fmt::Display for KeyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(key) => write!(f, "{key}"),
            Self::Masked { bits, mask } => {
                f.write_str("0x")?;
                for shift in (0..32).step_by(4).rev() {
                    match mask >> shift & 0xf {
                        0 => f.write_str("?")?,
                        _ => write!(f, "{:x}", bits >> shift & 0xf)?,
                    }
                }
                Ok(())
            }
            Self::Range(first, last) => write!(f, "0x{first:08x}..0x{last:08x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_matched_and_printed() {
        for (text, inside, outside) in [
            ("0x7800c028", 0x7800_c028, 0x7800_c029),
            ("0x4e5450??", 0x4e54_50ff, 0x4e54_51ff),
            ("0x??000001", 0xff00_0001, 0xff00_0002),
            ("0x4e545030..0x4e545037", 0x4e54_5037, 0x4e54_5038),
            ("0x7fffffff..0x80000001", 0x8000_0000, 0x8000_0002),
        ] {
            let pattern = KeyPattern::parse(text).unwrap();
            assert!(pattern.matches(Key::from_bits(inside)), "{text}");
            assert!(!pattern.matches(Key::from_bits(outside)), "{text}");
            assert_eq!(pattern.to_string(), text);
        }
        assert_eq!(KeyPattern::parse("-2147483647"), KeyPattern::parse("0x80000001"));
        for wrong in ["", "0x4e54??", "0x4e5450?g", "5..3", "0x0", "queue", "1..2..3"] {
            assert!(KeyPattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
