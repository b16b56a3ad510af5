//! A small ELF core of a running process: its segments of shared memory and what says whose they are.
//!
//! What it holds beside the bytes: NT_PRPSINFO, NT_AUXV, NT_FILE, on request NT_PRSTATUS, a PT_LOAD for every mapping,
//! and two notes of owner `coreinspect`: 0x53484d01 is the program's name and version, 0x53484d02 JSON of what no other
//! core holds, a [`Note`](crate::sidecar::Note). Other mappings are
//! described, not saved, but for the vDSO.
//!
//! Segments are read through /proc/PID/map_files (needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE): SEEK_DATA and
//! SEEK_HOLE name the pages that exist, and reading them makes no other resident. Pages that do not exist are holes in
//! the core: bytes that truly are zero. Without those rights every page is read by process_vm_readv(2). A page that
//! cannot be read ends what is saved of its mapping: a short `p_filesz`, never made-up zeroes. A segment that is
//! attached twice is saved once: both PT_LOADs name the same bytes of the file.
//!
//! Not the crate elfcore: it knows x86-64 and aarch64 alone and no class 32, reads every mapping through the process's
//! memory, which makes a sparse segment resident, always stops it, and writes no note of what the kernel knows.

mod elf;
mod notes;
mod registers;
mod segments;

use std::fs::File;
use std::io::{self, Seek, Write};
use std::time::Duration;

use nix::errno::Errno;
use shmcore::ipcs::ListedSegment;

use crate::kind::Kinds;
use crate::proc_files::{IpcTable, MappingKinds, ProcessFolder, VirtualMemoryArea, maps};
use crate::stopped;
use elf::{Headers, Load, Machine};
use notes::Notes;
use registers::Registers;
use segments::Copier;

pub(crate) use notes::escaped;
pub use notes::segments as segment_facts;
pub use segments::{AttachedArea, Way, attached};

/// Why a core could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A file of /proc could not be read: the process belongs to somebody else.
    #[error("cannot read {path}: {source}; is the process yours?")]
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
    /// The process cannot be looked at, or not be stopped.
    #[error(transparent)]
    Process(#[from] crate::error::Error),
    /// The process became another program meanwhile.
    #[error("process {pid} became another program (execve) while it was dumped; dump it again")]
    Replaced {
        /// The process.
        pid: u32,
    },
    /// The target is no program of this machine's byte order.
    #[error("process {pid} runs no ELF program of this machine's byte order; use gcore")]
    Machine {
        /// The process.
        pid: u32,
    },
    /// The registers of the target's machine are not known here.
    #[error("the registers of process {pid}'s machine are not known here; leave out --threads, or use gcore")]
    Registers {
        /// The process.
        pid: u32,
    },
    /// The segments pass what a 32-bit core can hold.
    #[error("the segments of 32-bit process {pid} pass the 4 GiB that a 32-bit core can hold")]
    TooLarge {
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
    /// Mappings of segments.
    pub mappings: usize,
    /// Bytes of them that were saved.
    pub saved: u64,
    /// Bytes that were read and written, the rest being holes or saved by another mapping.
    pub read: u64,
    /// Bytes of them that could not be read.
    pub unreadable: u64,
    /// How they were read.
    pub way: Way,
    /// Threads whose registers it holds.
    pub threads: usize,
    /// How long the process stood still.
    pub stopped: Option<Duration>,
}

/// Whether the process is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// Not at all: bytes that it changes meanwhile may be torn.
    #[default]
    Never,
    /// Until all is copied: one moment's picture of what this process writes.
    WhileCopying,
}

/// What is to be written, and what is known beside /proc/PID.
#[derive(Default)]
pub struct Plan<'a> {
    /// The rows of /proc/sysvipc/shm as the process sees it; empty where that is not known.
    pub listed: &'a [ListedSegment],
    /// Whether to stop the process while its segments are copied.
    pub stop: Stop,
    /// Whether to write the threads' registers, which takes a stop, however short.
    pub threads: bool,
    /// Which kinds of shared memory are saved.
    pub kinds: Kinds,
    /// Only what a device proves: a file system that its user answers for is not read.
    pub proven_only: bool,
    /// Which of the segments' mappings are saved; all of them if there is no choice.
    pub choice: Option<&'a (dyn Fn(&VirtualMemoryArea<'_>) -> bool + Sync)>,
}

/// The process that is dumped.
pub(crate) struct Process<'p> {
    folder: &'p ProcessFolder,
    known: MappingKinds<'p>,
    machine: Machine,
}

impl<'p> Process<'p> {
    fn new(folder: &'p ProcessFolder) -> Result<Self, WriteError> {
        let pid = folder.pid();
        let start = folder.read_at_most("exe", 64).map_err(|error| unreadable(folder, "exe", error))?;
        let machine = Machine::of(&start).ok_or(WriteError::Machine { pid })?;
        Ok(Self { folder, known: MappingKinds::of(folder), machine })
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, WriteError> {
        self.folder.read(name).map_err(|error| self.unreadable(name, error))
    }

    fn read_at_most(&self, name: &str, most: u64) -> Result<Vec<u8>, WriteError> {
        self.folder.read_at_most(name, most).map_err(|error| self.unreadable(name, error))
    }

    fn unreadable(&self, name: &str, error: io::Error) -> WriteError {
        unreadable(self.folder, name, error)
    }

    fn gone(&self) -> WriteError {
        gone(self.folder.pid())
    }
}

fn gone(pid: u32) -> WriteError {
    crate::error::Error::Process { pid, what: "it", source: Errno::ESRCH.into() }.into()
}

fn unreadable(folder: &ProcessFolder, name: &str, source: io::Error) -> WriteError {
    let pid = folder.pid();
    match is_gone(&source) {
        // A kernel thread has no program.
        true if name == "exe" && folder.is_running() => WriteError::Machine { pid },
        true => gone(pid),
        false => WriteError::Proc { path: format!("/proc/{pid}/{name}"), source },
    }
}

/// Whether `error` says that the process, or what it had mapped, is gone.
fn is_gone(error: &io::Error) -> bool {
    [Errno::ESRCH, Errno::ENOENT].iter().any(|errno| error.raw_os_error() == Some(*errno as i32))
}

/// Writes a core of process `pid` to `out`, from its start, without stopping the process.
///
/// # Errors
/// See [`WriteError`].
pub fn write_core(pid: u32, out: &mut File) -> Result<Written, WriteError> {
    let folder = ProcessFolder::open(pid)?;
    let listed = IpcTable::of(&folder).unwrap_or_default().segments;
    write(&folder, &Plan { listed: &listed, ..Plan::default() }, out, &mut |_| {})
}

/// Writes a core of the process behind `folder` to `out`, from its start. `progress` is told of bytes as they are
/// copied.
///
/// # Errors
/// See [`WriteError`].
pub fn write(
    folder: &ProcessFolder,
    plan: &Plan<'_>,
    out: &mut File,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Written, WriteError> {
    let process = Process::new(folder)?;
    if plan.threads && !notes::knows_registers(process.machine) {
        return Err(WriteError::Registers { pid: folder.pid() });
    }
    // The kernel places AT_RANDOM and the vDSO anew for every program.
    let program = process.read("auxv")?;
    let registers = |threads: &[u32]| match plan.threads {
        // A thread that has ended since has none.
        true => threads.iter().filter_map(|thread| Registers::of(*thread, &process).ok()).collect(),
        false => Vec::new(),
    };
    let copy = Copy { process: &process, plan };
    let written = match (plan.stop, plan.threads) {
        (Stop::Never, false) => copy.to(out, &[], progress)?,
        (Stop::Never, true) => {
            let (registers, stopped) = stopped::while_stopped(&[folder], registers)?;
            Written { stopped: Some(stopped), ..copy.to(out, &registers, progress)? }
        }
        (Stop::WhileCopying, _) => {
            let (written, stopped) =
                stopped::while_stopped(&[folder], |threads| copy.to(out, &registers(threads), progress))?;
            Written { stopped: Some(stopped), ..written? }
        }
    };
    match process.read("auxv") {
        Ok(now) if now == program => Ok(written),
        Ok(_) => Err(WriteError::Replaced { pid: folder.pid() }),
        Err(error) => Err(error),
    }
}

/// The copying, once it is settled what is copied.
struct Copy<'a, 'p> {
    process: &'a Process<'p>,
    plan: &'a Plan<'a>,
}

impl Copy<'_, '_> {
    fn wants(&self, area: &VirtualMemoryArea<'_>) -> bool {
        self.plan.choice.is_none_or(|choice| choice(area))
    }

    fn to(
        &self,
        out: &mut File,
        registers: &[Registers],
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Written, WriteError> {
        let process = self.process;
        let maps = process.read("maps")?;
        let areas: Vec<_> = maps::parse(&maps).collect();
        let mut written = Written { threads: registers.len(), ..Written::default() };
        let mut attached = Vec::new();
        for area in &areas {
            let kind = segments::kind_of(area, &process.known, &self.plan.kinds);
            let Some(kind) = kind.filter(|(_, proven)| *proven || !self.plan.proven_only) else { continue };
            let (area, error) = segments::look_at(process.folder, *area, kind);
            if error.is_some_and(|error| may_not(&error)) {
                written.way = Way::Memory;
            }
            attached.push(area);
        }
        let notes = Notes::of(process, &areas, &attached, registers, self.plan.listed)?;
        let mut loads: Vec<_> = areas.iter().map(Load::of).collect();
        let headers = Headers::new(process.machine, loads.len());
        let mut at = elf::page_aligned(headers.size().saturating_add(notes.len() as u64));
        // Where nothing is saved bfd looks for a program all the same, and at offset 0 would find this core, and its notes.
        loads.iter_mut().for_each(|load| load.offset = at);
        let mut copier = Copier::new(process, out, written.way, progress);
        // Two pages, without which debuggers complain and do not get from the kernel's code to the program's.
        let vdso = areas.iter().zip(&mut loads).find(|(area, _)| area.name == b"[vdso]");
        if let Some((area, load)) = vdso {
            load.saved = copier.copy_other(*area, at)?;
            at = elf::page_aligned(at.saturating_add(load.saved));
        }
        let mut saved: Vec<Saved<'_>> = Vec::new();
        let mut of_areas = attached.iter().peekable();
        for (area, load) in areas.iter().zip(&mut loads) {
            let Some(attached) = of_areas.next_if(|attached| attached.area.start == area.start) else {
                continue;
            };
            if !self.wants(area) {
                continue;
            }
            written.mappings = written.mappings.saturating_add(1);
            if let Some(offset) = saved.iter().find_map(|saved| saved.holds(attached)) {
                (load.offset, load.saved) = (offset, area.length());
            } else {
                let copied = copier.copy(attached, at)?;
                (load.offset, load.saved) = (at, copied.saved);
                written.read = written.read.saturating_add(copied.read);
                saved.push(Saved { attached: *attached, length: copied.saved, at });
                at = elf::page_aligned(at.saturating_add(copied.saved));
            }
            written.saved = written.saved.saturating_add(load.saved);
            written.unreadable = written.unreadable.saturating_add(area.length().saturating_sub(load.saved));
            if !process.machine.reaches(at) {
                return Err(WriteError::TooLarge { pid: process.folder.pid() });
            }
        }
        // The last pages may be a hole, which only the length tells.
        out.set_len(at)?;
        out.rewind()?;
        out.write_all(&headers.bytes(notes.len() as u64, &loads))?;
        out.write_all(&notes)?;
        out.flush()?;
        Ok(written)
    }
}

/// Bytes of a segment that the core has.
struct Saved<'a> {
    /// The mapping that they were read from.
    attached: AttachedArea<'a>,
    length: u64,
    /// Within the file.
    at: u64,
}

impl Saved<'_> {
    /// Where in the file the bytes of `attached` stand, if they are all here.
    fn holds(&self, attached: &AttachedArea<'_>) -> Option<u64> {
        let from = attached.area.offset.checked_sub(self.attached.area.offset)?;
        let inside = from.checked_add(attached.area.length())? <= self.length;
        (inside && attached.is_of(&self.attached)).then(|| self.at.checked_add(from))?
    }
}

/// Whether `error` says that the kernel forbids it.
fn may_not(error: &io::Error) -> bool {
    [Errno::EPERM, Errno::EACCES].iter().any(|errno| error.raw_os_error() == Some(*errno as i32))
}
