//! What each dumper keeps of a mapping, and so why bytes are missing. One file a dumper: its rules read backwards say why a
//! dump lacks bytes, read forwards ([`forecast`]) what the next one will hold.
//!
//! A dump does not say why it lacks bytes. What it shows (rights, sizes, which other mappings are whole) leaves one
//! cause, or several: a cause is certain only if the rules of the dumper leave no other.

mod createdump;
mod drgn;
pub mod forecast;
mod gcore;
mod kernel;
mod minicoredumper;
mod minidump;
mod nameless;
mod process;
mod shared_mapping;

use crate::memory::Dumped;
use crate::position::SegmentOffset;
use crate::shm::{Attachment, Mapping, Segment, SharedMemory};
use crate::targets::{Target, Writer};
use shared_mapping::Evidence;

/// Why bytes of a segment are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which rule left them out.
    pub code: Code,
    /// Whether no other rule can have done it.
    pub certain: bool,
    /// What in this dump says so.
    pub evidence: String,
    /// The command or the change that makes the next dump whole.
    pub fix: String,
}

/// A rule by which a dumper leaves bytes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Attached with SHM_RDONLY: without coredump_filter bit 2 the kernel keeps at most its first page.
    ReadOnlyAttach,
    /// coredump_filter bit 1 was off.
    FilterShared,
    /// Attached huge pages (SHM_HUGETLB), and coredump_filter bit 6 was off.
    Hugetlb,
    /// madvise(2) with MADV_DONTDUMP.
    DontDump,
    /// The file ends before the bytes.
    Truncated,
    /// This kind of dump, by this dumper, leaves them out.
    DumperSkipped,
    /// A running process that we may not trace.
    NoRights,
    /// No rule that is known here.
    Unknown,
}

impl Code {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnlyAttach => "read-only-attach",
            Self::FilterShared => "filter-shared",
            Self::Hugetlb => "hugetlb",
            Self::DontDump => "dontdump",
            Self::Truncated => "truncated",
            Self::DumperSkipped => "dumper-skipped",
            Self::NoRights => "no-rights",
            Self::Unknown => "unknown",
        }
    }
}

/// A cause before it is known what else the dump lacks: the fix must serve all of it.
struct Found {
    code: Code,
    certain: bool,
    evidence: String,
}

/// Why the segments of `memory` lack bytes: for each segment the best explanation first, nothing if it lacks none.
pub fn causes(target: &dyn Target, memory: &SharedMemory) -> Vec<Vec<Cause>> {
    let evidence = Evidence::of(target, memory);
    let found: Vec<_> =
        memory.segments.iter().map(|segment| found(target, memory, segment, &evidence)).collect();
    let mask = coredump_filter(&found, &evidence);
    let with_fixes = memory.segments.iter().zip(found).map(|(segment, found)| {
        let with_fix = found.into_iter().map(|Found { code, certain, evidence }| {
            let fix = fix(target, memory, segment, code, mask);
            Cause { code, certain, evidence, fix }
        });
        with_fix.collect()
    });
    with_fixes.collect()
}

fn found(target: &dyn Target, memory: &SharedMemory, segment: &Segment, evidence: &Evidence) -> Vec<Found> {
    let mut found: Vec<Found> = truncated(target, segment).into_iter().collect();
    if segment.bytes_that_are(Dumped::NotReadable) > 0 {
        found.push(process::cause(segment));
    }
    if segment.bytes_that_are(Dumped::NotSaved) > 0 {
        let identity = target.identity();
        found.extend(match identity.writer {
            writer if identity.kind == "minidump" => vec![minidump::cause(memory, segment, writer)],
            Some(Writer::Kernel) => kernel::causes(target, evidence, segment),
            Some(Writer::Gcore) => gcore::causes(target, evidence, segment),
            Some(Writer::Drgn) => drgn::causes(segment),
            Some(Writer::Createdump) => vec![createdump::cause(memory)],
            Some(Writer::Minicoredumper) => vec![minicoredumper::cause(segment)],
            other => vec![other.and_then(nameless::cause).unwrap_or_else(|| unknown(other))],
        });
    }
    found.sort_by_key(|cause| !cause.certain);
    let mut distinct = Vec::<Found>::new();
    for cause in found {
        if !distinct.iter().any(|known| known.code == cause.code) {
            distinct.push(cause);
        }
    }
    distinct
}

/// Whether shmat(2) attached `attachment` with SHM_RDONLY; `None` where its mappings do not tell. mprotect(2) can take the right
/// to write from a page of any attach, and can give it to none of a read-only one.
pub fn attached_read_only(target: &dyn Target, attachment: &Attachment) -> Option<bool> {
    let identity = target.identity();
    let is_writable = |mapping: &Mapping| mapping.permissions.is_some_and(|rights| rights.write);
    if attachment.mappings.iter().any(is_writable) {
        return Some(false);
    }
    let marked =
        identity.writer == Some(Writer::Kernel) && kernel::shows_read_only(attachment, identity.page_size);
    marked.then_some(true)
}

/// What makes the next dump whole. `mask` is the coredump_filter that keeps all that this dump lacks.
fn fix(target: &dyn Target, memory: &SharedMemory, segment: &Segment, code: Code, mask: u32) -> String {
    let identity = target.identity();
    match (code, identity.writer) {
        (Code::Truncated, _) => {
            "ulimit -c unlimited (systemd: LimitCORE=infinity) and enough disk space before the next dump"
                .to_owned()
        }
        (_, writer) if identity.kind == "minidump" => minidump::fix(writer),
        (Code::NoRights, _) => process::FIX.to_owned(),
        (_, Some(Writer::Kernel)) => kernel::fix(code, mask),
        (_, Some(Writer::Gcore)) => gcore::fix(code, mask),
        (_, Some(Writer::Drgn)) => drgn::fix(code),
        (Code::DumperSkipped, Some(Writer::Createdump)) => createdump::fix(memory),
        (Code::DumperSkipped, Some(Writer::Minicoredumper)) => minicoredumper::fix(segment),
        (Code::DumperSkipped | Code::ReadOnlyAttach, Some(writer)) => nameless::fix(writer),
        _ => "gcore -a PID saves every readable byte but huge pages".to_owned(),
    }
}

/// coredump_filter bit 2, by which the kernel keeps a SHM_RDONLY attach (core(5)).
const PRIVATE_FILES: u32 = 0x04;
/// coredump_filter bit 6.
const SHARED_HUGE_PAGES: u32 = 0x40;

/// The coredump_filter (core(5)) that keeps what `found` says is missing, and what is kept already: the default, and
/// the bits that it takes.
fn coredump_filter(found: &[Vec<Found>], evidence: &Evidence) -> u32 {
    const DEFAULT: u32 = 0x33;
    let bits = found.iter().flatten().map(|cause| match cause.code {
        Code::ReadOnlyAttach => PRIVATE_FILES,
        Code::FilterShared => 0x02,
        Code::Hugetlb => SHARED_HUGE_PAGES,
        _ => 0,
    });
    bits.fold(DEFAULT | evidence.filter_bits_on, |mask, bit| mask | bit)
}

fn truncated(target: &dyn Target, segment: &Segment) -> Option<Found> {
    let missing = segment.bytes_that_are(Dumped::CutOff);
    let first = segment.pieces().iter().find(|piece| piece.dumped == Dumped::CutOff)?;
    let size = target.identity().file_size?;
    Some(Found {
        code: Code::Truncated,
        certain: true,
        evidence: format!(
            "the file ends at byte {size}, before {missing} bytes of this segment (from offset {:#x})",
            first.offsets.start()
        ),
    })
}

fn unknown(writer: Option<Writer>) -> Found {
    let evidence = match writer {
        Some(writer) => format!("the dump was written by {writer}, whose rules are not known here"),
        None => "which program wrote the dump cannot be told, so its rules cannot either".to_owned(),
    };
    Found { code: Code::Unknown, certain: false, evidence }
}

/// The mappings of `attachment` that a dumper left bytes of, one for each kind that the rules tell apart: a thousand
/// alike have the causes of one.
fn telling<'a>(attachment: &'a Attachment, evidence: &Evidence) -> Vec<&'a Mapping> {
    let mut seen = Vec::new();
    let mut telling = Vec::new();
    for mapping in attachment.mappings.iter().filter(|mapping| mapping.lacks(Dumped::NotSaved)) {
        let kind =
            (mapping.offset.get() == 0, mapping.permissions, evidence.can_be_of_huge_pages(mapping.range));
        if !seen.contains(&kind) {
            seen.push(kind);
            telling.push(mapping);
        }
    }
    telling
}

/// The first offset that is missing by a dumper's choice, for evidence.
fn first_not_saved(segment: &Segment) -> SegmentOffset {
    let piece = segment.pieces().iter().find(|piece| piece.dumped == Dumped::NotSaved);
    piece.map_or(SegmentOffset::new(0), |piece| piece.offsets.start())
}
