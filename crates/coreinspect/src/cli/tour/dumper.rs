//! Who takes the dump.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::{Context, Failure};
use super::failed;
use super::writer::WriterProcess;
use crate::core_writer::write_core;

/// A way to dump a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Dumper {
    /// gdb's gcore: the process lives on
    Gcore,
    /// The kernel, when SIGABRT ends the process
    Kernel,
    /// The small core writer of coreinspect
    Coreinspect,
}

/// Dumps `writer` into `folder` by `wanted`, or by the first dumper that can. Says which it took.
pub(super) fn dump(
    wanted: Option<Dumper>,
    writer: &mut WriterProcess,
    folder: &Path,
    context: &mut Context<'_>,
) -> Result<PathBuf, Failure> {
    let all = [Dumper::Gcore, Dumper::Kernel, Dumper::Coreinspect];
    let mut last = Failure::new("there is no dumper");
    for dumper in wanted.as_ref().map_or(all.as_slice(), std::slice::from_ref) {
        match dumper.dump(writer, folder, &mut context.out) {
            Ok(core) => return Ok(core),
            Err(error) => {
                writeln!(context.out, "({error})")?;
                last = error;
            }
        }
    }
    Err(last)
}

impl Dumper {
    fn dump(
        self,
        writer: &mut WriterProcess,
        folder: &Path,
        out: &mut dyn Write,
    ) -> Result<PathBuf, Failure> {
        let pid = writer.pid();
        match self {
            Self::Gcore => {
                let core = by_gcore(pid, folder)?;
                writeln!(out, "$ gcore {pid}")?;
                writeln!(out, "gcore, of gdb, wrote {}; the writer did not notice.", shown(&core, folder))?;
                Ok(core)
            }
            Self::Kernel => {
                kernel_would_write_here()?;
                writer.abort()?;
                let core = newest_core(folder).ok_or_else(|| {
                    Failure::new("the kernel wrote no core: is RLIMIT_CORE 0 (ulimit -H -c)?")
                })?;
                writeln!(out, "$ kill -ABRT {pid}")?;
                writeln!(out, "The kernel wrote {} when SIGABRT ended the writer.", shown(&core, folder))?;
                Ok(core)
            }
            Self::Coreinspect => {
                let core = folder.join(format!("core.{pid}"));
                let mut file = fs::File::create(&core).map_err(failed("cannot write the core"))?;
                let written = write_core(pid, &mut file).map_err(failed("cannot dump it"))?;
                writeln!(
                    out,
                    "coreinspect's own small core writer wrote {}, with {} bytes of\nSystem V memory, read by \
                     process_vm_readv while the writer ran.",
                    shown(&core, folder),
                    written.saved
                )?;
                Ok(core)
            }
        }
    }
}

fn by_gcore(pid: u32, folder: &Path) -> Result<PathBuf, Failure> {
    let output = Command::new("gcore")
        .arg("-o")
        .arg(folder.join("core"))
        .arg(pid.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(failed("no gcore here"))?;
    let core = folder.join(format!("core.{pid}"));
    if output.status.success() && core.exists() {
        return Ok(core);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it did not say why");
    Err(Failure::new(format!("gcore could not dump it: {}", why.escape_debug())))
}

/// Whether kernel.core_pattern names a file in the folder of the process (core(5)).
fn kernel_would_write_here() -> Result<(), Failure> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern");
    let pattern = pattern.map_err(failed("cannot read kernel.core_pattern"))?;
    let pattern = pattern.trim();
    if pattern.is_empty() || pattern.contains(['|', '/', '@']) {
        let pattern = pattern.escape_debug();
        return Err(Failure::new(format!(
            "the kernel would not write a core here: kernel.core_pattern is {pattern:?}"
        )));
    }
    Ok(())
}

/// The core that the kernel wrote, whatever kernel.core_pattern calls it: nothing else was made in `folder`.
fn newest_core(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files
        .filter(|path| path.is_file())
        .max_by_key(|path| fs::metadata(path).and_then(|file| file.modified()).ok())
}

fn shown(core: &Path, folder: &Path) -> String {
    core.strip_prefix(folder).unwrap_or(core).display().to_string()
}
