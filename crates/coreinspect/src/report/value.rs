//! A decoded tree as the contract writes it (INTERFACE.md, VALUE).

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Text;
use crate::types::value::{self, Kind};

/// A decoded tree. Numbers beyond 2^53 are decimal strings, pointers and bytes hex, what is missing null.
#[derive(Clone, Debug, PartialEq)]
pub struct Value(pub value::Value);

/// What a value, or a part of one, says.
pub(crate) struct Said<'v>(pub(crate) &'v Kind);

/// The greatest whole number that every reader of JSON keeps exact (RFC 8259, 6).
const EXACT: u128 = 1 << 53;

impl Value {
    /// The part called `path`: `flag`, `head.items[3].name`.
    pub fn part(&self, path: &str) -> Option<&value::Value> {
        let mut part = &self.0;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            part = match (&part.kind, step.strip_suffix(']')) {
                (Kind::Array(elements, _), Some(index)) => elements.get(index.parse::<usize>().ok()?)?,
                (Kind::Struct(members), None) => &members.iter().find(|member| &*member.name == step)?.value,
                _ => return None,
            };
        }
        Some(part)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Said(&self.0.kind).serialize(serializer)
    }
}

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Kind::Missing | Kind::Nothing => serializer.serialize_none(),
            Kind::Number(value, _) => Number(*value).serialize(serializer),
            Kind::Named(value, name) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("value", &Number(*value))?;
                map.serialize_entry("name", &name.as_deref())?;
                map.end()
            }
            Kind::Flags(value, names) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("value", &Number(*value))?;
                map.serialize_entry("names", &names.iter().map(|name| &**name).collect::<Vec<_>>())?;
                map.end()
            }
            Kind::Float(value) => match value {
                value if value.is_nan() => serializer.serialize_str("nan"),
                value if value.is_infinite() => {
                    serializer.serialize_str(if *value > 0.0 { "inf" } else { "-inf" })
                }
                value => serializer.serialize_f64(*value),
            },
            Kind::Pointer(address) => super::Hex(*address).serialize(serializer),
            Kind::Text(text) if text.measured => {
                let bytes = Text::new(text.bytes.as_slice());
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("text", &bytes.escaped())?;
                if let Some(hex) = bytes.hex() {
                    map.serialize_entry("text_hex", &hex)?;
                }
                map.serialize_entry("length", &text.length)?;
                map.serialize_entry("terminated", &text.terminated)?;
                map.end()
            }
            Kind::Text(text) => serializer.serialize_str(&Text::new(text.bytes.as_slice()).escaped()),
            Kind::Bytes(bytes, _) => serializer.serialize_str(&super::text::hex(bytes)),
            Kind::Struct(members) => {
                let mut map = serializer.serialize_map(None)?;
                for member in members {
                    map.serialize_entry(&*member.name, &Said(&member.value.kind))?;
                    if let Kind::Text(text) = &member.value.kind
                        && !text.measured
                        && let Some(hex) = Text::new(text.bytes.as_slice()).hex()
                    {
                        map.serialize_entry(&format!("{}_hex", member.name), &hex)?;
                    }
                }
                map.end()
            }
            Kind::Array(elements, _) => {
                let mut sequence = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    sequence.serialize_element(&Said(&element.kind))?;
                }
                sequence.end()
            }
        }
    }
}

/// A whole number; beyond 2^53 a decimal string.
struct Number(i128);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(value) if self.0.unsigned_abs() <= EXACT => serializer.serialize_i64(value),
            _ => serializer.collect_str(&self.0),
        }
    }
}
