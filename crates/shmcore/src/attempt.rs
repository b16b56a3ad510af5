//! [`Attempt`]: a system call in words, and what its errno means.

use std::fmt;

use nix::errno::Errno;
use nix::unistd::{SysconfVar, sysconf};

use crate::ipcs::{self, Limits};
use crate::{Access, Error, Key, ShmId, Status, sys};

/// What was tried when a system call failed. [`Display`](fmt::Display) completes "cannot ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// shmget(2) with IPC_CREAT.
    Create {
        /// The key asked for.
        key: Key,
        /// The size asked for, in bytes.
        size: usize,
    },
    /// shmget(2) without IPC_CREAT.
    Open {
        /// The key asked for.
        key: Key,
    },
    /// shmctl(2), IPC_STAT.
    Stat {
        /// The segment.
        id: ShmId,
    },
    /// shmctl(2), IPC_RMID.
    Remove {
        /// The segment.
        id: ShmId,
    },
    /// shmat(2).
    Attach {
        /// The segment.
        id: ShmId,
        /// The rights asked for.
        access: Access,
        /// The address asked for, if one was.
        address: Option<usize>,
    },
    /// shmdt(2).
    Detach {
        /// The segment.
        id: ShmId,
        /// Where it was attached.
        address: usize,
    },
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Attempt::Create { key, size } => {
                write!(f, "create or open the segment with key {key} and {size} bytes")
            }
            Attempt::Open { key } => write!(f, "open the segment with key {key}"),
            Attempt::Stat { id } => write!(f, "stat shmid {id}"),
            Attempt::Remove { id } => write!(f, "remove shmid {id}"),
            Attempt::Attach { id, access, address: None } => write!(f, "attach shmid {id} {access}"),
            Attempt::Attach { id, access, address: Some(address) } => {
                write!(f, "attach shmid {id} {access} at {address:#x}")
            }
            Attempt::Detach { id, address } => write!(f, "detach shmid {id} from {address:#x}"),
        }
    }
}

impl Attempt {
    /// The error that `errno` means here. One errno has several causes (shmget(2), shmat(2), shmctl(2),
    /// Errors); they are told apart by a look at what exists and which limits hold.
    pub(crate) fn failed(self, errno: Errno) -> Error {
        let call = Error::Call { attempt: self, source: errno };
        match (errno, self) {
            (Errno::EACCES | Errno::EPERM, _) => Error::Denied {
                attempt: self,
                errno,
                owner: self.status().map(|status| (status.owner(), status.permissions())),
            },
            (Errno::ENOMEM, _) => Error::NoMemory { attempt: self },
            (Errno::EEXIST, Attempt::Create { key, .. }) => Error::Exists { key },
            (Errno::ENOENT, Attempt::Create { key, .. } | Attempt::Open { key }) => Error::NotFound { key },
            (Errno::EINVAL, Attempt::Create { key, size }) => {
                let asked = size as u64;
                match self.status().map(|status| status.size()) {
                    Some(existing) if existing < asked => Error::SizeMismatch { key, asked, existing },
                    _ => Error::Size { asked, maximum: Limits::read().ok().map(|l| l.max_size) },
                }
            }
            (Errno::ENOSPC, Attempt::Create { .. }) => match (Limits::read(), ipcs::segments()) {
                (Ok(limits), Ok(segments)) if segments.len() as u64 >= limits.max_segments => {
                    Error::TooManySegments { attempt: self, maximum: limits.max_segments }
                }
                (Ok(limits), _) => Error::TooManyPages { attempt: self, maximum: limits.max_pages },
                _ => call,
            },
            (Errno::EINVAL, Attempt::Attach { address: Some(address), .. }) if self.status().is_some() => {
                let alignment = alignment();
                if address != 0 && address.is_multiple_of(alignment) {
                    Error::AddressTaken { attempt: self }
                } else {
                    Error::AddressUnaligned { attempt: self, alignment }
                }
            }
            (
                Errno::EINVAL | Errno::EIDRM,
                Attempt::Stat { .. } | Attempt::Remove { .. } | Attempt::Attach { .. },
            ) => Error::Removed { attempt: self, errno },
            _ => call,
        }
    }

    /// The segment that this was about. From procfs, which shows it also to those who may not stat it.
    fn status(self) -> Option<Status> {
        let id = match self {
            Attempt::Create { key, .. } | Attempt::Open { key } if key.is_private() => return None,
            // Not Segment::open, whose failure would ask here again.
            Attempt::Create { key, .. } | Attempt::Open { key } => sys::get(key, 0, 0).ok()?,
            Attempt::Stat { id }
            | Attempt::Remove { id }
            | Attempt::Attach { id, .. }
            | Attempt::Detach { id, .. } => id,
        };
        let listed = ipcs::segments().ok()?.into_iter().find(|segment| segment.status.id() == id)?;
        Some(listed.status)
    }
}

/// SHMLBA. On most architectures the page size (shmat(2)); some ask for more, which only blurs the line
/// between two errors here.
fn alignment() -> usize {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0).unwrap_or(4096)
}
