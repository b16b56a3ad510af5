//! `demo tour`: the main job, on a process that ran a second ago.

mod dumper;
mod explain;
mod writer_process;

use std::io::Write;
use std::path::Path;

use coreinspect::Inspection;
use shmcore::{Key, OwnedSegment, Permissions, Segment};

use crate::writer::block_signals;
use crate::{Outcome, Result, Run};
use dumper::Dumper;
use writer_process::WriterProcess;

/// Start a writer, dump it, inspect the dump, and explain what is seen
///
/// Needs nothing but this program: the dump is taken by gcore if there is one, else by the kernel if it would write
/// one here, else by a small core writer of coreinspect. Everything that is made is removed.
#[derive(clap::Args)]
pub(crate) struct Tour {
    /// Who takes the dump; by default the first of them that can
    #[arg(long, value_name = "DUMPER")]
    dumper: Option<Dumper>,
}

impl Run for Tour {
    fn run(self, out: &mut dyn Write) -> Result<Outcome> {
        // A signal is looked at between the steps, each of which takes a second at most: so all is removed.
        let signals = block_signals()?;
        let go_on = || match signals.read_signal()? {
            Some(_) => Err("stopped by a signal; what was made is removed".into()),
            None => Ok::<(), Box<dyn std::error::Error>>(()),
        };
        let folder = tempfile::tempdir()?;
        heading(out, 1, "A writer attaches a System V segment and leaves a message in it")?;
        let placeholder = take_shmid_zero()?;
        let mut writer = WriterProcess::start(folder.path())?;
        drop(placeholder);
        writeln!(out, "$ demo writer &")?;
        for line in writer.said() {
            writeln!(out, "{line}")?;
        }

        go_on()?;
        heading(out, 2, "The writer is dumped")?;
        let dump = dumper::dump(self.dumper, &mut writer, folder.path(), out)?;
        drop(writer);

        go_on()?;
        heading(out, 3, "coreinspect reads the dump; the writer is gone")?;
        inspect(&dump, folder.path(), out)?;

        heading(out, 4, "What that says")?;
        explain::explain(Inspection::open(&dump, &coreinspect::Options::default()).report(), out)?;
        folder.close()?;
        writeln!(out, "\nThe segment, the writer and the dump are removed.")?;
        Ok(Outcome::Done)
    }
}

/// The first segment of a fresh IPC namespace (a container) has shmid 0, and gcore leaves out the name of just that one.
/// The tour's writer shall not get it.
fn take_shmid_zero() -> Result<OwnedSegment> {
    Ok(OwnedSegment::new(Segment::create(Key::PRIVATE, 1, Permissions::OWNER)?))
}

fn heading(out: &mut dyn Write, number: u32, text: &str) -> Result<()> {
    writeln!(out, "{}{number}. {text}\n", if number > 1 { "\n" } else { "" })?;
    out.flush()?;
    Ok(())
}

/// Runs coreinspect's own command line on the dump, in its folder, so that the path is as short as a user would type it.
fn inspect(dump: &Path, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let name = dump.strip_prefix(folder).unwrap_or(dump);
    writeln!(out, "$ coreinspect {}", name.display())?;
    let before = std::env::current_dir()?;
    std::env::set_current_dir(folder)?;
    let arguments = ["coreinspect".into(), name.as_os_str().to_owned()];
    let status = coreinspect::cli::run(arguments, out, &mut std::io::stderr());
    std::env::set_current_dir(before)?;
    if status == 0 { Ok(()) } else { Err(format!("coreinspect ended with status {status}").into()) }
}
