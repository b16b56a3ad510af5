//! The text of PHP's `serialize()`: php-src ext/standard/var.c writes it, ext/standard/var_unserializer.re reads it.
//!
//! | text | value |
//! | --- | --- |
//! | `N;` | nothing |
//! | `b:1;` `i:-3;` `d:0.5;` | a boolean, a number |
//! | `s:2:"ab";` `S:2:"a\62";` | text: its length counts bytes, which may be any |
//! | `a:1:{i:0;N;}` | an array; a struct if its keys are not 0, 1, 2... in this order |
//! | `O:1:"C":1:{s:1:"x";N;}` | `class`, and `properties` by name (private ones of a parent class as `Parent::x`) |
//! | `C:1:"C":2:{..}` | `class`, and what its own method wrote as `data` |
//! | `E:6:"Suit:H";` | an enum's `case` |
//! | `r:2;` `R:2;` | the path of the value that is meant again: values are counted from 1, keys are not |

mod cursor;

use std::sync::Arc;

use super::Encoding;
use crate::position::{Interval, Position, SegmentOffset};
use crate::types::value::{Kind, Member, NumberStyle, Text, Value, cut, push};
use crate::types::{Budget, Paid, Stop};
use cursor::{Cursor, split_at};

/// Arrays and objects within each other.
const DEPTH: u32 = 64;
/// Bytes of a path that a reference shows.
const PATH: usize = 256;
/// Bytes of a key that are looked at for it: a class and a name.
const LOOKED_AT: usize = 2 * PATH;

/// The encoding.
#[derive(Debug)]
pub(crate) struct PhpSerialize;

impl Encoding for PhpSerialize {
    fn name(&self) -> &'static str {
        "php"
    }

    fn decode(&self, bytes: &[u8], at: SegmentOffset, budget: &Budget) -> Result<Value, Stop> {
        let slots = Vec::new();
        let mut reader =
            Reader { text: Cursor { bytes, next: 0 }, at, slots, opaque: false, budget, spent: false };
        let value = reader.value(None, None, DEPTH)?;
        match bytes.len().saturating_sub(reader.text.next) {
            0 => value.ok_or(Stop::Spent),
            left => Err(Stop::Wrong(format!("{left} bytes follow its end at {}", reader.text.next))),
        }
    }
}

/// A value that `r:` and `R:` may mean.
struct Slot {
    /// The slot that holds it.
    parent: Option<usize>,
    /// Its key there.
    key: Option<Key>,
}

#[derive(Clone)]
enum Key {
    Number(i64),
    Name(Arc<str>),
}

struct Reader<'a> {
    text: Cursor<'a>,
    at: SegmentOffset,
    slots: Vec<Slot>,
    /// Whether an object was passed whose own method counted values that are not known here.
    opaque: bool,
    budget: &'a Budget,
    /// Whether memory is spent: nothing more is kept, not even what references may mean.
    spent: bool,
}

impl Reader<'_> {
    /// The value that begins here, which has `key` in the slot `parent`; `None`, but it was passed, if memory for it is spent.
    fn value(&mut self, parent: Option<usize>, key: Option<Key>, depth: u32) -> Result<Option<Value>, Stop> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(format!("values are nested more than {DEPTH} deep at {}", self.text.next).into());
        };
        self.budget.stepped()?;
        let paid =
            self.pay(Value::MEMORY.saturating_add(Value::LIST).saturating_add(size_of::<[Slot; 2]>() as u64));
        let start = self.text.next;
        let tag = self.text.byte("a value")?;
        let slot = self.slots.len();
        if tag != b'R' && !self.spent {
            self.slots.push(Slot { parent, key });
        }
        let kind = match tag {
            b'N' => {
                self.text.want(b";")?;
                Some(Kind::Nothing)
            }
            b'b' => {
                self.text.want(b":")?;
                match self.text.number(b';')? {
                    number @ (0 | 1) => Some(Kind::Number(number.into(), NumberStyle::Boolean)),
                    number => return Err(format!("the boolean at {start} is {number}").into()),
                }
            }
            b'i' => {
                self.text.want(b":")?;
                Some(Kind::Number(self.text.number(b';')?.into(), NumberStyle::Decimal))
            }
            b'd' => {
                self.text.want(b":")?;
                Some(Kind::Float(self.text.float()?))
            }
            b's' | b'S' => {
                let bytes = self.text.string(tag == b'S')?;
                self.text.want(b";")?;
                self.pay(bytes.len() as u64).map(|_| text(bytes))
            }
            b'a' => {
                self.text.want(b":")?;
                let count = self.text.length(b':')?;
                Some(self.array(count, slot, depth)?)
            }
            b'O' => Some(self.object(slot, depth)?),
            b'C' => Some(self.own_data()?),
            b'E' => {
                let case = self.text.string(false)?;
                self.text.want(b";")?;
                let (class, case) = split_at(&case, b':').unwrap_or((&[], &case));
                Some(self.parts(start, [("enum", text(class.to_vec())), ("case", text(case.to_vec()))]))
            }
            b'r' | b'R' => {
                self.text.want(b":")?;
                let number = self.text.length(b';')?;
                self.path(number)?.map(|path| self.parts(start, [("reference", path)]))
            }
            _ => return Err(format!("no value begins with {:?} at {start}", char::from(tag)).into()),
        };
        Ok(paid.zip(kind).map(|(paid, kind)| Value::new(paid, self.span(start), kind)))
    }

    /// Takes memory, of which there is none any more once it was refused.
    fn pay(&mut self, bytes: u64) -> Option<Paid> {
        let paid = self.budget.pay(bytes).ok();
        self.spent |= paid.is_none();
        paid
    }

    fn array(&mut self, count: usize, slot: usize, depth: u32) -> Result<Kind, Stop> {
        let mut values = Vec::new();
        let mut keys = Vec::new();
        let omitted = self.pairs(count, slot, depth, &mut |key, value| {
            push(&mut keys, key);
            push(&mut values, value);
        })?;
        let is_list =
            keys.iter().zip(0_i64..).all(|(key, at)| matches!(key, Key::Number(number) if *number == at));
        if is_list {
            return Ok(Kind::Array(values, omitted));
        }
        let members = keys.into_iter().zip(values).filter_map(|(key, value)| {
            let name = match key {
                Key::Number(number) => self.budget.name(&number.to_string()).ok()?,
                Key::Name(name) => name,
            };
            Some(Member { name, value })
        });
        Ok(Kind::Struct(Member::distinct(members.collect(), self.budget)))
    }

    /// `count` keys and values in braces; answers of how many of them nothing is kept.
    fn pairs(
        &mut self,
        count: usize,
        slot: usize,
        depth: u32,
        found: &mut dyn FnMut(Key, Value),
    ) -> Result<u64, Stop> {
        self.text.want(b"{")?;
        let mut omitted = 0_u64;
        // The count is only claimed: each pair takes bytes, which must be there.
        for _ in 0..count {
            // In lists of their own: keys, and values.
            self.pay(size_of::<[Key; 2]>() as u64);
            let key = self.key()?;
            match (key.clone(), self.value(Some(slot), key, depth)?) {
                (Some(key), Some(value)) => found(key, value),
                _ => omitted = omitted.saturating_add(1),
            }
        }
        self.text.want(b"}")?;
        Ok(omitted)
    }

    /// A key; `None`, but it was passed, if memory for it is spent.
    fn key(&mut self) -> Result<Option<Key>, String> {
        let start = self.text.next;
        match self.text.byte("a key")? {
            b'i' => {
                self.text.want(b":")?;
                self.text.number(b';').map(Key::Number).map(Some)
            }
            tag @ (b's' | b'S') => {
                let name = self.text.string(tag == b'S')?;
                self.text.want(b";")?;
                Ok(self.name(&escaped(&name)).map(Key::Name))
            }
            tag => Err(format!("no key begins with {:?} at {start}", char::from(tag))),
        }
    }

    fn name(&mut self, name: &str) -> Option<Arc<str>> {
        let name = self.budget.name(name).ok();
        self.spent |= name.is_none();
        name
    }

    fn object(&mut self, slot: usize, depth: u32) -> Result<Kind, Stop> {
        let start = self.text.next;
        let class = self.text.string(false)?;
        self.text.want(b":")?;
        let count = self.text.length(b':')?;
        let body = self.text.next;
        let (budget, own) = (self.budget, escaped(&class));
        let class = Value::kept(budget, self.between(start, body), text(class));
        let paid = budget.pay(Value::MEMORY);
        let names = [budget.name("class"), budget.name("properties")];
        let mut properties = Vec::new();
        self.pairs(count, slot, depth, &mut |key, value| {
            let name = match key {
                Key::Number(number) => budget.name(&number.to_string()),
                Key::Name(name) => match property(&name, &own) {
                    (None, plain) if plain.len() == name.len() => Ok(name),
                    (None, plain) => budget.name(plain),
                    (Some(scope), plain) => budget.name(&format!("{scope}::{plain}")),
                },
            };
            if let Ok(name) = name {
                push(&mut properties, Member { name, value });
            }
        })?;
        let properties = Member::distinct(properties, budget);
        let properties = paid.map(|paid| Value::new(paid, self.span(body), Kind::Struct(properties)));
        let members = names.into_iter().zip([class, properties]);
        let members =
            members.filter_map(|(name, value)| Some(Member { name: name.ok()?, value: value.ok()? }));
        Ok(Kind::Struct(members.collect()))
    }

    /// An object that wrote itself (`Serializable`): a length, and bytes in braces.
    fn own_data(&mut self) -> Result<Kind, String> {
        let start = self.text.next;
        let class = self.text.string(false)?;
        self.text.want(b":")?;
        let length = self.text.length(b':')?;
        self.text.want(b"{")?;
        let data = self.text.take(length)?.to_vec();
        self.text.want(b"}")?;
        self.opaque = true;
        Ok(self.parts(start, [("class", text(class)), ("data", text(data))]))
    }

    /// What `r:` or `R:` with this number means; `None` where that is not kept.
    fn path(&self, number: usize) -> Result<Option<Kind>, Stop> {
        if self.opaque {
            return Ok(Some(Kind::Number(number as i128, NumberStyle::Decimal)));
        }
        let mut slot = number.checked_sub(1).and_then(|slot| self.slots.get(slot));
        if slot.is_none() {
            let (at, count) = (self.text.next, self.slots.len());
            let problem = || format!("a reference at {at} means value {number} of {count}");
            return if self.spent { Ok(None) } else { Err(problem().into()) };
        }
        let mut keys = Vec::new();
        while let Some(Slot { parent, key }) = slot {
            self.budget.stepped()?;
            keys.extend(key);
            slot = parent.and_then(|parent| self.slots.get(parent));
        }
        let mut path = String::new();
        for key in keys.into_iter().rev() {
            match key {
                // What is shown of it is whole: keys can be as long as the segment.
                _ if path.len() >= PATH => break,
                Key::Number(number) => path.push_str(&format!("[{number}]")),
                Key::Name(name) => {
                    // Of a key as long as the segment no reference reads more than it shows.
                    let start = cut(name.as_bytes(), LOOKED_AT);
                    let (_, name) = property(std::str::from_utf8(start).unwrap_or_default(), "");
                    path.push_str(if path.is_empty() { "" } else { "." });
                    path.extend(name.chars().take(PATH));
                }
            }
        }
        Ok(Some(text(cut(path.as_bytes(), PATH).to_vec())))
    }

    /// The parts that there is memory for, under their names.
    fn parts<const N: usize>(&self, start: usize, parts: [(&str, Kind); N]) -> Kind {
        let parts = parts.into_iter().filter_map(|(name, kind)| {
            let value = Value::kept(self.budget, self.span(start), kind).ok()?;
            Some(Member { name: self.budget.name(name).ok()?, value })
        });
        Kind::Struct(parts.collect())
    }

    /// Offsets from `start` to what is read next.
    fn span(&self, start: usize) -> Interval<SegmentOffset> {
        self.between(start, self.text.next)
    }

    fn between(&self, start: usize, end: usize) -> Interval<SegmentOffset> {
        let at = self.at.checked_add(start as u64).unwrap_or(self.at);
        Interval::clamped(at, end.saturating_sub(start) as u64)
    }
}

fn text(bytes: Vec<u8>) -> Kind {
    let length = bytes.len() as u64;
    Kind::Text(Text { bytes, length, terminated: false, measured: false })
}

/// A property's name without what PHP puts before it: `\0*\0` for a protected one, `\0Class\0` for a private one, whose
/// class stands before it here if that is not `class`.
fn property<'n>(name: &'n str, class: &str) -> (Option<&'n str>, &'n str) {
    let scoped = name.strip_prefix('\0').and_then(|rest| rest.split_once('\0'));
    match scoped {
        Some((scope, name)) if scope == "*" || scope == class || class.is_empty() => (None, name),
        Some((scope, name)) => (Some(scope), name),
        None => (None, name),
    }
}

/// A name as text; bytes that are not UTF-8 as `\xNN`.
fn escaped(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Result<Kind, Stop> {
        let decoded = PhpSerialize.decode(text.as_bytes(), SegmentOffset::new(64), &Budget::unlimited());
        decoded.map(|value| value.kind)
    }

    fn is_wrong(text: &str, why: &str) {
        let Err(Stop::Wrong(problem)) = decode(text) else { panic!("{text}") };
        assert!(problem.contains(why), "{text}: {problem}");
    }

    #[test]
    fn what_is_wrong_is_told() {
        is_wrong("", "it ends at 0");
        is_wrong("i:1;i:2;", "4 bytes follow its end at 4");
        is_wrong("b:2;", "the boolean at 0 is 2");
        is_wrong("s:9:\"ab\";", "9 bytes at 5 pass the end");
        is_wrong("s:-1:\"\";", "-1 at 2 is no length");
        is_wrong("a:1:{a:0:{}N;}", "no key begins with 'a'");
        is_wrong("d:inf;", "no number at 2");
        is_wrong("r:2;", "means value 2 of 1");
        is_wrong("x", "no value begins with 'x'");
    }

    /// Counts, lengths and depths that the bytes do not hold.
    #[test]
    fn claims_cost_nothing() {
        is_wrong("a:9223372036854775807:{}", "no key begins");
        is_wrong("O:9223372036854775807:\"a\":0:{}", "pass the end");
        is_wrong(&"a:1:{i:0;".repeat(1_000_000), "more than 64 deep");
        is_wrong(&format!("i:{}", "1".repeat(1_000_000)), "no ';' behind the number");
    }

    /// What was read before the budget was spent stays, and what is left is counted.
    #[test]
    fn a_list_ends_with_its_budget() {
        let pairs: String = (0..200_000).map(|at| format!("i:{at};N;")).collect();
        let (many, budget) = (format!("a:200000:{{{pairs}}}"), Budget::at_most(0));
        let decoded = PhpSerialize.decode(many.as_bytes(), SegmentOffset::new(0), &budget);
        let Ok(Value { kind: Kind::Array(elements, omitted), .. }) = decoded else { panic!() };
        assert!(elements.len() > 10_000 && omitted > 10_000, "{} {omitted}", elements.len());
        assert!(budget.told().is_some());
    }

    /// Each reference looks at the start of the keys on its way: all of them at a long one would take minutes.
    #[test]
    fn references_do_not_read_a_long_key_again_and_again() {
        let long = format!("\0{}", "k".repeat(400_000));
        let references: String = (0..50_000).map(|at| format!("i:{at};r:2;")).collect();
        let many = format!("a:1:{{s:{}:\"{long}\";a:50000:{{{references}}}}}", long.len());
        let before = std::time::Instant::now();
        let Ok(Kind::Struct(members)) = decode(&many) else { panic!() };
        let Kind::Array(values, 0) = &members[0].value.kind else { panic!() };
        assert_eq!(values.len(), 50_000);
        // 20 GB of keys otherwise.
        assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
    }

    #[test]
    fn every_cut_is_an_error() {
        let whole = "a:3:{i:0;O:1:\"P\":1:{s:4:\"\0P\0z\";d:0.5;}i:1;r:2;i:2;S:2:\"a\\62\";}";
        assert!(decode(whole).is_ok(), "{:?}", decode(whole));
        (0..whole.len()).for_each(|end| assert!(decode(&whole[..end]).is_err(), "{end}"));
    }

    #[test]
    fn values_know_where_they_stand() {
        let Ok(Kind::Array(values, 0)) = decode("a:1:{i:0;s:1:\"x\";}") else { panic!() };
        assert_eq!(values[0].offsets.start().get(), 64 + 9);
        assert_eq!(values[0].offsets.end().get(), 64 + 17);
    }

    #[test]
    fn every_change_of_a_byte_has_an_answer() {
        let whole = "a:3:{i:0;O:1:\"P\":2:{s:4:\"\0P\0z\";d:0.5;s:1:\"y\";b:1;}i:1;r:2;i:2;E:3:\"S:H\";}";
        for at in 0..whole.len() {
            for byte in b"\0\x8019-:;{}\"abdiOCsSErRN".iter().copied() {
                let mut bytes = whole.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = PhpSerialize.decode(&bytes, SegmentOffset::new(u64::MAX), &Budget::unlimited());
            }
        }
    }
}
