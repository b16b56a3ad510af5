//! JSON text (RFC 8259), up to a NUL or the end of its bytes.

use serde_json::Value as Json;

use super::Encoding;
use crate::position::{Interval, SegmentOffset};
use crate::types::value::{Kind, Member, NumberStyle, Text, Value};

/// See the module. A value is given the place of the whole text: serde_json does not say where a part stood.
#[derive(Clone, Copy, Debug)]
pub struct JsonText;

impl Encoding for JsonText {
    fn name(&self) -> &'static str {
        "json"
    }

    fn decode(&self, bytes: &[u8], at: SegmentOffset) -> Result<Value, String> {
        parse(bytes, at)
    }
}

/// The value of the JSON text that `bytes` begin with.
///
/// # Errors
/// What is wrong, and where.
pub fn parse(bytes: &[u8], at: SegmentOffset) -> Result<Value, String> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    // serde_json refuses values that are nested deeper than 128.
    let json =
        serde_json::from_slice(bytes.get(..end).unwrap_or(bytes)).map_err(|error| error.to_string())?;
    Ok(value(json, Interval::clamped(at, end as u64)))
}

fn value(json: Json, offsets: Interval<SegmentOffset>) -> Value {
    let kind = match json {
        Json::Null => Kind::Nothing,
        Json::Bool(truth) => Kind::Number(truth.into(), NumberStyle::Boolean),
        Json::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            match whole {
                Some(whole) => Kind::Number(whole, NumberStyle::Decimal),
                None => number.as_f64().map_or(Kind::Nothing, Kind::Float),
            }
        }
        Json::String(text) => {
            let length = text.len() as u64;
            Kind::Text(Text { bytes: text.into_bytes(), length, terminated: true, measured: false })
        }
        Json::Array(elements) => {
            Kind::Array(elements.into_iter().map(|element| value(element, offsets)).collect(), 0)
        }
        Json::Object(members) => Kind::Struct(
            members
                .into_iter()
                .map(|(name, json)| Member { name: name.into(), value: value(json, offsets) })
                .collect(),
        ),
    };
    Value { offsets, kind }
}
