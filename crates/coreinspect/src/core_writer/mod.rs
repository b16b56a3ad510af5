//! A small ELF core of a running process: its System V segments and what says whose they are.
//!
//! What gcore does, for a machine without gdb. The process is not stopped, so bytes that it changes meanwhile may be
//! torn; registers are not read. Other mappings are described, not saved. A page that cannot be read ends what is saved
//! of its mapping: a short `p_filesz`, never made-up zeroes.

mod elf;
mod notes;

use std::fs;
use std::io::{self, IoSliceMut, Seek, SeekFrom, Write};

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use shmcore::Key;

use crate::proc_files::{VirtualMemoryArea, maps};
use elf::{Load, Machine};

/// Why a core could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A file of /proc could not be read: the process is gone, or belongs to somebody else.
    #[error("cannot read {path}: {source}; is the process still there, and yours?")]
    Proc {
        /// The file.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The process does not let its memory be read.
    #[error(
        "cannot read the memory of process {pid}: {source}; ptrace rights are needed (same user, and Yama may forbid)"
    )]
    Memory {
        /// The process.
        pid: u32,
        /// What process_vm_readv(2) said.
        source: io::Error,
    },
    /// The target is no 64-bit process of this machine's byte order.
    #[error("process {pid} is no 64-bit program of this machine's byte order; use gcore")]
    Machine {
        /// The process.
        pid: u32,
    },
    /// The core could not be written.
    #[error("cannot write the core: {0}")]
    Output(#[from] io::Error),
}

/// What a core holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Mappings of System V segments.
    pub mappings: usize,
    /// Bytes of them that were saved.
    pub saved: u64,
    /// Bytes of them that could not be read.
    pub unreadable: u64,
}

/// Bytes read from the process at once.
const BLOCK: usize = 256 << 10;

/// Writes a core of process `pid` to `out`, from its start.
///
/// # Errors
/// See [`WriteError`].
pub fn write_core(pid: u32, out: &mut (impl Write + Seek)) -> Result<Written, WriteError> {
    let machine = Machine::of(&proc_file(pid, "exe")?).ok_or(WriteError::Machine { pid })?;
    let lines = proc_file(pid, "maps")?;
    let areas: Vec<_> = maps::parse(&lines).collect();
    let notes = notes::all(pid, &areas)?;
    let mut loads: Vec<_> = areas.iter().map(Load::of).collect();
    let mut at = elf::page_aligned(elf::headers_size(loads.len()) + notes.len() as u64);
    let mut written = Written::default();
    let segments = areas.iter().zip(&mut loads).filter(|(area, _)| is_segment(area));
    for (area, load) in segments {
        out.seek(SeekFrom::Start(at))?;
        load.offset = at;
        load.saved = copy(pid, area, out)?;
        at = elf::page_aligned(at + load.saved);
        written.mappings += 1;
        written.saved += load.saved;
        written.unreadable += area.length().saturating_sub(load.saved);
    }
    out.seek(SeekFrom::Start(0))?;
    elf::write_headers(machine, notes.len() as u64, &loads, out)?;
    out.write_all(&notes)?;
    out.flush()?;
    Ok(written)
}

fn is_segment(area: &VirtualMemoryArea<'_>) -> bool {
    Key::from_mapping_name(area.name).is_some_and(|name| name.deleted)
}

/// Copies the bytes of `area` up to the first that cannot be read; answers how many.
fn copy(pid: u32, area: &VirtualMemoryArea<'_>, out: &mut impl Write) -> Result<u64, WriteError> {
    let pid = Pid::from_raw(pid.cast_signed());
    let mut block = vec![0; BLOCK];
    let mut copied = 0;
    while copied < area.length() {
        let wanted = usize::try_from(area.length() - copied).unwrap_or(BLOCK).min(BLOCK);
        let (Ok(base), Some(into)) = (usize::try_from(area.start + copied), block.get_mut(..wanted)) else {
            break;
        };
        let remote = [RemoteIoVec { base, len: wanted }];
        // A bad page gives a short count first, and EFAULT once it is the first of the rest.
        let count = match process_vm_readv(pid, &mut [IoSliceMut::new(into)], &remote) {
            Ok(count) => count,
            Err(Errno::EFAULT) => break,
            Err(errno) => {
                return Err(WriteError::Memory { pid: pid.as_raw().cast_unsigned(), source: errno.into() });
            }
        };
        let Some(bytes) = into.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        out.write_all(bytes)?;
        copied += count as u64;
    }
    Ok(copied)
}

/// A file of /proc/PID; of `exe` its first bytes.
fn proc_file(pid: u32, name: &str) -> Result<Vec<u8>, WriteError> {
    let path = format!("/proc/{pid}/{name}");
    let read = || match name {
        "exe" => {
            use io::Read;
            let mut start = Vec::new();
            fs::File::open(&path)?.take(64).read_to_end(&mut start)?;
            Ok(start)
        }
        _ => fs::read(&path),
    };
    read().map_err(|source| WriteError::Proc { path: path.clone(), source })
}
