//! The process that the tour dumps: this program once more.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::unistd::Pid;
use shmcore::{Access, Flag, Key, Mailbox, OwnedSegment, Permissions, Segment, ShmId};

use super::super::{Failure, Status};
use super::failed;

/// What the writer leaves in its segment, and the size that it asks for: bytes.
const MESSAGE: &str = "Hello from writer process!";
const SIZE: usize = 1024;

/// Writes a message into a segment of its own, says READY, and removes the segment when a signal comes or standard input
/// ends: so it does not outlive the tour.
pub(super) fn write(signals: &SignalFd, out: &mut dyn Write) -> Result<Status, Failure> {
    let wrong = failed("the writer");
    let key = Key::ftok(Path::new("."), b'x').map_err(&wrong)?;
    let segment = Segment::open_or_create(key, SIZE, Permissions::OWNER).map_err(&wrong)?;
    let segment = OwnedSegment::new(segment);
    let mailbox = Mailbox::new(segment.attach(Access::ReadWrite).map_err(&wrong)?).map_err(&wrong)?;
    mailbox.write(MESSAGE.as_bytes()).map_err(&wrong)?;
    writeln!(out, "key: {key}")?;
    writeln!(out, "shmid: {}", segment.id())?;
    writeln!(out, "pid: {}", std::process::id())?;
    writeln!(out, "address: {:#x}", mailbox.attachment().address())?;
    writeln!(
        out,
        "flag: {}",
        if mailbox.flag().map_err(&wrong)? == Flag::Ready { "ready" } else { "empty" }
    )?;
    writeln!(out, "READY")?;
    out.flush()?;
    let stdin = std::io::stdin();
    let mut events =
        [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    poll(&mut events, PollTimeout::NONE).map_err(failed("the writer"))?;
    Ok(Status::Found)
}

/// A writer that has said READY. Dropping it ends it and removes its segment.
pub(super) struct WriterProcess {
    child: Child,
    said: Vec<String>,
}
impl WriterProcess {
    /// Starts this program as a writer in `folder`, whose inode makes the key, and waits until it is ready.
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(failed("cannot tell where this program is"))?;
        let mut command = Command::new(program);
        command.args(["tour", "--writer"]).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        // The writer inherits it, so that the kernel can write a core of it, should it come to that.
        if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
            let _ = setrlimit(Resource::RLIMIT_CORE, hard, hard);
        }
        let child = command.spawn().map_err(failed("cannot start the writer"))?;
        let mut this = Self { child, said: Vec::new() };
        let stdout =
            this.child.stdout.take().ok_or_else(|| Failure::new("the writer has no standard output"))?;
        // The writer is this program: it says six lines.
        for line in BufReader::new(stdout.take(4096)).lines() {
            this.said.push(line.map_err(failed("cannot hear the writer"))?);
            if this.said.last().is_some_and(|line| line == "READY") {
                return Ok(this);
            }
        }
        Err(Failure::new("the writer ended before it was ready"))
    }

    /// The lines that it printed.
    pub(super) fn said(&self) -> &[String] {
        &self.said
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it by SIGABRT, on which the kernel dumps, and waits for its end.
    pub(super) fn abort(&mut self) -> Result<(), Failure> {
        let wrong = "cannot end the writer";
        kill(Pid::from_raw(self.pid().cast_signed()), Signal::SIGABRT).map_err(failed(wrong))?;
        self.child.wait().map(drop).map_err(failed(wrong))
    }

    fn shmid(&self) -> Option<ShmId> {
        let line = self.said.iter().find_map(|line| line.strip_prefix("shmid: "))?;
        line.trim().parse().ok().map(ShmId::from_raw)
    }
}

impl Drop for WriterProcess {
    fn drop(&mut self) {
        // SIGTERM lets it remove its segment by itself; if it died of a core, or does not listen, it is removed here.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill(Pid::from_raw(self.pid().cast_signed()), Signal::SIGTERM);
            let _ = self.child.wait();
        }
        if let Some(shmid) = self.shmid() {
            let _ = Segment::from_id(shmid).remove();
        }
    }
}
