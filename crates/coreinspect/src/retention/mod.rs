//! What each dumper keeps of a mapping, and so why bytes are missing. One file a dumper.
//!
//! A dump does not say why it lacks bytes. What it shows (rights, sizes, which other mappings are whole) leaves one
//! cause, or several: a cause is certain only if the rules of the dumper leave no other.

mod createdump;
mod gcore;
mod kernel;
mod minicoredumper;
mod shared_mapping;

use crate::memory::Dumped;
use crate::position::{Position, SegmentOffset};
use crate::shm::{Segment, SharedMemory};
use crate::target::{Target, Writer};

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
            Self::Unknown => "unknown",
        }
    }
}

/// Why `segment` lacks bytes, the best explanation first; empty if it lacks none.
pub fn causes(target: &dyn Target, memory: &SharedMemory, segment: &Segment) -> Vec<Cause> {
    let mut found: Vec<Cause> = truncated(target, segment).into_iter().collect();
    if segment.bytes_that_are(Dumped::NotSaved) > 0 {
        found.extend(match target.identity().writer {
            Some(Writer::Kernel) => kernel::causes(target, memory, segment),
            Some(Writer::Gcore) => gcore::causes(target, memory, segment),
            Some(Writer::Createdump) => vec![createdump::cause(memory)],
            Some(Writer::Minicoredumper) => vec![minicoredumper::cause(segment)],
            other => vec![unknown(other)],
        });
    }
    found.sort_by_key(|cause| !cause.certain);
    let mut causes = Vec::<Cause>::new();
    for cause in found {
        if !causes.iter().any(|known| known.code == cause.code) {
            causes.push(cause);
        }
    }
    causes
}

fn truncated(target: &dyn Target, segment: &Segment) -> Option<Cause> {
    let missing = segment.bytes_that_are(Dumped::CutOff);
    let first = segment.pieces().iter().find(|piece| piece.dumped == Dumped::CutOff)?;
    let size = target.identity().file_size?;
    Some(Cause {
        code: Code::Truncated,
        certain: true,
        evidence: format!(
            "the file ends at byte {size}, before {missing} bytes of this segment (from offset {:#x})",
            first.offsets.start()
        ),
        fix: "ulimit -c unlimited (systemd: LimitCORE=infinity) and enough disk space before the next dump"
            .to_owned(),
    })
}

fn unknown(writer: Option<Writer>) -> Cause {
    let evidence = match writer {
        Some(writer) => format!("the dump was written by {writer}, whose rules are not known here"),
        None => "which program wrote the dump cannot be told, so its rules cannot either".to_owned(),
    };
    Cause {
        code: Code::Unknown,
        certain: false,
        evidence,
        fix: "gcore -a PID saves every readable byte".to_owned(),
    }
}

/// The first offset that is missing by a dumper's choice, for evidence.
fn first_not_saved(segment: &Segment) -> SegmentOffset {
    let piece = segment.pieces().iter().find(|piece| piece.dumped == Dumped::NotSaved);
    piece.map_or(SegmentOffset::new(0), |piece| piece.offsets.start())
}
