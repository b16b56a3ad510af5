//! The segments of an IPC namespace (ipc_namespaces(7)), our own or another process's.

use std::fs::File;
use std::io::{self, BufReader};
use std::thread;

use nix::sched::{CloneFlags, setns};
use shmcore::ipcs::{self, ListedSegment};

use super::ProcessFolder;

/// Which IPC namespace it is: what its link in /proc/PID/ns says, as `ipc:[4026531839]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct IpcNamespace(Vec<u8>);

impl IpcNamespace {
    /// That of a process.
    ///
    /// # Errors
    /// What the operating system said: it takes the right to trace the process (ptrace(2), PTRACE_MODE_READ).
    pub(crate) fn of(process: &ProcessFolder) -> io::Result<Self> {
        Ok(Self(process.link("ns/ipc")?))
    }

    /// Our own.
    ///
    /// # Errors
    /// There is no /proc.
    pub(crate) fn own() -> io::Result<Self> {
        use std::os::unix::ffi::OsStringExt;
        // That of this thread, which need not be that of the first one.
        Ok(Self(std::fs::read_link("/proc/thread-self/ns/ipc")?.into_os_string().into_vec()))
    }
}

/// /proc/sysvipc/shm of an IPC namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct IpcTable {
    /// Its segments, in the kernel's order.
    pub segments: Vec<ListedSegment>,
    /// Rows that are not understood.
    pub lost: usize,
}

impl IpcTable {
    /// That of our own IPC namespace.
    ///
    /// # Errors
    /// What the operating system said, or that it is no such table.
    pub(crate) fn own() -> io::Result<Self> {
        const SEGMENTS: &str = "/proc/sysvipc/shm";
        let mut table = Self::default();
        for row in ipcs::parse(BufReader::new(File::open(SEGMENTS)?), SEGMENTS).map_err(io::Error::other)? {
            match row {
                Ok(segment) => table.segments.push(segment),
                Err(_) => table.lost = table.lost.saturating_add(1),
            }
        }
        Ok(table)
    }

    /// That of the IPC namespace that `process` is in.
    ///
    /// The file shows the namespace of the thread that opens it. So where that is another one than ours, a thread of ours
    /// enters it (setns(2) moves one thread), reads, and ends; no other thread is moved, and numbers of users and processes
    /// stay those of our own namespaces.
    ///
    /// # Errors
    /// What the operating system said: entering takes CAP_SYS_ADMIN.
    pub(crate) fn of(process: &ProcessFolder) -> io::Result<Self> {
        if IpcNamespace::of(process)? == IpcNamespace::own()? {
            return Self::own();
        }
        let namespace = process.file("ns/ipc")?;
        let read = move || {
            setns(namespace, CloneFlags::CLONE_NEWIPC)?;
            Self::own()
        };
        let reader = thread::Builder::new().name("ipc-namespace".to_owned()).spawn(read)?;
        reader.join().unwrap_or_else(|_| Err(io::Error::other("the thread that read it has failed")))
    }
}
