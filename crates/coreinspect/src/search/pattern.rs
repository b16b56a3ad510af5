//! What is sought, as a user writes it: `text`, `u32:5`, `hex:de ad ?? ef`.

use std::fmt;

use crate::machine::{ByteOrder, Machine};

/// How a pattern is read where its words leave it open.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Whose byte order and word size numbers have.
    pub machine: Machine,
    /// Text stands in memory as UTF-16.
    pub utf16: bool,
    /// Letters of ASCII match in either case.
    pub ignore_case: bool,
    /// Numbers are sought at multiples of their size alone.
    pub aligned: bool,
}

/// Bytes that are sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// What the user wrote.
    pub written: Vec<u8>,
    /// What it was read as: "text", "utf-16", "bytes", "u32", "pointer", ...
    pub kind: String,
    /// The bytes; a letter of ASCII in lower case, if case is ignored.
    pub bytes: Vec<Option<u8>>,
    /// Whether letters of ASCII match in either case.
    pub ignore_case: bool,
    /// Offsets of which a hit's is a multiple.
    pub alignment: u64,
}

/// Why a pattern cannot be sought.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?}: {problem}; `text:{pattern}` searches for it as text")]
pub struct PatternError {
    pattern: String,
    problem: String,
}

impl Pattern {
    /// Reads `written`: `hex:` and bytes (`??` is any byte), `u8:` to `i64:`, `f32:`, `f64:`, `long:`, `ptr:` and a number
    /// (`u32be:`, `u32le:` for a byte order of its own), `utf16:` and `text:` and text; all else is text.
    ///
    /// # Errors
    /// What stands behind the colon is no such number, or no bytes.
    pub fn read(written: &[u8], reading: Reading) -> Result<Self, PatternError> {
        let wrong = |problem: String| PatternError {
            pattern: String::from_utf8_lossy(written).into_owned(),
            problem,
        };
        let (prefix, rest) = match written.iter().position(|byte| *byte == b':') {
            Some(at) => written.split_at_checked(at).unwrap_or_default(),
            None => (&[][..], written),
        };
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        let prefix = std::str::from_utf8(prefix).unwrap_or_default();
        let quoted = written.strip_prefix(b"x'").and_then(|rest| rest.strip_suffix(b"'"));
        let pattern = |kind: &str, bytes: Vec<Option<u8>>, alignment: u64| Self {
            written: written.to_vec(),
            kind: kind.to_owned(),
            bytes,
            ignore_case: false,
            alignment,
        };
        let found = if let Some(digits) = quoted {
            pattern("bytes", hex(digits).map_err(wrong)?, 1)
        } else if let Some(number) = NumberType::named(prefix, reading.machine) {
            let text = std::str::from_utf8(rest).unwrap_or_default().trim();
            let bytes = number.bytes(text).map_err(wrong)?;
            let alignment = if reading.aligned { bytes.len() as u64 } else { 1 };
            pattern(&number.kind, bytes.into_iter().map(Some).collect(), alignment)
        } else {
            let order = reading.machine.byte_order;
            let wide = |text: &[u8], order| {
                let text = std::str::from_utf8(text).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
                Ok(pattern("utf-16", known(utf16(text, order)), 1))
            };
            match prefix {
                "hex" => pattern("bytes", hex(rest).map_err(wrong)?, 1),
                "utf16" => wide(rest, order)?,
                "utf16le" => wide(rest, ByteOrder::Little)?,
                "utf16be" => wide(rest, ByteOrder::Big)?,
                "text" if reading.utf16 => wide(rest, order)?,
                "text" => pattern("text", known(rest.to_vec()), 1),
                _ if reading.utf16 => wide(written, order)?,
                _ => pattern("text", known(written.to_vec()), 1),
            }
        };
        if found.bytes.iter().all(Option::is_none) {
            return Err(wrong("it names no byte to look for".to_owned()));
        }
        Ok(found.in_any_case(reading.ignore_case))
    }

    fn in_any_case(mut self, ignore_case: bool) -> Self {
        if ignore_case && ["text", "utf-16"].contains(&self.kind.as_str()) {
            self.ignore_case = true;
            for byte in self.bytes.iter_mut().flatten() {
                byte.make_ascii_lowercase();
            }
        }
        self
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.written))
    }
}

fn known(bytes: Vec<u8>) -> Vec<Option<u8>> {
    bytes.into_iter().map(Some).collect()
}

fn utf16(text: &str, order: ByteOrder) -> Vec<u8> {
    let units = text.encode_utf16();
    units
        .flat_map(|unit| match order {
            ByteOrder::Little => unit.to_le_bytes(),
            ByteOrder::Big => unit.to_be_bytes(),
        })
        .collect()
}

/// Bytes as pairs of digits, with blanks between them where one likes; `??` is any byte.
fn hex(text: &[u8]) -> Result<Vec<Option<u8>>, String> {
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !b" \t,_:".contains(byte)).collect();
    let pairs = digits.chunks(2).map(|pair| match pair {
        b"??" => Ok(None),
        [_, _] => {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'));
            let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            byte.map(Some).ok_or_else(|| "write bytes as pairs of hex digits: hex:de ad ?? ef".to_owned())
        }
        _ => Err("a byte has two hex digits, and one is left over".to_owned()),
    });
    pairs.collect()
}

/// A type of numbers.
struct NumberType {
    kind: String,
    bytes: usize,
    form: Form,
    order: ByteOrder,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Integer,
    Address,
    Float,
}

impl NumberType {
    fn named(name: &str, machine: Machine) -> Option<Self> {
        let of_machine = (name, machine.byte_order);
        let little = name.strip_suffix("le").map(|base| (base, ByteOrder::Little));
        let big = name.strip_suffix("be").map(|base| (base, ByteOrder::Big));
        let readings = [Some(of_machine), little, big];
        let (bytes, form, order) = readings.into_iter().flatten().find_map(|(base, order)| {
            let (bytes, form) = Self::based(base, machine)?;
            Some((bytes, form, order))
        })?;
        let kind = if form == Form::Address { "pointer" } else { name };
        Some(Self { kind: kind.to_owned(), bytes, form, order })
    }

    fn based(base: &str, machine: Machine) -> Option<(usize, Form)> {
        let word = machine.class.long();
        Some(match base {
            "u8" | "i8" => (1, Form::Integer),
            "u16" | "i16" | "short" => (2, Form::Integer),
            "u32" | "i32" | "int" => (4, Form::Integer),
            "u64" | "i64" => (8, Form::Integer),
            "long" | "ulong" => (word, Form::Integer),
            "ptr" => (word, Form::Address),
            "f32" | "float" => (4, Form::Float),
            "f64" | "double" => (8, Form::Float),
            _ => return None,
        })
    }

    fn bytes(&self, text: &str) -> Result<Vec<u8>, String> {
        let mut bytes = match (self.form, self.bytes) {
            (Form::Float, 4) => {
                let value: f32 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
                value.to_be_bytes().to_vec()
            }
            (Form::Float, _) => {
                let value: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
                value.to_be_bytes().to_vec()
            }
            _ => self.integer(text)?,
        };
        if self.order == ByteOrder::Little {
            bytes.reverse();
        }
        Ok(bytes)
    }

    /// The lowest bytes of an integer, the highest of them first.
    fn integer(&self, text: &str) -> Result<Vec<u8>, String> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        let digits = digits.replace('_', "");
        let parsed = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None if self.form == Form::Address => u64::from_str_radix(&digits, 16),
            None => digits.parse(),
        };
        let plain = parsed.ok().filter(|_| !digits.starts_with('+'));
        let value = plain.map(|value| i128::from(value).saturating_mul(sign));
        let value = value.ok_or_else(|| format!("{text:?} is no whole number: write 5, -1 or 0x1f"))?;
        let bits = u32::try_from(self.bytes.saturating_mul(8)).unwrap_or(64);
        let modulus = 1_i128.checked_shl(bits).unwrap_or(i128::MAX);
        if value >= modulus || value < (modulus / 2).saturating_neg() {
            return Err(format!("{text} does not fit into {} bytes", self.bytes));
        }
        let all = value.to_be_bytes();
        Ok(all.get(all.len().saturating_sub(self.bytes)..).unwrap_or_default().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Class;

    fn read(written: &str, byte_order: ByteOrder) -> Result<Pattern, PatternError> {
        let machine = Machine { number: 62, class: Class::Bits64, byte_order };
        let reading = Reading { machine, utf16: false, ignore_case: false, aligned: false };
        Pattern::read(written.as_bytes(), reading)
    }

    /// The bytes were written by hand.
    #[test]
    fn patterns_are_read_as_documented() {
        for (written, order, expected) in [
            ("Hello", ByteOrder::Little, "Hello".as_bytes().to_vec()),
            ("a:b", ByteOrder::Little, b"a:b".to_vec()),
            ("text:u32:5", ByteOrder::Little, b"u32:5".to_vec()),
            ("u32:5", ByteOrder::Little, vec![5, 0, 0, 0]),
            ("u32:5", ByteOrder::Big, vec![0, 0, 0, 5]),
            ("u32be:0x12345678", ByteOrder::Little, vec![0x12, 0x34, 0x56, 0x78]),
            ("i64:-1", ByteOrder::Little, vec![0xff; 8]),
            ("u16:-2", ByteOrder::Big, vec![0xff, 0xfe]),
            ("i8:-128", ByteOrder::Big, vec![0x80]),
            ("u64:18446744073709551615", ByteOrder::Big, vec![0xff; 8]),
            // IEEE 754: 1.5 is 1.1 in binary.
            ("f64:1.5", ByteOrder::Big, vec![0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
            ("double:1.5", ByteOrder::Big, vec![0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
            ("f32le:-2", ByteOrder::Big, vec![0, 0, 0, 0xc0]),
            ("ptr:0x7f0000001000", ByteOrder::Little, vec![0, 0x10, 0, 0, 0, 0x7f, 0, 0]),
            ("ptr:7f0000001000", ByteOrder::Little, vec![0, 0x10, 0, 0, 0, 0x7f, 0, 0]),
            ("hex:de ad,BE:ef", ByteOrder::Little, vec![0xde, 0xad, 0xbe, 0xef]),
            ("x'00ff'", ByteOrder::Little, vec![0, 0xff]),
            ("utf16:aé", ByteOrder::Little, vec![0x61, 0, 0xe9, 0]),
            ("utf16be:a", ByteOrder::Little, vec![0, 0x61]),
        ] {
            let bytes = read(written, order).map(|pattern| pattern.bytes);
            assert_eq!(bytes, Ok(known(expected)), "{written}");
        }
        let any = read("hex:01??02", ByteOrder::Little).unwrap().bytes;
        assert_eq!(any, [Some(1), None, Some(2)]);
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for written in [
            "u32:", "u32:x", "u8:256", "i8:-129", "u32:1.5", "hex:", "hex:f", "hex:gg", "hex:??", "u8:+1", "",
        ] {
            assert!(read(written, ByteOrder::Little).is_err(), "{written}");
        }
    }
}
