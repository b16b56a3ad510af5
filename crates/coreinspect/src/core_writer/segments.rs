//! The bytes of the segments: where they are read, and what of them is written.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::{FileExt, MetadataExt};

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{Pid, Whence, lseek};
use shmcore::Key;

use super::{Process, WriteError, is_gone};
use crate::kind::{Kind, Kinds};
use crate::proc_files::{MappingKinds, ProcessFolder, VirtualMemoryArea, maps};

/// A mapping of a segment, and what the mapping's own file says of the segment.
#[derive(Clone, Copy, Debug)]
pub struct AttachedArea<'a> {
    /// The mapping.
    pub area: VirtualMemoryArea<'a>,
    /// What kind of shared memory it is of.
    pub kind: Kind,
    /// Whether device and inode say which segment it is of.
    pub proven: bool,
    /// The inode, which of a System V segment is the shmid (ipc/shm.c, `newseg`).
    pub shmid: Option<i32>,
    /// The size that was asked for, in bytes.
    pub size: Option<u64>,
    /// Who owns its file, of other kinds.
    pub owner: Option<u32>,
    /// Who may do what with its file, of other kinds.
    pub mode: Option<u32>,
}

impl AttachedArea<'_> {
    /// Whether both are known to be of one segment.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        match (self.kind, other.kind) {
            (Kind::SystemV, Kind::SystemV) => self.shmid.is_some() && self.shmid == other.shmid,
            (one, two) => {
                let file = |area: &Self| (area.area.device, area.area.inode);
                self.proven && one == two && file(self) == file(other)
            }
        }
    }
}

/// How the bytes were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Through /proc/PID/map_files: the pages that exist, which stay as resident as they were.
    #[default]
    MapFiles,
    /// By process_vm_readv(2), for want of rights: every page, which makes each of them resident.
    Memory,
}

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// What is written of one mapping.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copied {
    /// Bytes from the mapping's start on that the core now holds. Those of pages that do not exist are holes.
    pub(super) saved: u64,
    /// Bytes that were read.
    pub(super) read: u64,
}

/// Reads segments of one process and writes them to one file.
pub(super) struct Copier<'a, 'p> {
    process: &'a Process<'p>,
    out: &'a File,
    way: Way,
    block: Vec<u8>,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a, 'p> Copier<'a, 'p> {
    pub(super) fn new(
        process: &'a Process<'p>,
        out: &'a File,
        way: Way,
        progress: &'a mut dyn FnMut(u64),
    ) -> Self {
        Self { process, out, way, block: vec![0; BLOCK], progress }
    }

    /// Writes the bytes of `attached` to the file at `at`.
    pub(super) fn copy(&mut self, attached: &AttachedArea<'_>, at: u64) -> Result<Copied, WriteError> {
        match self.way {
            // Of a file the page cache is in memory whichever way it is read.
            Way::MapFiles if attached.kind == Kind::File => self.copy_memory(attached.area, 0, at),
            Way::MapFiles => match self.process.folder.file(&attached.area.map_file()) {
                Ok(file) => self.copy_file(&file, attached, at),
                // Detached, or split by mprotect, since the mappings were listed.
                Err(error) if is_gone(&error) => self.copy_memory(attached.area, 0, at),
                Err(error) => Err(self.process.unreadable(&attached.area.map_file(), error)),
            },
            Way::Memory => self.copy_memory(attached.area, 0, at),
        }
    }

    /// Writes the bytes of a mapping that is no segment, as far as they can be read.
    pub(super) fn copy_other(&mut self, area: VirtualMemoryArea<'_>, at: u64) -> Result<u64, WriteError> {
        Ok(self.copy_memory(area, 0, at)?.saved)
    }

    /// Copies the extents of `file` that the mapping shows.
    fn copy_file(&mut self, file: &File, attached: &AttachedArea<'_>, at: u64) -> Result<Copied, WriteError> {
        let area = attached.area;
        let unreadable = |error: io::Error| self.process.unreadable(&area.map_file(), error);
        let size = file.metadata().map_err(unreadable)?.size();
        let end = area.offset.saturating_add(area.length());
        let shown = end.min(size);
        let mut copied = Copied::default();
        let mut from = area.offset;
        let mut ends_in_data = false;
        while from < shown {
            let Some(data) =
                seek(file, from, Whence::SeekData).map_err(unreadable)?.filter(|data| *data < shown)
            else {
                break;
            };
            let hole = seek(file, data, Whence::SeekHole).map_err(unreadable)?.unwrap_or(shown).min(shown);
            let mut position = data;
            while position < hole {
                let wanted = usize::try_from(hole.saturating_sub(position)).unwrap_or(BLOCK).min(BLOCK);
                let Some(block) = self.block.get_mut(..wanted) else { break };
                let count = file.read_at(block, position).map_err(unreadable)?;
                let Some(bytes) = block.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
                let to = at.saturating_add(position.saturating_sub(area.offset));
                self.out.write_all_at(bytes, to)?;
                position = position.saturating_add(count as u64);
                copied.read = copied.read.saturating_add(count as u64);
                (self.progress)(count as u64);
            }
            if position < hole {
                break;
            }
            ends_in_data = hole == shown;
            from = hole;
        }
        copied.saved = area.length();
        // The file ends with the segment, the mapping with the page: a program can write there too.
        if shown < end {
            let tail = self.tail(area, shown, ends_in_data, at)?;
            copied.read = copied.read.saturating_add(tail.read);
            copied.saved = shown.saturating_sub(area.offset).saturating_add(tail.saved);
        }
        Ok(copied)
    }

    /// The rest of the page in which the segment ends, at offset `shown` of it: all zero if the page does not exist.
    fn tail(
        &mut self,
        area: VirtualMemoryArea<'_>,
        shown: u64,
        exists: bool,
        at: u64,
    ) -> Result<Copied, WriteError> {
        let done = shown.saturating_sub(area.offset);
        let rest = area.length().saturating_sub(done);
        match exists {
            true => self.copy_memory(area, done, at),
            false => Ok(Copied { saved: rest, read: 0 }),
        }
    }

    /// Copies the bytes of `area` from its byte `first` on, up to the first that cannot be read.
    fn copy_memory(
        &mut self,
        area: VirtualMemoryArea<'_>,
        first: u64,
        at: u64,
    ) -> Result<Copied, WriteError> {
        let pid = Pid::from_raw(self.process.folder.pid().cast_signed());
        let mut done = first;
        while done < area.length() {
            let wanted = usize::try_from(area.length().saturating_sub(done)).unwrap_or(BLOCK).min(BLOCK);
            let address = area.start.checked_add(done).and_then(|address| usize::try_from(address).ok());
            let (Some(base), Some(into)) = (address, self.block.get_mut(..wanted)) else { break };
            let remote = [RemoteIoVec { base, len: wanted }];
            // A bad page gives a short count first, and EFAULT once it is the first of the rest.
            let count = match process_vm_readv(pid, &mut [IoSliceMut::new(into)], &remote) {
                Ok(count) => count,
                Err(Errno::EFAULT) => break,
                Err(Errno::ESRCH) => return Err(self.process.gone()),
                Err(errno) => {
                    return Err(WriteError::Memory { pid: self.process.folder.pid(), source: errno.into() });
                }
            };
            let Some(bytes) = self.block.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            self.out.write_all_at(bytes, at.saturating_add(done))?;
            done = done.saturating_add(count as u64);
            (self.progress)(count as u64);
        }
        let count = done.saturating_sub(first);
        Ok(Copied { saved: count, read: count })
    }
}

/// Where data, or a hole, begins at or behind `from`; `None` if there is none (lseek(2)).
fn seek(file: &File, from: u64, whence: Whence) -> io::Result<Option<u64>> {
    let Ok(offset) = from.try_into() else { return Ok(None) };
    match lseek(file, offset, whence) {
        Ok(at) => Ok(u64::try_from(at).ok()),
        Err(Errno::ENXIO) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// The mappings of segments of `kinds` in `maps`, the text of /proc/PID/maps, and what their own files say of each.
pub fn attached<'m>(folder: &ProcessFolder, maps: &'m [u8], kinds: &Kinds) -> Vec<AttachedArea<'m>> {
    let known = MappingKinds::of(folder);
    let areas = maps::parse(maps).filter_map(|area| Some((area, kind_of(&area, &known, kinds)?)));
    areas.map(|(area, kind)| look_at(folder, area, kind).0).collect()
}

/// The kind of `area`, if it is one of `kinds`, and whether that is proven: by its name and its device, which a regular file
/// of that name does not have.
pub(super) fn kind_of(
    area: &VirtualMemoryArea<'_>,
    known: &MappingKinds<'_>,
    kinds: &Kinds,
) -> Option<(Kind, bool)> {
    let system_v = Key::from_mapping_name(area.name).is_some_and(|name| name.deleted);
    if kinds.is_system_v_alone() && !system_v {
        return None;
    }
    let (kind, proven) = known.kind(area)?;
    let wanted = match kind {
        Kind::File => kinds.want_file(area.name),
        kind => kinds.list(kind),
    };
    wanted.then_some((kind, proven))
}

/// What the mapping's own file says, and why it could not be asked.
pub(super) fn look_at<'a>(
    folder: &ProcessFolder,
    area: VirtualMemoryArea<'a>,
    (kind, proven): (Kind, bool),
) -> (AttachedArea<'a>, Option<io::Error>) {
    let unknown =
        AttachedArea { area, kind, proven: false, shmid: None, size: None, owner: None, mode: None };
    // The listing alone says the inode, the file the size too.
    let shmid = i32::try_from(area.inode).ok().filter(|_| proven && kind == Kind::SystemV);
    let listed = AttachedArea { proven, shmid, ..unknown };
    // What is no regular file is not opened: that can have effects.
    let opens =
        kind != Kind::File || folder.file_status(&area.map_file()).is_some_and(|status| status.regular);
    if !opens {
        return (listed, None);
    }
    match folder.file(&area.map_file()).and_then(|file| file.metadata()) {
        Ok(data) if data.ino() == area.inode && proven => {
            let of_a_file = |value| Some(value).filter(|_| kind != Kind::SystemV);
            let (owner, mode) = (of_a_file(data.uid()), of_a_file(data.mode() & 0o777));
            (AttachedArea { size: Some(data.size()), owner, mode, ..listed }, None)
        }
        // Something else is mapped there by now, or nothing proves what it is.
        Ok(_) => (unknown, None),
        Err(error) => (listed, Some(error)),
    }
}
