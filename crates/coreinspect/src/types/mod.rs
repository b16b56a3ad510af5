//! What bytes mean. One description, whoever wrote it: a line of text, a C header, DWARF, a layout file, a built-in.
//!
//! A [`Type`] does not know the machine: byte order, and the width of `long` and pointers, come with the bytes. So one
//! type reads the dump of an s390x and of an i386 alike, unless it says otherwise ([`Integer::order`],
//! [`Width::Bytes`], [`Place::At`]).

mod budget;
pub mod contents;
pub mod decode;
pub mod encoding;
pub mod expression;
mod outline;
mod size;
pub mod value;

pub use budget::{Budget, Paid, Spent, Stop};
pub use outline::{Line, outline, spelled};
pub(crate) use size::{BitPlace, align};

use std::sync::Arc;

use crate::lock_shapes::Kind;
use crate::machine::ByteOrder;
use encoding::Encoding;
use expression::Expression;

/// What bytes mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A whole number, or what is stored as one: a character, an enum, a time.
    Integer(Integer),
    /// A floating-point number.
    Float(Float),
    /// An address.
    Pointer(Pointer),
    /// Characters.
    Text(Text),
    /// Bytes without a meaning, shown as hex.
    Bytes(Count),
    /// The same type several times.
    Array(Arc<Array>),
    /// Fields, side by side or on top of each other (a union).
    Struct(Arc<Struct>),
    /// One of several types: which one, a field before it says (a tagged union).
    Switch(Arc<Switch>),
    /// Bytes in an encoding of their own.
    Encoded(Encoded),
}

/// Bytes of an integer or a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// So many, 1 to 16.
    Bytes(u8),
    /// Those of the target's `long` and pointers: 4 or 8.
    Long,
}

/// A whole number.
#[derive(Clone, Debug, PartialEq)]
pub struct Integer {
    /// Its bytes; for a bit field those of the unit that holds its bits.
    pub width: Width,
    /// Whether the highest bit is a sign (two's complement).
    pub signed: bool,
    /// Its byte order; `None` is the target's.
    pub order: Option<ByteOrder>,
    /// The bits of it that count; `None` is all.
    pub bits: Option<Bits>,
    /// What it stands for.
    pub meaning: Meaning,
}

/// The bits of a bit field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits {
    /// How many bits of less worth stand below it in its unit, once that was read in its byte order.
    pub shift: u8,
    /// How many bits it has, 1 to 128.
    pub count: u8,
}

/// What an integer stands for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Meaning {
    /// A number.
    #[default]
    Number,
    /// A number that people write in hex: a magic, a mask, an address in a foreign space.
    Hexadecimal,
    /// A character.
    Character,
    /// False or true.
    Boolean,
    /// A time since 1970-01-01 00:00 UTC.
    Time(TimeUnit),
    /// One of named values (an enum).
    Names(Arc<Names>),
    /// A sum of named bits.
    Flags(Arc<Names>),
}

/// The unit of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// Seconds (time_t).
    Seconds,
    /// 10^-3 s.
    Milliseconds,
    /// 10^-6 s.
    Microseconds,
    /// 10^-9 s.
    Nanoseconds,
}

/// Names of values, or of bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    by_value: Vec<(i128, Arc<str>)>,
    other: Option<Arc<str>>,
}

impl Names {
    /// Sorted by value; of equal values the first name counts.
    pub fn new(names: impl IntoIterator<Item = (i128, Arc<str>)>) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_by_key(|(value, _)| *value);
        names.dedup_by_key(|(value, _)| *value);
        Self { by_value: names, other: None }
    }

    /// The same, and a name for every other value: the niches of a Rust enum leave all of them to one variant.
    pub fn with_other(self, other: Option<Arc<str>>) -> Self {
        Self { other, ..self }
    }

    /// The name of `value`.
    pub fn get(&self, value: i128) -> Option<&Arc<str>> {
        let at = self.by_value.binary_search_by_key(&value, |(known, _)| *known).ok();
        at.and_then(|at| self.by_value.get(at)).map(|(_, name)| name).or(self.other.as_ref())
    }

    /// The name of every value that has none of its own.
    pub fn other(&self) -> Option<&Arc<str>> {
        self.other.as_ref()
    }

    /// The names of the bits that are set in `value`, lowest first. A mask of several bits counts if all are set.
    pub fn of_bits(&self, value: i128) -> impl Iterator<Item = &Arc<str>> {
        self.by_value
            .iter()
            .filter(move |(mask, _)| *mask != 0 && value & mask == *mask)
            .map(|(_, name)| name)
    }

    /// Values and names, by value.
    pub fn iter(&self) -> impl Iterator<Item = &(i128, Arc<str>)> {
        self.by_value.iter()
    }
}

/// A floating-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Float {
    /// How it is stored.
    pub format: FloatFormat,
    /// Its byte order; `None` is the target's.
    pub order: Option<ByteOrder>,
}

/// How a floating-point number is stored (IEEE 754; for the x87 format Intel SDM volume 1, 4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloatFormat {
    /// 2 bytes.
    Half,
    /// 4 bytes: `float`.
    Single,
    /// 8 bytes: `double`.
    Double,
    /// The 80-bit format of the x87, in 12 (i386) or 16 (x86-64) bytes: `long double`.
    Extended(u8),
    /// 16 bytes: `long double` of aarch64, riscv64 and s390x.
    Quadruple,
    /// 16 bytes, the sum of two doubles of which the greater stands first: `long double` of PowerPC (Power
    /// Architecture 32-bit ABI supplement 1.0, 3.1.2.1).
    DoubleDouble,
}

/// An address.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointer {
    /// Its bytes.
    pub width: Width,
    /// Its byte order; `None` is the target's.
    pub order: Option<ByteOrder>,
    /// The name of the type that it points to.
    pub to: Option<Arc<str>>,
}

/// Characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Where it ends.
    pub extent: Extent,
    /// How a character is stored.
    pub characters: Characters,
    /// Whether its length, and whether its NUL is there, are part of its value.
    pub measured: bool,
}

/// Where text ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Extent {
    /// At its NUL, which is a part of it, or where what holds it ends.
    Nul,
    /// It has room for so many characters; a NUL before that ends the text, not the room.
    Room(Expression),
}

/// How characters are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Characters {
    /// One byte each, or more: ASCII, UTF-8, whatever.
    Bytes,
    /// UTF-16 (`char16_t`, .NET and Java strings).
    Utf16,
    /// UTF-32 (`char32_t`, `wchar_t` on Linux).
    Utf32,
}

/// How many.
#[derive(Clone, Debug, PartialEq)]
pub enum Count {
    /// So many.
    Exactly(Expression),
    /// As many as fit before the end of what holds them.
    ToEnd,
    /// As many as fit before this offset, counted from where the struct begins that holds them.
    Until(Expression),
}

/// The same type several times, without gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The type.
    pub element: Type,
    /// How often.
    pub count: Count,
}

/// Fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Struct {
    /// As its language names it, `struct queue`; `None` if it has no name.
    pub name: Option<Arc<str>>,
    /// Its fields, in the order in which they are read.
    pub fields: Vec<Field>,
    /// Whether all fields begin where it does.
    pub union: bool,
    /// Whether fields follow each other without alignment, and it ends with the last.
    pub packed: bool,
    /// Its bytes; `None`: up to its last field's end, aligned.
    pub size: Option<Expression>,
    /// Bytes of which its address is a multiple; `None`: the greatest of its fields'.
    pub aligned: Option<u64>,
    /// What holds if it is in order.
    pub checks: Vec<Check>,
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name; `None`: it has none, and its own fields stand in the struct.
    pub name: Option<Arc<str>>,
    /// What it is.
    pub kind: Type,
    /// Where it is.
    pub place: Place,
    /// It is there only if this is not 0.
    pub when: Option<Box<Expression>>,
    /// What it holds if all is in order: a magic.
    pub expected: Option<Box<Expected>>,
    /// Whether an expression behind it asks for its value.
    pub remembered: bool,
    /// Whether it is room alone, and no value.
    pub padding: bool,
}

/// Where a field begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Where the field before it ends, aligned as its type asks unless the struct is packed.
    Next,
    /// Directly behind the bits before it, as C packs bit fields: in the unit of its type that holds those if it fits
    /// there, else in the next; in a packed struct without any gap. From the low bits of a unit on where the lowest
    /// byte stands first, from the high bits where the highest does (System V ABIs). The field is an integer with
    /// [`Bits`], whose shift is found thus; one of no bits leads to the next unit.
    NextBits,
    /// So many bytes behind the struct's start.
    At(Expression),
    /// So many bytes behind the start of all: of the segment.
    InSegment(Expression),
}

/// What a field must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This number.
    Number(i128),
    /// These bytes, as the first of its text.
    Bytes(Arc<[u8]>),
}

/// What must hold of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Not 0 if all is in order.
    pub holds: Expression,
    /// What it means if it does not hold: "torn write".
    pub says: Arc<str>,
}

/// One of several types.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// What chooses.
    pub on: Expression,
    /// The first value, the last, and the type that they choose.
    pub cases: Vec<(i128, i128, Type)>,
    /// The type for all other values; `None` is nothing.
    pub otherwise: Option<Type>,
    /// Bytes that it takes whichever is chosen (a C union); `None`: those of the chosen type.
    pub size: Option<u64>,
}

/// Bytes in an encoding of their own.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// Which one.
    pub encoding: &'static dyn Encoding,
    /// Its bytes.
    pub length: Count,
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.encoding.name() == other.encoding.name() && self.length == other.length
    }
}

impl Switch {
    /// The type that `value` chooses.
    pub fn chosen(&self, value: i128) -> Option<&Type> {
        let case = self.cases.iter().find(|(first, last, _)| (*first..=*last).contains(&value));
        case.map(|(.., kind)| kind).or(self.otherwise.as_ref())
    }
}

impl Type {
    /// Whether a lock can be in it: a type of pthread.h or semaphore.h.
    pub fn holds_locks(&self) -> bool {
        self.holds_locks_within(size::DEPTH, &mut 10_000)
    }

    /// As [`Type::holds_locks`]; what more than `steps` steps do not tell is left to the decoder.
    fn holds_locks_within(&self, depth: u32, steps: &mut u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let Some(left) = steps.checked_sub(1) else { return true };
        *steps = left;
        match self {
            Self::Encoded(encoded) => encoded.encoding.lock().is_some(),
            Self::Array(array) => array.element.holds_locks_within(depth, steps),
            Self::Struct(fields) => {
                fields.name.as_deref().and_then(Kind::of_type).is_some()
                    || fields.fields.iter().any(|field| field.kind.holds_locks_within(depth, steps))
            }
            Self::Switch(switch) => {
                let mut cases = switch.cases.iter().map(|(.., kind)| kind).chain(&switch.otherwise);
                cases.any(|kind| kind.holds_locks_within(depth, steps))
            }
            _ => false,
        }
    }
}

impl Integer {
    /// A number of `bytes` bytes in the target's byte order.
    pub fn new(bytes: u8, signed: bool) -> Self {
        Self { width: Width::Bytes(bytes), signed, order: None, bits: None, meaning: Meaning::Number }
    }

    /// The same with a meaning.
    pub fn meaning(mut self, meaning: Meaning) -> Self {
        self.meaning = meaning;
        self
    }
}

impl Field {
    /// A field that follows the one before it.
    pub fn new(name: &str, kind: Type) -> Self {
        Self {
            name: Some(name.into()),
            kind,
            place: Place::Next,
            when: None,
            expected: None,
            remembered: false,
            padding: false,
        }
    }

    /// The same, `offset` bytes behind the struct's start.
    pub fn at(mut self, offset: u64) -> Self {
        self.place = Place::At(Expression::from(offset));
        self
    }
}

impl From<Integer> for Type {
    fn from(integer: Integer) -> Self {
        Self::Integer(integer)
    }
}

impl From<Struct> for Type {
    fn from(fields: Struct) -> Self {
        Self::Struct(Arc::new(fields))
    }
}
