//! [`Status`]: what the kernel knows of a segment, and the types of its parts.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use nix::libc;

use crate::{Error, Gid, Key, Pid, Uid};

/// The number that names one segment of an IPC namespace. The kernel does not give a removed segment's number
/// to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShmId(i32);

impl ShmId {
    /// The shmid with this number.
    pub const fn from_raw(raw: i32) -> ShmId {
        ShmId(raw)
    }

    /// The number. 0 is an ordinary one: the first segment of a namespace has it.
    pub const fn raw(self) -> i32 {
        self.0
    }
}

impl fmt::Display for ShmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ShmId {
    type Err = Error;

    /// Decimal, as `ipcs -m` prints it.
    fn from_str(text: &str) -> Result<ShmId, Error> {
        text.parse().map(ShmId).map_err(|_| Error::ShmIdSyntax { text: text.to_owned() })
    }
}

/// `shm_perm.mode`: who may do what, and two flags (shmctl(2)).
///
/// [`Display`](fmt::Display) writes the mode without the flags, in octal: `0600`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permissions(u32);

impl Permissions {
    /// 0600: the owner reads and writes.
    pub const OWNER: Permissions = Permissions(0o600);
    /// 0666: everybody reads and writes, as tutorials have it.
    pub const EVERYBODY: Permissions = Permissions(0o666);

    /// `bits` as they stand in `shm_perm.mode`; bits without a meaning are kept.
    pub const fn from_bits(bits: u32) -> Permissions {
        Permissions(bits)
    }

    /// All bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The lowest nine bits: read and write for owner, group and others. Execute bits mean nothing.
    pub const fn mode(self) -> u32 {
        self.0 & 0o777
    }

    /// SHM_DEST (01000): removed, and gone once nobody is attached. `ipcs` shows `dest`.
    pub const fn is_removed(self) -> bool {
        self.0 & 0o1000 != 0
    }

    /// SHM_LOCKED (02000): kept from being swapped. `ipcs` shows `locked`.
    pub const fn is_locked(self) -> bool {
        self.0 & 0o2000 != 0
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.mode())
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({:05o})", self.0)
    }
}

impl FromStr for Permissions {
    type Err = Error;

    /// One to four octal digits, up to `0777`.
    fn from_str(text: &str) -> Result<Permissions, Error> {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let bits = u32::from_str_radix(text, 8).ok().filter(|&bits| digits && bits <= 0o777);
        bits.map(Permissions).ok_or_else(|| Error::PermissionsSyntax { text: text.to_owned() })
    }
}

/// `struct shmid_ds` (shmctl(2)), with types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub(crate) id: ShmId,
    pub(crate) key: Key,
    pub(crate) size: u64,
    pub(crate) permissions: Permissions,
    pub(crate) owner: Uid,
    pub(crate) group: Gid,
    pub(crate) creator: Uid,
    pub(crate) creator_group: Gid,
    pub(crate) attach_count: u64,
    pub(crate) creator_pid: Option<Pid>,
    pub(crate) last_pid: Option<Pid>,
    pub(crate) attached: Option<SystemTime>,
    pub(crate) detached: Option<SystemTime>,
    pub(crate) changed: Option<SystemTime>,
}

impl Status {
    pub(crate) fn from_shmid_ds(id: ShmId, status: &libc::shmid_ds) -> Status {
        let permissions = &status.shm_perm;
        // musl calls it by another name (bits/ipc.h).
        #[cfg(target_env = "musl")]
        #[allow(deprecated)]
        let key = permissions.__ipc_perm_key;
        #[cfg(not(target_env = "musl"))]
        let key = permissions.__key;
        // The widths of these fields differ between architectures and C libraries.
        #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
        Status {
            id,
            key: Key::from_raw(key),
            size: status.shm_segsz as u64,
            permissions: Permissions::from_bits(u32::from(permissions.mode)),
            owner: Uid::from_raw(permissions.uid),
            group: Gid::from_raw(permissions.gid),
            creator: Uid::from_raw(permissions.cuid),
            creator_group: Gid::from_raw(permissions.cgid),
            attach_count: status.shm_nattch as u64,
            creator_pid: pid(status.shm_cpid),
            last_pid: pid(status.shm_lpid),
            attached: time(status.shm_atime as i64),
            detached: time(status.shm_dtime as i64),
            changed: time(status.shm_ctime as i64),
        }
    }

    /// The segment's number.
    pub const fn id(&self) -> ShmId {
        self.id
    }

    /// The key. [`Key::PRIVATE`] for a removed segment too, whose mappings keep the key in their name.
    pub const fn key(&self) -> Key {
        self.key
    }

    /// The size that was asked for, in bytes. Mappings are whole pages.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Mode and flags.
    pub const fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// The owner's user id, as this user namespace sees it.
    pub const fn owner(&self) -> Uid {
        self.owner
    }

    /// The owner's group id.
    pub const fn group(&self) -> Gid {
        self.group
    }

    /// The creator's user id.
    pub const fn creator(&self) -> Uid {
        self.creator
    }

    /// The creator's group id.
    pub const fn creator_group(&self) -> Gid {
        self.creator_group
    }

    /// `shm_nattch`. Counts mappings: an attach that mprotect(2) split counts more than once.
    pub const fn attach_count(&self) -> u64 {
        self.attach_count
    }

    /// Who created it. `None` if that process is not visible in this PID namespace.
    pub const fn creator_pid(&self) -> Option<Pid> {
        self.creator_pid
    }

    /// Who attached or detached it last. `None` if nobody did or that process is not visible in this PID
    /// namespace.
    pub const fn last_pid(&self) -> Option<Pid> {
        self.last_pid
    }

    /// The last attach, in whole seconds. `None` if there was none.
    pub const fn attached(&self) -> Option<SystemTime> {
        self.attached
    }

    /// The last detach, in whole seconds. `None` if there was none.
    pub const fn detached(&self) -> Option<SystemTime> {
        self.detached
    }

    /// The creation or the last change by IPC_SET, in whole seconds.
    pub const fn changed(&self) -> Option<SystemTime> {
        self.changed
    }
}

/// The kernel writes 0 for "nobody" and for processes of other PID namespaces.
pub(crate) fn pid(raw: i32) -> Option<Pid> {
    (raw != 0).then(|| Pid::from_raw(raw))
}

/// The kernel writes 0 for "never".
pub(crate) fn time(seconds: i64) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
