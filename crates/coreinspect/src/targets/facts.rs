//! What a target knows of a System V segment beyond the name of its mapping.

use std::time::SystemTime;

use shmcore::{Permissions, Pid, ShmId, Status, Uid};

use crate::kind::Kind;
use crate::proc_files::Device;

/// How a segment is known to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FoundBy {
    /// The mapping has the name that the kernel gives to segments: strong evidence, not proof, because an unlinked regular
    /// file can be called so.
    Name,
    /// The mapping's device is the one on which the kernel keeps segments: proof.
    Device,
    /// Its place and its bytes, without a name: a heuristic.
    Content,
    /// What a handler wrote down beside the dump, while the process still existed.
    Sidecar,
}

impl FoundBy {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Device => "device",
            Self::Content => "content",
            Self::Sidecar => "sidecar",
        }
    }
}

/// What the kernel said of a segment. `None` is unknown.
///
/// An ordinary core holds none of it; a running process, the note of coreinspect's own cores and a sidecar do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its file, of other kinds than System V.
    pub file: Option<FileId>,
    /// Its number in its IPC namespace: the inode of its mappings.
    pub shmid: Option<ShmId>,
    /// The bytes that shmget(2) was asked for; mappings are whole pages.
    pub size: Option<u64>,
    /// The owner's user id.
    pub owner: Option<Uid>,
    /// Who may do what, and whether it is removed (SHM_DEST) or locked (SHM_LOCKED).
    pub permissions: Option<Permissions>,
    /// `shm_nattch`: mappings, not calls of shmat(2).
    pub attach_count: Option<u64>,
    /// Who made it.
    pub creator_pid: Option<Pid>,
    /// Who attached or detached it last.
    pub last_pid: Option<Pid>,
    /// The last shmat(2), in whole seconds.
    pub attached: Option<SystemTime>,
    /// The last shmdt(2), in whole seconds.
    pub detached: Option<SystemTime>,
    /// When it was made, or changed by IPC_SET, in whole seconds.
    pub changed: Option<SystemTime>,
}

impl From<&Status> for Facts {
    fn from(status: &Status) -> Self {
        Self {
            file: None,
            shmid: Some(status.id()),
            size: Some(status.size()),
            owner: Some(status.owner()),
            permissions: Some(status.permissions()),
            attach_count: Some(status.attach_count()),
            creator_pid: status.creator_pid(),
            last_pid: status.last_pid(),
            attached: status.attached(),
            detached: status.detached(),
            changed: status.changed(),
        }
    }
}

/// A file as the kernel tells files apart, whatever they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The device of its file system.
    pub device: Device,
    /// Its inode.
    pub inode: u64,
}

/// What a target says of the kind of a mapping.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// It has nothing but the name to go by.
    ByName,
    /// Nobody shares it: it is a private mapping.
    Private,
    /// It is of this kind, whatever its name; this is how that is known, and what else is.
    Of(Kind, FoundBy, &'a Facts),
}
