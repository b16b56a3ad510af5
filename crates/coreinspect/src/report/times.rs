//! What a dump knows of times, as one list: what the kernel noted of segments, times in decoded fields, the end of the process, what
//! bytes were filled with, the file.

use super::Dump;
use crate::types::TimeUnit;
use crate::types::value::{Kind, NumberStyle, Value};

/// A moment that a dump, or what stands beside it, tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    pub nanoseconds: i128,
    /// What happened then. It may hold names as the dump has them.
    pub what: String,
}

/// Fields that are told; more nobody reads.
const MOST_FIELDS: usize = 100;
/// Before it, a time of a field is taken for none: 2^20 seconds. 0 is what a program leaves where there is no time yet.
const EARLIEST: i128 = 1 << 20;
/// Times of the kernel are in seconds.
const SECOND: i128 = 1_000_000_000;

impl Dump {
    /// The moments that it tells of, the oldest first; `file` is when its file was written last, in seconds since 1970. None where the
    /// file's is the only one.
    pub fn moments(&self, file: Option<u64>) -> Vec<Moment> {
        let mut moments = Vec::new();
        let mut add = |seconds: Option<u64>, what: String| {
            let nanoseconds = seconds.and_then(|seconds| i128::from(seconds).checked_mul(SECOND));
            moments.extend(nanoseconds.map(|nanoseconds| Moment { nanoseconds, what }));
        };
        for segment in &self.segments {
            let number = segment.number;
            add(segment.changed, format!("segment {number} was created, or its owner or mode changed"));
            add(segment.attached, format!("segment {number} was attached last"));
            add(segment.detached, format!("segment {number} was detached last"));
        }
        if let Some(handler) = &self.handler {
            add(handler.time, format!("the process ended, as {} noted", handler.name));
        }
        for with in &self.filled_with {
            let of =
                with.time_of.map_or("", |_| ": the bytes that were filled from it are of then, or older");
            add(with.time, format!("{}{of}", with.name));
        }
        let mut left = MOST_FIELDS;
        for segment in &self.segments {
            let value = segment.content.as_ref();
            if let Some(value) = value.and_then(|content| content.value.as_ref()) {
                fields(&value.0, &mut String::new(), &mut left, &mut |path, nanoseconds| {
                    let what = format!("segment {}, field {path}", segment.number);
                    moments.push(Moment { nanoseconds, what });
                });
            }
        }
        if moments.is_empty() {
            return moments;
        }
        let file = file.and_then(|seconds| i128::from(seconds).checked_mul(SECOND));
        moments.extend(
            file.map(|nanoseconds| Moment { nanoseconds, what: "the file was written last".to_owned() }),
        );
        moments.sort_by_key(|moment| moment.nanoseconds);
        moments
    }
}

/// Hands the times in `value` to `each`, with the path of the field.
fn fields(value: &Value, path: &mut String, left: &mut usize, each: &mut dyn FnMut(&str, i128)) {
    if *left == 0 {
        return;
    }
    let length = path.len();
    match &value.kind {
        Kind::Number(number, NumberStyle::Time(unit)) => {
            let factor = match unit {
                TimeUnit::Seconds => SECOND,
                TimeUnit::Milliseconds => 1_000_000,
                TimeUnit::Microseconds => 1000,
                TimeUnit::Nanoseconds => 1,
            };
            let nanoseconds = number.checked_mul(factor);
            if let Some(nanoseconds) = nanoseconds.filter(|time| *time >= EARLIEST.saturating_mul(SECOND)) {
                *left = left.saturating_sub(1);
                each(if path.is_empty() { "value" } else { path.as_str() }, nanoseconds);
            }
        }
        Kind::Struct(members) => {
            for member in members {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&member.name);
                fields(&member.value, path, left, each);
                path.truncate(length);
            }
        }
        Kind::Array(elements, _) => {
            for (index, element) in elements.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                fields(element, path, left, each);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
