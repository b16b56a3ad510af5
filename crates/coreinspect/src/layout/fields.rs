//! Fields of a decoded value by their names, for a sentence about it.

use crate::types::value::{Kind, Value};

/// A value whose fields are asked for by paths: `fix.mode`.
#[derive(Clone, Copy)]
pub struct Fields<'v>(pub &'v Value);

impl<'v> Fields<'v> {
    /// The field at `path`.
    pub fn at(self, path: &str) -> Option<&'v Value> {
        path.split('.').try_fold(self.0, |value, name| match &value.kind {
            Kind::Struct(members) => {
                members.iter().find(|member| &*member.name == name).map(|member| &member.value)
            }
            _ => None,
        })
    }

    /// The number at `path`, whatever people call its value.
    pub fn number(self, path: &str) -> Option<i128> {
        match &self.at(path)?.kind {
            Kind::Number(number, _) | Kind::Named(number, _) | Kind::Flags(number, _) => Some(*number),
            _ => None,
        }
    }

    /// The floating-point number at `path`.
    pub fn float(self, path: &str) -> Option<f64> {
        match &self.at(path)?.kind {
            Kind::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The name of the value at `path`.
    pub fn name(self, path: &str) -> Option<&'v str> {
        match &self.at(path)?.kind {
            Kind::Named(_, name) => name.as_deref(),
            _ => None,
        }
    }

    /// The text at `path`, if it is UTF-8 and not empty.
    pub fn text(self, path: &str) -> Option<&'v str> {
        match &self.at(path)?.kind {
            Kind::Text(text) => std::str::from_utf8(&text.bytes).ok().filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// How many fields or elements the value at `path` has; 0 if there is none.
    pub fn count(self, path: &str) -> u64 {
        match self.at(path).map(|value| &value.kind) {
            Some(Kind::Struct(members)) => members.len() as u64,
            Some(Kind::Array(elements, more)) => (elements.len() as u64).saturating_add(*more),
            _ => 0,
        }
    }
}

/// Seconds since 1970 as people read them, in UTC; `None` for no time that a program would mean.
pub fn date(seconds: i128) -> Option<String> {
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}

/// `1 page`, `3 pages`.
pub fn many(count: impl Into<i128>, one: &str) -> String {
    match count.into() {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}
