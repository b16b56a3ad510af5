//! What bytes said: a tree that any renderer can show.

use std::collections::{HashMap, HashSet};
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
    /// What a value takes of a budget before it is told: itself, and the room that a list leaves for the next ones ([`push`]).
    pub const MEMORY: u64 = size_of::<Member>() as u64 * 9 / 8;
    /// What the list of its parts takes beside them.
    pub const LIST: u64 = 64;

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

impl Member {
    /// As [`distinct`], for members.
    pub fn distinct(mut members: Vec<Self>, budget: &Budget) -> Vec<Self> {
        distinct(&mut members, |member| Some(&mut member.name), |name| budget.name(name).ok());
        members
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

/// Adds `one` to `list`, which grows by an eighth: what it has room for is paid for with what it holds.
pub fn push<T>(list: &mut Vec<T>, one: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(2));
    }
    list.push(one);
}

/// Gives each of `all` whose name another before it has a name of its own: `a`, `a (2)`, `a (3)`. Bytes can name many things
/// alike, and of two members with one name readers of JSON keep only one (RFC 8259, 4). What no memory is left for, as `paid`
/// says, is left out.
pub fn distinct<T>(
    all: &mut Vec<T>,
    name: impl Fn(&mut T) -> Option<&mut Arc<str>>,
    paid: impl Fn(&str) -> Option<Arc<str>>,
) {
    let mut seen = HashSet::<Arc<str>>::new();
    let twice = |one: &mut T| name(one).is_some_and(|name| !seen.insert(name.clone()));
    if all.len() < 2 || !all.iter_mut().any(twice) {
        return;
    }
    seen.extend(all.iter_mut().filter_map(|one| name(one).cloned()));
    // How often each name was given.
    let mut given = HashMap::<Arc<str>, u32>::new();
    all.retain_mut(|one| {
        let Some(name) = name(one) else { return true };
        let times = given.entry(name.clone()).or_default();
        *times = times.saturating_add(1);
        if *times == 1 {
            return true;
        }
        let new = loop {
            let new = format!("{name} ({times})");
            if !seen.contains(new.as_str()) {
                break new;
            }
            *times = times.saturating_add(1);
        };
        let new = paid(&new);
        seen.extend(new.clone());
        new.map(|new| *name = new).is_some()
    });
}

/// The first of `bytes`, at most `length`, without half a character at the end if they are UTF-8.
pub fn cut(bytes: &[u8], length: usize) -> &[u8] {
    let is_boundary = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let end = length.min(bytes.len());
    let boundary = (end.saturating_sub(3)..=end).rev().find(is_boundary).unwrap_or(end);
    bytes.get(..boundary).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let names = |names: &[&str], room: u64| {
            let budget = Budget::unlimited();
            let nothing = Interval::clamped(SegmentOffset::new(0), 0);
            let member = |name: &&str| Member { name: (*name).into(), value: Value::missing(nothing) };
            let _ = budget.keep(u64::MAX - room);
            let members = Member::distinct(names.iter().map(member).collect(), &budget);
            members.iter().map(|member| member.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&["a", "b"], 0), ["a", "b"]);
        assert_eq!(names(&["a", "a", "b", "a"], 1000), ["a", "a (2)", "b", "a (3)"]);
        assert_eq!(names(&["a", "a", "a (2)", "a"], 1000), ["a", "a (3)", "a (2)", "a (4)"]);
        assert_eq!(names(&["a", "a", "b"], 0), ["a", "b"]);
    }
}
