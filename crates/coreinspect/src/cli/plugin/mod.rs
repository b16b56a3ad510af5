//! The plugins for gdb and lldb: printed, installed, and told what coreinspect can do.

mod file;
mod install;

use std::io::Write;

use clap::{Args, ValueEnum};

use super::{Context, Execute, Failure, Status};
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

/// Prints the plugin for a debugger, one Python file: the commands `shm list`, `shm show` and all others, on the core
/// that the debugger has open.
#[derive(Args, Debug)]
pub(super) struct Plugin {
    /// The debugger.
    #[arg(value_name = "DEBUGGER", required_unless_present = "verbs")]
    debugger: Option<Debugger>,
    /// Write it below $XDG_CONFIG_HOME/coreinspect (~/.config/coreinspect), and a line that loads it into ~/.gdbinit or
    /// ~/.lldbinit; shows both first, and asks.
    #[arg(long)]
    install: bool,
    /// Remove both.
    #[arg(long, conflicts_with = "install")]
    uninstall: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// The verbs, for the plugin: it asks the binary that it runs, which may be newer.
    #[arg(long, hide = true, exclusive = true)]
    verbs: bool,
}

impl Execute for Plugin {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
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
