//! The segments of an IPC namespace, for the contract.

use serde::Serialize;

use super::Text;
use super::text::label;
use crate::kind::{Kind, without_deleted};
use crate::namespace;

/// The segments of our IPC namespace.
#[derive(Clone, Debug, Serialize)]
pub struct Namespace {
    /// In the kernel's order.
    pub segments: Vec<NamespaceSegment>,
    /// Processes whose mappings may not be read: they may attach more than is told.
    pub unreadable_processes: usize,
    /// Rows of the kernel's table that were not understood.
    pub lost_rows: usize,
}

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub struct NamespaceSegment {
    /// "sysv", "posix", "memfd", "anonymous", "hugetlbfs" or "file".
    pub kind: Option<Kind>,
    /// The key; after IPC_RMID that in the name of its mappings, which the kernel's table does not have any more. Null for other
    /// kinds than System V.
    pub key: Option<String>,
    /// Its name, of other kinds than System V: that of its mappings, or its path.
    #[serde(flatten, with = "super::text::name")]
    pub name: Option<Text>,
    /// Its number.
    pub shmid: Option<i32>,
    /// The bytes that shmget(2) was asked for, or of its file; null where that may not be asked.
    pub size: Option<u64>,
    /// Bytes of it in memory.
    pub resident: Option<u64>,
    /// Bytes of it in swap space.
    pub swap: Option<u64>,
    /// The owner's uid.
    pub owner: Option<u32>,
    /// The mode, in octal.
    pub perms: Option<String>,
    /// Mappings of it; null for other kinds than System V, of which the kernel does not count them.
    pub nattch: Option<u64>,
    /// Who made it; null if that process is not of our pid namespace.
    pub cpid: Option<u32>,
    /// Who attached or detached it last.
    pub lpid: Option<u32>,
    /// The processes that attach it, among those that could be read.
    pub attached_by: Vec<u32>,
    /// Nobody attaches it and its creator has ended; a file in /dev/shm: nobody maps it or holds it open.
    pub orphan: bool,
    /// Whether it was removed (IPC_RMID), or its file unlinked, and is gone with its last attachment.
    pub removed: bool,
    /// Whether it is kept from being swapped (SHM_LOCK).
    pub locked: bool,
    /// The names of `attached_by`, for people.
    #[serde(skip)]
    pub commands: Vec<Vec<u8>>,
}

impl From<&namespace::Namespace> for Namespace {
    fn from(namespace: &namespace::Namespace) -> Self {
        Self {
            segments: namespace
                .segments
                .iter()
                .map(NamespaceSegment::from)
                .chain(namespace.files.iter().map(NamespaceSegment::from))
                .collect(),
            unreadable_processes: namespace.unreadable,
            lost_rows: namespace.lost,
        }
    }
}

impl From<&namespace::NamespaceSegment> for NamespaceSegment {
    fn from(segment: &namespace::NamespaceSegment) -> Self {
        let status = &segment.listed.status;
        let pid = |pid: Option<shmcore::Pid>| u32::try_from(pid?.as_raw()).ok();
        Self {
            kind: Some(Kind::SystemV),
            key: Some(segment.mapped_key.unwrap_or(status.key()).to_string()),
            name: None,
            shmid: Some(status.id().raw()),
            size: Some(status.size()),
            resident: segment.listed.resident,
            swap: segment.listed.swapped,
            owner: Some(status.owner().as_raw()),
            perms: Some(status.permissions().to_string()),
            nattch: Some(status.attach_count()),
            cpid: pid(status.creator_pid()),
            lpid: pid(status.last_pid()),
            attached_by: segment.attached_by.iter().map(|process| process.pid).collect(),
            orphan: segment.orphan,
            removed: status.permissions().is_removed(),
            locked: status.permissions().is_locked(),
            commands: segment.attached_by.iter().map(|process| process.command.clone()).collect(),
        }
    }
}

impl From<&namespace::SharedFile> for NamespaceSegment {
    fn from(file: &namespace::SharedFile) -> Self {
        let of_a_file = matches!(file.kind, Kind::Posix | Kind::Hugetlbfs | Kind::File);
        Self {
            kind: Some(file.kind),
            key: None,
            name: Some(Text::new(file.name.as_slice())),
            shmid: None,
            size: file.status.map(|status| status.size),
            resident: None,
            swap: None,
            owner: file.status.map(|status| status.owner),
            perms: file.status.map(|status| shmcore::Permissions::from_bits(status.mode & 0o777).to_string()),
            nattch: None,
            cpid: None,
            lpid: None,
            attached_by: file.attached_by.iter().map(|process| process.pid).collect(),
            orphan: file.orphan,
            removed: of_a_file && without_deleted(&file.name).1,
            locked: false,
            commands: file.attached_by.iter().map(|process| process.command.clone()).collect(),
        }
    }
}

impl NamespaceSegment {
    /// What people call it. As hostile as whoever named it.
    pub fn label(&self) -> String {
        label(self.key.as_deref(), self.name.as_ref())
    }
}
