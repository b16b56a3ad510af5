//! The one decoder: a [`Type`], bytes in three states, byte order and word size become a [`Value`].
//!
//! It tells what it finds to a [`Sink`], so that a tree ([`Tree`]) and a stream of a billion records cost the same
//! code and no memory by the count. Every loop moves on or ends: counts are bounded by the bytes there are, depth and
//! nodes by [`Limits`].

mod array;
mod fields;
mod leaves;
mod nobody;
mod remarks;
mod scalar;
mod text;
mod tree;

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::Error;
use crate::machine::Machine;
use crate::position::{Interval, SegmentOffset};
use crate::types::Budget;
use crate::types::contents::Window;
use crate::types::expression::{Reference, Scope};
use crate::types::value::{Finding, Kind, Unavailable, Value};
use crate::types::{Encoded, Stop, Switch, Type};
pub use leaves::{Leaf, Leaves};
pub use nobody::Nobody;
pub use tree::Tree;

/// Where a decoder stops, however much the bytes ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one text, or of one run of bytes without a meaning, that are kept; the rest is counted.
    pub text: usize,
    /// Values: fields and elements, of all depths.
    pub nodes: u64,
    /// Values within values.
    pub depth: u32,
    /// Parts that are missing, and findings, that are listed.
    pub listed: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { text: 4096, nodes: 20_000, depth: 64, listed: 1000 }
    }
}

impl Limits {
    /// For whoever wants all: as much as a person can wait for.
    pub fn generous() -> Self {
        Self { text: usize::MAX, nodes: 20_000_000, listed: 100_000, ..Self::default() }
    }

    /// For a stream of records, which keeps nothing.
    pub fn streaming() -> Self {
        Self { nodes: u64::MAX, ..Self::default() }
    }
}

/// Who is told what the bytes say. Calls are nested as the values are.
pub trait Sink {
    /// Whether it takes no more: what it keeps was paid for by a budget that is spent. That ends the decoding.
    fn is_full(&self) -> bool {
        false
    }
    /// Whether what it was told stays: of one that hands it on at once memory is given back.
    fn keeps(&self) -> bool {
        true
    }
    /// A struct begins.
    fn begin_struct(&mut self);
    /// The next value is the field `name` of the innermost struct.
    fn field(&mut self, name: &Arc<str>);
    /// The innermost struct ends.
    fn end_struct(&mut self, offsets: Interval<SegmentOffset>);
    /// An array begins.
    fn begin_array(&mut self);
    /// An element of the outermost array was told; `false` ends the decoding.
    fn element(&mut self) -> bool {
        true
    }
    /// Of the innermost array `left` elements of `size` bytes each are left, the next of them at `at`: how many of them
    /// nobody wants to be told of.
    fn passes_over(&mut self, _at: SegmentOffset, _size: u64, _left: u64) -> u64 {
        0
    }
    /// The innermost array ends; `omitted` elements more were there.
    fn end_array(&mut self, offsets: Interval<SegmentOffset>, omitted: u64);
    /// A value without parts, or one that an encoding made.
    fn value(&mut self, offsets: Interval<SegmentOffset>, kind: Cow<'_, Kind>);
    /// A number, the commonest of all.
    fn number(
        &mut self,
        offsets: Interval<SegmentOffset>,
        value: i128,
        style: crate::types::value::NumberStyle,
    ) {
        self.value(offsets, Cow::Owned(Kind::Number(value, style)));
    }
}

/// A lock: a value of a type of pthread.h or semaphore.h.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockField {
    /// `head.items[3].lock`.
    pub path: String,
    /// Its bytes.
    pub offsets: Interval<SegmentOffset>,
    /// What it is.
    pub kind: crate::lock_shapes::Kind,
}

/// What a decoder found beside the value.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    /// Locks.
    pub locks: Vec<LockField>,
    /// What is missing, in order.
    pub unavailable: Vec<Unavailable>,
    /// What does not hold.
    pub findings: Vec<Finding>,
    /// What was not done, and why: "stopped after 20000 values".
    pub limits: Vec<String>,
    /// Missing parts and findings beyond those that are listed.
    pub unlisted: u64,
    /// How the bytes stood the tests of the description.
    pub tested: Tested,
}

/// How bytes stood what a description says that they must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tested {
    /// Bytes of fields that hold the magic they must; a magic of zeroes says nothing.
    pub magic_bytes: u64,
    /// Fields that do not.
    pub magic_broken: u64,
    /// Checks that hold.
    pub checks_held: u64,
    /// Checks that do not.
    pub checks_broken: u64,
}

/// A value and what there is to say of it.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The tree.
    pub value: Value,
    /// What is missing, or wrong.
    pub remarks: Remarks,
}

/// A field or an element on the way from the root.
#[derive(Clone, Copy, Debug)]
enum Step<'t> {
    Field(&'t str),
    Element(u64),
}

/// What an expression may ask for of a struct that is being read.
#[derive(Clone, Debug, Default)]
struct Frame {
    start: u64,
    /// Field index, and its value.
    remembered: Vec<(usize, Remembered)>,
}

#[derive(Clone, Debug)]
enum Remembered {
    Number(i128),
    Struct(Vec<(usize, Remembered)>),
}

/// The decoder at work.
pub struct Decoder<'t, 'w, 'c, 'b> {
    window: &'w mut Window<'c>,
    machine: Machine,
    limits: Limits,
    budget: &'b Budget,
    remarks: Remarks,
    path: Vec<Step<'t>>,
    frames: Vec<Frame>,
    depth: u32,
    nodes: u64,
    /// Whether a limit ended it.
    over: bool,
    /// Where the space that holds what is read ends.
    bound: u64,
    /// Bytes from the innermost struct's start to where its next field would begin.
    here: u64,
    /// The value of the last integer, for whoever remembers it.
    last_number: Option<i128>,
    /// The remembered fields of the last struct.
    last_struct: Option<Vec<(usize, Remembered)>>,
}

/// Decodes `kind` at `at` into a tree.
///
/// # Errors
/// [`Error::Read`].
///
/// ```
/// use coreinspect::types::contents::Window;
/// use coreinspect::types::decode::{Limits, decode};
/// use coreinspect::types::{Field, Integer, Struct, Type};
/// use coreinspect::types::value::Kind;
/// use coreinspect::types::Budget;
/// use coreinspect::machine::{ByteOrder, Class, Machine};
///
/// let pair = Type::from(Struct {
///     fields: vec![Field::new("id", Integer::new(1, false).into()), Field::new("count", Integer::new(4, false).into())],
///     ..Struct::default()
/// });
/// // C's alignment: three bytes of padding behind the first field.
/// let bytes = [7, 0, 0, 0, 0, 0, 1, 0].as_slice();
/// let machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };
/// let decoded = decode(&pair, 0, &mut Window::new(&bytes), machine, Limits::default(), &Budget::unlimited())?;
/// let Kind::Struct(members) = decoded.value.kind else { unreachable!() };
/// assert_eq!(members[1].value.offsets.to_string(), "0x4-0x8");
/// # Ok::<(), coreinspect::Error>(())
/// ```
pub fn decode(
    kind: &Type,
    at: u64,
    window: &mut Window<'_>,
    machine: Machine,
    limits: Limits,
    budget: &Budget,
) -> Result<Decoded, Error> {
    let mut tree = Tree::new(budget);
    let remarks = decode_into(kind, at, window, machine, limits, budget, &mut tree)?;
    Ok(Decoded { value: tree.into_value().unwrap_or_else(|| Value::missing(span(at, at))), remarks })
}

/// Decodes `kind` at `at` and tells `sink`.
///
/// # Errors
/// [`Error::Read`].
pub fn decode_into(
    kind: &Type,
    at: u64,
    window: &mut Window<'_>,
    machine: Machine,
    limits: Limits,
    budget: &Budget,
    sink: &mut impl Sink,
) -> Result<Remarks, Error> {
    let settled = kind.on(machine);
    let bound = window.contents().end().get();
    let mut decoder = Decoder {
        window,
        machine,
        limits,
        budget,
        remarks: Remarks::default(),
        path: Vec::new(),
        frames: Vec::new(),
        depth: 0,
        nodes: 0,
        over: false,
        bound,
        here: 0,
        last_number: None,
        last_struct: None,
    };
    decoder.kind(&settled, at, sink)?;
    decoder.remarks.limits.extend(budget.told().map(|spent| spent.to_string()));
    Ok(decoder.remarks)
}

impl<'t> Decoder<'t, '_, '_, '_> {
    /// Decodes `kind` at `at` and answers where it ends.
    fn kind(&mut self, kind: &'t Type, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        self.last_number = None;
        self.last_struct = None;
        self.nodes = self.nodes.saturating_add(1);
        self.over |= !self.budget.step() || sink.is_full();
        match kind {
            Type::Integer(integer) => self.integer(integer, at, sink),
            Type::Float(float) => self.float(*float, at, sink),
            Type::Pointer(pointer) => self.pointer(pointer, at, sink),
            Type::Text(text) => self.text(text, at, sink),
            Type::Bytes(count) => self.raw_bytes(count, at, sink),
            Type::Array(_) | Type::Struct(_) | Type::Switch(_) if self.depth >= self.limits.depth => {
                self.limit(format!("values are nested more than {} deep: not read", self.limits.depth));
                sink.value(span(at, at), Cow::Owned(Kind::Missing));
                Ok(at)
            }
            Type::Array(array) => self.deeper(|decoder| decoder.array(array, at, sink)),
            Type::Struct(fields) => self.deeper(|decoder| decoder.fields(fields, at, false, sink)),
            Type::Switch(switch) => self.deeper(|decoder| decoder.switch(switch, at, sink)),
            Type::Encoded(encoded) => self.encoded(encoded, at, sink),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        self.depth = self.depth.saturating_add(1);
        let result = read(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn switch(&mut self, switch: &'t Switch, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        let value = switch.on.value(self);
        let chosen = value.and_then(|value| switch.chosen(value));
        let end = match chosen {
            Some(kind) => self.kind(kind, at, sink)?,
            None => {
                sink.value(
                    span(at, at),
                    Cow::Owned(if value.is_some() { Kind::Nothing } else { Kind::Missing }),
                );
                at
            }
        };
        Ok(switch.size.and_then(|size| at.checked_add(size)).unwrap_or(end))
    }

    fn encoded(&mut self, encoded: &'t Encoded, at: u64, sink: &mut impl Sink) -> Result<u64, Error> {
        let (count, end) = self.extent(&encoded.length, at);
        let end = count.map_or(end, |count| at.saturating_add(count));
        let readable = end.min(self.bound);
        let length = usize::try_from(readable.saturating_sub(at)).unwrap_or(usize::MAX);
        // The bytes, and one text of them with its escapes, are there at once: of many the first are read, and may be all
        // that is used.
        let most = self.budget.left() / 4;
        let read = (length as u64).min(most);
        let room = read.saturating_mul(3);
        let cut = read < length as u64;
        let before = self.budget.left();
        self.budget.keep(room);
        let length = usize::try_from(read).unwrap_or(length);
        let decoded = self.collect(at, length)?;
        let decoded =
            decoded.map(|bytes| encoded.encoding.decode(&bytes, SegmentOffset::new(at), self.budget));
        self.budget.free(room);
        match decoded {
            None => self.missing(at, readable, sink),
            Some(Ok(value)) => {
                sink.value(value.offsets, Cow::Owned(value.kind));
                if !sink.keeps() {
                    self.budget.free(before.saturating_sub(self.budget.left()));
                }
            }
            Some(Err(stop)) => {
                match stop {
                    Stop::Spent => {}
                    Stop::Wrong(_) if cut => {
                        let message =
                            format!("stopped after {read} bytes: this dump may take no more memory");
                        self.limit(message);
                    }
                    Stop::Wrong(problem) => {
                        let name = encoded.encoding.name();
                        self.finding(span(at, readable), || format!("no {name}: {problem}"));
                    }
                }
                self.some_bytes(at, readable, sink)?;
            }
        }
        if let Some(lock) = encoded.encoding.lock() {
            self.lock(lock, at, readable);
        }
        Ok(end)
    }

    /// `length` bytes at `at`, which may be more than a window holds; `None` if one is missing.
    fn collect(&mut self, at: u64, length: usize) -> Result<Option<Vec<u8>>, Error> {
        let mut bytes = Vec::new();
        while let Some(left) = length.checked_sub(bytes.len()).filter(|left| *left > 0) {
            let Some(next) = at.checked_add(bytes.len() as u64) else { return Ok(None) };
            let some = self.window.some_bytes(next, self.budget)?;
            if some.is_empty() {
                return Ok(None);
            }
            bytes.extend_from_slice(some.get(..left).unwrap_or(some));
        }
        Ok(Some(bytes))
    }
}

impl Scope for Decoder<'_, '_, '_, '_> {
    fn field(&self, reference: &Reference) -> Option<i128> {
        let frame = self.frames.get(self.frames.len().checked_sub(reference.up.checked_add(1)?)?)?;
        let mut fields = &frame.remembered;
        let mut path = reference.path.iter().peekable();
        while let Some(index) = path.next() {
            let (_, found) = fields.iter().rev().find(|(known, _)| known == index)?;
            match (found, path.peek()) {
                (Remembered::Number(value), None) => return Some(*value),
                (Remembered::Struct(inner), Some(_)) => fields = inner,
                _ => return None,
            }
        }
        None
    }

    fn here(&self) -> Option<i128> {
        Some(self.here.into())
    }

    fn segment_size(&self) -> Option<i128> {
        Some(self.window.contents().end().get().into())
    }

    fn long_size(&self) -> Option<i128> {
        Some(self.machine.class.long() as i128)
    }
}

/// Offsets from `start` to `end`, or none if they are reversed.
fn span(start: u64, end: u64) -> Interval<SegmentOffset> {
    Interval::clamped(SegmentOffset::new(start), end.saturating_sub(start))
}
