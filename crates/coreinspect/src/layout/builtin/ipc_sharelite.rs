//! Perl's IPC::ShareLite, and IPC::Shm::Simple, which comes from it.
//!
//! IPC::ShareLite 0.17 (AndyA/IPC--ShareLite@089d6616: sharelite.h, sharelite.c) has no magic. A value begins in a first
//! segment and goes on in others of the same size, which `next_shmid` names; a core dump has no shmid, but their keys
//! follow each other. `length` (bytes of the whole value), `shm_state` (changes when segments are removed) and `version`
//! (writes, from 1) count in the first segment alone. IPC::Shm::Simple (its sharelite.h) puts the magic "PERL" in front
//! and a descriptor behind it.
//!
//! Four small numbers are no proof: pixels and counters look so too. So a value must end where the header says, and be such as
//! Perl's programs store: text, or what Storable froze. A value that goes on is believed where the dump has
//! the segment that it goes on in, and that one where it has the one before it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use shmcore::Key;

use super::is_text;
use super::written::{at, text_or_bytes, unnamed, with_fields, written};
use crate::layout::fields::{Fields, many};
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::position::SegmentOffset;
use crate::types::Budget;
use crate::types::encoding::storable::{Storable, is_frozen, thaw};
use crate::types::expression::Expression;
use crate::types::value::Value;
use crate::types::{Count, Encoded, Type};

/// See the module.
#[derive(Debug)]
pub(super) struct IpcShareLite;

const HEADER: &str = "i32 next_shmid; i32 length; u32 shm_state; u32 version;";
const HEADER_SIZE: u64 = 16;
/// `SHARELITE_MAGIC` of IPC::Shm::Simple.
const MAGIC: u32 = 0x4c52_4550;
const SIMPLE: &str = "u32 shm_magic = 0x4c524550; i32 next_shmid;";
const SIMPLE_SIZE: u64 = 8;
/// The first segment of IPC::Shm::Simple; later versions add `nrefs`.
const DESCRIPTOR: &str =
    "u32 shm_magic = 0x4c524550; i32 next_shmid; i32 seg_semid; i32 seg_perms; i32 data_serial;
    u32 data_length; u32 data_chunks; u32 size_topseg; u32 size_chunkseg;";
const DESCRIPTOR_SIZE: u64 = 36;

/// No kernel gives out a larger shmid for long (ipc/util.h: a counter above a small index).
const MOST_IDS: i32 = 1 << 24;

/// What a segment is.
enum Part {
    /// The first of IPC::ShareLite, with so many bytes of the value in it.
    First(u64),
    /// One that a value goes on in.
    Later,
    /// The first of IPC::Shm::Simple: where its data begin, how many of them are in it.
    SimpleFirst(u64, u64),
    SimpleLater,
}

fn part(subject: &Subject<'_>) -> Option<Part> {
    let mapped = subject.length();
    if subject.u32(0)? == MAGIC {
        let simple = || {
            let (length, chunks) = (u64::from(subject.u32(20)?), subject.u32(24)?);
            let size = u64::from(subject.u32(28)?);
            let fits = subject.i32(8)? >= 0
                && size > DESCRIPTOR_SIZE
                && size <= mapped
                && mapped.checked_sub(size)? < 65536;
            let (next, inside) = (subject.i32(4)?, size.checked_sub(DESCRIPTOR_SIZE)?);
            let chained = if chunks == 0 { length <= inside } else { next >= 0 };
            // A small count of references, where one that has it has not put its data.
            let nrefs = subject.u32(DESCRIPTOR_SIZE).filter(|nrefs| *nrefs < 256).map_or(0, |_| 4);
            let start = DESCRIPTOR_SIZE.checked_add(nrefs)?;
            (fits && chained).then(|| Part::SimpleFirst(start, length.min(size.saturating_sub(start))))
        };
        return simple().or(Some(Part::SimpleLater));
    }
    let (next, length) = (subject.i32(0)?, subject.i32(4)?);
    let (state, version) = (subject.u32(8)?, subject.u32(12)?);
    let length = u64::try_from(length).ok()?;
    let room = mapped.checked_sub(HEADER_SIZE)?;
    if next < -1 {
        return None;
    }
    if (length, state, version) == (0, 0, 0) {
        return (next == -1 || next > 0).then_some(Part::Later);
    }
    // A write makes a version of its own; segments are removed by writes alone. Text passes for numbers, but not for
    // such small ones.
    let small = length < 1 << 28 && version < 1 << 28 && state < 1 << 24;
    let counted = small && (1..=version).contains(&state) && (length == 0 || version > 1);
    // The last page need not belong to the segment whole.
    // Without a magic a chain is believed only if its numbers are such as kernels and programs give out: four letters are
    // no shmid.
    let ids = (0..MOST_IDS).contains(&next) && length < 1 << 26;
    let placed = if next == -1 { length <= room } else { ids && length > room.saturating_sub(4095) };
    (counted && placed).then(|| Part::First(length.min(room)))
}

/// Bytes of a value that are looked at.
const LOOKED_AT: u64 = 64 << 10;

/// What proves that a value is Perl's, whose `inside` bytes (of more, if it `goes_on`) are in this segment.
fn value(subject: &Subject<'_>, inside: u64, goes_on: bool) -> Option<&'static str> {
    let start = HEADER_SIZE;
    let sample = subject.some_bytes(start, usize::try_from(inside.min(LOOKED_AT)).ok()?);
    if sample.is_empty() {
        return None;
    }
    if is_frozen(&sample) {
        let whole = !goes_on && sample.len() as u64 == inside;
        return (!whole || subject.probe(|budget| thaw(&sample, SegmentOffset::new(start), budget).is_ok()))
            .then_some("the value is what Storable froze");
    }
    let used = sample.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let text =
        sample.get(..used).filter(|text| is_text(text, sample.len() as u64 >= LOOKED_AT || goes_on))?;
    // What follows a text is zero, or what is left of a longer one before it. One that goes on fills the segment, but for
    // the rest of the last page.
    let behind = subject.some_bytes(start.checked_add(inside)?, 64);
    let ended =
        behind.iter().all(|byte| *byte == 0) || is_text(behind.split(|byte| *byte == 0).next()?, true);
    let filled = sample.len().saturating_sub(text.len()) < if goes_on { 4096 } else { 1 };
    (filled && ended).then_some("the value is text that is as long as the header says")
}

/// Keys that were taken are passed over when a segment is made; they are few.
const NEAR: u32 = 8;

/// The header of a segment of the same dump whose key is one of `keys`, and that key.
fn beside(subject: &Subject<'_>, keys: Range<u32>, fits: impl Fn(i32, i32, u32, u32) -> bool) -> Option<Key> {
    const MAPPINGS: usize = 1024;
    let target = subject.target?;
    let mappings = subject.mappings()?.take(MAPPINGS).filter(|mapping| mapping.offset == Some(0));
    let mut named = mappings.filter_map(|mapping| {
        let found = Key::from_mapping_name(mapping.name)?.key;
        keys.contains(&found.bits()).then_some((found, mapping.range.start()))
    });
    named.find_map(|(found, start)| {
        let mut header = [0; 16];
        let whole = target.read(start, &mut header).is_ok_and(|count| count == header.len());
        let bytes = header.as_slice();
        let budget = Budget::at_most(4096);
        let other = Subject::new(&bytes, Some(found), subject.machine, None, &budget);
        let fits = fits(other.i32(0)?, other.i32(4)?, other.u32(8)?, other.u32(12)?);
        (whole && fits).then_some(found)
    })
}

/// The key of the segment that a value went on from: it names a next one.
fn segment_before(subject: &Subject<'_>) -> Option<Key> {
    let key = subject.key?.bits();
    beside(subject, key.checked_sub(NEAR)?..key, |next, length, state, version| {
        let begins = length > 0 && (1..=version).contains(&state);
        (0..MOST_IDS).contains(&next) && (begins || (length, state, version) == (0, 0, 0))
    })
}

/// The key of the segment that a value goes on in.
fn segment_after(subject: &Subject<'_>) -> Option<Key> {
    let first = subject.key?.bits().checked_add(1)?;
    beside(subject, first..first.checked_add(NEAR)?, |next, length, state, version| {
        (-1..MOST_IDS).contains(&next) && (length, state, version) == (0, 0, 0)
    })
}

impl Layout for IpcShareLite {
    fn name(&self) -> Cow<'_, str> {
        "ipc-sharelite".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "a value that Perl's IPC::ShareLite (or IPC::Shm::Simple) shares, in one segment or a chain of them"
            .into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("IPC::ShareLite 0.17: sharelite.h; IPC::Shm::Simple: sharelite.h")
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| {
            let small = |at| start.i32(at).is_some_and(|number| (0..1 << 28).contains(&number));
            let is_a_header =
                || start.i32(0).is_some_and(|next| next >= -1) && [4, 8, 12].into_iter().all(small);
            start.u32(0) == Some(MAGIC) || is_a_header()
        })
    }

    fn proof(&self) -> Option<Begins> {
        Some(Begins::As(|start| start.u32(0) == Some(MAGIC)))
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let next = subject.i32(0).unwrap_or(0);
        match part(subject) {
            None => Verdict::No,
            Some(Part::SimpleFirst(..)) => {
                Verdict::Certain(vec!["\"PERL\" at 0, and the sizes behind it fit the segment".to_owned()])
            }
            // A text may begin so.
            Some(Part::SimpleLater) => Verdict::Possible(vec!["\"PERL\" at 0".to_owned()]),
            Some(Part::First(inside)) => {
                let Some(proof) = value(subject, inside, next != -1) else { return Verdict::No };
                // Who has stored or fetched a value has all its segments attached.
                if next != -1 && segment_after(subject).is_none() {
                    return Verdict::No;
                }
                let (length, version) = (subject.i32(4).unwrap_or(0), subject.u32(12).unwrap_or(0));
                let fits = match next {
                    -1 => format!("no segment follows, and a value of {length} bytes fits into this one"),
                    _ => format!(
                        "segment {next} follows, and a value of {length} bytes is longer than this one"
                    ),
                };
                let counts = format!("version {version} is not below its state; there is no magic");
                Verdict::Likely(vec![fits, counts, proof.to_owned()])
            }
            Some(Part::Later) => {
                let data = subject.some_bytes(HEADER_SIZE, 64);
                let before = segment_before(subject).filter(|_| data.iter().any(|byte| *byte != 0));
                let Some(before) = before else { return Verdict::No };
                let follows = if next == -1 { "no segment".to_owned() } else { format!("segment {next}") };
                Verdict::Likely(vec![
                    format!("{follows} follows, 12 zero bytes, then data: a value goes on here"),
                    format!("it began in a segment before this one: {} leads on", before.hexadecimal()),
                ])
            }
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let rest = |start: u64| subject.length().saturating_sub(start);
        let (header, start, length) = match part(subject) {
            Some(Part::SimpleFirst(start, length)) => {
                let header = written(subject, DESCRIPTOR)?;
                let nrefs = (start > DESCRIPTOR_SIZE).then(|| written(subject, "u32 nrefs")).transpose()?;
                let nrefs = nrefs.map(|nrefs| unnamed(subject, DESCRIPTOR_SIZE, nrefs)).transpose()?;
                (with_fields(header, nrefs)?, start, length)
            }
            Some(Part::SimpleLater) => (written(subject, SIMPLE)?, SIMPLE_SIZE, rest(SIMPLE_SIZE)),
            Some(Part::First(length)) => (written(subject, HEADER)?, HEADER_SIZE, length),
            Some(Part::Later) | None => (written(subject, HEADER)?, HEADER_SIZE, rest(HEADER_SIZE)),
        };
        let sample = subject.some_bytes(start, usize::try_from(length.min(65536)).unwrap_or(usize::MAX));
        let data = match is_frozen(&sample) {
            true => {
                let length = Count::Exactly(Expression::from(length));
                Type::Encoded(Encoded { encoding: &Storable, length })
            }
            false => text_or_bytes(&sample, length),
        };
        with_fields(header, [at(subject, start, "data", data)?]).map(Arc::new)
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let length = fields.number("length")?;
        let more = if fields.number("next_shmid") == Some(-1) { "" } else { ", goes on in another segment" };
        Some(format!(
            "IPC::ShareLite: {} stored, version {}{more}",
            many(length, "byte"),
            fields.number("version")?
        ))
    }
}
