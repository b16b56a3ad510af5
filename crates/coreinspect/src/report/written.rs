//! The JSON of `dump` and of `restore`: what was made.

use std::path::Path;

use serde::Serialize;
use shmcore::{Key, Permissions, ShmId};

use super::{Hole, PathText, SCHEMA, Text};
use crate::collector::Collected;
use crate::core_writer::{Way, Written};
use crate::kind::Kind;

/// `dump`: the core that was written.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenCore {
    /// The contract's name.
    pub schema: &'static str,
    /// The file.
    #[serde(flatten)]
    pub path: PathText,
    /// The process.
    pub pid: u32,
    /// Mappings of System V segments.
    pub mappings: usize,
    /// Bytes of them that the core holds.
    pub saved: u64,
    /// Bytes that were read: pages that do not exist are holes, and one segment's bytes are saved once.
    pub read: u64,
    /// Bytes that could not be read.
    pub unreadable: u64,
    /// "map_files" or "memory".
    pub read_through: &'static str,
    /// Threads whose registers it holds.
    pub threads: usize,
    /// Seconds for which the process was stopped; null if it was not.
    pub stopped_seconds: Option<f64>,
}

impl WrittenCore {
    /// The core of process `pid` in the file at `path`.
    pub fn new(path: &Path, pid: u32, written: &Written) -> Self {
        Self {
            schema: SCHEMA,
            path: PathText::from(path),
            pid,
            mappings: written.mappings,
            saved: written.saved,
            read: written.read,
            unreadable: written.unreadable,
            read_through: match written.way {
                Way::MapFiles => "map_files",
                Way::Memory => "memory",
            },
            threads: written.threads,
            stopped_seconds: written.stopped.map(|stopped| stopped.as_secs_f64()),
        }
    }
}

/// `collect`: what was stored of a crash.
#[derive(Clone, Debug, Serialize)]
pub struct CollectedCrash {
    /// The contract's name.
    pub schema: &'static str,
    /// The folder.
    #[serde(flatten)]
    pub path: PathText,
    /// The core's file name in it.
    pub core: Option<String>,
    /// Bytes of the core, before they were compressed.
    pub core_bytes: Option<u64>,
    /// Whether the core is shorter than what the kernel wrote.
    pub cut: bool,
    /// The file name of the segments that the core lacks.
    pub saved_segments: Option<String>,
    /// The sidecar's file name.
    pub sidecar: Option<String>,
    /// Earlier crashes that made room.
    pub removed: Vec<String>,
    /// What could not be done.
    pub problems: Vec<String>,
}

impl CollectedCrash {
    /// What was stored in `folder`.
    pub fn new(folder: &Path, collected: &Collected) -> Self {
        Self {
            schema: SCHEMA,
            path: PathText::from(folder),
            core: collected.core.clone(),
            core_bytes: collected.stored.map(|stored| stored.bytes),
            cut: collected.stored.is_some_and(|stored| stored.cut.is_some()),
            saved_segments: collected.segments.clone(),
            sidecar: collected.sidecar.clone(),
            removed: collected.removed.clone(),
            problems: collected.problems.clone(),
        }
    }
}

/// `restore`: the segment that was made.
#[derive(Clone, Debug, Serialize)]
pub struct RestoredSegment {
    /// The contract's name.
    pub schema: &'static str,
    /// The dump.
    #[serde(flatten)]
    pub path: PathText,
    /// The segment's number in the dump's listing.
    pub number: usize,
    /// "sysv" or "posix": as what it was made.
    pub kind: Option<Kind>,
    /// The key that it was made under; null for POSIX shared memory.
    pub key: Option<String>,
    /// The path of POSIX shared memory; null for System V.
    #[serde(flatten, with = "super::text::name")]
    pub name: Option<Text>,
    /// The number that the kernel gave it; null for POSIX shared memory.
    pub shmid: Option<i32>,
    /// Bytes.
    pub size: u64,
    /// Whether the dump knows the size; otherwise it is what was mapped.
    pub size_known: bool,
    /// Its mode: four octal digits.
    pub perms: String,
    /// Bytes that the dump had.
    pub written: u64,
    /// What the dump lacks, and is zero.
    pub missing: Vec<Hole>,
    /// Whether its key is IPC_PRIVATE.
    #[serde(skip)]
    pub private: bool,
}

/// As what a segment was made again.
#[derive(Clone, Copy, Debug)]
pub enum MadeAs<'p> {
    /// A System V segment: its key, and the number that the kernel gave it.
    SystemV(Key, ShmId),
    /// POSIX shared memory: the path of its file.
    Posix(&'p str),
}

impl RestoredSegment {
    /// Segment `number` of `dump`, made again with `size` bytes, which the dump knows or not; `bytes`: how many the dump had, and
    /// what it lacks.
    pub fn new(
        (dump, number): (&Path, usize),
        made: MadeAs<'_>,
        (size, size_known): (u64, bool),
        permissions: Permissions,
        (written, missing): (u64, Vec<Hole>),
    ) -> Self {
        let (kind, key, shmid, name) = match made {
            MadeAs::SystemV(key, shmid) => (Kind::SystemV, Some(key), Some(shmid), None),
            MadeAs::Posix(path) => (Kind::Posix, None, None, Some(Text::new(path))),
        };
        Self {
            schema: SCHEMA,
            path: PathText::from(dump),
            number,
            kind: Some(kind),
            key: key.map(|key| key.to_string()),
            name,
            shmid: shmid.map(ShmId::raw),
            size,
            size_known,
            perms: permissions.to_string(),
            written,
            missing,
            private: key.is_some_and(Key::is_private),
        }
    }
}
