//! Perl's Storable: variables as `freeze` writes them.
//!
//! The format is that of `dist/Storable/Storable.xs` of perl5 (binary major 2, minor to 12): a header of one byte
//! `major << 1 | network`, the minor, and for native data the byte order as a string of the size of an integer and the
//! sizes of int, long, pointer and double; then one value, each behind a byte that says what it is. References are
//! looked through; what was blessed or tied is `{class, value}` or `{tied, object}`.

mod cursor;

use std::sync::Arc;

use super::Encoding;
use crate::machine::ByteOrder;
use crate::position::{Interval, Position, SegmentOffset};
use crate::types::value::{Kind, Member, NumberStyle, Text, Value, push};
use crate::types::{Budget, Stop};
use cursor::Cursor;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Storable;

impl Encoding for Storable {
    fn name(&self) -> &'static str {
        "storable"
    }

    fn decode(&self, bytes: &[u8], at: SegmentOffset, budget: &Budget) -> Result<Value, Stop> {
        thaw(bytes, at, budget)
    }
}

/// Values in each other: deeper ones are refused, as Storable does itself ("Max. recursion depth").
const DEPTH: u32 = 64;

/// Whether `bytes` begin as frozen variables do.
pub fn is_frozen(bytes: &[u8]) -> bool {
    Cursor::new(bytes).header().is_ok()
}

/// The value that was frozen to the first of `bytes`; what follows it is not looked at.
///
/// # Errors
/// What is wrong, and where; or that `budget` is spent.
pub fn thaw(bytes: &[u8], at: SegmentOffset, budget: &Budget) -> Result<Value, Stop> {
    let mut frozen = Cursor::new(bytes);
    frozen.header()?;
    let mut thaw = Thaw { frozen, at, classes: Vec::new(), budget };
    thaw.value(DEPTH)?.ok_or(Stop::Spent)
}

/// The bytes that say what follows (`SX_*` of Storable.xs).
mod tag {
    pub(super) const OBJECT: u8 = 0;
    pub(super) const LSCALAR: u8 = 1;
    pub(super) const ARRAY: u8 = 2;
    pub(super) const HASH: u8 = 3;
    pub(super) const REF: u8 = 4;
    pub(super) const UNDEF: u8 = 5;
    pub(super) const INTEGER: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BYTE: u8 = 8;
    pub(super) const NETINT: u8 = 9;
    pub(super) const SCALAR: u8 = 10;
    pub(super) const TIED_ARRAY: u8 = 11;
    pub(super) const TIED_HASH: u8 = 12;
    pub(super) const TIED_SCALAR: u8 = 13;
    pub(super) const SV_UNDEF: u8 = 14;
    pub(super) const SV_YES: u8 = 15;
    pub(super) const SV_NO: u8 = 16;
    pub(super) const BLESS: u8 = 17;
    pub(super) const IX_BLESS: u8 = 18;
    pub(super) const HOOK: u8 = 19;
    pub(super) const OVERLOAD: u8 = 20;
    pub(super) const UTF8STR: u8 = 23;
    pub(super) const LUTF8STR: u8 = 24;
    pub(super) const FLAG_HASH: u8 = 25;
    pub(super) const CODE: u8 = 26;
    pub(super) const WEAKREF: u8 = 27;
    pub(super) const WEAKOVERLOAD: u8 = 28;
    pub(super) const VSTRING: u8 = 29;
    pub(super) const LVSTRING: u8 = 30;
    pub(super) const SVUNDEF_ELEM: u8 = 31;
    pub(super) const REGEXP: u8 = 32;
    pub(super) const BOOLEAN_TRUE: u8 = 34;
    pub(super) const BOOLEAN_FALSE: u8 = 35;
}

/// What an allocation takes beside its bytes.
const ALLOCATED: u64 = 16;
/// A key of a hash with flags that is a value itself (`SHV_K_ISSV`).
const KEY_IS_VALUE: u8 = 8;
/// A length of four bytes follows (`SHR_U32_RE_LEN`).
const LONG_REGEXP: u8 = 1;
/// A class name or its number of four bytes follows (`LG_BLESS`).
const LONG_CLASS: u8 = 0x80;

struct Thaw<'a> {
    frozen: Cursor<'a>,
    at: SegmentOffset,
    classes: Vec<&'a [u8]>,
    budget: &'a Budget,
}

impl Thaw<'_> {
    /// The value that begins here; `None`, but it was passed, if memory for it is spent.
    fn value(&mut self, depth: u32) -> Result<Option<Value>, Stop> {
        let start = self.frozen.next;
        let depth = depth.checked_sub(1).ok_or_else(|| self.frozen.wrong("values are nested too deep"))?;
        self.budget.stepped()?;
        // Most can have parts.
        let paid = self.budget.pay(Value::MEMORY.saturating_add(Value::LIST)).ok();
        let kind = match self.frozen.byte()? {
            tag::UNDEF | tag::SV_UNDEF | tag::SVUNDEF_ELEM => Some(Kind::Nothing),
            tag::SV_YES | tag::BOOLEAN_TRUE => Some(Kind::Number(1, NumberStyle::Boolean)),
            tag::SV_NO | tag::BOOLEAN_FALSE => Some(Kind::Number(0, NumberStyle::Boolean)),
            tag::BYTE => number(i128::from(self.frozen.byte()?).saturating_sub(128)),
            tag::NETINT => number(i32::from_be_bytes(self.frozen.array::<4>()?).into()),
            tag::INTEGER => number(self.frozen.integer()?),
            tag::DOUBLE => self.double()?,
            tag::SCALAR | tag::UTF8STR => {
                let length = self.frozen.byte()?;
                let bytes = self.frozen.take(length.into())?;
                self.text(bytes)
            }
            tag::LSCALAR | tag::LUTF8STR => {
                let length = self.frozen.length()?;
                let bytes = self.frozen.take(length)?;
                self.text(bytes)
            }
            tag::VSTRING => {
                let length = self.frozen.byte()?;
                self.frozen.take(length.into())?;
                self.looked_through(depth)?
            }
            tag::LVSTRING => {
                let length = self.frozen.length()?;
                self.frozen.take(length)?;
                self.looked_through(depth)?
            }
            tag::REF | tag::OVERLOAD | tag::WEAKREF | tag::WEAKOVERLOAD => self.looked_through(depth)?,
            tag::ARRAY => Some(self.elements(depth)?),
            tag::HASH => Some(self.members(false, depth)?),
            tag::FLAG_HASH => {
                self.frozen.byte()?;
                Some(self.members(true, depth)?)
            }
            tag::TIED_ARRAY => Some(self.tied("array", depth)?),
            tag::TIED_HASH => Some(self.tied("hash", depth)?),
            tag::TIED_SCALAR => Some(self.tied("scalar", depth)?),
            tag::BLESS => {
                let length = match self.frozen.byte()? {
                    LONG_CLASS => self.frozen.length()?,
                    length => length.into(),
                };
                let class = self.frozen.take(length)?;
                // Without memory for it no object of the class has any either.
                if self.budget.keep(size_of::<[&[u8]; 2]>() as u64) {
                    self.classes.push(class);
                }
                Some(self.blessed(class, start, depth)?)
            }
            tag::IX_BLESS => {
                let number = match self.frozen.byte()? {
                    LONG_CLASS => self.frozen.length()?,
                    number => number.into(),
                };
                let class = self.classes.get(number).copied();
                let class = class.or_else(|| paid.is_none().then_some(&[]));
                let class = class.ok_or_else(|| self.frozen.wrong("a class that no object before it has"))?;
                Some(self.blessed(class, start, depth)?)
            }
            tag::CODE => {
                let source = self.value(depth)?;
                Some(self.parts([("code", source)]))
            }
            tag::REGEXP => {
                let long = self.frozen.byte()? & LONG_REGEXP != 0;
                let length = if long { self.frozen.length()? } else { self.frozen.byte()?.into() };
                let pattern = self.string(length)?;
                let length = self.frozen.byte()?;
                let flags = self.string(length.into())?;
                Some(self.parts([("regexp", pattern), ("flags", flags)]))
            }
            // Objects are counted as they are read, from 0.
            tag::OBJECT => {
                let object = number(i128::from(u32::from_be_bytes(self.frozen.array()?)));
                let object = object.and_then(|object| self.spanned(start, object));
                Some(self.parts([("same_as_object", object)]))
            }
            tag::HOOK => return Err(self.frozen.wrong("an object that its class froze itself").into()),
            other => return Err(self.frozen.wrong(&format!("a value of kind {other}")).into()),
        };
        Ok(paid.zip(kind).map(|(paid, kind)| Value::new(paid, self.span(start), kind)))
    }

    /// What a reference means, or what stands behind the text of a version.
    fn looked_through(&mut self, depth: u32) -> Result<Option<Kind>, Stop> {
        Ok(self.value(depth)?.map(|value| value.kind))
    }

    fn elements(&mut self, depth: u32) -> Result<Kind, Stop> {
        let count = self.frozen.length()?;
        let (mut elements, mut omitted) = (Vec::new(), 0_u64);
        for _ in 0..count {
            match self.value(depth)? {
                Some(element) => push(&mut elements, element),
                None => omitted = omitted.saturating_add(1),
            }
        }
        Ok(Kind::Array(elements, omitted))
    }

    fn members(&mut self, flags: bool, depth: u32) -> Result<Kind, Stop> {
        let count = self.frozen.length()?;
        let mut members = Vec::new();
        for _ in 0..count {
            let value = self.value(depth)?;
            let flags = if flags { self.frozen.byte()? } else { 0 };
            let name = if flags & KEY_IS_VALUE != 0 {
                match self.value(depth)?.map(|key| key.kind) {
                    Some(Kind::Text(text)) => self.name(&text.bytes),
                    Some(_) => return Err(self.frozen.wrong("a key that is no text").into()),
                    None => None,
                }
            } else {
                let length = self.frozen.length()?;
                let bytes = self.frozen.take(length)?;
                self.name(bytes)
            };
            if let Some((name, value)) = name.zip(value) {
                push(&mut members, Member { name, value });
            }
        }
        Ok(Kind::Struct(Member::distinct(members, self.budget)))
    }

    fn tied(&mut self, what: &str, depth: u32) -> Result<Kind, Stop> {
        let start = self.frozen.next.saturating_sub(1);
        let what = self.text(what.as_bytes()).and_then(|what| self.spanned(start, what));
        let object = self.value(depth)?;
        Ok(self.parts([("tied", what), ("object", object)]))
    }

    fn blessed(&mut self, class: &[u8], start: usize, depth: u32) -> Result<Kind, Stop> {
        let class = self.text(class).and_then(|class| self.spanned(start, class));
        let value = self.value(depth)?;
        Ok(self.parts([("class", class), ("value", value)]))
    }

    /// The parts that there was memory for, under their names.
    fn parts<const N: usize>(&self, parts: [(&str, Option<Value>); N]) -> Kind {
        let parts = parts
            .into_iter()
            .filter_map(|(name, value)| Some(Member { value: value?, name: self.budget.name(name).ok()? }));
        Kind::Struct(parts.collect())
    }

    fn string(&mut self, length: usize) -> Result<Option<Value>, Stop> {
        let start = self.frozen.next;
        let bytes = self.frozen.take(length)?;
        Ok(self.text(bytes).and_then(|text| self.spanned(start, text)))
    }

    /// Text; `None` if memory for it is spent.
    fn text(&self, bytes: &[u8]) -> Option<Kind> {
        let length = bytes.len() as u64;
        let text = || Text { bytes: bytes.to_vec(), length, terminated: true, measured: false };
        self.budget.keep(ALLOCATED.saturating_add(length)).then(text).map(Kind::Text)
    }

    /// A key as a name; what is not UTF-8 is escaped. `None` if memory for it is spent.
    fn name(&self, bytes: &[u8]) -> Option<Arc<str>> {
        match std::str::from_utf8(bytes) {
            Ok(name) => self.budget.name(name),
            Err(_) => self.budget.name(&bytes.escape_ascii().to_string()),
        }
        .ok()
    }

    /// A double; `None` if memory for the bytes of a long one is spent.
    fn double(&mut self) -> Result<Option<Kind>, String> {
        Ok(match (self.frozen.double, self.frozen.order) {
            (8, ByteOrder::Little) => Some(Kind::Float(f64::from_le_bytes(self.frozen.array()?))),
            (8, ByteOrder::Big) => Some(Kind::Float(f64::from_be_bytes(self.frozen.array()?))),
            (length, _) => {
                let bytes = self.frozen.take(length)?;
                let kind = || Kind::Bytes(bytes.to_vec(), length as u64);
                self.budget.keep(ALLOCATED.saturating_add(length as u64)).then(kind)
            }
        })
    }

    /// A part of a value, from `start` to what is read next; its text is paid for.
    fn spanned(&self, start: usize, kind: Kind) -> Option<Value> {
        let paid = self.budget.pay(Value::MEMORY).ok()?;
        Some(Value::new(paid, self.span(start), kind))
    }

    fn span(&self, start: usize) -> Interval<SegmentOffset> {
        let from = self.at.checked_add(start as u64).unwrap_or(self.at);
        Interval::clamped(from, self.frozen.next.saturating_sub(start) as u64)
    }
}

fn number(value: i128) -> Option<Kind> {
    Some(Kind::Number(value, NumberStyle::Decimal))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `perl -MStorable=freeze,nfreeze -e 'print unpack "H*", freeze {a => [1, -1000, undef]}'` (perl 5.36, x86-64).
    const NATIVE: &str =
        "040b08313233343536373804080808030100000004020300000008810618fcffffffffffff050100000061";
    /// The same with `nfreeze`: network order, a header of two bytes.
    const NETWORK: &str = "050b0300000001040200000003088109fffffc18050000000161";

    fn bytes(hex: &str) -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or(""), 16).unwrap_or(0))
            .collect()
    }

    fn at(offset: u64) -> SegmentOffset {
        SegmentOffset::new(offset)
    }

    #[test]
    fn what_perl_froze_is_thawed() {
        for (frozen, header) in [(NATIVE, 15), (NETWORK, 2)] {
            let frozen = bytes(frozen);
            let value = thaw(&frozen, at(14), &Budget::unlimited());
            let Ok(Value { kind: Kind::Struct(members), offsets, .. }) = value else {
                unreachable!("{value:?}")
            };
            assert_eq!((offsets.start(), offsets.end()), (at(14 + header), at(14 + frozen.len() as u64)));
            assert_eq!((members.len(), &*members[0].name), (1, "a"));
            let Kind::Array(elements, 0) = &members[0].value.kind else { unreachable!("{members:?}") };
            let kinds: Vec<_> = elements.iter().map(|element| element.kind.clone()).collect();
            let number = |number| Kind::Number(number, NumberStyle::Decimal);
            assert_eq!(kinds, [number(1), number(-1000), Kind::Nothing]);
        }
    }

    #[test]
    fn what_is_cut_off_or_nested_without_end_is_refused() {
        let whole = bytes(NATIVE);
        for length in 0..whole.len() {
            assert!(thaw(&whole[..length], at(0), &Budget::unlimited()).is_err(), "{length} bytes");
        }
        let nested = [&whole[..15], &[tag::REF; 100_000]].concat();
        let nested = thaw(&nested, at(0), &Budget::unlimited());
        assert!(matches!(nested, Err(Stop::Wrong(problem)) if problem.contains("nested")));
    }

    /// What was thawed before the budget was spent stays, and what is left is counted.
    #[test]
    fn a_list_ends_with_its_budget() {
        let many =
            [&bytes(NATIVE)[..15], &[tag::ARRAY, 0xe0, 0x93, 0x04, 0x00], &[tag::UNDEF; 300_000]].concat();
        let budget = Budget::at_most(0);
        let Ok(Value { kind: Kind::Array(elements, omitted), .. }) = thaw(&many, at(0), &budget) else {
            unreachable!()
        };
        assert!(elements.len() > 10_000);
        assert_eq!(elements.len() as u64 + omitted, 300_000);
        assert!(budget.told().is_some());
    }
}
