//! `NAME.toml`: one layout, or several under `[[layout]]`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::plain::within;
use super::recognition::{Magic, MagicBytes};
use super::{Contents, Definition, FileLayout, FindHeader, HeaderType, KeyPattern, Recognition, check_name};
use crate::machine::ByteOrder;
use crate::notation::inline;
use crate::notation::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    layout: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    #[serde(default)]
    about: String,
    #[serde(default)]
    keys: OneOrMany<Spanned<Key>>,
    #[serde(default)]
    magic: OneOrMany<Spanned<MagicEntry>>,
    program: Option<String>,
    #[serde(rename = "type")]
    kind: Option<Spanned<String>>,
    header: Option<Spanned<String>>,
    #[serde(rename = "struct")]
    name_in_header: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MagicEntry {
    #[serde(default)]
    offset: u64,
    text: Option<String>,
    bytes: Option<String>,
    number: Option<i64>,
    width: Option<u8>,
    order: Option<Order>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Little,
    Big,
}

/// A key as text, or as the number that it is.
struct Key(String);

/// One of something, or a list.
struct OneOrMany<T>(Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl Visitor<'_> for Reading {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key, such as \"0x7800c028\" or \"0x4e5450??\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
                Ok(Key(text.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Key, E> {
                Ok(Key(number.to_string()))
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<Spanned<T>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reading<T> {
            type Value = Vec<Spanned<T>>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one, or a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut several = Vec::new();
                while let Some(one) = list.next_element::<Spanned<T>>()? {
                    several.push(one);
                }
                Ok(several)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let one = T::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(vec![Spanned::new(0..0, one)])
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(vec![Spanned::new(0..0, T::deserialize(de::value::StrDeserializer::new(text))?)])
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(vec![Spanned::new(0..0, T::deserialize(de::value::I64Deserializer::new(number))?)])
            }
        }
        deserializer.deserialize_any(Reading(PhantomData)).map(Self)
    }
}

pub(super) fn read(path: &Path, text: &str, header: FindHeader<'_>) -> Contents {
    let mut contents = Contents::default();
    let entries = match entries(text) {
        Ok(entries) => entries,
        Err(error) => {
            let message = error.message().lines().next().unwrap_or("this is no TOML").to_owned();
            contents.problems.push(Problem::new(message, error.span().unwrap_or(0..0)));
            return contents;
        }
    };
    for entry in entries {
        let span = entry.span();
        match layout(path, text, entry.into_inner(), span, header) {
            Ok(layout) => contents.layouts.push(layout),
            Err(problem) => contents.problems.push(problem),
        }
    }
    contents
}

fn entries(text: &str) -> Result<Vec<Spanned<Entry>>, toml::de::Error> {
    let table: toml::Table = toml::from_str(text)?;
    match table.contains_key("layout") {
        true => Ok(toml::from_str::<Several>(text)?.layout),
        false => Ok(vec![Spanned::new(0..0, toml::from_str(text)?)]),
    }
}

fn layout(
    path: &Path,
    text: &str,
    entry: Entry,
    span: Range<usize>,
    header: FindHeader<'_>,
) -> Result<FileLayout, Problem> {
    check_name(entry.name.get_ref(), entry.name.span())?;
    let mut recognition = Recognition { program: entry.program, ..Recognition::default() };
    for key in entry.keys.0 {
        let at = key.span();
        recognition.keys.push(KeyPattern::parse(&key.get_ref().0).map_err(|why| Problem::new(why, at))?);
    }
    for magic in entry.magic.0 {
        let at = magic.span();
        recognition.magic.push(magic_of(magic.into_inner()).map_err(|why| Problem::new(why, at))?);
    }
    let definition = match (&entry.kind, &entry.header) {
        (Some(kind), None) => {
            let parsed = inline::parse(kind.get_ref());
            Definition::Type(Arc::new(parsed.map_err(|problem| in_string(problem, text, kind))?))
        }
        (None, Some(named)) => {
            let wanted = HeaderType { header: named.get_ref(), name: entry.name_in_header.as_deref() };
            header(wanted).map_err(|why| Problem::new(why, named.span()))?
        }
        (Some(_), Some(second)) => {
            return Err(Problem::new("`type` and `header` say the same: one is enough", second.span()));
        }
        (None, None) => {
            let name = entry.name.get_ref();
            return Err(Problem::new(format!("`{name}` does not say what the bytes mean"), span)
                .help("`type = \"u8 flag; cstr message\"`, or `header = \"queue.h\"` and `struct = \"struct queue\"`"));
        }
    };
    if let (Some(kind), Some(_)) = (&entry.kind, &entry.name_in_header) {
        return Err(Problem::new("`struct` goes with `header`", kind.span()));
    }
    let name = entry.name.into_inner();
    Ok(FileLayout { name, about: entry.about, path: path.to_owned(), recognition, definition })
}

/// The problem where it stands in the file; where escapes make the two texts differ, at the string as a whole.
fn in_string(problem: Problem, text: &str, string: &Spanned<String>) -> Problem {
    let span = string.span();
    let raw = text.get(span.clone()).unwrap_or_default();
    match raw.find(string.get_ref().as_str()) {
        Some(start) => within(problem, span.start.saturating_add(start)),
        None => {
            let (line, column) = problem.place(string.get_ref());
            let message = format!("{} (line {line}, column {column} of the type)", problem.message);
            Problem { message, span, ..problem }
        }
    }
}

fn magic_of(entry: MagicEntry) -> Result<Magic, String> {
    let order = entry.order.map(|order| match order {
        Order::Little => ByteOrder::Little,
        Order::Big => ByteOrder::Big,
    });
    if entry.number.is_none() && (entry.width.is_some() || order.is_some()) {
        return Err("`width` and `order` go with `number`".to_owned());
    }
    let bytes = match (entry.text, entry.bytes, entry.number) {
        (Some(text), None, None) => MagicBytes::Bytes(text.into_bytes()),
        (None, Some(hex), None) => MagicBytes::Bytes(hex_bytes(&hex)?),
        (None, None, Some(number)) => {
            let width = entry.width.unwrap_or(4);
            if ![1, 2, 4, 8].contains(&width) {
                return Err("a number has 1, 2, 4 or 8 bytes".to_owned());
            }
            let number = number.cast_unsigned();
            if width < 8 && number >> (u32::from(width) * 8) != 0 {
                return Err(format!("{number:#x} needs more than {width} bytes: say `width`"));
            }
            MagicBytes::Number(number, width, order)
        }
        _ => return Err("a magic is a `text`, `bytes` in hex, or a `number`".to_owned()),
    };
    match &bytes {
        MagicBytes::Bytes(bytes) if bytes.is_empty() || bytes.len() > 256 => {
            Err("a magic has 1 to 256 bytes".to_owned())
        }
        _ => Ok(Magic { offset: entry.offset, bytes }),
    }
}

/// "7f 45 4c 46"
fn hex_bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|char| !char.is_ascii_whitespace())
        .map(|char| char.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits
        .filter(|digits| digits.len() % 2 == 0)
        .ok_or("bytes are pairs of hex digits: `7f 45 4c 46`")?;
    let (pairs, _) = digits.as_chunks::<2>();
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
