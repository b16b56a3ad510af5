//! A `demo writer` of the tour's own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shmcore::{Segment, ShmId};

use crate::Result;

/// A writer that has said READY. Dropping it ends it and removes its segment.
pub(super) struct WriterProcess {
    child: Child,
    said: Vec<String>,
}

impl WriterProcess {
    /// Starts this program as `demo writer` in `folder`, whose inode makes the key, and waits until it is ready.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("writer").current_dir(folder).stdout(Stdio::piped());
        // The writer inherits it, so that the kernel can write a core of it, should it come to that.
        if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
            setrlimit(Resource::RLIMIT_CORE, hard, hard)?;
        }
        let mut this = Self { child: command.spawn()?, said: Vec::new() };
        let stdout = this.child.stdout.take().ok_or("the writer has no standard output")?;
        for line in BufReader::new(stdout).lines() {
            this.said.push(line?);
            if this.said.last().is_some_and(|line| line == "READY") {
                return Ok(this);
            }
        }
        Err("the writer ended before it was ready".into())
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
    pub(super) fn abort(&mut self) -> Result<()> {
        kill(Pid::from_raw(self.pid().cast_signed()), Signal::SIGABRT)?;
        self.child.wait()?;
        Ok(())
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
