//! Strings of the contract that come from a dump's bytes, and addresses.

use std::borrow::Cow;
use std::fmt::{self, Write};

use serde::ser::{Serialize, Serializer};

use crate::kind::short_name;
use crate::position::Address;

/// An address: `"0x..."`, lower case, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex(pub u64);

impl From<Address> for Hex {
    fn from(address: Address) -> Self {
        Self(address.get())
    }
}

impl Hex {
    /// What it looks like, in the end of `into`. A document has thousands, and the general way to format takes ten times as long.
    fn digits(self, into: &mut [u8; 18]) -> &str {
        let mut places = into.iter_mut().enumerate().rev();
        let mut rest = self.0;
        let mut put = |byte: u8| {
            places.next().map_or(0, |(at, place)| {
                *place = byte;
                at
            })
        };
        loop {
            let nibble = u8::try_from(rest & 15).unwrap_or(0);
            put(if nibble < 10 { b'0' } else { b'a' - 10 }.saturating_add(nibble));
            rest >>= 4;
            if rest == 0 {
                break;
            }
        }
        put(b'x');
        let start = put(b'0');
        into.get(start..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits(&mut [0; 18]))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.digits(&mut [0; 18]))
    }
}

/// Bytes of a dump as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Vec<u8>);

impl Text {
    /// The text that `bytes` are, or nearly are.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As [`Text::escaped`], where it stands; and the bytes as hex, if they are not UTF-8.
    pub(super) fn parts(&self) -> (Cow<'_, str>, Option<String>) {
        match std::str::from_utf8(&self.0) {
            Ok(text) => (text.into(), None),
            Err(_) => (self.escaped().into(), Some(hex(&self.0))),
        }
    }

    /// UTF-8; each byte that is not is written as `\xNN`.
    pub fn escaped(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                // Writing to a String does not fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        text
    }

    /// The bytes as hex, if they are not UTF-8.
    pub fn hex(&self) -> Option<String> {
        std::str::from_utf8(&self.0).is_err().then(|| hex(&self.0))
    }
}

/// What people call a segment: its key, or its name. The text is as hostile as the dump.
pub(crate) fn label(key: Option<&str>, name: Option<&Text>) -> String {
    match (key, name) {
        (Some(key), _) => key.to_owned(),
        (None, Some(name)) => Text::new(short_name(name.bytes())).escaped(),
        (None, None) => "without a key".to_owned(),
    }
}

/// Two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A field `NAME` and, where the bytes are not UTF-8, its sister `NAME_hex`.
macro_rules! with_hex_sister {
    ($($field:ident, $sister:literal;)*) => {$(
        pub(super) mod $field {
            use super::Text;
            use serde::ser::{SerializeMap, Serializer};

            pub(in crate::report) fn serialize<S: Serializer>(
                text: &Option<Text>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                let (text, hex) = text.as_ref().map(Text::parts).unzip();
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry(stringify!($field), &text)?;
                if let Some(hex) = hex.flatten() {
                    map.serialize_entry($sister, &hex)?;
                }
                map.end()
            }
        }
    )*};
}

with_hex_sister! {
    path, "path_hex";
    name, "name_hex";
    command, "command_hex";
    executable, "executable_hex";
    arguments, "arguments_hex";
    mapping, "mapping_hex";
    dump, "dump_hex";
    pattern, "pattern_hex";
    hostname, "hostname_hex";
    core_pattern, "core_pattern_hex";
}
