//! A process held still: every thread of it in a ptrace stop (ptrace(2), PTRACE_SEIZE and PTRACE_INTERRUPT).
//!
//! Unlike PTRACE_ATTACH this sends no signal. Only the thread that stopped the others can let them go, and the kernel
//! does so itself when that thread ends, however it ends: so the holder is a thread of its own, which a panic or SIGKILL
//! ends too. A thread that was just about to get a signal gets it then.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::ProcessFolder;
use crate::error::Error;

/// How long a thread may take to stop: one in state D, waiting for a disk or NFS, does not until that has answered.
const PATIENCE: Duration = Duration::from_secs(2);

/// The threads of a process, stopped. They go on when this is dropped, or when this thread ends.
#[derive(Debug)]
struct Stopped {
    threads: Vec<(Pid, Held)>,
    since: Instant,
}

/// How a thread was met, which says how it goes on.
#[derive(Clone, Copy, Debug)]
enum Held {
    /// Not in a stop yet, or no more there.
    Seized,
    Stopped,
    /// Just before the signal reached it.
    With(Signal),
    /// Before a real-time signal, which nix has no name for: the kernel delivers it when this thread ends.
    WithUnnamedSignal,
}

/// Runs `work` while `process` stands still; answers also for how long it stood.
///
/// # Errors
/// [`Error::Stop`]: it is traced already, may not be traced, or a thread of it does not stop. [`Error::Process`].
pub fn while_stopped<T: Send>(
    process: &ProcessFolder,
    work: impl FnOnce(&[Pid]) -> T + Send,
) -> Result<(T, Duration), Error> {
    thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let stopped = Stopped::all(process)?;
            let threads: Vec<_> = stopped.threads.iter().map(|(thread, _)| *thread).collect();
            let done = work(&threads);
            let since = stopped.since;
            drop(stopped);
            Ok((done, since.elapsed()))
        });
        holder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Stopped {
    /// Stops every thread; those that others start meanwhile too.
    fn all(process: &ProcessFolder) -> Result<Self, Error> {
        let mut stopped = Self { threads: Vec::new(), since: Instant::now() };
        let mut known = BTreeSet::new();
        loop {
            let threads = process.threads().map_err(|source| Error::Process {
                pid: process.pid(),
                what: "the list of its threads",
                source,
            })?;
            // The first thread first: it stands for the process in a core.
            let fresh: BTreeSet<_> = threads.into_iter().filter(|thread| known.insert(*thread)).collect();
            if fresh.is_empty() {
                return Ok(stopped);
            }
            let first = stopped.threads.len();
            for thread in fresh {
                stopped.seize(Pid::from_raw(thread.cast_signed()), process)?;
            }
            for (thread, held) in stopped.threads.iter_mut().skip(first) {
                *held = wait(*thread, process)?;
            }
        }
    }

    fn seize(&mut self, thread: Pid, process: &ProcessFolder) -> Result<(), Error> {
        let seized = ptrace::seize(thread, Options::empty());
        match seized.and_then(|()| {
            self.threads.push((thread, Held::Seized));
            ptrace::interrupt(thread)
        }) {
            // It has ended since it was listed.
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(cannot_stop(process, why(thread, process, errno))),
        }
    }
}

fn cannot_stop(process: &ProcessFolder, why: String) -> Error {
    Error::Stop { pid: process.pid(), why }
}

/// Why `thread` cannot be traced.
fn why(thread: Pid, process: &ProcessFolder, errno: Errno) -> String {
    match process.status_number("TracerPid").filter(|tracer| *tracer != 0) {
        Some(tracer) => format!("process {tracer} traces it already (a debugger, strace)"),
        None if errno == Errno::EPERM => {
            "ptrace rights are needed (same user, and Yama may forbid: kernel.yama.ptrace_scope)".to_owned()
        }
        None => format!("ptrace of thread {thread}: {errno}"),
    }
}

/// Waits until `thread` stands.
fn wait(thread: Pid, process: &ProcessFolder) -> Result<Held, Error> {
    let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
    let start = Instant::now();
    let mut pause = Duration::from_micros(20);
    loop {
        match waitpid(thread, Some(flags)) {
            Ok(WaitStatus::StillAlive) => {}
            Ok(WaitStatus::PtraceEvent(..)) => return Ok(Held::Stopped),
            Ok(WaitStatus::Stopped(_, signal)) => return Ok(Held::With(signal)),
            Err(Errno::EINVAL) => return Ok(Held::WithUnnamedSignal),
            // It has ended.
            Ok(_) | Err(_) => return Ok(Held::Seized),
        }
        if start.elapsed() > PATIENCE {
            let waits =
                format!("thread {thread} does not stop: it waits in the kernel (state D); try without");
            return Err(cannot_stop(process, waits));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for (thread, held) in &self.threads {
            // One that has ended needs no letting go.
            let _ = match held {
                Held::Stopped | Held::Seized => ptrace::detach(*thread, None),
                Held::With(signal) => ptrace::detach(*thread, *signal),
                Held::WithUnnamedSignal => Ok(()),
            };
        }
    }
}
