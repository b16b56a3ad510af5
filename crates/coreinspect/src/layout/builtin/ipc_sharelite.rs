//! Perl's IPC::ShareLite, and IPC::Shm::Simple, which comes from it.
//!
//! IPC::ShareLite 0.17 (AndyA/IPC--ShareLite@089d6616: sharelite.h, sharelite.c) has no magic. A value begins in a first
//! segment and goes on in others of the same size, which `next_shmid` names; a core dump has no shmid, but their keys
//! follow each other. `length` (bytes of the whole value), `shm_state` (changes when segments are removed) and `version`
//! (writes, from 1) count in the first segment alone. IPC::Shm::Simple (its sharelite.h) puts the magic "PERL" in front
//! and a descriptor behind it.

use std::borrow::Cow;
use std::sync::Arc;

use super::written::{at, text_or_bytes, with_fields, written};
use crate::layout::{Layout, Origin, Subject, Verdict};
use crate::types::encoding::storable::{Storable, is_frozen};
use crate::types::expression::Expression;
use crate::types::{Count, Encoded, Field, Type};

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
    let ids = (0..1 << 24).contains(&next) && length < 1 << 26;
    let placed = if next == -1 { length <= room } else { ids && length > room.saturating_sub(4095) };
    (counted && placed).then(|| Part::First(length.min(room)))
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

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        let next = subject.i32(0).unwrap_or(0);
        match part(subject) {
            None => Verdict::No,
            Some(Part::SimpleFirst(..)) => {
                Verdict::Certain(vec!["\"PERL\" at 0, and the sizes behind it fit the segment".to_owned()])
            }
            Some(Part::SimpleLater) => Verdict::Likely(vec!["\"PERL\" at 0".to_owned()]),
            Some(Part::First(_)) => {
                let (length, version) = (subject.i32(4).unwrap_or(0), subject.u32(12).unwrap_or(0));
                let fits = match next {
                    -1 => format!("no segment follows, and a value of {length} bytes fits into this one"),
                    _ => format!(
                        "segment {next} follows, and a value of {length} bytes is longer than this one"
                    ),
                };
                let reasons =
                    vec![fits, format!("version {version} is not below its state; there is no magic")];
                if length == 0 { Verdict::Possible(reasons) } else { Verdict::Likely(reasons) }
            }
            Some(Part::Later) => {
                let data = subject.some_bytes(HEADER_SIZE, 64);
                if data.iter().all(|byte| *byte == 0) {
                    return Verdict::No;
                }
                let follows = if next == -1 { "no segment".to_owned() } else { format!("segment {next}") };
                Verdict::Possible(vec![format!(
                    "{follows} follows, 12 zero bytes, then data: a value may go on here"
                )])
            }
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let rest = |start: u64| subject.length().saturating_sub(start);
        let (header, start, length) = match part(subject) {
            Some(Part::SimpleFirst(start, length)) => {
                let header = written(DESCRIPTOR)?;
                let nrefs = (start > DESCRIPTOR_SIZE).then(|| written("u32 nrefs")).transpose()?;
                let nrefs = nrefs.map(|nrefs| Field { name: None, ..at(DESCRIPTOR_SIZE, "", nrefs) });
                (with_fields(header, nrefs)?, start, length)
            }
            Some(Part::SimpleLater) => (written(SIMPLE)?, SIMPLE_SIZE, rest(SIMPLE_SIZE)),
            Some(Part::First(length)) => (written(HEADER)?, HEADER_SIZE, length),
            Some(Part::Later) | None => (written(HEADER)?, HEADER_SIZE, rest(HEADER_SIZE)),
        };
        let sample = subject.some_bytes(start, usize::try_from(length.min(65536)).unwrap_or(usize::MAX));
        let data = match is_frozen(&sample) {
            true => {
                let length = Count::Exactly(Expression::from(length));
                Type::Encoded(Encoded { encoding: &Storable, length })
            }
            false => text_or_bytes(&sample, length),
        };
        with_fields(header, [at(start, "data", data)]).map(Arc::new)
    }
}
