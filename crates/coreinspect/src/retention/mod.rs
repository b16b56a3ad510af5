//! What each writer keeps of a mapping, and so why bytes are missing. One file a writer, and its row in [`RULES`]: its
//! rules read backwards say why a dump lacks bytes, read forwards ([`forecast`]) what the next one will hold.
//!
//! A dump does not say why it lacks bytes. What it shows (rights, sizes, which other mappings are whole) leaves one
//! cause, or several: a cause is certain only if the rules of the writer leave no other.

mod coreinspect;
mod createdump;
mod criu;
mod delve;
mod drgn;
pub(crate) mod forecast;
mod gcore;
mod google_coredumper;
mod kernel;
mod minicoredumper;
mod minidump;
mod process;
mod qemu_user;
mod shared_mapping;
mod valgrind;

use crate::kind::Kind;
use crate::memory::Dumped;
use crate::position::SegmentOffset;
use crate::shm::{Attachment, Mapping, Segment, SharedMemory};
use crate::targets::Target;
use crate::writer::Writer;
use forecast::Forward;
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

/// A rule by which a writer leaves bytes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Attached with SHM_RDONLY: without coredump_filter bit 2 the kernel keeps at most its first page.
    ReadOnlyAttach,
    /// coredump_filter bit 1 was off.
    FilterShared,
    /// coredump_filter bit 3 was off, by which a shared mapping of a file is kept that still has a name.
    FilterMapped,
    /// Attached huge pages (SHM_HUGETLB), and coredump_filter bit 6 was off.
    Hugetlb,
    /// madvise(2) with MADV_DONTDUMP.
    DontDump,
    /// The file ends before the bytes.
    Truncated,
    /// This kind of dump, by this writer, leaves them out.
    LeftOut,
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
            Self::FilterMapped => "filter-mapped",
            Self::Hugetlb => "hugetlb",
            Self::DontDump => "dontdump",
            Self::Truncated => "truncated",
            Self::LeftOut => "dumper-skipped",
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

impl Found {
    /// One that other rules can have done as well.
    fn likely(code: Code, evidence: &str) -> Self {
        Self { code, certain: false, evidence: evidence.to_owned() }
    }
}

/// A segment that lacks bytes, and what rules ask of its surroundings.
struct Case<'a> {
    target: &'a dyn Target,
    memory: &'a SharedMemory,
    segment: &'a Segment,
    evidence: &'a Evidence,
}

/// The rules of a writer.
struct Rules {
    /// Why bytes are missing.
    causes: fn(&Case<'_>) -> Vec<Found>,
    /// What makes the next dump whole; the number is the coredump_filter that keeps all that this dump lacks.
    fix: fn(&Case<'_>, Code, u32) -> String,
    /// The same rules for a process that runs, where they can be foretold.
    forward: Option<Forward>,
}

/// Every writer whose rules are known.
const RULES: &[(Writer, Rules)] = &[
    (Writer::Kernel, kernel::RULES),
    (Writer::Gcore, gcore::RULES),
    (Writer::Createdump, createdump::RULES),
    (Writer::Drgn, drgn::RULES),
    (Writer::Minicoredumper, minicoredumper::RULES),
    (Writer::QemuUser, qemu_user::RULES),
    (Writer::Delve, delve::RULES),
    (Writer::Valgrind, valgrind::RULES),
    (Writer::GoogleCoredumper, google_coredumper::RULES),
    (Writer::Criu, criu::RULES),
    (Writer::Coreinspect, coreinspect::RULES),
    (Writer::Lldb, minidump::LLDB),
    (Writer::Breakpad, minidump::BREAKPAD),
    (Writer::Crashpad, minidump::CRASHPAD),
    (Writer::MinidumpWriter, minidump::MINIDUMP_WRITER),
];

/// What is said where no rules are known.
const UNKNOWN: Rules = Rules {
    causes: |case| {
        let evidence = match case.target.identity().writer {
            Some(writer) => format!("{writer} wrote the dump, and coreinspect does not know its rules"),
            None => "which program wrote the dump is unknown, and so are its rules".to_owned(),
        };
        vec![Found { code: Code::Unknown, certain: false, evidence }]
    },
    fix: |_, _, _| "gcore -a PID saves every readable byte but huge pages".to_owned(),
    forward: None,
};

/// The rules of whoever wrote `target`.
fn rules(target: &dyn Target) -> &'static Rules {
    let identity = target.identity();
    let row = RULES.iter().find(|(writer, _)| Some(*writer) == identity.writer);
    match row {
        Some((_, rules)) => rules,
        None if identity.kind == "minidump" => &minidump::OTHER,
        None => &UNKNOWN,
    }
}

/// Why the segments of `memory` lack bytes: for each segment the best explanation first, nothing if it lacks none.
pub(crate) fn causes(target: &dyn Target, memory: &SharedMemory) -> Vec<Vec<Cause>> {
    let evidence = Evidence::of(target, memory);
    let cases = memory.segments.iter().map(|segment| Case { target, memory, segment, evidence: &evidence });
    let found: Vec<_> = cases.map(|case| (found(&case), case)).collect();
    let mask = coredump_filter(found.iter().flat_map(|(found, _)| found), &evidence);
    let with_fixes = found.into_iter().map(|(found, case)| {
        let with_fix = found.into_iter().map(|Found { code, certain, evidence }| {
            let fix = match code {
                Code::Truncated => {
                    "ulimit -c unlimited (systemd: LimitCORE=infinity) and enough disk space before the next dump"
                        .to_owned()
                }
                Code::NoRights => process::FIX.to_owned(),
                _ => (rules(target).fix)(&case, code, mask),
            };
            Cause { code, certain, evidence, fix }
        });
        with_fix.collect()
    });
    with_fixes.collect()
}

fn found(case: &Case<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = truncated(case.target, case.segment).into_iter().collect();
    if case.segment.bytes_that_are(Dumped::NotReadable) > 0 {
        found.push(process::cause(case.segment));
    }
    if case.segment.bytes_that_are(Dumped::NotSaved) > 0 {
        found.extend((rules(case.target).causes)(case));
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
pub(crate) fn attached_read_only(target: &dyn Target, attachment: &Attachment) -> Option<bool> {
    let identity = target.identity();
    let is_writable = |mapping: &Mapping| mapping.permissions.is_some_and(|rights| rights.write);
    if attachment.mappings.iter().any(is_writable) {
        return Some(false);
    }
    let marked = identity.habits().first_pages && kernel::shows_read_only(attachment, identity.page_size);
    marked.then_some(true)
}

/// coredump_filter bit 2, by which the kernel keeps a SHM_RDONLY attach (core(5)).
const PRIVATE_FILES: u32 = 0x04;
/// coredump_filter bit 3.
const SHARED_FILES: u32 = 0x08;
/// coredump_filter bit 6.
const SHARED_HUGE_PAGES: u32 = 0x40;

/// The coredump_filter (core(5)) that keeps what `found` says is missing, and what is kept already: the default, and
/// the bits that it takes.
fn coredump_filter<'a>(found: impl Iterator<Item = &'a Found>, evidence: &Evidence) -> u32 {
    const DEFAULT: u32 = 0x33;
    let bits = found.map(|cause| match cause.code {
        Code::ReadOnlyAttach => PRIVATE_FILES,
        Code::FilterShared => 0x02,
        Code::FilterMapped => SHARED_FILES,
        Code::Hugetlb => SHARED_HUGE_PAGES,
        _ => 0,
    });
    bits.fold(DEFAULT | evidence.filter_bits_on, |mask, bit| mask | bit)
}

fn truncated(target: &dyn Target, segment: &Segment) -> Option<Found> {
    let missing = segment.bytes_that_are(Dumped::CutOff);
    let first = segment.pieces().iter().find(|piece| piece.dumped == Dumped::CutOff)?;
    let size = target.identity().written?;
    Some(Found {
        code: Code::Truncated,
        certain: true,
        evidence: format!(
            "the file ends at byte {size}, before {missing} bytes of this segment (from offset {:#x})",
            first.offsets.start()
        ),
    })
}

/// The mappings of `attachment` that a writer left bytes of, one for each kind that the rules tell apart: a thousand
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

/// What keeps a file that has a name and is not to be dumped: gcore -a leaves it out.
fn dump_it_ourselves(kind: Kind) -> String {
    format!("madvise(address, length, MADV_DODUMP) in the program, or coreinspect dump PID --kind {kind}")
}

/// What a sentence calls a byte of a segment.
fn bytes_of(kind: Kind) -> &'static str {
    match kind {
        Kind::SystemV => "System V byte",
        _ => "byte of shared memory",
    }
}

/// The first offset that is missing by the writer's choice, for evidence.
fn first_not_saved(segment: &Segment) -> SegmentOffset {
    let piece = segment.pieces().iter().find(|piece| piece.dumped == Dumped::NotSaved);
    piece.map_or(SegmentOffset::new(0), |piece| piece.offsets.start())
}
