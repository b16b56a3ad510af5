//! What bytes said: a tree that any renderer can show.

use std::sync::Arc;

use crate::position::{Interval, SegmentOffset};
use crate::types::TimeUnit;
use crate::types::budget::{Budget, Paid, Spent};

/// What some bytes said. Its memory is paid for: there is no other way to make one.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Where the bytes stand.
    pub offsets: Interval<SegmentOffset>,
    /// What they said.
    pub kind: Kind,
    _paid: Paid,
}

impl Value {
    /// What a value takes of a budget before it is told: itself, and the room that a list leaves for the next ones.
    pub const MEMORY: u64 = 2 * size_of::<Member>() as u64;

    /// A value whose memory was taken of a budget.
    pub fn new(paid: Paid, offsets: Interval<SegmentOffset>, kind: Kind) -> Self {
        Self { offsets, kind, _paid: paid }
    }

    /// A copy of `kind` with all its parts, whose memory is taken of `budget`.
    ///
    /// # Errors
    /// That the budget has no more.
    pub fn copied(budget: &Budget, offsets: Interval<SegmentOffset>, kind: &Kind) -> Result<Self, Spent> {
        let paid = budget.pay(Self::MEMORY.saturating_add(kind.memory_of_all()))?;
        Ok(Self::new(paid, offsets, kind.clone()))
    }

    /// A value whose memory is taken of `budget` now; its parts paid for themselves.
    ///
    /// # Errors
    /// That the budget has no more.
    pub fn kept(budget: &Budget, offsets: Interval<SegmentOffset>, kind: Kind) -> Result<Self, Spent> {
        Ok(Self::new(budget.pay(Self::MEMORY.saturating_add(kind.memory()))?, offsets, kind))
    }
}

impl Value {
    /// A value of which nothing can be said: what there is when nothing could be paid for.
    pub fn missing(offsets: Interval<SegmentOffset>) -> Self {
        Self::new(Paid::NOTHING, offsets, Kind::Missing)
    }
}

impl Kind {
    /// As [`Kind::memory`], with all its parts.
    fn memory_of_all(&self) -> u64 {
        let and =
            |sum: u64, part: &Self| sum.saturating_add(Value::MEMORY).saturating_add(part.memory_of_all());
        match self {
            Self::Struct(members) => members.iter().fold(0, |sum, member| and(sum, &member.value.kind)),
            Self::Array(elements, _) => elements.iter().fold(0, |sum, element| and(sum, &element.kind)),
            kind => kind.memory(),
        }
    }

    /// Bytes of text and names that it holds itself.
    fn memory(&self) -> u64 {
        let bytes = match self {
            Self::Text(text) => text.bytes.capacity(),
            Self::Bytes(bytes, _) => bytes.capacity(),
            Self::Flags(_, names) => names.capacity().saturating_mul(size_of::<Arc<str>>()),
            _ => 0,
        };
        bytes as u64
    }
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
