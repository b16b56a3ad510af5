//! What bytes said: a tree that any renderer can show.

use std::sync::Arc;

use crate::position::{Interval, SegmentOffset};
use crate::types::TimeUnit;

/// What some bytes said.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Where the bytes stand.
    pub offsets: Interval<SegmentOffset>,
    /// What they said.
    pub kind: Kind,
}

/// What bytes said. Of what is missing nothing is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A byte of it is missing: [`Unavailable`] says why.
    Missing,
    /// A number or what is stored as one.
    Number(i128, NumberStyle),
    /// A number whose values have names; `None` for one without.
    Named(i128, Option<Arc<str>>),
    /// Bits with names: those that are set.
    Flags(i128, Vec<Arc<str>>),
    /// A floating-point number.
    Float(f64),
    /// An address of the target.
    Pointer(u64),
    /// Text.
    Text(Text),
    /// Bytes without a meaning; the first of them, and how many there are.
    Bytes(Vec<u8>, u64),
    /// Fields.
    Struct(Vec<Member>),
    /// Elements; the first of them, and how many there are beyond them.
    Array(Vec<Value>, u64),
    /// What an encoding says of nothing: null, undef.
    Nothing,
}

/// How people write a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberStyle {
    /// In decimal.
    Decimal,
    /// In hex.
    Hexadecimal,
    /// As a character beside the number.
    Character,
    /// As false or true.
    Boolean,
    /// As a date and time.
    Time(TimeUnit),
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: Value,
}

/// Text up to its NUL, a missing byte, or the end of its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its bytes, or the first of them; cut on a character's boundary if they are UTF-8.
    pub bytes: Vec<u8>,
    /// How many there are.
    pub length: u64,
    /// Whether the NUL itself was there.
    pub terminated: bool,
    /// Whether length and NUL are part of the value.
    pub measured: bool,
}

/// A part of a value whose bytes are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// The field, as `a.b[3].c`; empty for the whole.
    pub path: String,
    /// The missing offsets, as far as one reason holds.
    pub offsets: Interval<SegmentOffset>,
    /// Why: the words of [`Dumped::reason`](crate::memory::Dumped::reason), or "not-mapped" where no attachment covers them.
    pub reason: &'static str,
}

/// What does not hold of a value, although its layout says that it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The struct or field.
    pub path: String,
    /// Its bytes.
    pub offsets: Interval<SegmentOffset>,
    /// What is wrong: "torn write: count 7, valid 6".
    pub message: String,
}

/// The first of `bytes`, at most `length`, without half a character at the end if they are UTF-8.
pub fn cut(bytes: &[u8], length: usize) -> &[u8] {
    let is_boundary = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let end = length.min(bytes.len());
    let boundary = (end.saturating_sub(3)..=end).rev().find(is_boundary).unwrap_or(end);
    bytes.get(..boundary).unwrap_or(bytes)
}
