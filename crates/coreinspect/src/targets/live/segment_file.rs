//! A segment as the file that it is to the kernel.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};

use nix::errno::Errno;
use nix::unistd::{Whence, lseek64};
use shmcore::{Permissions, Uid};

use crate::proc_files::ProcessFolder;

/// The file of a segment, by /proc/PID/map_files, which takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE.
///
/// It has the exact size, and reading it does not make pages: the holes of a segment stay holes, where a read of the process's
/// memory would fill each with zeroes that stay. It outlives the process.
#[derive(Debug)]
pub(super) struct SegmentFile {
    file: File,
    size: u64,
    page: u64,
    owner: u32,
    mode: u32,
}

impl SegmentFile {
    /// That of the mapping which `range` names in map_files; `None` without the rights.
    pub(super) fn open(folder: &ProcessFolder, range: &str, inode: u64) -> Option<Self> {
        let file = folder.file(&format!("map_files/{range}")).ok()?;
        let status = file.metadata().ok()?;
        // The mapping may be another one by now.
        let same = status.is_file() && status.ino() == inode;
        same.then(|| Self {
            file,
            size: status.size(),
            page: status.blksize().clamp(4096, 1 << 30),
            owner: status.uid(),
            mode: status.mode(),
        })
    }

    /// Who owns it.
    pub(super) fn owner(&self) -> Uid {
        Uid::from_raw(self.owner)
    }

    /// Who may do what.
    pub(super) fn permissions(&self) -> Permissions {
        Permissions::from_bits(self.mode & 0o777)
    }

    /// The bytes that shmget(2) was asked for.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Copies bytes from `offset` on; `None` where they must be read from memory.
    ///
    /// A file ends at its size, a mapping at the end of a page: what a program wrote behind the size is in its memory alone.
    pub(super) fn read(&self, offset: u64, into: &mut [u8]) -> Option<usize> {
        let whole_pages = self.size.checked_sub(self.size.checked_rem(self.page)?)?;
        if let Some(left) = whole_pages.checked_sub(offset).filter(|left| *left > 0) {
            let length = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            return self.file.read_at(into.get_mut(..length)?, offset).ok().filter(|count| *count > 0);
        }
        let page_end = whole_pages.checked_add(self.page)?;
        let (skipped, length) = self.data(offset, page_end.checked_sub(offset)?)?;
        if skipped == 0 && length > 0 {
            return None;
        }
        // The last page was never written.
        let zeroes = usize::try_from(page_end.checked_sub(offset)?).unwrap_or(usize::MAX).min(into.len());
        into.get_mut(..zeroes)?.fill(0);
        Some(zeroes)
    }

    /// The first part of `length` bytes from `offset` on that is no hole: bytes before it, and its length (0: all is one).
    /// `None` where that cannot be told.
    pub(super) fn data(&self, offset: u64, length: u64) -> Option<(u64, u64)> {
        let seek = |from: u64, whence| lseek64(self.file.as_fd(), i64::try_from(from).ok()?, whence).ok();
        let start = match lseek64(self.file.as_fd(), i64::try_from(offset).ok()?, Whence::SeekData) {
            Ok(start) => u64::try_from(start).ok()?,
            // Nothing but a hole from here on.
            Err(Errno::ENXIO) => return Some((length, 0)),
            Err(_) => return None,
        };
        let skipped = start.checked_sub(offset)?.min(length);
        let mut end = u64::try_from(seek(start, Whence::SeekHole)?).ok()?;
        if end >= self.size {
            // The last page goes on behind the size.
            end = self.size.checked_next_multiple_of(self.page)?;
        }
        let found = end.checked_sub(start)?.min(length.checked_sub(skipped)?);
        Some((skipped, found))
    }
}
