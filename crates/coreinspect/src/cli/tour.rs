//! `coreinspect tour`, and `demo tour`: the main job, on a process that ran a second ago.

mod dumper;
mod explain;
mod writer;

use std::io::Write;
use std::path::Path;

use clap::Args;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use shmcore::{Key, OwnedSegment, Permissions, Segment};

use super::{Context, Execute, Failure, Status};
use crate::Inspection;
use dumper::Dumper;
use writer::WriterProcess;

/// Starts a writer, dumps it, inspects the dump, and explains what you see.
///
/// It needs no other program: gcore takes the dump if there is one, else the kernel if it would write one here, else
/// coreinspect. It removes all that it makes.
#[derive(Args, Debug)]
pub(super) struct Tour {
    /// Who takes the dump; by default the first of them that can.
    #[arg(long, value_name = "DUMPER")]
    dumper: Option<Dumper>,
    /// Be the writer of a tour.
    #[arg(long, hide = true)]
    writer: bool,
}

impl Execute for Tour {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        // Before there is anything to remove. A signal is looked at between the steps, each of which takes a second at most.
        let signals = block_signals().map_err(failed("cannot wait for signals"))?;
        if self.writer {
            return writer::write(&signals, &mut context.out);
        }
        let go_on = || match signals.read_signal() {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(Failure::new("stopped by a signal; what was made is removed")),
            Err(error) => Err(failed("cannot wait for signals")(error)),
        };
        let folder = tempfile::tempdir().map_err(failed("cannot make a folder"))?;
        heading(context, 1, "A writer attaches a System V segment and leaves a message in it")?;
        let placeholder = take_shmid_zero()?;
        let mut writer = WriterProcess::start(folder.path())?;
        drop(placeholder);
        for line in writer.said() {
            writeln!(context.out, "{line}")?;
        }

        go_on()?;
        heading(context, 2, "The writer is dumped")?;
        let dump = dumper::dump(self.dumper, &mut writer, folder.path(), context)?;
        drop(writer);

        go_on()?;
        heading(context, 3, "coreinspect reads the dump; the writer is gone")?;
        inspect(&dump, folder.path(), context)?;

        heading(context, 4, "What that says")?;
        let inspection = Inspection::open(&dump, &crate::Options::default());
        let told = explain::explain(inspection.report());
        for line in told.ok_or_else(|| Failure::new("the dump shows no segment that could be decoded"))? {
            writeln!(context.out, "{line}")?;
        }
        folder.close().map_err(failed("cannot remove the folder of the tour"))?;
        writeln!(context.out, "\nThe segment, the writer and the dump are removed.")?;
        heading(context, 5, "What to try next")?;
        context.out.write_all(NEXT.as_bytes())?;
        Ok(Status::Found)
    }
}

/// What a person can do with what the tour showed.
const NEXT: &str = "  coreinspect core.1234             a core that you have
  coreinspect show core.1234 --hex  its bytes; those that were not saved are ··
  coreinspect live                  the segments of this machine, and who has them
  coreinspect check PID             what the next core of a process will hold
  coreinspect help                  all commands
";

/// Keeps SIGHUP, SIGINT and SIGTERM from ending the process; they wait to be read.
fn block_signals() -> nix::Result<SignalFd> {
    let signals = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

/// What could not be done, and why.
fn failed<E: std::fmt::Display>(what: &str) -> impl Fn(E) -> Failure {
    move |error| Failure::new(format!("{what}: {error}"))
}

/// The first segment of a fresh IPC namespace (a container) has shmid 0, and gcore leaves out the name of just that one.
/// The tour's writer shall not get it.
fn take_shmid_zero() -> Result<OwnedSegment, Failure> {
    let segment = Segment::create(Key::PRIVATE, 1, Permissions::OWNER);
    segment.map(OwnedSegment::new).map_err(failed("this machine gives no System V segment"))
}

fn heading(context: &mut Context<'_>, number: u32, text: &str) -> Result<(), Failure> {
    writeln!(context.out, "{}{number}. {text}\n", if number > 1 { "\n" } else { "" })?;
    context.out.flush()?;
    Ok(())
}

/// Runs the command line on the dump, in its folder, so that the path is as short as a user would type it.
fn inspect(dump: &Path, folder: &Path, context: &mut Context<'_>) -> Result<(), Failure> {
    let name = dump.strip_prefix(folder).unwrap_or(dump);
    writeln!(context.out, "$ coreinspect {}", name.display())?;
    let before = std::env::current_dir().map_err(failed("cannot tell the working directory"))?;
    std::env::set_current_dir(folder).map_err(failed("cannot go to the folder of the tour"))?;
    let status =
        super::run(["coreinspect".into(), name.as_os_str().to_owned()], &mut context.out, context.err);
    std::env::set_current_dir(before).map_err(failed("cannot go back to the working directory"))?;
    match status {
        0 => Ok(()),
        status => Err(Failure::new(format!("coreinspect ended with status {status}"))),
    }
}
