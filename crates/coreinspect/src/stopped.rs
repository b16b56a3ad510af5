//! Processes held still for as long as something is done, by ptrace(2), and let go whatever happens.
//!
//! A thread of ours traces every thread of theirs and ends when the work is done. Its end is what lets go: the kernel then
//! detaches all that it traced and lets it run on. So nothing stays stopped, not when the work panics, and not when this
//! program is killed. Job control would stop the thread that traces, and keep theirs stopped for as long: SIGTSTP waits until
//! they are let go. (SIGSTOP waits for nobody.)
//!
//! Stops are looked at and never taken (waitid(2), WNOWAIT), because a signal that is about to be delivered when its thread
//! stops would go with them; as it is, the kernel delivers it when we let go. What a debugger or job control had stopped
//! before stays stopped.

use std::collections::BTreeSet;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::error::Error;
use crate::proc_files::ProcessFolder;

/// How long a thread may take to stop. One that waits for a disk or a file server cannot be stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a stop that PTRACE_INTERRUPT asked for, or that job control made, is told apart from one with a signal in hand.
const PTRACE_EVENT_STOP: i32 = nix::libc::PTRACE_EVENT_STOP;

/// Does `work` while every thread of `processes` is stopped, and tells for how long they were. `work` is given the threads'
/// ids, and runs in the thread that traces them, which alone may read their registers.
///
/// # Errors
/// [`Error::Process`]: one of them cannot be stopped (no right, traced by somebody else, gone); then all run on, and `work` was
/// not done.
pub fn while_stopped<T: Send>(
    processes: &[&ProcessFolder],
    work: impl FnOnce(&[u32]) -> T + Send,
) -> Result<(T, Duration), Error> {
    let since = Instant::now();
    let _later = Later::block()?;
    let result = thread::scope(|scope| {
        let tracer = thread::Builder::new().name("tracer".to_owned()).spawn_scoped(scope, || {
            let mut tracees = Tracees::default();
            for process in processes {
                tracees.stop(process)?;
            }
            let ids: Vec<_> = tracees.0.iter().map(|id| id.as_raw().cast_unsigned()).collect();
            let done = work(&ids);
            tracees.let_go();
            Ok(done)
        });
        let pid = processes.first().map_or(0, |process| process.pid());
        let failed = |source| Error::Process { pid, what: "its threads", source };
        match tracer.map_err(failed)?.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    result.map(|done| (done, since.elapsed()))
}

/// The stops of job control wait for as long as this lives, for this thread and those that it starts. What came meanwhile
/// stops us then.
struct Later(SigSet);

impl Later {
    fn block() -> Result<Self, Error> {
        let stops = SigSet::from_iter([Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU]);
        let before = stops.thread_swap_mask(SigmaskHow::SIG_BLOCK);
        before.map(Self).map_err(|errno| Error::Process {
            pid: std::process::id(),
            what: "its signal mask",
            source: errno.into(),
        })
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        // What was a mask is one.
        let _ = self.0.thread_set_mask();
    }
}

/// The threads that the calling thread traces, all stopped.
#[derive(Debug, Default)]
struct Tracees(BTreeSet<Pid>);

impl Tracees {
    /// Stops every thread of `process`, those too that it makes meanwhile.
    fn stop(&mut self, process: &ProcessFolder) -> Result<(), Error> {
        let pid = process.pid();
        let failed = |source| Error::Process { pid, what: "its threads (ptrace)", source };
        if pid == std::process::id() {
            return Err(failed(io::Error::other("it is this program itself, which cannot stop itself")));
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let threads = process.threads().map_err(failed)?;
            let new: Vec<_> = threads
                .iter()
                .map(|id| Pid::from_raw(id.cast_signed()))
                .filter(|id| !self.0.contains(id))
                .collect();
            let mut any = false;
            // All are asked to stop before any is waited for.
            for id in &new {
                any |= self.seize(process, *id).map_err(failed)?;
            }
            for id in &new {
                if !wait_for_stop(*id, until).map_err(failed)? {
                    self.0.remove(id);
                }
            }
            if !any {
                break;
            }
        }
        // The numbers were this process's all along if it is still there.
        match self.0.is_empty() || !process.is_running() {
            true => Err(failed(io::ErrorKind::NotFound.into())),
            false => Ok(()),
        }
    }

    /// Begins to trace a thread and asks it to stop; answers whether it did. A thread that ended meanwhile is none.
    fn seize(&mut self, process: &ProcessFolder, id: Pid) -> io::Result<bool> {
        match ptrace::seize(id, ptrace::Options::empty()) {
            Ok(()) => {}
            Err(Errno::ESRCH) => return Ok(false),
            Err(errno) => {
                let state = process.read(&format!("task/{id}/status"));
                let state = state.as_deref().map(|status| field(status, "State")).unwrap_or_default();
                // The first thread may end before the others do.
                if matches!(state.first(), None | Some(b'Z' | b'X')) {
                    return Ok(false);
                }
                return Err(match process.status_number("TracerPid") {
                    Some(tracer) if tracer != 0 => io::Error::other(format!(
                        "process {tracer} traces it (a debugger?), and only one can; without --stop it can be read"
                    )),
                    _ => errno.into(),
                });
            }
        }
        self.0.insert(id);
        match ptrace::interrupt(id) {
            Ok(()) | Err(Errno::ESRCH) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Lets all go on. Those that stopped with a signal in hand go on when this thread ends, and get it then.
    fn let_go(self) {
        for id in self.0 {
            if let Ok(Some(WaitStatus::PtraceEvent(_, _, PTRACE_EVENT_STOP))) = peek(id) {
                // It runs on all the same when this thread ends.
                let _ = ptrace::detach(id, None);
            }
        }
    }
}

/// The value of a field of /proc/PID/task/TID/status.
fn field<'s>(status: &'s [u8], name: &str) -> &'s [u8] {
    let mut lines = status.split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b":"));
    value.unwrap_or_default().trim_ascii()
}

/// Waits until a traced thread has stopped; false if it ended instead.
fn wait_for_stop(id: Pid, until: Instant) -> io::Result<bool> {
    let mut pause = Duration::from_micros(10);
    loop {
        match peek(id) {
            Ok(None) if Instant::now() > until => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!(
                        "thread {id} does not stop: it waits for something that cannot be interrupted (a disk, a file server)"
                    ),
                ));
            }
            Ok(None) => {
                thread::sleep(pause);
                pause = pause.saturating_mul(2).min(Duration::from_millis(1));
            }
            Ok(Some(WaitStatus::Exited(..) | WaitStatus::Signaled(..))) | Err(Errno::ECHILD) => {
                return Ok(false);
            }
            // A real-time signal, which has no name, is an invalid one to nix.
            Ok(Some(_)) | Err(Errno::EINVAL) => return Ok(true),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// What a traced thread does, without taking note of it: `None` if it runs.
fn peek(id: Pid) -> nix::Result<Option<WaitStatus>> {
    let flags = WaitPidFlag::WEXITED
        | WaitPidFlag::WSTOPPED
        | WaitPidFlag::__WALL
        | WaitPidFlag::WNOHANG
        | WaitPidFlag::WNOWAIT;
    let status = waitid(Id::Pid(id), flags)?;
    Ok(Some(status).filter(|status| *status != WaitStatus::StillAlive))
}
