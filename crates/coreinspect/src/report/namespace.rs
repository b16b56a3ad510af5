//! The segments of an IPC namespace, for the contract.

use serde::Serialize;

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
    /// The key; after IPC_RMID that in the name of its mappings, which the kernel's table does not have any more.
    pub key: String,
    /// Its number.
    pub shmid: i32,
    /// The bytes that shmget(2) was asked for.
    pub size: u64,
    /// Bytes of it in memory.
    pub resident: Option<u64>,
    /// Bytes of it in swap space.
    pub swap: Option<u64>,
    /// The owner's uid.
    pub owner: u32,
    /// The mode, in octal.
    pub perms: String,
    /// Mappings of it.
    pub nattch: u64,
    /// Who made it; null if that process is not of our pid namespace.
    pub cpid: Option<u32>,
    /// Who attached or detached it last.
    pub lpid: Option<u32>,
    /// The processes that attach it, among those that could be read.
    pub attached_by: Vec<u32>,
    /// Nobody attaches it and its creator has ended.
    pub orphan: bool,
    /// Whether it was removed (IPC_RMID) and is gone with its last attachment.
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
            segments: namespace.segments.iter().map(NamespaceSegment::from).collect(),
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
            key: segment.mapped_key.unwrap_or(status.key()).to_string(),
            shmid: status.id().raw(),
            size: status.size(),
            resident: segment.listed.resident,
            swap: segment.listed.swapped,
            owner: status.owner().as_raw(),
            perms: status.permissions().to_string(),
            nattch: status.attach_count(),
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
