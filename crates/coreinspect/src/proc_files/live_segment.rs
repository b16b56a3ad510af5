//! A System V segment that is alive in this kernel, as bytes.
//!
//! It is read where a process has it attached: through `/proc/PID/map_files`, which opens the segment itself (proc(5); needs
//! CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE), or through `/proc/PID/mem` (needs ptrace(2) rights). Neither attaches it,
//! stops a process or makes a page resident that was not. Only a segment that cannot be read so is attached, read-only:
//! that changes its nattch, lpid and atime.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use shmcore::{Access, Attachment, Key, Segment, Status, ipcs};

use super::maps::parse;
use super::{IpcNamespace, ProcessFolder, SegmentDevices, VirtualMemoryArea, pids};
use crate::position::{FileOffset, Interval};
use crate::source::{Source, Table, within};

/// A segment of this IPC namespace. Offset 0 is its first byte, the size is what shmget(2) was asked for.
pub(crate) struct LiveSegment {
    status: Status,
    access: Reading,
}

/// Through what it is read.
enum Reading {
    /// `/proc/PID/map_files/START-END`.
    Itself(File, u32),
    /// `/proc/PID/mem`, and the address of offset 0 there.
    Memory(File, u64, u32),
    /// An attachment of our own.
    Attached(Attachment),
}

impl fmt::Debug for LiveSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveSegment({}, {})", self.status.id().raw(), self.how())
    }
}

/// The segments of this IPC namespace, removed ones too.
///
/// # Errors
/// There is no procfs, or it is not understood.
pub(crate) fn live_segments() -> Result<Vec<Status>, shmcore::Error> {
    Ok(ipcs::segments()?.into_iter().map(|listed| listed.status).collect())
}

impl LiveSegment {
    /// Opens the segment of `status`, one of [`live_segments`].
    ///
    /// # Errors
    /// Nobody has it attached, or lets us read it, and it cannot be attached.
    pub(crate) fn open(status: Status) -> Result<Self, shmcore::Error> {
        if let Some(access) = attached(&status) {
            return Ok(Self { status, access });
        }
        let attachment = Segment::from_id(status.id()).attach(Access::ReadOnly)?;
        Ok(Self { status, access: Reading::Attached(attachment) })
    }

    /// What the kernel said of it when it was opened.
    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// Through what it is read, in words.
    pub(crate) fn how(&self) -> String {
        match &self.access {
            Reading::Itself(_, pid) => format!("read through /proc/{pid}/map_files"),
            Reading::Memory(_, _, pid) => format!("read through /proc/{pid}/mem"),
            Reading::Attached(_) => {
                "attached read-only to read it, which changes its nattch, lpid and atime".to_owned()
            }
        }
    }
}

/// A way through a process of this IPC namespace that has the segment attached.
fn attached(status: &Status) -> Option<Reading> {
    let own = IpcNamespace::own().ok()?;
    let devices = SegmentDevices::of_this_kernel();
    let mut through_memory = None;
    for process in pids().ok()?.filter_map(|pid| ProcessFolder::open(pid).ok()) {
        let Ok(maps) = process.read("maps") else { continue };
        let mut areas = parse(&maps).filter(|area| is_segment(area, status, &devices)).peekable();
        // Another namespace may have another segment of the same number.
        if areas.peek().is_none() || IpcNamespace::of(&process).ok().as_ref() != Some(&own) {
            continue;
        }
        for area in areas {
            let itself = process.file(&format!("map_files/{:x}-{:x}", area.start, area.end));
            if let Some(file) = itself.ok().filter(|file| is_whole(file, status)) {
                return Some(Reading::Itself(file, process.pid()));
            }
            // The memory of a process shows what it has attached: all of it, or it is of no use.
            let whole =
                area.offset == 0 && area.length() >= status.size() && area.permissions.starts_with(b"r");
            if through_memory.is_none() && whole {
                let readable =
                    |memory: &File| memory.read_at(&mut [0], area.start).is_ok_and(|count| count == 1);
                let memory = process.file("mem").ok().filter(readable);
                through_memory = memory.map(|memory| Reading::Memory(memory, area.start, process.pid()));
            }
        }
    }
    through_memory
}

/// Whether `area` is an attachment of the segment.
fn is_segment(area: &VirtualMemoryArea<'_>, status: &Status, devices: &SegmentDevices) -> bool {
    let named = Key::from_mapping_name(area.name).is_some_and(|name| name.deleted);
    named && area.inode == inode(status) && devices.hold(area.device) != Some(false)
}

fn is_whole(file: &File, status: &Status) -> bool {
    let metadata = file.metadata();
    metadata.is_ok_and(|metadata| metadata.ino() == inode(status) && metadata.size() == status.size())
}

/// The inode of a segment is its id (ipc/shm.c, newseg).
fn inode(status: &Status) -> u64 {
    u64::from(status.id().raw().cast_unsigned())
}

impl Source for LiveSegment {
    fn size(&self) -> u64 {
        self.status.size()
    }

    fn read_at(&self, at: FileOffset, into: &mut [u8]) -> io::Result<usize> {
        let Some(range) = within(Interval::clamped(at, into.len() as u64), self.size()) else { return Ok(0) };
        let length = usize::try_from(range.length()).unwrap_or(into.len());
        let Some(into) = into.get_mut(..length) else { return Ok(0) };
        match &self.access {
            Reading::Itself(file, _) => read_full(file, into, at.get()),
            Reading::Memory(file, base, _) => {
                let address = base.checked_add(at.get()).ok_or(io::ErrorKind::InvalidInput)?;
                read_full(file, into, address)
            }
            Reading::Attached(attachment) => {
                let at = usize::try_from(at.get()).map_err(|_| io::ErrorKind::InvalidInput)?;
                attachment.read(at, into).map_err(io::Error::other)?;
                Ok(length)
            }
        }
    }

    fn bytes(&self, range: Interval<FileOffset>) -> io::Result<Table> {
        let length = within(range, self.size()).map_or(0, Interval::length);
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        let count = self.read_at(range.start(), &mut bytes)?;
        bytes.truncate(count);
        Ok(bytes.into())
    }

    fn copy(&self, range: Interval<FileOffset>, into: &mut File) -> io::Result<()> {
        const BLOCK: u64 = 1 << 20;
        let mut at = range.start();
        while at < range.end() {
            let block = Interval::clamped(at, BLOCK).intersection(range).unwrap_or(range);
            let bytes = self.bytes(block)?;
            if bytes.is_empty() {
                break;
            }
            io::Write::write_all(into, &bytes)?;
            at = FileOffset::new(at.get().saturating_add(bytes.len() as u64));
        }
        Ok(())
    }
}

/// Fills `into` from `at` on; fewer bytes where the file ends.
fn read_full(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0_usize;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(count) => done = done.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}
