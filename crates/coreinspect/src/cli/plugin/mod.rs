//! The plugins for gdb and lldb: printed, installed, and told what coreinspect can do.

mod file;
mod install;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use clap::{Args, ValueEnum};

use super::{Context, Execute, Failure, Status};
use crate::core_writer::write_core;
use install::Installation;

/// A debugger that there is a plugin for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Debugger {
    Gdb,
    Lldb,
}

impl Debugger {
    fn name(self) -> &'static str {
        match self {
            Self::Gdb => "gdb",
            Self::Lldb => "lldb",
        }
    }
}

/// Prints the plugin for a debugger, one Python file: the commands `shm list`, `shm show` and all others on the core that
/// the debugger looks at.
#[derive(Args, Debug)]
pub(super) struct Plugin {
    /// The debugger.
    #[arg(value_name = "DEBUGGER", required_unless_present_any = ["verbs", "picture"])]
    debugger: Option<Debugger>,
    /// Write it below $XDG_CONFIG_HOME/coreinspect (~/.config/coreinspect), and a line that loads it into ~/.gdbinit or
    /// ~/.lldbinit; shows both before, and asks.
    #[arg(long)]
    install: bool,
    /// Take both back.
    #[arg(long, conflicts_with = "install")]
    uninstall: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// The verbs, for the plugin: it asks the binary that it runs, which may be newer.
    #[arg(long, hide = true, exclusive = true)]
    verbs: bool,
    /// A core with the segments of a running process, for the plugin.
    #[arg(long, hide = true, exclusive = true, num_args = 2, value_names = ["PID", "FILE"])]
    picture: Vec<String>,
}

impl Execute for Plugin {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        if let [pid, file] = self.picture.as_slice() {
            return picture(pid, file);
        }
        let Some(debugger) = self.debugger.filter(|_| !self.verbs) else {
            writeln!(context.out, "{}", file::verbs())?;
            return Ok(Status::Found);
        };
        if self.install {
            return Installation::of(debugger)?.install(self.yes, context);
        }
        if self.uninstall {
            return Installation::of(debugger)?.uninstall(self.yes, context);
        }
        context.out.write_all(file::plugin(debugger, None).as_bytes())?;
        Ok(Status::Found)
    }
}

/// Writes a core of process `pid`, which a debugger has stopped, into the new file `path`.
fn picture(pid: &str, path: &str) -> Result<Status, Failure> {
    let pid = pid.parse().map_err(|error| Failure::new(format!("{pid:?} is no process id: {error}")))?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| Failure::new(format!("cannot write {path}: {error}")))?;
    write_core(pid, &mut file).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Status::Found)
}
