//! The mappings of a running process, and which of them are of segments.

use std::collections::HashMap;
use std::sync::Arc;

use shmcore::ipcs::ListedSegment;
use shmcore::{Key, ShmId};

use super::segment_file::SegmentFile;
use crate::error::Warning;
use crate::kind::{Kind, Kinds};
use crate::memory::Permissions;
use crate::position::{Address, Interval, Position};
use crate::proc_files::{IpcNamespace, IpcTable, MappingKinds, ProcessFolder, VirtualMemoryArea, maps};
use crate::targets::{Facts, FileId, FoundBy};

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
    pub(super) content: Content,
}

/// What a mapping is of.
#[derive(Debug)]
pub(super) enum Content {
    /// Memory that nobody shares, whatever its name.
    Private,
    /// Something whose name is all that is known of it.
    Other,
    /// A file that has the name of a System V segment and is none.
    File(Facts),
    /// A segment.
    Segment { kind: Kind, found_by: FoundBy, facts: Facts, file: Option<Arc<SegmentFile>> },
}

impl Area {
    pub(super) fn is_segment(&self) -> bool {
        matches!(self.content, Content::Segment { .. })
    }

    /// The segment's file, where the rights for it are there.
    pub(super) fn file(&self) -> Option<&SegmentFile> {
        match &self.content {
            Content::Segment { file, .. } => file.as_deref(),
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
pub(super) fn areas_of(
    folder: &ProcessFolder,
    text: &[u8],
    kinds: &Kinds,
    warnings: &mut Vec<Warning>,
) -> Vec<Area> {
    let rows: Vec<_> = maps::parse(text).collect();
    let known_kinds = MappingKinds::of(folder);
    let mut known = Known { folder, kinds, known_kinds, table: None, files: HashMap::new() };
    let areas = rows.iter().filter_map(|row| {
        let range = Interval::new(Address::new(row.start), Address::new(row.end))?;
        let has = |letter| row.permissions.contains(&letter);
        Some(Area {
            range,
            offset: row.offset,
            permissions: Permissions { read: has(b'r'), write: has(b'w'), execute: has(b'x') },
            name: row.name.to_vec(),
            inode: row.inode,
            content: known.content(row, warnings),
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
    let mut own = HashMap::<Option<ShmId>, (u64, Option<u64>)>::new();
    for area in areas {
        let Content::Segment { facts, .. } = &area.content else { continue };
        let (count, attached) = own.entry(facts.shmid).or_default();
        *count = count.saturating_add(1);
        *attached = facts.attach_count;
    }
    // Of other kinds the kernel does not tell how often they are mapped.
    let alone = own.values().all(|(count, attached)| Some(*count) == *attached);
    (!alone)
        .then_some("the process is stopped, but others that attach its segments keep running, so bytes may mix two moments")
}

/// What is asked once, and only where there is something to ask it of.
struct Known<'a> {
    folder: &'a ProcessFolder,
    kinds: &'a Kinds,
    known_kinds: MappingKinds<'a>,
    table: Option<Vec<ListedSegment>>,
    /// By inode and key: after unshare(2) two segments can have one shmid.
    files: HashMap<(FileId, Option<Key>), Option<Arc<SegmentFile>>>,
}

impl Known<'_> {
    fn content(&mut self, row: &VirtualMemoryArea<'_>, warnings: &mut Vec<Warning>) -> Content {
        let Some(name) = Key::from_mapping_name(row.name) else { return self.other(row) };
        let found_by = match self.known_kinds.devices().hold(row.device) {
            Some(true) => FoundBy::Device,
            None if name.deleted => FoundBy::Name,
            Some(false) | None => return self.other(row),
        };
        let folder = self.folder;
        let file = self.file(row, Some(name.key));
        let table = self.table.get_or_insert_with(|| table(folder, warnings));
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
        Content::Segment { kind: Kind::SystemV, found_by, facts, file }
    }

    /// What a mapping is of that is not System V.
    fn other(&mut self, row: &VirtualMemoryArea<'_>) -> Content {
        let named_like_a_segment = Key::from_mapping_name(row.name).is_some();
        if named_like_a_segment && self.kinds.is_system_v_alone() {
            return Content::File(Facts::default());
        }
        if row.permissions.last() != Some(&b's') {
            return if named_like_a_segment { Content::File(Facts::default()) } else { Content::Private };
        }
        if self.kinds.is_system_v_alone() {
            return Content::Other;
        }
        let Some((kind, proven)) = self.known_kinds.kind(row) else { return Content::Other };
        let found_by = if proven { FoundBy::Device } else { FoundBy::Name };
        if kind == Kind::File && !self.kinds.want_file(row.name) {
            return Content::File(Facts::default());
        }
        let id = FileId { device: row.device, inode: row.inode };
        let opens = kind != Kind::File
            || self.folder.file_status(&row.map_file()).is_some_and(|status| status.regular);
        let file = opens.then(|| self.file(row, None)).flatten();
        let status = file.as_deref();
        let facts = Facts {
            file: Some(id),
            size: status.map(SegmentFile::size),
            owner: status.map(SegmentFile::owner),
            permissions: status.map(SegmentFile::permissions),
            ..Facts::default()
        };
        Content::Segment { kind, found_by, facts, file }
    }

    /// The file that `row` maps, where the rights for it are there.
    fn file(&mut self, row: &VirtualMemoryArea<'_>, key: Option<Key>) -> Option<Arc<SegmentFile>> {
        let id = (FileId { device: row.device, inode: row.inode }, key);
        if let Some(file) = self.files.get(&id) {
            return file.clone();
        }
        let open = self.files.len() < MOST_FILES;
        let range = format!("{:x}-{:x}", row.start, row.end);
        let file = open.then(|| SegmentFile::open(self.folder, &range, row.inode)).flatten().map(Arc::new);
        self.files.insert(id, file.clone());
        file
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
