//! JSON text (RFC 8259), up to a NUL or the end of its bytes.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Encoding;
use crate::position::{Interval, SegmentOffset};
use crate::types::value::{Kind, Member, NumberStyle, Text, Value, push};
use crate::types::{Budget, Stop};

/// See the module. A value is given the place of the whole text: serde_json does not say where a part stood. Of a name that
/// an object has twice both values are told, the second as `name (2)`.
#[derive(Clone, Copy, Debug)]
pub struct JsonText;

impl Encoding for JsonText {
    fn name(&self) -> &'static str {
        "json"
    }

    fn decode(&self, bytes: &[u8], at: SegmentOffset, budget: &Budget) -> Result<Value, Stop> {
        parse(bytes, at, budget)
    }
}

/// The value of the JSON text that `bytes` begin with.
///
/// # Errors
/// What is wrong, and where; or that `budget` is spent.
pub fn parse(bytes: &[u8], at: SegmentOffset, budget: &Budget) -> Result<Value, Stop> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    // serde_json refuses values that are nested deeper than 128.
    let mut text = serde_json::Deserializer::from_slice(bytes.get(..end).unwrap_or(bytes));
    let offsets = Interval::clamped(at, end as u64);
    let value = Told { offsets, budget }.deserialize(&mut text).and_then(|value| text.end().map(|()| value));
    value.map_err(|error| Stop::Wrong(error.to_string()))?.ok_or(Stop::Spent)
}

/// Makes the values of the text at `offsets`; none once `budget` is spent.
#[derive(Clone, Copy)]
struct Told<'b> {
    offsets: Interval<SegmentOffset>,
    budget: &'b Budget,
}

impl Told<'_> {
    fn value<E>(self, kind: Kind) -> Result<Option<Value>, E> {
        Ok(Value::kept(self.budget, self.offsets, kind).ok())
    }
}

impl<'de> DeserializeSeed<'de> for Told<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Self::Value, D::Error> {
        match self.budget.stepped() {
            Ok(()) => text.deserialize_any(self),
            Err(_) => text.deserialize_ignored_any(IgnoredAny).map(|_| None),
        }
    }
}

impl<'de> Visitor<'de> for Told<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        self.value(Kind::Nothing)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        self.value(Kind::Number(truth.into(), NumberStyle::Boolean))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.value(Kind::Number(number.into(), NumberStyle::Decimal))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.value(Kind::Number(number.into(), NumberStyle::Decimal))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        self.value(Kind::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let (length, bytes) = (text.len() as u64, text.as_bytes().to_vec());
        self.value(Kind::Text(Text { bytes, length, terminated: true, measured: false }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let paid = self.budget.pay(Value::MEMORY.saturating_add(Value::LIST));
        let (mut elements, mut omitted) = (Vec::new(), 0_u64);
        while let Some(element) = list.next_element_seed(self)? {
            match element {
                Some(element) => push(&mut elements, element),
                None => omitted = omitted.saturating_add(1),
            }
        }
        Ok(paid.ok().map(|paid| Value::new(paid, self.offsets, Kind::Array(elements, omitted))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let paid = self.budget.pay(Value::MEMORY.saturating_add(Value::LIST));
        let mut members = Vec::new();
        while let Some(name) = object.next_key_seed(Name(self.budget))? {
            let value = object.next_value_seed(self)?;
            if let Some((name, value)) = name.zip(value) {
                push(&mut members, Member { name, value });
            }
        }
        let members = Member::distinct(members, self.budget);
        Ok(paid.ok().map(|paid| Value::new(paid, self.offsets, Kind::Struct(members))))
    }
}

/// Makes the names of an object's members; none once the budget is spent.
struct Name<'b>(&'b Budget);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<std::sync::Arc<str>>;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Self::Value, D::Error> {
        text.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<std::sync::Arc<str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.name(name).ok())
    }
}
