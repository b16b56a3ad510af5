//! [`Error`]: everything that can go wrong here, each with a stable code.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;

use crate::{Attempt, Flag, Key, Permissions, ShmId, Uid};

/// What was tried, how the kernel answered, and what to do about it.
///
/// The kernel gives one errno to many causes; where it does, the cause was found by looking again, a moment
/// later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is no spelling of a key.
    #[error(
        "{text:?} is not a System V key; write it as 0x7800c028, 7800c028 (8 hexadecimal digits), \
         2013315112 (decimal), SYSV7800c028 or \"/SYSV7800c028 (deleted)\""
    )]
    KeySyntax {
        /// The text as it was given.
        text: String,
    },

    /// A number is no key: keys have 32 bits.
    #[error(
        "{text:?} is not a System V key: a key has 32 bits, from -2147483648 to 4294967295 \
         or from 0x0 to 0xffffffff"
    )]
    KeyRange {
        /// The text as it was given.
        text: String,
    },

    /// ftok(3) needs an existing file, and stat(2) failed on it.
    #[error("cannot make a key from {path:?}; the file must exist and its directories be searchable")]
    KeyFile {
        /// The path as it was given.
        path: PathBuf,
        /// What stat(2) said.
        source: io::Error,
    },

    /// [`Key::PRIVATE`] names no segment in particular.
    #[error(
        "IPC_PRIVATE (key 0x00000000) names no segment in particular; use the shmid that `ipcs -m` shows"
    )]
    KeyPrivate,

    /// A text is no mode.
    #[error("{text:?} is not a mode; write octal digits from 0 to 0777, such as 0600")]
    PermissionsSyntax {
        /// The text as it was given.
        text: String,
    },

    /// A text is no shmid.
    #[error("{text:?} is not a shmid; write the decimal number that `ipcs -m` shows")]
    ShmIdSyntax {
        /// The text as it was given.
        text: String,
    },

    /// EEXIST: the key is taken.
    #[error(
        "cannot create the segment with key {key}: EEXIST, it exists; open it, \
         or remove it with `ipcrm -M {key}`"
    )]
    Exists {
        /// The key that was asked for.
        key: Key,
    },

    /// ENOENT: no segment has the key in this IPC namespace.
    #[error(
        "cannot open the segment with key {key}: ENOENT, none in this IPC namespace has it; \
         `ipcs -m` lists what exists, and the program that creates it must run first"
    )]
    NotFound {
        /// The key that was asked for.
        key: Key,
    },

    /// EINVAL or EIDRM: no segment has the shmid, or no longer.
    #[error(
        "cannot {attempt}: {errno:?}, there is no such segment (any more) in this IPC namespace; \
         it was removed, or the number is wrong (`ipcs -m`)"
    )]
    Removed {
        /// What was tried.
        attempt: Attempt,
        /// What the kernel said.
        errno: Errno,
    },

    /// EINVAL: the segment exists and is smaller than was asked for.
    #[error(
        "cannot open the segment with key {key}: EINVAL, {asked} bytes were asked for \
         and the existing one has {existing}; ask for at most {existing}, or remove it first \
         with `ipcrm -M {key}`"
    )]
    SizeMismatch {
        /// The key that was asked for.
        key: Key,
        /// The size asked for, in bytes.
        asked: u64,
        /// The size of the existing segment, in bytes.
        existing: u64,
    },

    /// EINVAL: a new segment cannot have this size.
    #[error("cannot create a segment of {asked} bytes: EINVAL, {}", size_advice(*.maximum))]
    Size {
        /// The size asked for, in bytes.
        asked: u64,
        /// SHMMAX, in bytes, if it could be read.
        maximum: Option<u64>,
    },

    /// ENOSPC: the namespace has as many segments as it may have.
    #[error(
        "cannot {attempt}: ENOSPC, {maximum} segments exist and no more are allowed; remove \
         unused ones (`ipcs -m`, nattch 0) or raise the limit with `sysctl kernel.shmmni=N`"
    )]
    TooManySegments {
        /// What was tried.
        attempt: Attempt,
        /// SHMMNI, in segments.
        maximum: u64,
    },

    /// ENOSPC: all segments together may not have so many pages.
    #[error(
        "cannot {attempt}: ENOSPC, all segments together may have {maximum} pages; remove unused \
         ones (`ipcs -m`, nattch 0) or raise the limit with `sysctl kernel.shmall=PAGES`"
    )]
    TooManyPages {
        /// What was tried.
        attempt: Attempt,
        /// SHMALL, in pages.
        maximum: u64,
    },

    /// ENOMEM: no memory, or no free range of addresses.
    #[error(
        "cannot {attempt}: ENOMEM, out of memory, of memory that may be promised \
         (vm.overcommit_memory) or of free addresses; ask for less"
    )]
    NoMemory {
        /// What was tried.
        attempt: Attempt,
    },

    /// EACCES or EPERM: no rights.
    #[error("cannot {attempt}: {errno:?}, {}", owner_advice(.owner))]
    Denied {
        /// What was tried.
        attempt: Attempt,
        /// What the kernel said.
        errno: Errno,
        /// Who owns the segment and with what mode, if it could be found out.
        owner: Option<(Uid, Permissions)>,
    },

    /// EINVAL: shmat(2) takes no such address.
    #[error(
        "cannot {attempt}: EINVAL, the address must be a multiple of {alignment:#x} \
         and not 0; or let the kernel choose"
    )]
    AddressUnaligned {
        /// What was tried.
        attempt: Attempt,
        /// SHMLBA, in bytes.
        alignment: usize,
    },

    /// EINVAL: shmat(2) replaces no mapping.
    #[error(
        "cannot {attempt}: EINVAL, something is mapped there (/proc/self/maps) \
         or the segment would not fit; or let the kernel choose"
    )]
    AddressTaken {
        /// What was tried.
        attempt: Attempt,
    },

    /// Any other failure of a system call.
    #[error("cannot {attempt}")]
    Call {
        /// What was tried.
        attempt: Attempt,
        /// What the kernel said.
        source: Errno,
    },

    /// Bytes that are not in the segment.
    #[error(
        "bytes {} to {} are not all in the segment: it has {size} bytes",
        .range.start, .range.end
    )]
    OutOfBounds {
        /// Offsets into the segment, end excluded.
        range: Range<usize>,
        /// The size of the segment, in bytes.
        size: usize,
    },

    /// A write through a read-only attachment.
    #[error("cannot write to shmid {id}: it is attached read-only; attach it with Access::ReadWrite")]
    ReadOnly {
        /// The segment.
        id: ShmId,
    },

    /// A segment has no room for a flag and a NUL.
    #[error("a mailbox needs a segment of at least 2 bytes (flag and NUL), this one has {size}")]
    MailboxTooSmall {
        /// The size of the segment, in bytes.
        size: usize,
    },

    /// A message does not fit.
    #[error(
        "a message of {length} bytes does not fit: the segment has {size} bytes, one is the flag \
         and one the NUL, so {} are left",
        .size.saturating_sub(2)
    )]
    MessageTooLong {
        /// The length of the message, in bytes.
        length: usize,
        /// The size of the segment, in bytes.
        size: usize,
    },

    /// A NUL would end the message early.
    #[error("a message of {length} bytes holds a NUL at byte {at}, which would end it there")]
    MessageHoldsNul {
        /// The offset of the NUL in the message.
        at: usize,
        /// The length of the message, in bytes.
        length: usize,
    },

    /// A message runs into the end of the segment.
    #[error("no NUL ends the message: bytes 1 to {size} of the segment hold none")]
    MessageUnterminated {
        /// The size of the segment, in bytes.
        size: usize,
    },

    /// The flag did not become what was waited for.
    #[error("waited {waited:?} for the flag to become {wanted}, it is still {found}")]
    TimedOut {
        /// The flag that was waited for.
        wanted: Flag,
        /// The flag that was last seen.
        found: Flag,
        /// For how long.
        waited: Duration,
    },

    /// A file of procfs cannot be read.
    #[error("cannot read {path:?}; is procfs mounted, and the kernel built with CONFIG_SYSVIPC?")]
    Proc {
        /// The file, or the name that the caller's reader goes by.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },

    /// A file of procfs does not hold what it should.
    #[error("line {line} of {path:?}: {problem}")]
    ProcSyntax {
        /// The file, or the name that the caller's reader goes by.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    /// A short name of the kind of error that does not change between versions.
    pub fn code(&self) -> &'static str {
        match self {
            Error::KeySyntax { .. } => "key-syntax",
            Error::KeyRange { .. } => "key-range",
            Error::KeyFile { .. } => "key-file",
            Error::KeyPrivate => "key-private",
            Error::PermissionsSyntax { .. } => "permissions-syntax",
            Error::ShmIdSyntax { .. } => "shmid-syntax",
            Error::Exists { .. } => "exists",
            Error::NotFound { .. } => "not-found",
            Error::Removed { .. } => "removed",
            Error::SizeMismatch { .. } => "size-mismatch",
            Error::Size { .. } => "size",
            Error::TooManySegments { .. } => "too-many-segments",
            Error::TooManyPages { .. } => "too-many-pages",
            Error::NoMemory { .. } => "no-memory",
            Error::Denied { .. } => "denied",
            Error::AddressUnaligned { .. } => "address-unaligned",
            Error::AddressTaken { .. } => "address-taken",
            Error::Call { .. } => "call",
            Error::OutOfBounds { .. } => "out-of-bounds",
            Error::ReadOnly { .. } => "read-only",
            Error::MailboxTooSmall { .. } => "mailbox-too-small",
            Error::MessageTooLong { .. } => "message-too-long",
            Error::MessageHoldsNul { .. } => "message-holds-nul",
            Error::MessageUnterminated { .. } => "message-unterminated",
            Error::TimedOut { .. } => "timed-out",
            Error::Proc { .. } => "proc",
            Error::ProcSyntax { .. } => "proc-syntax",
        }
    }
}

fn size_advice(maximum: Option<u64>) -> String {
    match maximum {
        Some(maximum) => format!("the size must be from 1 to {maximum} (`sysctl kernel.shmmax`)"),
        None => "the size must be at least 1 and at most SHMMAX (`sysctl kernel.shmmax`)".to_owned(),
    }
}

fn owner_advice(owner: &Option<(Uid, Permissions)>) -> String {
    match owner {
        Some((uid, mode)) => {
            format!("uid {uid} owns it with mode {mode}; run as that user, or have it grant more")
        }
        None => "its mode does not allow it; run as its owner (`ipcs -m`)".to_owned(),
    }
}
