//! What a dump of a running process would hold of its System V segments, if it were made now: the rules of
//! [`retention`](crate::retention) read forwards, under the settings that core(5) names.

mod kernel_core;

use crate::kind::Kind;
use crate::position::{Address, Coverage, Interval, SegmentOffset};
use crate::proc_files::{DumpSettings, FileStatus, MemoryArea};
use crate::retention::Code;
use crate::retention::forecast::{Area, Conditions, Forward, Kept};
use crate::shm::{Mapping, Segment, SharedMemory};
use crate::writer::Writer;
use kernel_core::KernelCore;

/// What the writers whose rules can be foretold would keep of a process's segments.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The writers, each with the fate of every segment in the order of the [`SharedMemory`]; `None` if it would not dump the
    /// process at all.
    pub writers: Vec<(Writer, Option<Vec<Keeping>>)>,
    /// Bytes that the kernel's core would take on disk, roughly; memory that nobody has touched takes none.
    pub core_size: u64,
}

/// What one writer would keep of a segment.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// Bytes, each offset counted once.
    pub bytes: u64,
    /// Of each mapping of each attachment, in their order.
    pub mappings: Vec<MappingKept>,
}

/// What one writer would keep of a mapping.
#[derive(Clone, Debug)]
pub struct MappingKept {
    /// Its addresses.
    pub range: Interval<Address>,
    /// Bytes from its start.
    pub bytes: u64,
    /// Why not all, each of which has to be mended; empty if nothing is lost.
    pub lost_by: Vec<Loss>,
}

/// Why bytes of a mapping would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// By a rule for mappings, and the bit of coredump_filter that would keep them.
    Rule(Code, Option<u32>),
    /// The core would be full before them: RLIMIT_CORE.
    Limit,
    /// There would be no core.
    NoCore,
}

impl Forecast {
    /// What each writer would keep of the segment with this index.
    pub fn of_segment(&self, index: usize) -> Vec<(Writer, Option<&Keeping>)> {
        let writers = self.writers.iter();
        writers
            .map(|(writer, segments)| (*writer, segments.as_ref().and_then(|all| all.get(index))))
            .collect()
    }

    /// The forecast for a process with the segments `memory`, the mappings `areas` (all of them, as smaps has them), under
    /// `settings` and `conditions`. `starts_as_program` reads the start of a mapping, `status` asks its file.
    pub fn of(
        memory: &SharedMemory,
        areas: &[MemoryArea<'_>],
        settings: &DumpSettings,
        conditions: &Conditions<'_>,
        kernel_core: &KernelCoreNotes,
        starts_as_program: impl Fn(&MemoryArea<'_>) -> bool,
        status: impl Fn(&MemoryArea<'_>) -> Option<FileStatus>,
    ) -> Self {
        let core = KernelCore::of(
            areas,
            settings,
            conditions.filter,
            conditions.page,
            kernel_core,
            &starts_as_program,
        );
        let area = |segment: &Segment, mapping: &Mapping| {
            let found = area(areas, mapping)?;
            // Of System V the kernel makes all files alike.
            let asked = segment.kind != Kind::SystemV;
            let area = Area::of(found, asked.then(|| status(found)).flatten());
            let program = area.program || asked && !area.shared && starts_as_program(found);
            Some(Area { length: mapping.range.length(), program, ..area })
        };
        let no_core = settings.no_core().is_some();
        // What core(5)'s settings leave of what the rules keep.
        let written = |mapping: &Mapping, kept: Kept| {
            let written = settings.limit().and_then(|_| core.written_of(mapping.range.start()));
            let bytes = if no_core { 0 } else { written.unwrap_or(kept.bytes).min(kept.bytes) };
            let setting = if no_core { Loss::NoCore } else { Loss::Limit };
            (bytes, (bytes < kept.bytes).then_some(setting))
        };
        let writers = Forward::all().map(|(writer, rules)| {
            let limited = writer.habits().limited;
            let keepings = memory.segments.iter().map(|segment| {
                let mappings = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
                Keeping::of(mappings, |mapping| {
                    let kept = (rules.keeps)(&area(segment, mapping)?, conditions);
                    let (bytes, setting) = if limited { written(mapping, kept) } else { (kept.bytes, None) };
                    Some((bytes, setting.into_iter().chain(rule(kept)).collect()))
                })
            });
            (writer, (rules.dumps)(conditions).then(|| keepings.collect()))
        });
        Self { writers: writers.collect(), core_size: core.size() }
    }
}

pub(crate) use kernel_core::KernelCoreNotes;

impl Keeping {
    /// `kept` answers bytes and loss of a mapping; `None` where it is not known, which counts as lost.
    fn of<'m>(
        mappings: impl Iterator<Item = &'m Mapping>,
        kept: impl Fn(&Mapping) -> Option<(u64, Vec<Loss>)>,
    ) -> Self {
        let mut keeping = Self::default();
        let mut covered = Coverage::<SegmentOffset>::default();
        for mapping in mappings {
            let unknown = || (0, vec![Loss::Rule(Code::Unknown, None)]);
            let (bytes, lost_by) = kept(mapping).unwrap_or_else(unknown);
            if let Some(offsets) = Interval::with_length(mapping.offset, bytes) {
                covered.add(offsets, |part| keeping.bytes = keeping.bytes.saturating_add(part.length()));
            }
            keeping.mappings.push(MappingKept { range: mapping.range, bytes, lost_by });
        }
        keeping
    }
}

fn rule(kept: Kept) -> Option<Loss> {
    kept.lost_by.map(|lost| Loss::Rule(lost.code, lost.bit))
}

/// What the rules ask of `mapping`; `None` if it has gone since.
fn area<'a, 'm>(areas: &'a [MemoryArea<'m>], mapping: &Mapping) -> Option<&'a MemoryArea<'m>> {
    let at = areas.partition_point(|area| area.area.start < mapping.range.start().get());
    areas.get(at).filter(|area| area.area.start == mapping.range.start().get())
}
