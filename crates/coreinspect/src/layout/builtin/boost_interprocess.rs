//! A managed segment of Boost.Interprocess (`managed_xsi_shared_memory`): its named objects.
//!
//! boostorg/interprocess, read in 1.74 (Debian 12) and 1.87: detail/managed_open_or_create_impl.hpp (the state),
//! mem_algo/rbtree_best_fit.hpp (`header_t`, behind the state, aligned), segment_manager.hpp (`header_t`: a recursive
//! mutex and two indices), detail/segment_manager_helper.hpp (`block_header`), offset_ptr.hpp (a pointer counts from
//! itself; 1 is null; the color of a tree's node is bit 1 of its parent). A mutex is a `pthread_mutex_t`. With the other
//! indices and algorithms that a program may choose, the named objects are not found.

use std::borrow::Cow;
use std::sync::Arc;

use super::written::{Group, at, bytes, each, text, unnamed, with_fields, written};
use crate::layout::fields::{Fields, many};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::machine::Class;
use crate::types::expression::Expression;
use crate::types::value::Value;
use crate::types::{Characters, Extent, Field, Stop, Text, Type};

/// See the module.
#[derive(Debug)]
pub(super) struct BoostInterprocess;

const STATE: &str = "u32 state { 0=uninitialized 1=initializing 2=ready 3=corrupted };";
const READY: u32 = 2;
/// Objects of an index that are followed.
const OBJECTS: usize = 4096;
/// ELF machine numbers (elf.h) whose layouts are not those of their word size.
const EM_386: u16 = 3;
const EM_AARCH64: u16 = 183;

/// Where the parts stand, by machine.
struct Places {
    word: u64,
    /// `m_extra_hdr_bytes`, `m_allocated`, `m_size`.
    sizes: u64,
    /// The number of names and the root of their tree.
    named: u64,
    unique: u64,
    /// What `m_size` counts from.
    manager: u64,
}

impl Places {
    fn of(subject: &Subject<'_>) -> Option<Places> {
        // sizeof(pthread_mutex_t) of glibc.
        let (word, mutex, manager): (u64, u64, u64) = match (subject.machine.class, subject.machine.number) {
            (Class::Bits64, EM_AARCH64) => (8, 48, 16),
            (Class::Bits64, _) => (8, 40, 16),
            (Class::Bits32, EM_386) => (4, 24, 4),
            (Class::Bits32, _) => (4, 24, 8),
        };
        // A count, then the parent, left and right of the tree's header.
        let tree = word.checked_mul(4)?;
        let sizes = manager.checked_add(mutex)?.checked_add(tree)?;
        let named = sizes.checked_add(word.checked_mul(3)?)?.checked_add(mutex)?;
        Some(Places { word, sizes, named, unique: named.checked_add(tree)?, manager })
    }
}

/// What `block_header` looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Abi {
    /// Up to Boost 1.86: the value's bytes, the name's length, the value's alignment, type and character size.
    One,
    /// From 1.87 on: type and the value's bytes in one word; the name's length stands behind the value.
    Two,
}

struct Object {
    name_at: u64,
    name_length: u64,
    character: u64,
    value: u64,
    length: u64,
}

/// What an `offset_ptr` at `at` points to; `None` is null.
fn pointed(subject: &Subject<'_>, at: u64, word: u64) -> Option<u64> {
    const COLOR: u64 = 2;
    let difference = subject.long(at)? & !COLOR;
    let wraps = if word == 4 { u64::from(u32::MAX) } else { u64::MAX };
    (difference != 1).then(|| at.wrapping_add(difference) & wraps)
}

impl Abi {
    /// The object whose node of the tree is at `node`, if its header is in order.
    fn object(self, subject: &Subject<'_>, node: u64, kind: u8, places: &Places) -> Option<Object> {
        let word = places.word;
        let header = node.checked_add(word.checked_mul(3)?)?;
        let first = subject.long(header)?;
        let (value, length, name_at, count, character) = match self {
            Abi::One => {
                let second = header.checked_add(word)?;
                let (count, alignment) =
                    (subject.u16(second)?, u64::from(subject.u8(second.checked_add(2)?)?));
                let packed = subject.u8(second.checked_add(3)?)?;
                let character = u64::from(packed & 0x1f);
                if packed >> 5 != kind || !matches!(character, 1 | 2 | 4) || !alignment.is_power_of_two() {
                    return None;
                }
                let value = word.checked_mul(2)?.checked_next_multiple_of(alignment)?;
                let value = header.checked_add(value)?;
                let name_at = value.checked_add(first.checked_next_multiple_of(character)?)?;
                (value, first, name_at, count, character)
            }
            Abi::Two => {
                if first & 3 != u64::from(kind) {
                    return None;
                }
                let (value, length) = (header.checked_add(word)?, first >> 2);
                let counted = value.checked_add(length.checked_next_multiple_of(2)?)?;
                (value, length, counted.checked_add(2)?, subject.u16(counted)?, 1)
            }
        };
        let name_length = u64::from(count).checked_mul(character)?;
        // The name is a string of C: a NUL ends it, and none stands in it.
        let end = name_at.checked_add(name_length)?;
        let name = subject.bytes(name_at, usize::try_from(name_length).ok()?)?;
        let characters: Option<Vec<u32>> = name
            .chunks(usize::try_from(character).ok()?)
            .map(|bytes| {
                // A character is the target's number; names are mostly of one byte.
                let bytes = bytes.iter().fold(0_u32, |sum, byte| sum | u32::from(*byte));
                (bytes != 0).then_some(bytes)
            })
            .collect();
        let ended = subject.bytes(end, usize::try_from(character).ok()?)?.iter().all(|byte| *byte == 0);
        (characters.is_some() && ended && end < subject.length()).then_some(Object {
            name_at,
            name_length,
            character,
            value,
            length,
        })
    }
}

/// The objects of the index at `at`, by their tree, if all are in order and as many as it counts.
fn index(subject: &Subject<'_>, at: u64, kind: u8, places: &Places, abi: Abi) -> Option<Vec<Object>> {
    let count = usize::try_from(subject.long(at)?).ok()?;
    let word = places.word;
    let root = pointed(subject, at.checked_add(word)?, word);
    let mut objects = Vec::new();
    let mut nodes: Vec<u64> = root.into_iter().collect();
    // What is left of a node comes before it, what is right of it behind it; the order does not matter here.
    while let Some(node) = nodes.pop() {
        if objects.len() >= count.min(OBJECTS) {
            return None;
        }
        objects.push(abi.object(subject, node, kind, places)?);
        let (left, right) = (node.checked_add(word)?, node.checked_add(word.checked_mul(2)?)?);
        nodes.extend(pointed(subject, right, word));
        nodes.extend(pointed(subject, left, word));
    }
    (objects.len() == count).then_some(objects)
}

struct Indices {
    named: Vec<Object>,
    unique: Vec<Object>,
}

impl Indices {
    fn of(subject: &Subject<'_>, places: &Places) -> Option<Indices> {
        let read = |abi| {
            let named = index(subject, places.named, 1, places, abi)?;
            Some(Indices { named, unique: index(subject, places.unique, 2, places, abi)? })
        };
        read(Abi::One).or_else(|| read(Abi::Two))
    }
}

/// Whether the algorithm's mutex and the recursive one of the indices are mutexes of glibc that processes share: `__kind`
/// (sysdeps/nptl/bits/struct_mutex.h) with `PTHREAD_MUTEX_PSHARED_BIT`.
fn mutexes(subject: &Subject<'_>, places: &Places) -> bool {
    const SHARED: u32 = 128;
    const RECURSIVE: u32 = 1;
    let kind_at = if places.word == 8 { 16 } else { 12 };
    let kind = |mutex: u64| subject.u32(mutex.checked_add(kind_at)?);
    let of_the_indices = places.sizes.saturating_add(places.word.saturating_mul(3));
    kind(places.manager) == Some(SHARED) && kind(of_the_indices) == Some(SHARED | RECURSIVE)
}

/// The segment manager's sizes, if they fit each other and the segment.
fn size(subject: &Subject<'_>, places: &Places) -> Option<u64> {
    let word = places.word;
    let extra = subject.long(places.sizes)?;
    let allocated = subject.long(places.sizes.checked_add(word)?)?;
    let size = subject.long(places.sizes.checked_add(word.checked_mul(2)?)?)?;
    let unused = subject.length().checked_sub(size.checked_add(places.manager)?)?;
    (extra < size && allocated <= size && unused < 65536).then_some(size)
}

impl Layout for BoostInterprocess {
    fn name(&self) -> Cow<'_, str> {
        "boost-interprocess".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "named objects of a managed_xsi_shared_memory of Boost.Interprocess".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("boost 1.74, 1.87: interprocess/mem_algo/rbtree_best_fit.hpp, segment_manager.hpp")
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| start.u32(0) == Some(READY))
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let sizes = Places::of(subject).and_then(|places| Some((size(subject, &places)?, places)));
        let Some((size, places)) = sizes.filter(|_| subject.u32(0) == Some(READY)) else {
            return Verdict::No;
        };
        let mut reasons = vec![
            "the state at 0 is 2 (ready)".to_owned(),
            format!("a segment manager of {size} bytes at {} fills the segment", places.manager),
        ];
        match Indices::of(subject, &places) {
            // No object proves nothing: zeroes and ones are everywhere.
            Some(Indices { named, unique })
                if named.is_empty() && unique.is_empty() && !mutexes(subject, &places) =>
            {
                Verdict::No
            }
            Some(Indices { named, unique }) => {
                let (named, unique) = (named.len(), unique.len());
                reasons.push(format!("{named} named and {unique} unique objects, as many as it counts"));
                Verdict::Certain(reasons)
            }
            None if mutexes(subject, &places) => {
                reasons.push("mutexes where its own stand, which processes may share".to_owned());
                reasons.push("its objects are not in trees of names: other indices".to_owned());
                Verdict::Likely(reasons)
            }
            None => Verdict::No,
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let places = Places::of(subject).ok_or("no place for a segment manager")?;
        let sizes = written(subject, "size_t extra_header_bytes; size_t allocated; size_t size;")?;
        let mut fields = vec![unnamed(subject, places.sizes, sizes)?];
        if let Some(Indices { named, unique }) = Indices::of(subject, &places) {
            let groups = [Group::new(subject, "named")?, Group::new(subject, "unique")?];
            for (group, objects) in groups.into_iter().zip([named, unique]) {
                fields.push(group.of(each(&objects, |one| object(subject, one))?));
            }
        }
        with_fields(written(subject, STATE)?, fields).map(Arc::new)
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let state = fields.name("state").unwrap_or("in no known state");
        let objects = fields.count("named").saturating_add(fields.count("unique"));
        let used = fields.number("allocated").zip(fields.number("size"));
        let used =
            used.map_or_else(String::new, |(used, size)| format!(", {used} of {size} bytes allocated"));
        Some(format!("Boost.Interprocess: {state}, {}{used}", many(objects, "object")))
    }
}

/// An object: its name, and its bytes, whose type only the program knows.
fn object(subject: &Subject<'_>, object: &Object) -> Result<Field, Stop> {
    let name = match object.character {
        1 => text(object.name_length),
        wide => Type::Text(Text {
            extent: Extent::Room(Expression::from(object.name_length.checked_div(wide).unwrap_or(0))),
            characters: if wide == 2 { Characters::Utf16 } else { Characters::Utf32 },
            measured: false,
        }),
    };
    let called = match object.character {
        1 => {
            let bytes = subject.bytes(object.name_at, usize::try_from(object.name_length).unwrap_or(0));
            String::from_utf8_lossy(&bytes.ok_or(Stop::Spent)?).into_owned()
        }
        _ => format!("{:#x}", object.name_at),
    };
    let whole = Group::new(subject, &called)?;
    let value = at(subject, object.value, "value", bytes(object.length))?;
    Ok(whole.of(vec![at(subject, object.name_at, "name", name)?, value]))
}
