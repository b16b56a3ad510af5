//! A small core of a running process.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use super::new_file::NewFile;
use super::{Context, Execute, Failure, Status};
use crate::core_writer::{self, Plan, Stop, Way, WriteError, Written};
use crate::proc_files::{IpcTable, ProcessFolder};
use crate::render::size::size;
use crate::report::WrittenCore;

/// Writes a small core of a running process: its System V segments, and what the kernel knows about them.
#[derive(Args, Debug)]
pub(super) struct Dump {
    /// The process.
    #[arg(value_name = "PID")]
    pid: u32,
    /// The file to write, core.PID.shm by default. It must not exist, unless you give --force.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Stop the process while its segments are copied: a picture of one moment, unless other processes write to them.
    #[arg(long)]
    stop: bool,
    /// Save the threads' registers too; this stops the process for a moment.
    #[arg(long)]
    threads: bool,
}

impl Execute for Dump {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let pid = self.pid;
        let process = ProcessFolder::open(pid)?;
        let path = self.output.clone().unwrap_or_else(|| PathBuf::from(format!("core.{pid}.shm")));
        if path.as_os_str() == "-" {
            return Err(Failure::new("a core needs a file, because a pipe would fill its holes; name one"));
        }
        let mut file = NewFile::create(&path, context.force, [])?;
        let (listed, unknown) = match IpcTable::of(&process) {
            Ok(table) => (table.segments, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let plan = Plan {
            listed: &listed,
            stop: if self.stop { Stop::WhileCopying } else { Stop::Never },
            threads: self.threads,
            kinds: context.kinds.clone(),
            ..Plan::default()
        };
        let mut progress = Progress::new("copied", context);
        let written = file.write(|file| {
            Ok(core_writer::write(&process, &plan, file, &mut |bytes| progress.advance(bytes)))
        })?;
        drop(progress);
        let written = written.map_err(failure)?;
        if written.mappings == 0 {
            let kinds = context.kinds.label();
            context.tell(format_args!("process {pid} has no {kinds} segment attached; nothing was written"));
            return Ok(Status::Nothing);
        }
        file.finish()?;
        if let Some(error) = unknown.filter(|_| !context.quiet) {
            context.tell(format_args!(
                "warning: owner, rights and nattch of the segments are unknown: process {pid} is in another IPC namespace, which coreinspect cannot enter ({error}); try as root"
            ));
        }
        tell(&path, pid, &written, context)
    }
}

fn failure(error: WriteError) -> Failure {
    Failure::new(error.to_string())
}

fn tell(path: &Path, pid: u32, written: &Written, context: &mut Context<'_>) -> Result<Status, Failure> {
    context.print(&WrittenCore::new(path, pid, written))?;
    if context.quiet {
        return Ok(Status::Found);
    }
    if written.unreadable > 0 {
        let bytes = written.unreadable;
        context.tell(format_args!(
            "warning: {bytes} bytes of the segments could not be read, and are not in the core"
        ));
    }
    if written.way == Way::Memory {
        context.tell(
            "warning: without CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE coreinspect read every page through the process, and even pages that nobody had touched are resident now; as root it reads only pages that exist",
        );
    }
    if let Some(stopped) = written.stopped {
        context.tell(format_args!("process {pid} was stopped for {:.3} ms", stopped.as_secs_f64() * 1e3));
    }
    Ok(Status::Found)
}

/// How far the copy is: a line on standard error, if that is a terminal and it takes longer than a second; it is gone when
/// this is.
struct Progress {
    what: &'static str,
    /// Whether anybody looks.
    wanted: bool,
    bytes: u64,
    shown: bool,
    next: Instant,
}

impl Progress {
    /// Begins to count what has been `what`: "copied".
    fn new(what: &'static str, context: &Context<'_>) -> Self {
        let wanted = !context.quiet && io::stderr().is_terminal();
        Self { what, wanted, bytes: 0, shown: false, next: Instant::now() + Duration::from_secs(1) }
    }

    /// So many bytes more.
    fn advance(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.wanted && Instant::now() >= self.next {
            self.next = Instant::now() + Duration::from_millis(200);
            self.shown = true;
            // Nobody is left to tell if this fails.
            let _ = write!(io::stderr(), "\r\x1b[K{} {}", size(self.bytes >> 20 << 20), self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
