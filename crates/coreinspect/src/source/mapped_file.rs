//! A dump that is a file: long tables are lent from a memory map, all else is copied by pread(2).
//!
//! Both on purpose. The map costs nothing however long a table is. But every page that is read through it counts as
//! resident, with up to fifteen neighbours that the kernel maps along (fault-around), so a listing of 2,000 segments
//! would look like 128 MiB; and the first touch of a cold file reads megabytes ahead. pread takes just what is asked.
//!
//! A mapped file that shrinks raises SIGBUS in whoever reads the map. It must not kill the program without a word:
//! a program asks for the handler here, which writes one line and ends with status 2.

#![allow(unsafe_code)]

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, OnceLock};

use memmap2::Mmap;
use nix::errno::Errno;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{Whence, lseek64};

use super::{Source, Table, within};
use crate::position::{FileOffset, Interval, Position};

/// One read or write of [`MappedFile::copy`]; small, because memory must not grow with the dump.
const COPY_BLOCK: usize = 1 << 20;
/// Tables up to this size are copied, longer ones lent from the map: bytes.
const COPIED_TABLE: u64 = 64 << 10;
/// A page, or a divisor of it: where copy_file_range(2) can hand over whole pages.
const PAGE: u64 = 4096;

/// A regular file, mapped read-only.
#[derive(Debug)]
pub struct MappedFile {
    file: File,
    /// Made when the first long table is asked for.
    map: OnceLock<Arc<Mmap>>,
    size: u64,
    modified: (i64, i64),
}

impl MappedFile {
    /// Opens and maps the file at `path`.
    ///
    /// The file may shrink while it is read; a reader of the map then gets SIGBUS, see
    /// [`die_clearly_when_a_mapped_file_shrinks`].
    ///
    /// # Errors
    /// What the operating system said; [`io::ErrorKind::InvalidInput`] for what is no regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        // O_NONBLOCK: to open a FIFO must not wait for a writer before it is refused.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        Self::new(file)
    }

    /// Maps a file that is open already.
    ///
    /// # Errors
    /// As [`MappedFile::open`].
    pub fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        match metadata.file_type() {
            kind if kind.is_file() => {}
            kind if kind.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        }
        advise(&file, PosixFadviseAdvice::POSIX_FADV_RANDOM);
        Ok(Self {
            file,
            map: OnceLock::new(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The file itself, without the map.
    pub(super) fn into_file(self) -> File {
        self.file
    }

    fn map(&self) -> io::Result<&Arc<Mmap>> {
        if let Some(map) = self.map.get() {
            return Ok(map);
        }
        // SAFETY: the map is private to this struct, read-only, and only lent as bytes that nothing assumes to
        // stay as they are: the parsers check each value once, after they copied it. What else could go wrong,
        // a file that shrinks, ends the process by SIGBUS, which the caller was told.
        let map = unsafe { Mmap::map(&self.file)? };
        Ok(self.map.get_or_init(|| Arc::new(map)))
    }

    /// Whether the file has become shorter than it was when it was opened.
    pub fn is_shorter(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.len() < self.size)
    }
}

impl Source for MappedFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: FileOffset, into: &mut [u8]) -> io::Result<usize> {
        let Some(range) = within(Interval::clamped(at, into.len() as u64), self.size) else { return Ok(0) };
        let length = usize::try_from(range.length()).unwrap_or(into.len());
        let Some(into) = into.get_mut(..length) else { return Ok(0) };
        self.file.read_exact_at(into, at.get())?;
        Ok(length)
    }

    fn bytes(&self, range: Interval<FileOffset>) -> io::Result<Table> {
        let Some(range) = within(range, self.size) else { return Ok(Table::default()) };
        let length = usize::try_from(range.length()).map_err(io::Error::other)?;
        if range.length() <= COPIED_TABLE {
            let mut bytes = vec![0; length];
            self.file.read_exact_at(&mut bytes, range.start().get())?;
            return Ok(bytes.into());
        }
        // One look before a whole table is read; what happens after it is SIGBUS's.
        if self.is_shorter() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let start = usize::try_from(range.start().get()).map_err(io::Error::other)?;
        Ok(Table::shared(Arc::clone(self.map()?) as _, start..start.saturating_add(length)))
    }

    fn data(&self, range: Interval<FileOffset>) -> io::Result<Interval<FileOffset>> {
        self.next_data(range.start(), range.end())
    }

    fn copy(&self, range: Interval<FileOffset>, into: &mut File) -> io::Result<()> {
        let Some(range) = within(range, self.size) else { return Ok(()) };
        advise(&self.file, PosixFadviseAdvice::POSIX_FADV_SEQUENTIAL);
        let mut at = range.start();
        while at < range.end() {
            let data = self.next_data(at, range.end())?;
            if let Some(hole) = data.start().offset_from(at).filter(|hole| *hole > 0) {
                into.seek(SeekFrom::Current(i64::try_from(hole).map_err(io::Error::other)?))?;
            }
            self.copy_data(data, into)?;
            at = data.end();
        }
        Ok(())
    }

    fn changed(&self) -> Option<String> {
        let metadata = self.file.metadata().ok()?;
        if metadata.len() != self.size {
            return Some(format!("its size went from {} to {} bytes", self.size, metadata.len()));
        }
        ((metadata.mtime(), metadata.mtime_nsec()) != self.modified)
            .then(|| "it was written to (its modification time changed)".to_owned())
    }
}

impl MappedFile {
    /// The next run of data (lseek(2), SEEK_DATA) in `at`..`end`; empty at `end` if only a hole is left.
    fn next_data(&self, at: FileOffset, end: FileOffset) -> io::Result<Interval<FileOffset>> {
        let seek = |from: FileOffset, whence| -> io::Result<FileOffset> {
            let from = i64::try_from(from.get()).map_err(io::Error::other)?;
            match lseek64(&self.file, from, whence) {
                Ok(found) => Ok(FileOffset::new(found.unsigned_abs()).min(end)),
                Err(Errno::ENXIO) => Ok(end),
                Err(errno) => Err(errno.into()),
            }
        };
        let everything = Interval::new(at, end).ok_or(io::ErrorKind::InvalidInput)?;
        match seek(at, Whence::SeekData) {
            Ok(start) if start < end => {
                Ok(Interval::new(start, seek(start, Whence::SeekHole)?).unwrap_or(everything))
            }
            Ok(_) => Interval::new(end, end).ok_or(io::ErrorKind::InvalidInput.into()),
            // A file system that knows no holes.
            Err(_) => Ok(everything),
        }
    }

    /// copy_file_range(2) hands over pages where both sides begin on one, and shares blocks where the file system can.
    /// Elsewhere (gcore's offsets are not aligned) it copies page by page, and reading and writing is faster.
    fn copy_data(&self, data: Interval<FileOffset>, into: &mut File) -> io::Result<()> {
        let mut at = data.start().get();
        let end = data.end().get();
        let aligned = at.is_multiple_of(PAGE) && into.stream_position()?.is_multiple_of(PAGE);
        while aligned && at < end {
            let rest = usize::try_from(end.saturating_sub(at)).map_err(io::Error::other)?;
            let mut from = i64::try_from(at).map_err(io::Error::other)?;
            match nix::fcntl::copy_file_range(&self.file, Some(&mut from), &*into, None, rest) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => at = from.unsigned_abs(),
                // Another file system, a pipe, an old kernel: by hand.
                Err(Errno::EXDEV | Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::EBADF) => break,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.copy_by_hand(at..end, into)
    }

    fn copy_by_hand(&self, data: std::ops::Range<u64>, into: &mut File) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        // The kernel copies a fifth faster to and from whole pages.
        let mut block = vec![0; COPY_BLOCK + 4096];
        let start = block.as_ptr().align_offset(4096);
        let mut at = data.start;
        while at < data.end {
            let length = usize::try_from(data.end.saturating_sub(at)).unwrap_or(COPY_BLOCK).min(COPY_BLOCK);
            let block = block.get_mut(start..start.saturating_add(length)).unwrap_or_default();
            self.file.read_exact_at(block, at)?;
            into.write_all(block)?;
            at = at.saturating_add(length as u64);
        }
        Ok(())
    }
}

/// How the file will be read: a wish, so that a refusal does not matter.
fn advise(file: &File, advice: PosixFadviseAdvice) {
    let _ = posix_fadvise(file, 0, 0, advice);
}

/// What the handler of SIGBUS says; null, or a line that lives for ever.
static MESSAGE: AtomicPtr<Vec<u8>> = AtomicPtr::new(ptr::null_mut());

/// Makes SIGBUS end the process with one line on standard error that names `path`, and status 2.
///
/// For a program's `main`, before it reads each dump: a signal handler belongs to the whole process, so the library
/// installs none by itself. The last call decides; `path` must already be harmless on a terminal. Each call keeps its
/// line (a hundred bytes) for ever, because the signal may come while the next one is set.
///
/// # Errors
/// What sigaction(2) said.
pub fn die_clearly_when_a_mapped_file_shrinks(path: &OsStr) -> nix::Result<()> {
    let mut line = b"coreinspect: ".to_vec();
    line.extend_from_slice(path.as_bytes());
    line.extend_from_slice(
        b": the file became shorter, or unreadable, while it was read; copy it to a quiet place and read the copy\n",
    );
    MESSAGE.store(Box::leak(Box::new(line)), Ordering::Release);
    let action = SigAction::new(SigHandler::Handler(on_sigbus), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler calls unlink(2), write(2) and _exit(2) alone, all async-signal-safe (signal-safety(7)), and reads
    // what was stored before it was installed.
    unsafe { sigaction(Signal::SIGBUS, &action)? };
    Ok(())
}

/// A path that is removed when a signal ends us; null, or one that lives for ever.
static UNFINISHED: AtomicPtr<CString> = AtomicPtr::new(ptr::null_mut());

/// Makes SIGHUP, SIGINT, SIGTERM and the SIGBUS of [`die_clearly_when_a_mapped_file_shrinks`] remove the file at `path`, a
/// name that nobody else uses, before they end the process. A signal that is ignored (nohup(1)) stays so.
///
/// For a file in the making where the file system knows none without a name. The last call decides; each keeps its path.
///
/// # Errors
/// `path` holds a NUL; what sigaction(2) said.
pub fn remove_at_the_end(path: &Path) -> io::Result<()> {
    let path = CString::new(std::path::absolute(path)?.as_os_str().as_bytes())?;
    UNFINISHED.store(Box::leak(Box::new(path)), Ordering::Release);
    let flags = SaFlags::SA_RESETHAND;
    let action = SigAction::new(SigHandler::Handler(on_end), flags, SigSet::empty());
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        // SAFETY: the handler calls unlink(2) and raise(3) alone, both async-signal-safe (signal-safety(7)), and reads what
        // was stored before it was installed. An action that was there before is one that the kernel or we made.
        unsafe {
            let before = sigaction(signal, &action)?;
            if matches!(before.handler(), SigHandler::SigIgn) {
                sigaction(signal, &before)?;
            }
        }
    }
    Ok(())
}

extern "C" fn on_end(signal: libc::c_int) {
    remove_unfinished();
    // SAFETY: raise may be called from a signal handler. SA_RESETHAND has put the default action back, which ends us as the
    // signal would have, once this handler returns.
    unsafe { libc::raise(signal) };
}

/// Only what may be called from a signal handler.
fn remove_unfinished() {
    // SAFETY: the pointer is null or from `Box::leak`, never freed and never written to again; unlink may be called from a
    // signal handler, and the path ends in a NUL.
    unsafe {
        if let Some(path) = UNFINISHED.load(Ordering::Acquire).as_ref() {
            libc::unlink(path.as_ptr());
        }
    }
}

extern "C" fn on_sigbus(_: libc::c_int) {
    remove_unfinished();
    // SAFETY: the pointer is null or from `Box::leak`, never freed and never written to again; write and _exit may be
    // called from a signal handler, and the line is valid for its length.
    unsafe {
        let line = MESSAGE.load(Ordering::Acquire).as_ref().map(Vec::as_slice).unwrap_or_default();
        libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len());
        libc::_exit(2);
    }
}
