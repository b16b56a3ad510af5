//! The mappings of a running process, and which of them are of segments.

use std::collections::HashMap;
use std::sync::Arc;

use shmcore::ipcs::ListedSegment;
use shmcore::{Key, ShmId};

use super::segment_file::SegmentFile;
use crate::error::Warning;
use crate::memory::Permissions;
use crate::position::{Address, Interval, Position};
use crate::proc_files::{IpcNamespace, IpcTable, ProcessFolder, SegmentDevices, VirtualMemoryArea, maps};
use crate::targets::{Facts, FoundBy};

/// A mapping.
#[derive(Debug)]
pub(super) struct Area {
    pub(super) range: Interval<Address>,
    /// Where in its file it begins.
    pub(super) offset: u64,
    pub(super) permissions: Permissions,
    pub(super) name: Vec<u8>,
    /// The inode; of a segment the shmid.
    pub(super) inode: u64,
    pub(super) kind: Kind,
}

/// What a mapping is of.
#[derive(Debug)]
pub(super) enum Kind {
    /// Something whose name is not that of a segment.
    Other,
    /// A file that has the name of a segment and is none.
    File,
    /// A segment.
    Segment { found_by: FoundBy, facts: Facts, file: Option<Arc<SegmentFile>> },
}

impl Kind {
    pub(super) fn is_segment(&self) -> bool {
        matches!(self, Self::Segment { .. })
    }
}

impl Area {
    /// The segment's file, where the rights for it are there.
    pub(super) fn file(&self) -> Option<&SegmentFile> {
        match &self.kind {
            Kind::Segment { file, .. } => file.as_deref(),
            _ => None,
        }
    }

    /// Where in its file `address` is.
    pub(super) fn offset_of(&self, address: Address) -> Option<u64> {
        self.offset.checked_add(address.offset_from(self.range.start())?)
    }
}

/// Files of segments that are held open at once: descriptors are few (RLIMIT_NOFILE is often 1,024).
const MOST_FILES: usize = 256;

/// The mappings that `text`, /proc/PID/maps of the process, describes.
pub(super) fn areas_of(folder: &ProcessFolder, text: &[u8], warnings: &mut Vec<Warning>) -> Vec<Area> {
    let rows: Vec<_> = maps::parse(text).collect();
    let mut known = Known::default();
    let areas = rows.iter().filter_map(|row| {
        let range = Interval::new(Address::new(row.start), Address::new(row.end))?;
        let has = |letter| row.permissions.contains(&letter);
        Some(Area {
            range,
            offset: row.offset,
            permissions: Permissions { read: has(b'r'), write: has(b'w'), execute: has(b'x') },
            name: row.name.to_vec(),
            inode: row.inode,
            kind: known.kind(folder, row, warnings),
        })
    });
    areas.collect()
}

/// Why bytes may be torn; `None` if nobody can write while they are read.
pub(super) fn torn(areas: &[Area], stands_still: bool) -> Option<&'static str> {
    if !stands_still {
        return Some(
            "the process keeps running while coreinspect reads it, so bytes may mix two moments; --stop stops it meanwhile",
        );
    }
    let mut own = HashMap::<ShmId, (u64, Option<u64>)>::new();
    for area in areas {
        let Kind::Segment { facts, .. } = &area.kind else { continue };
        let (count, attached) = own.entry(facts.shmid?).or_default();
        *count = count.saturating_add(1);
        *attached = facts.attach_count;
    }
    let alone = own.values().all(|(count, attached)| Some(*count) == *attached);
    (!alone)
        .then_some("the process is stopped, but others that attach its segments keep running, so bytes may mix two moments")
}

/// What is asked once, and only where there is a segment.
#[derive(Default)]
struct Known {
    devices: Option<SegmentDevices>,
    table: Option<Vec<ListedSegment>>,
    /// By shmid and key: after unshare(2) two segments can have one shmid.
    files: HashMap<(u64, Key), Option<Arc<SegmentFile>>>,
}

impl Known {
    fn kind(
        &mut self,
        folder: &ProcessFolder,
        row: &VirtualMemoryArea<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Kind {
        let Some(name) = Key::from_mapping_name(row.name) else { return Kind::Other };
        let devices = self.devices.get_or_insert_with(SegmentDevices::of_this_kernel);
        let found_by = match devices.hold(row.device) {
            Some(true) => FoundBy::Device,
            Some(false) => return Kind::File,
            None if name.deleted => FoundBy::Name,
            None => return Kind::File,
        };
        let table = self.table.get_or_insert_with(|| table(folder, warnings));
        let file = match self.files.get(&(row.inode, name.key)) {
            Some(file) => file.clone(),
            None => {
                let open = self.files.len() < MOST_FILES;
                let range = format!("{:x}-{:x}", row.start, row.end);
                let file = open.then(|| SegmentFile::open(folder, &range, row.inode)).flatten().map(Arc::new);
                self.files.insert((row.inode, name.key), file.clone());
                file
            }
        };
        let shmid = i32::try_from(row.inode).ok().map(ShmId::from_raw);
        let size = file.as_ref().map(|file| file.size());
        let listed = table.iter().find(|listed| {
            let status = &listed.status;
            // A process can leave the namespace in which it attached: the number alone does not say which segment it is.
            let same_key = status.key() == name.key || status.permissions().is_removed();
            Some(status.id()) == shmid && same_key && size.is_none_or(|size| size == status.size())
        });
        let facts = match listed {
            Some(listed) => Facts::from(&listed.status),
            None => Facts { shmid, size, ..Facts::default() },
        };
        Kind::Segment { found_by, facts, file }
    }
}

/// The segments of the process's IPC namespace; none, and a warning, where they cannot be read.
fn table(folder: &ProcessFolder, warnings: &mut Vec<Warning>) -> Vec<ListedSegment> {
    match IpcTable::of(folder) {
        Ok(table) => table.segments,
        Err(error) => {
            let other = IpcNamespace::of(folder)
                .ok()
                .zip(IpcNamespace::own().ok())
                .is_none_or(|(its, own)| its != own);
            let why = match other {
                true => format!("it is in another IPC namespace, and entering that takes root ({error})"),
                false => format!("/proc/sysvipc/shm cannot be read: {error}"),
            };
            let message =
                format!("owner, permissions, nattch, pids and times of its segments are unknown: {why}");
            warnings.push(Warning::new("ipc-namespace", message));
            Vec::new()
        }
    }
}
