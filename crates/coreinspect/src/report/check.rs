//! What a dump of a running process would hold: the JSON of `check`.

mod causes;
mod remedies;

use serde::{Serialize, Serializer};

use super::build::state;
use super::text::label;
use super::{Hex, LossCode, Process, State, Text, Warning};
use crate::forecast::{Forecast, Keeping};
use crate::kind::Kind;
use crate::proc_files::{Destination, DumpSettings, Limit};
use crate::shm::{Segment, SharedMemory};
use crate::targets::Target;
use crate::writer::Writer;

/// What each writer would keep of a process's segments, if they dumped it now.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The contract's name.
    pub schema: &'static str,
    /// Who the process is.
    pub process: Process,
    /// What decides beside the rules of each writer.
    pub settings: Settings,
    /// Its segments.
    pub segments: Vec<CheckedSegment>,
    /// What keeps all of them, by where it is written down.
    pub remedies: Vec<Remedy>,
    /// What could not be told, or goes wrong for all.
    pub warnings: Vec<Warning>,
}

/// The settings that core(5) names, for this process. Null is unknown.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// /proc/PID/coredump_filter, "0x33".
    pub coredump_filter: Option<String>,
    /// RLIMIT_CORE.
    pub rlimit_core: CoreLimits,
    /// kernel.core_pattern.
    #[serde(flatten, with = "super::text::core_pattern")]
    pub core_pattern: Option<Text>,
    /// Where the kernel's core goes: "file", "program", "socket", "nowhere".
    pub destination: Option<&'static str>,
    /// The folder of a file.
    pub folder: Option<String>,
    /// Bytes free there.
    pub free: Option<u64>,
    /// Bytes that the kernel's core would take there, roughly.
    pub core_size: u64,
    /// kernel.core_pipe_limit.
    pub core_pipe_limit: Option<u64>,
    /// Whether the process may be dumped (PR_SET_DUMPABLE).
    pub dumpable: Option<bool>,
    /// fs.suid_dumpable.
    pub suid_dumpable: Option<u64>,
}

/// RLIMIT_CORE.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CoreLimits {
    /// What the kernel obeys.
    pub soft: Option<LimitValue>,
    /// How far the process may raise it.
    pub hard: Option<LimitValue>,
}

/// A limit: bytes, or "unlimited".
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum LimitValue {
    /// Bytes.
    Bytes(u64),
    /// None.
    Unlimited(&'static str),
}

/// A segment, and what would be kept of it.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedSegment {
    /// Its number in the listing, from 1.
    pub number: usize,
    /// "sysv", "posix", "memfd", "anonymous", "hugetlbfs" or "file".
    pub kind: Option<Kind>,
    /// The key in its mapping's name.
    pub key: Option<String>,
    /// Its name; null if it has none.
    #[serde(flatten, with = "super::text::name")]
    pub name: Option<Text>,
    /// Its id.
    pub shmid: Option<i32>,
    /// Where it is attached.
    pub attachments: Vec<CheckedAttachment>,
    /// The bytes that shmget(2) was asked for.
    pub size: Option<u64>,
    /// Bytes of it in memory, whoever touched them.
    pub resident: Option<u64>,
    /// Bytes that a dump would make resident beyond those: it reads all that it keeps, also what nobody has touched.
    pub made_resident: Option<u64>,
    /// Bytes of it that attachments cover, each offset once.
    pub mapped: u64,
    /// Bytes of it that each writer would keep, each offset once.
    pub kept: KeptBytes,
    /// Why bytes would be lost, by writer.
    pub causes: Vec<LossCause>,
}

/// Bytes that each writer would keep as configured now, by its word; null for one that would not dump the process at all.
#[derive(Clone, Debug)]
pub struct KeptBytes(pub Vec<(Writer, Option<u64>)>);

impl Serialize for KeptBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(writer, bytes)| (writer.word(), bytes)))
    }
}

/// An attachment.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedAttachment {
    /// The address of offset 0.
    pub base: Option<Hex>,
    /// The lowest mapped address.
    pub start: Hex,
    /// The address after the highest mapped one.
    pub end: Hex,
    /// Its mappings, by address.
    pub mappings: Vec<CheckedMapping>,
}

/// A mapping, and what would be kept of it, from its start.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedMapping {
    /// The first address.
    pub start: Hex,
    /// The address after the last.
    pub end: Hex,
    /// The offset in the segment of the first byte.
    pub offset: u64,
    /// "rw-", ...
    pub permissions: Option<String>,
    /// Bytes.
    pub kept: KeptBytes,
}

/// Why a writer would lose bytes.
#[derive(Clone, Debug, Serialize)]
pub struct LossCause {
    /// Which would.
    pub writer: Writer,
    /// The same, as the contract first called it.
    pub dumper: Writer,
    /// A stable word, as in the causes of a dump.
    pub code: LossCode,
    /// Whether it is sure to.
    pub certain: bool,
    /// What says so.
    pub evidence: String,
    /// What keeps them.
    pub fix: String,
}

/// What keeps everything, where the process comes from there.
#[derive(Clone, Debug, Serialize)]
pub struct Remedy {
    /// "process", "systemd", "container" or "kubernetes".
    pub place: &'static str,
    /// Commands, or lines of a file.
    pub text: String,
}

impl Check {
    /// The report of `forecast`, made for the segments `memory` of `target` under `settings`. `resident` tells how much of
    /// a segment is in memory.
    pub fn of(
        target: &dyn Target,
        memory: &SharedMemory,
        settings: &DumpSettings,
        forecast: &Forecast,
        resident: impl Fn(&Segment) -> Option<u64>,
    ) -> Self {
        let pid = target.process().pid;
        let needed = causes::filter_that_keeps_all(settings, forecast);
        let segments = memory.segments.iter().enumerate().map(|(index, segment)| {
            let resident = resident(segment);
            let kept = forecast.of_segment(index);
            let most = kept.iter().filter_map(|(_, kept)| Some(kept.as_ref()?.bytes)).max().unwrap_or(0);
            CheckedSegment {
                number: index.saturating_add(1),
                kind: Some(segment.kind),
                key: segment.key.map(|key| key.to_string()),
                name: segment.name.as_deref().map(Text::new),
                shmid: segment.facts.shmid.map(shmcore::ShmId::raw),
                attachments: attachments(segment, &kept),
                size: segment.facts.size,
                resident,
                made_resident: resident.map(|resident| most.saturating_sub(resident)),
                mapped: segment.mapped(),
                kept: kept_bytes(&kept, |keeping| keeping.bytes),
                causes: causes::of(pid, settings, needed, segment.kind, &kept),
            }
        });
        let segments: Vec<_> = segments.collect();
        // No bytes are read that could be torn.
        let told = target.warnings().iter().filter(|warning| warning.code != "live");
        let mut warnings: Vec<_> = told.chain(&memory.warnings).map(Warning::from).collect();
        warnings.extend(no_space(settings, forecast));
        Self {
            schema: super::SCHEMA,
            process: Process::of(target, &super::Options::default()),
            settings: Settings::of(settings, forecast),
            remedies: remedies::of(pid, settings, needed, &segments),
            segments,
            warnings,
        }
    }

    /// Bytes of all segments that `writer` would lose; `None` if it would not dump this process at all.
    pub fn lost(&self, writer: Writer) -> Option<u64> {
        let lost = self.segments.iter().map(|segment| {
            let (_, kept) = segment.kept.0.iter().find(|(other, _)| *other == writer)?;
            kept.map(|kept| segment.mapped.saturating_sub(kept))
        });
        lost.sum()
    }

    /// Whether the disk is too small for the kernel's core.
    pub fn lacks_space(&self) -> bool {
        self.settings.free.is_some_and(|free| free < self.settings.core_size)
    }
}

impl Settings {
    fn of(settings: &DumpSettings, forecast: &Forecast) -> Self {
        let (destination, folder, free) = match &settings.destination {
            None => (None, None, None),
            Some(Destination::Nowhere) => (Some("nowhere"), None, None),
            Some(Destination::Program(_)) => (Some("program"), None, None),
            Some(Destination::Socket(_)) => (Some("socket"), None, None),
            Some(Destination::File { folder, free, .. }) => (Some("file"), folder.as_deref(), *free),
        };
        let limit = |limit: Option<Limit>| {
            limit.map(|limit| match limit {
                Limit::Bytes(bytes) => LimitValue::Bytes(bytes),
                Limit::None => LimitValue::Unlimited("unlimited"),
            })
        };
        Self {
            coredump_filter: settings.filter.map(|bits| format!("{bits:#x}")),
            rlimit_core: CoreLimits { soft: limit(settings.soft_limit), hard: limit(settings.hard_limit) },
            core_pattern: settings.pattern.clone().map(Text::new),
            destination,
            folder: folder.map(|folder| Text::new(folder.as_os_str().as_encoded_bytes()).escaped()),
            free,
            core_size: forecast.core_size,
            core_pipe_limit: settings.pipe_limit,
            dumpable: settings.dumpable,
            suid_dumpable: settings.suid_dumpable,
        }
    }
}

fn kept_bytes(kept: &[(Writer, Option<&Keeping>)], bytes: impl Fn(&Keeping) -> u64) -> KeptBytes {
    KeptBytes(kept.iter().map(|(writer, kept)| (*writer, kept.map(&bytes))).collect())
}

fn attachments(segment: &Segment, kept: &[(Writer, Option<&Keeping>)]) -> Vec<CheckedAttachment> {
    let mut at = 0_usize;
    let attachments = segment.attachments.iter().map(|attachment| CheckedAttachment {
        base: attachment.base.map(Hex::from),
        start: attachment.start().into(),
        end: attachment.end().into(),
        mappings: attachment
            .mappings
            .iter()
            .map(|mapping| {
                let bytes = |keeping: &Keeping| keeping.mappings.get(at).map_or(0, |mapping| mapping.bytes);
                let kept = kept_bytes(kept, bytes);
                at = at.saturating_add(1);
                CheckedMapping {
                    start: mapping.range.start().into(),
                    end: mapping.range.end().into(),
                    offset: mapping.offset.get(),
                    permissions: mapping.permissions.map(|permissions| permissions.to_string()),
                    kept,
                }
            })
            .collect(),
    });
    attachments.collect()
}

fn no_space(settings: &DumpSettings, forecast: &Forecast) -> Option<Warning> {
    let Some(Destination::File { free: Some(free), folder: Some(folder), .. }) = &settings.destination else {
        return None;
    };
    (*free < forecast.core_size).then(|| Warning {
        code: "disk-space",
        message: format!(
            "{} has {free} bytes free, and the kernel's core would take about {}: it would be cut short",
            Text::new(folder.as_os_str().as_encoded_bytes()).escaped(),
            forecast.core_size
        ),
    })
}

impl CheckedSegment {
    /// What people call it. As hostile as the dump.
    pub fn label(&self) -> String {
        label(self.key.as_deref(), self.name.as_ref())
    }

    /// The contract's word for how much of it a writer that keeps `bytes` would keep.
    pub fn state(&self, bytes: u64) -> State {
        state(self.mapped, bytes, false)
    }
}
