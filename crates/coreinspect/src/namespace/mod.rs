//! Every segment of our IPC namespace, which processes attach it, and which nobody will ever remove.

mod files;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::{Duration, SystemTime};

use shmcore::ipcs::ListedSegment;
use shmcore::{Key, ShmId};

pub use files::SharedFile;

use crate::kind::{Kind, Kinds};
use crate::proc_files::{IpcNamespace, IpcTable, ProcessFolder, SegmentDevices, maps, pids};

/// A process that attaches a segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attaching {
    /// Its id.
    pub pid: u32,
    /// Its name (proc(5), comm).
    pub command: Vec<u8>,
}

impl Attaching {
    /// The process behind `folder`.
    fn of(folder: &ProcessFolder) -> Self {
        let mut command = folder.read("comm").unwrap_or_default();
        command.pop_if(|byte| *byte == b'\n');
        Self { pid: folder.pid(), command }
    }
}

/// A segment of the namespace.
#[derive(Clone, Debug)]
pub struct NamespaceSegment {
    /// What /proc/sysvipc/shm says of it.
    pub listed: ListedSegment,
    /// The key in the name of its mappings, which outlives IPC_RMID; `None` if no mapping of it was seen.
    pub mapped_key: Option<Key>,
    /// The processes that attach it, among those that could be read; by id.
    pub attached_by: Vec<Attaching>,
    /// Nobody attaches it and its creator has ended: it stays until somebody removes it.
    pub orphan: bool,
}

/// The segments of our IPC namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    /// In the kernel's order.
    pub segments: Vec<NamespaceSegment>,
    /// Shared memory of other kinds, by kind and name.
    pub files: Vec<SharedFile>,
    /// Rows of the table that were not understood.
    pub lost: usize,
    /// Processes whose mappings we may not read: they may attach more than is told.
    pub unreadable: usize,
}

impl Namespace {
    /// That of this thread, as far as `kinds` asks: reads the kernel's table, and the mappings of every process that we may
    /// read.
    ///
    /// # Errors
    /// /proc/sysvipc/shm or /proc cannot be read.
    pub fn own(kinds: &Kinds) -> io::Result<Self> {
        let files = if kinds.is_system_v_alone() { Vec::new() } else { files::read(kinds)? };
        match kinds.list(Kind::SystemV) {
            true => Ok(Self { files, ..Self::of_system_v()? }),
            false => Ok(Self { files, ..Self::default() }),
        }
    }

    fn of_system_v() -> io::Result<Self> {
        // The processes first: what is attached meanwhile is in the table, though not with whom.
        let mut attached = Attached::default();
        let mut unreadable = 0_usize;
        let (devices, own) = (SegmentDevices::of_this_kernel(), IpcNamespace::own()?);
        for pid in pids()? {
            let Ok(process) = ProcessFolder::open(pid) else { continue };
            match attached.add(&process, &devices, &own) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    unreadable = unreadable.saturating_add(1);
                }
                // It has ended.
                Ok(()) | Err(_) => {}
            }
        }
        let table = IpcTable::own()?;
        let segments = table.segments.into_iter().map(|listed| attached.segment(listed)).collect();
        Ok(Self { segments, files: Vec::new(), lost: table.lost, unreadable })
    }
}

/// Who attaches which segment.
#[derive(Default)]
struct Attached(HashMap<ShmId, (Key, BTreeMap<u32, Attaching>)>);

impl Attached {
    fn add(
        &mut self,
        process: &ProcessFolder,
        devices: &SegmentDevices,
        own: &IpcNamespace,
    ) -> io::Result<()> {
        let text = process.read("maps")?;
        let mut in_ours = None;
        for area in maps::parse(&text) {
            let Some(name) = Key::from_mapping_name(area.name) else { continue };
            // Without a proof the name must do.
            if !devices.hold(area.device).unwrap_or(name.deleted) {
                continue;
            }
            // Asked only of the few that have a segment: a number is one of its namespace.
            if !*in_ours
                .get_or_insert_with(|| IpcNamespace::of(process).is_ok_and(|namespace| namespace == *own))
            {
                return Ok(());
            }
            let Ok(shmid) = i32::try_from(area.inode) else { continue };
            let (_, processes) =
                self.0.entry(ShmId::from_raw(shmid)).or_insert_with(|| (name.key, BTreeMap::new()));
            processes.entry(process.pid()).or_insert_with(|| Attaching::of(process));
        }
        Ok(())
    }

    fn segment(&mut self, listed: ListedSegment) -> NamespaceSegment {
        let (mapped_key, attached_by) = match self.0.remove(&listed.status.id()) {
            Some((key, processes)) => (Some(key), processes.into_values().collect()),
            None => (None, Vec::new()),
        };
        let orphan = listed.status.attach_count() == 0 && attached_by.is_empty() && !creator_runs(&listed);
        NamespaceSegment { listed, mapped_key, attached_by, orphan }
    }
}

/// Whether the process that made a segment still runs. One that started after the segment was made only has its number.
fn creator_runs(listed: &ListedSegment) -> bool {
    // Clocks count whole seconds, and the time of a process's start is put together from two.
    const UNSURE: Duration = Duration::from_secs(2);
    let pid = listed.status.creator_pid().and_then(|pid| u32::try_from(pid.as_raw()).ok());
    let Some(process) = pid.and_then(|pid| ProcessFolder::open(pid).ok()) else { return false };
    let latest = |changed: SystemTime| changed.checked_add(UNSURE);
    match (process.start_time(), listed.status.changed().and_then(latest)) {
        (Some(started), Some(latest)) => started <= latest,
        _ => true,
    }
}
