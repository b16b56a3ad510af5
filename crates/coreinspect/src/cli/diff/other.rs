//! The side of a comparison that is no dump, and when copies were taken.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use shmcore::Status;

use super::super::{Failure, dumps};
use crate::diff::MatchedBy;
use crate::diff::newer::Taken;
use crate::layout::FileContents;
use crate::position::{Interval, SegmentOffset};
use crate::shm::Segment;
use crate::source::{self, MappedFile};

/// A file with the bytes of a segment, and what its FILE.json says of its holes.
pub(in crate::cli) struct Raw {
    source: MappedFile,
    holes: Vec<(Interval<SegmentOffset>, &'static str)>,
    key: Option<String>,
}

impl Raw {
    pub(in crate::cli) fn open(path: &Path) -> Result<Self, Failure> {
        let name = dumps::shown(path);
        let source = MappedFile::open(path)
            .map_err(|source| Failure::new(format!("{name}: {}", crate::Error::Open { source })))?;
        let mut beside = path.to_owned().into_os_string();
        beside.push(".json");
        let (holes, key) = match fs::read(&beside) {
            Ok(text) => holes(&text).ok_or_else(|| {
                Failure::new(format!("{name}.json does not list holes, as extract writes them"))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Vec::new(), None),
            Err(error) => return Err(Failure::new(format!("cannot read {name}.json: {error}"))),
        };
        Ok(Self { source, holes, key })
    }

    /// The key of the segment whose bytes it holds, where FILE.json says it.
    pub(in crate::cli) fn key(&self) -> Option<String> {
        self.key.clone()
    }

    pub(in crate::cli) fn contents(&self) -> FileContents<'_> {
        FileContents::new(&self.source, self.holes.iter().copied())
    }
}

/// The holes that the JSON beside an extracted segment lists, and its key.
#[allow(clippy::type_complexity, reason = "used once")]
fn holes(text: &[u8]) -> Option<(Vec<(Interval<SegmentOffset>, &'static str)>, Option<String>)> {
    let document: Value = serde_json::from_slice(text).ok()?;
    let missing = document.get("missing")?.as_array()?.iter().map(|hole| {
        let number = |name: &str| hole.get(name)?.as_u64().map(SegmentOffset::new);
        let reason = match hole.get("reason")?.as_str()? {
            "not-saved" => "not-saved",
            "cut-off" => "cut-off",
            "not-mapped" => "not-mapped",
            _ => "not-readable",
        };
        Some((Interval::new(number("start")?, number("end")?)?, reason))
    });
    let key = document.get("key").and_then(|key| key.as_str()).map(str::to_owned);
    Some((missing.collect::<Option<_>>()?, key))
}

/// The living segment that is `segment`, and what says so. The id is asked for where the dump has it; a key of its own
/// names one segment of a namespace.
pub(super) fn alive(segment: &Segment, alive: &[Status]) -> Option<(Status, MatchedBy)> {
    if let Some(id) = segment.facts.shmid {
        let found = alive.iter().find(|status| status.id() == id)?;
        return Some((found.clone(), MatchedBy::ShmId));
    }
    let key = segment.key.filter(|key| !key.is_private())?;
    let found = alive.iter().find(|status| status.key() == key)?;
    Some((found.clone(), MatchedBy::Key))
}

/// When the copy in the file at `path` was taken.
pub(in crate::cli) fn taken(path: &Path) -> Taken {
    let written = source::time_of_death(path).and_then(|since| UNIX_EPOCH.checked_add(since));
    match (written, fs::metadata(path).and_then(|metadata| metadata.modified())) {
        (Some(time), _) => Taken::At(time),
        (None, Ok(time)) => Taken::FileFrom(time),
        (None, Err(_)) => Taken::Unknown,
    }
}

/// When the file at `path` was written last, in seconds since 1970; `None` for what is no file.
pub(in crate::cli) fn written(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs())
}
