//! Another handler behind this one: it gets the core too, for as long as it keeps up, and never outlives us.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::process::set_parent_process_death_signal;

use crate::cli::{Failure, Status};

/// Bytes in a second that the other handler must take on average: the kernel keeps the process for as long as we wait.
const SLOWEST: u64 = 8 << 20;

/// A core on its way to us, each byte of which goes to the other handler as well.
pub(super) struct Tee<R> {
    core: R,
    other: Option<Other>,
}

/// The other handler.
struct Other {
    child: Child,
    /// Where it gets the core; gone once it has seen enough, or was too slow.
    pipe: Option<ChildStdin>,
    given: u64,
    waited: Duration,
    patience: Duration,
}

impl<R: Read> Tee<R> {
    /// Starts the program that `words` name, as the kernel would have: no shell, nothing in its environment but PATH.
    /// `patience` is how long we wait for it beyond what [`SLOWEST`] grants, while it reads and again until it ends.
    pub(super) fn start(core: R, words: &[OsString], patience: Duration) -> io::Result<Self> {
        let other = if words.is_empty() { None } else { Some(Other::start(words, patience)?) };
        Ok(Self { core, other })
    }

    /// Hands on what is left, and waits for the other handler, but not for ever.
    ///
    /// # Errors
    /// The core cannot be read, or the other handler did not do its work: it was too slow, or says so by its status.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let mut block = vec![0; 1 << 16];
        while self.other.as_ref().is_some_and(|other| other.pipe.is_some()) {
            match self.read(&mut block) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.other.map(Other::end) {
            Some(Ok(status)) if !status.success() => Err(io::Error::other(status.to_string())),
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.core.read(into)?;
        if let Some(other) = &mut self.other {
            other.give(into.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

impl Other {
    /// Starts it in a process group of its own, so that all of it can be ended.
    fn start(words: &[OsString], patience: Duration) -> io::Result<Self> {
        let mut child = Command::new("/proc/self/exe")
            .args(["collect", "--as-child", "--then"])
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = child.stdin.take();
        if let Some(pipe) = &pipe {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self { child, pipe, given: 0, waited: Duration::ZERO, patience })
    }

    /// Gives it `bytes`. One that has seen enough, or takes too long, gets no more; we go on.
    fn give(&mut self, mut bytes: &[u8]) {
        while let Some(pipe) = self.pipe.as_mut().filter(|_| !bytes.is_empty()) {
            match pipe.write(bytes) {
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    self.given = self.given.saturating_add(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.wait() => {}
                Err(_) => self.pipe = None,
            }
        }
    }

    /// Waits until it takes more; false if it has had its time.
    fn wait(&mut self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let left = self.allowed().saturating_sub(self.waited);
        let since = Instant::now();
        let mut wanted = [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)];
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let ready = poll(&mut wanted, timeout);
        self.waited = self.waited.saturating_add(since.elapsed());
        !matches!(ready, Ok(0)) && self.waited < self.allowed()
    }

    /// How long we may have waited for it by now.
    fn allowed(&self) -> Duration {
        self.patience.saturating_add(Duration::from_secs(self.given / SLOWEST))
    }

    /// Its status, once it has ended by itself.
    ///
    /// # Errors
    /// It was too slow, and was killed with all that it started.
    fn end(mut self) -> io::Result<ExitStatus> {
        drop(self.pipe.take());
        let had_its_time = self.waited >= self.allowed();
        let until = Instant::now() + if had_its_time { Duration::ZERO } else { self.patience };
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= until {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        if let Ok(group) = i32::try_from(self.child.id()) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        self.child.wait()?;
        Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long, and coreinspect killed it"))
    }
}

/// What the child does first, which becomes the other handler: it goes when we go, be it by SIGKILL.
///
/// # Errors
/// The program cannot be started.
pub(super) fn become_other(words: &[OsString]) -> Result<Status, Failure> {
    let Some((program, arguments)) = words.split_first() else { return Ok(Status::Nothing) };
    set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|errno| Failure::Output(errno.into()))?;
    let error = Command::new(program).args(arguments).exec();
    Err(Failure::new(format!("cannot start {}: {error}", program.to_string_lossy())))
}
