//! What a core was filled with by `coreinspect fill`: in the report of such a core, and in that of the command.

use std::path::Path;

use serde::Serialize;

use super::{PathText, SCHEMA, Text};
use crate::fill::{Copy, Plan};
use crate::shm::Segment;
use crate::sidecar::{FillSource, SourceKind, TimeOf};

impl FillSource {
    /// The same in words: "writer.core (pid 25382, file of 2026-11-30T12:00:00Z)".
    pub fn words(&self) -> String {
        let process = self.pid.filter(|_| self.kind != SourceKind::Process).map(|pid| format!("pid {pid}"));
        let time = self.time.and_then(|time| jiff::Timestamp::from_second(i64::try_from(time).ok()?).ok());
        let time = time.map(|time| match self.time_of {
            Some(TimeOf::Death) => format!("which ended {time}"),
            Some(TimeOf::Reading) => format!("read {time}"),
            Some(TimeOf::File) | None => format!("file of {time}"),
        });
        let known: Vec<_> = process.into_iter().chain(time).collect();
        match (self.kind, known.as_slice()) {
            (SourceKind::Itself, _) => "this core at another address".to_owned(),
            (_, []) => self.name.clone(),
            (_, known) => format!("{} ({})", self.name, known.join(", ")),
        }
    }
}

/// A run of a mapping that was filled.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Fill {
    /// The first address.
    pub start: super::Hex,
    /// The address after the last.
    pub end: super::Hex,
    /// The offset in the segment of the first byte.
    pub offset: u64,
    /// Where the bytes are from: an index of the dump's `filled_with`.
    pub from: usize,
}

/// `fill`: what was filled.
#[derive(Clone, Debug, Serialize)]
pub struct Filling {
    /// The contract's name.
    pub schema: &'static str,
    /// The core that was written; null if none was.
    #[serde(flatten, with = "super::text::path")]
    pub path: Option<Text>,
    /// The ELF file of the filled ranges alone; null if none was written.
    pub overlay: Option<PathText>,
    /// The core that was filled.
    #[serde(flatten, with = "super::text::dump")]
    pub dump: Option<Text>,
    /// Bytes that were filled.
    pub filled: u64,
    /// Whether missing memory is left out of the program headers.
    pub honest: bool,
    /// The sources, in the order in which they were named.
    pub sources: Vec<FillSource>,
    /// Each segment that lacks bytes, or of which a copy differs.
    pub segments: Vec<FilledSegment>,
}

/// What was filled of a segment.
#[derive(Clone, Debug, Serialize)]
pub struct FilledSegment {
    /// Its number in the core.
    pub number: usize,
    /// Its key.
    pub key: Option<String>,
    /// Bytes of its attachments that the core lacks.
    pub missing: u64,
    /// Those of them that were filled.
    pub filled: u64,
    /// From where.
    pub from: Vec<FilledBytes>,
    /// Copies that have other bytes than the core: its own stay.
    pub conflicts: Vec<FillConflict>,
}

/// How many bytes are from a source.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FilledBytes {
    /// An index of `sources`.
    pub source: usize,
    /// What says that it has the same segment: "shmid", "key", "process", "pair" (as named); null: the core itself.
    pub matched_by: Option<&'static str>,
    /// The bytes.
    pub bytes: u64,
}

/// A copy that has other bytes than the core.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FillConflict {
    /// An index of `sources`.
    pub source: usize,
    /// Bytes that both have.
    pub compared: u64,
    /// Those of them that differ.
    pub different: u64,
    /// The offset of the first of them.
    pub first: Option<u64>,
}

/// What was written where.
#[derive(Clone, Copy, Debug)]
pub struct Made<'m> {
    /// The core that was filled.
    pub dump: &'m Path,
    /// The new core.
    pub path: Option<&'m Path>,
    /// The overlay.
    pub overlay: Option<&'m Path>,
    /// Whether missing memory is left out.
    pub honest: bool,
}

impl Filling {
    /// The report of `plan` for `segments`.
    pub fn of(
        made: Made<'_>,
        segments: &[Segment],
        sources: &[FillSource],
        copies: &[Copy<'_>],
        plan: &Plan,
    ) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let text = |path: &Path| Text::new(path.as_os_str().as_bytes());
        let last = sources.len().saturating_sub(1);
        let source =
            |copy: Option<usize>| copy.and_then(|copy| copies.get(copy)).map_or(last, |copy| copy.source);
        let by = |copy: Option<usize>| Some(copies.get(copy?)?.by.name());
        let told = plan.segments.iter().map(|one| FilledSegment {
            number: one.segment.saturating_add(1),
            key: segments.get(one.segment).and_then(|segment| segment.key).map(|key| key.to_string()),
            missing: one.missing,
            filled: one.filled.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes)),
            from: one
                .filled
                .iter()
                .map(|(copy, bytes)| FilledBytes {
                    source: source(*copy),
                    matched_by: by(*copy),
                    bytes: *bytes,
                })
                .collect(),
            conflicts: one
                .conflicts
                .iter()
                .map(|conflict| FillConflict {
                    source: source(Some(conflict.copy)),
                    compared: conflict.compared,
                    different: conflict.different,
                    first: conflict.first.map(crate::position::Position::get),
                })
                .collect(),
        });
        Self {
            schema: SCHEMA,
            path: made.path.map(text),
            overlay: made.overlay.map(PathText::from),
            dump: Some(text(made.dump)),
            filled: plan.filled(),
            honest: made.honest,
            sources: sources.to_vec(),
            segments: told.collect(),
        }
    }
}
