//! The memory of a running process, by its addresses.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use crate::position::Address;
use crate::proc_files::ProcessFolder;

/// Reads memory by process_vm_readv(2), and what that refuses (pages without PROT_READ) by /proc/PID/mem.
///
/// process_vm_readv goes by the number of a process and reads whatever that runs now. /proc/PID/mem is bound to the memory that
/// was there when it was opened: after execve(2) or the end it reads nothing. So it also bears witness, after each read, that
/// what was read was this memory's.
#[derive(Debug)]
pub(super) struct ProcessMemory {
    pid: Pid,
    access: Access,
    gone: AtomicBool,
}

#[derive(Debug)]
enum Access {
    /// By both ways.
    Whole(File),
    /// The kernel, or a policy of its administrator, lets nobody like us read it.
    Refused(io::Error),
}

impl ProcessMemory {
    pub(super) fn of(folder: &ProcessFolder) -> Self {
        let access = match folder.file("mem") {
            Ok(memory) => Access::Whole(memory),
            Err(error) => Access::Refused(error),
        };
        Self { pid: Pid::from_raw(folder.pid().cast_signed()), access, gone: AtomicBool::new(false) }
    }

    /// Whether it can be read: all of it, without PROT_READ too, as a debugger does.
    pub(super) fn allows(&self) -> bool {
        matches!(self.access, Access::Whole(_))
    }

    /// Why nothing can be read, and what to do.
    pub(super) fn refusal(&self) -> Option<String> {
        let Access::Refused(error) = &self.access else { return None };
        let yama = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
        let yama = match yama.trim() {
            "" | "0" => String::new(),
            scope => format!(
                " (kernel.yama.ptrace_scope is {scope}: even of one's own processes only its children)"
            ),
        };
        Some(format!(
            "the memory of process {pid} cannot be read: {error}{yama}; as root it can: sudo coreinspect live {pid}",
            pid = self.pid
        ))
    }

    /// Whether the memory is no more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || self.witness(0).is_some_and(|alive| !alive)
    }

    /// Copies the bytes from `at` on, up to the first that cannot be read.
    pub(super) fn read(&self, at: Address, into: &mut [u8]) -> usize {
        let Access::Whole(memory) = &self.access else { return 0 };
        let Ok(base) = usize::try_from(at.get()) else { return 0 };
        let length = into.len();
        let remote = [RemoteIoVec { base, len: length }];
        let count = match process_vm_readv(self.pid, &mut [IoSliceMut::new(into)], &remote) {
            Ok(count) => count,
            Err(Errno::EFAULT | Errno::EPERM | Errno::ENOSYS) => 0,
            Err(_) => {
                self.gone.store(true, Ordering::Relaxed);
                return 0;
            }
        };
        if count > 0 {
            return if self.witness(at.get()) == Some(false) { 0 } else { count };
        }
        match memory.read_at(into, at.get()) {
            Ok(0) => {
                self.gone.store(true, Ordering::Relaxed);
                0
            }
            Ok(count) => count,
            Err(_) => 0,
        }
    }

    /// Whether the memory is still there: a read of /proc/PID/mem fails for an address where nothing is, and ends where no
    /// memory is left at all (fs/proc/base.c, `mem_rw`).
    fn witness(&self, at: u64) -> Option<bool> {
        let Access::Whole(memory) = &self.access else { return None };
        let alive = !matches!(memory.read_at(&mut [0], at), Ok(0));
        if !alive {
            self.gone.store(true, Ordering::Relaxed);
        }
        Some(alive)
    }
}
