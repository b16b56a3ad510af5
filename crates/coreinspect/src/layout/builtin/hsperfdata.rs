//! What HotSpot counts of itself: the file /tmp/hsperfdata_USER/PID, which every such JVM maps, and jstat and jps read.
//!
//! OpenJDK src/hotspot/share/runtime/perfMemory.hpp (`PerfDataPrologue`, `PerfDataEntry`), version 2.0. The magic is
//! big-endian whatever the machine, the rest in the byte order that the prologue names. Each entry has its name and its
//! value at offsets of its own.

use std::borrow::Cow;
use std::sync::Arc;

use super::written::{Group, at, bytes, each, text, with_fields, written};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::machine::ByteOrder;
use crate::types::{Field, Type};

/// See the module.
#[derive(Debug)]
pub(super) struct Hsperfdata;

const MAGIC: [u8; 4] = [0xca, 0xfe, 0xc0, 0xc0];
const PROLOGUE: &str = "
    hex u32be magic = 0xcafec0c0;
    u8 byte_order { 0=big 1=little };
    u8 major;
    u8 minor;
    u8 accessible;
    i32 used;
    i32 overflow;
    i64 mod_time_stamp;
    i32 entry_offset;
    i32 num_entries;
";
/// Bytes of the prologue, and of an entry before its name.
const PROLOGUE_SIZE: u64 = 32;
const ENTRY_SIZE: u64 = 20;
/// Entries that are followed: a JVM has some 300.
const MOST_ENTRIES: u64 = 4096;
/// Bytes of a name, at most.
const MOST_NAME: usize = 256;

/// A counter.
struct Entry {
    name: String,
    /// `J`: a long; `B`: bytes, of which `length` are text.
    kind: u8,
    length: u64,
    value: u64,
}

/// Where the first entry stands, how many there are, and how many bytes are in use, if the prologue is in order.
fn prologue(subject: &Subject<'_>) -> Option<(u64, u64, u64)> {
    let order = match subject.machine.byte_order {
        ByteOrder::Little => 1,
        ByteOrder::Big => 0,
    };
    let number = |offset| subject.i32(offset).and_then(|number| u64::try_from(number).ok());
    let (used, entries, count) = (number(8)?, number(24)?, number(28)?);
    let sane = subject.has(0, &MAGIC)
        && subject.u8(4)? == order
        && subject.u8(5)? == 2
        && entries >= PROLOGUE_SIZE
        && used <= subject.length();
    sane.then_some((entries, count, used))
}

/// The entries, as far as each is in order and within `used` bytes.
fn entries(subject: &Subject<'_>) -> Vec<Entry> {
    let Some((first, count, used)) = prologue(subject) else { return Vec::new() };
    let mut at = first;
    let mut entries = Vec::new();
    for _ in 0..count.min(MOST_ENTRIES) {
        let Some((entry, length)) = entry(subject, at, used) else { break };
        entries.push(entry);
        let Some(next) = at.checked_add(length) else { break };
        at = next;
    }
    entries
}

fn entry(subject: &Subject<'_>, start: u64, used: u64) -> Option<(Entry, u64)> {
    let number = |offset: u64| u64::try_from(subject.i32(start.checked_add(offset)?)?).ok();
    let (length, name, elements, value) = (number(0)?, number(4)?, number(8)?, number(16)?);
    let kind = subject.u8(start.checked_add(12)?)?;
    let room = value.checked_sub(name)?;
    let fits =
        length >= ENTRY_SIZE && start.checked_add(length)? <= used && name >= ENTRY_SIZE && value <= length;
    if !fits || !matches!(kind, b'J' | b'B') {
        return None;
    }
    let bytes = subject.some_bytes(start.checked_add(name)?, usize::try_from(room).ok()?.min(MOST_NAME));
    let bytes = bytes.split(|byte| *byte == 0).next()?;
    let name = std::str::from_utf8(bytes).ok().filter(|name| !name.is_empty())?.to_owned();
    let room = length.checked_sub(value)?;
    let (elements, room) = if kind == b'J' { (8, room) } else { (elements, room) };
    (elements <= room).then_some(())?;
    Some((Entry { name, kind, length: elements, value: start.checked_add(value)? }, length))
}

impl Layout for Hsperfdata {
    fn name(&self) -> Cow<'_, str> {
        "hsperfdata".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "the counters of a HotSpot JVM (/tmp/hsperfdata_USER/PID; --kind 'file:*/hsperfdata_*')".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("openjdk/jdk:src/hotspot/share/runtime/perfMemory.hpp")
    }

    fn recognises(&self) -> Vec<String> {
        vec!["magic 0xcafec0c0 at 0x0, version 2".to_owned()]
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| start.bytes.starts_with(&MAGIC))
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        if !subject.has(0, &MAGIC) {
            return Verdict::No;
        }
        let mut reasons = vec!["the magic of HotSpot's counters, 0xcafec0c0".to_owned()];
        let Some((_, count, _)) = prologue(subject) else {
            reasons.push("but its byte order, version and sizes are not in order".to_owned());
            return Verdict::Possible(reasons);
        };
        let found = entries(subject).len() as u64;
        if found < count {
            reasons.push(format!("of {count} counters {found} are in order"));
            return Verdict::Likely(reasons);
        }
        reasons.push(format!("its {count} counters are in order"));
        Verdict::Certain(reasons)
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let header = written(subject, PROLOGUE)?;
        let long = written(subject, "i64 value;").map(only_field)?;
        let group = Group::new(subject, "counters")?;
        let counters = each(entries(subject), |entry| {
            let kind = match (entry.kind, &long) {
                (b'J', Some(long)) => long.clone(),
                (b'B', _) => text(entry.length),
                _ => bytes(entry.length),
            };
            at(subject, entry.value, &entry.name, kind)
        })?;
        if counters.is_empty() {
            return Ok(Arc::new(header));
        }
        with_fields(header, [group.of(counters)]).map(Arc::new)
    }
}

/// The type of the one field of a struct.
fn only_field(kind: Type) -> Option<Type> {
    match kind {
        Type::Struct(inner) => inner.fields.first().map(|field: &Field| field.kind.clone()),
        _ => None,
    }
}
