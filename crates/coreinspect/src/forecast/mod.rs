//! What a dump of a running process would hold of its System V segments, if it were made now: the rules of
//! [`retention`](crate::retention) read forwards, under the settings that core(5) names.

mod kernel_core;

use crate::position::{Address, Coverage, Interval, SegmentOffset};
use crate::proc_files::{DumpSettings, MemoryArea};
use crate::retention::Code;
use crate::retention::forecast::{Area, Dumper, Filter, Kept};
use crate::shm::{Mapping, SharedMemory};
use kernel_core::KernelCore;

/// What the dumpers would keep of a process's segments.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Of each segment, in the order of the [`SharedMemory`].
    pub segments: Vec<SegmentForecast>,
    /// Bytes that the kernel's core would take on disk, roughly; memory that nobody has touched takes none.
    pub core_size: u64,
}

/// What the dumpers would keep of a segment.
#[derive(Clone, Debug)]
pub struct SegmentForecast {
    /// By the kernel.
    pub kernel: Keeping,
    /// By gcore.
    pub gcore: Keeping,
    /// By createdump; `None` where the process is none of .NET.
    pub createdump: Option<Keeping>,
}

/// What one dumper would keep of a segment.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// Bytes, each offset counted once.
    pub bytes: u64,
    /// Of each mapping of each attachment, in their order.
    pub mappings: Vec<MappingKept>,
}

/// What one dumper would keep of a mapping.
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

/// The kind of dump that .NET's createdump would make of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Createdump {
    /// Whether it is asked to dump a crash (DOTNET_DbgEnableMiniDump).
    pub enabled: bool,
    /// Whether it is asked for a full dump (DOTNET_DbgMiniDumpType=4).
    pub full: bool,
}

impl Forecast {
    /// The forecast for a process with the segments `memory`, the mappings `areas` (all of them, as smaps has them) and
    /// pages of `page` bytes. `first_bytes` reads the start of a mapping; `auxiliary` is its auxiliary vector.
    pub fn of(
        memory: &SharedMemory,
        areas: &[MemoryArea<'_>],
        settings: &DumpSettings,
        createdump: Option<Createdump>,
        page: u64,
        kernel_core: &KernelCoreNotes,
        starts_as_program: impl Fn(&MemoryArea<'_>) -> bool,
    ) -> Self {
        let filter = settings.filter.map_or(Filter::DEFAULT, Filter);
        let core = KernelCore::of(areas, settings, filter, page, kernel_core, starts_as_program);
        let no_core = settings.no_core().is_some();
        let segments = memory.segments.iter().map(|segment| {
            let mappings = || segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
            let keeping = |dumper: Dumper| {
                Keeping::of(mappings(), |mapping| {
                    let area = area(areas, mapping)?;
                    let kept = dumper.keeps(&area, filter, page);
                    Some((kept.bytes, rule(kept).into_iter().collect()))
                })
            };
            let kernel = Keeping::of(mappings(), |mapping| {
                let kept = Dumper::Kernel.keeps(&area(areas, mapping)?, filter, page);
                let written = settings.limit().and_then(|_| core.written_of(mapping.range.start()));
                let written = written.unwrap_or(kept.bytes);
                let bytes = if no_core { 0 } else { written.min(kept.bytes) };
                let setting = if no_core { Loss::NoCore } else { Loss::Limit };
                let setting = (bytes < kept.bytes).then_some(setting);
                Some((bytes, setting.into_iter().chain(rule(kept)).collect()))
            });
            let createdump =
                createdump.map(|kind| keeping(Dumper::Createdump { full: kind.enabled && kind.full }));
            SegmentForecast { kernel, gcore: keeping(Dumper::Gcore), createdump }
        });
        Self { segments: segments.collect(), core_size: core.size() }
    }
}

pub use kernel_core::KernelCoreNotes;

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
fn area(areas: &[MemoryArea<'_>], mapping: &Mapping) -> Option<Area> {
    let at = areas.partition_point(|area| area.area.start < mapping.range.start().get());
    let found = areas.get(at).filter(|area| area.area.start == mapping.range.start().get())?;
    let flag = |flag: &[u8; 2]| found.has_flag(flag);
    Some(Area {
        length: mapping.range.length(),
        from_start: mapping.offset.get() == 0,
        readable: found.area.permissions.starts_with(b"r"),
        // Without VmFlags (before Linux 3.8) a mapping that cannot be written counts as private.
        shared: flag(b"sh").unwrap_or_else(|| found.area.permissions.get(1) == Some(&b'w')),
        huge_pages: flag(b"ht").unwrap_or(false),
        dont_dump: flag(b"dd").unwrap_or(false),
        device: flag(b"io").unwrap_or(false),
    })
}
