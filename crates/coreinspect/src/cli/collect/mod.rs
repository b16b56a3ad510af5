//! The handler of kernel.core_pattern: what to do with a crash, and how the kernel is told of us.

mod install;
mod ipc_namespace;
mod rights;
mod size;
mod socket;
mod tee;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use super::{Context, Execute, Failure, Status, dumps};
use crate::collector::{self, Collected, Helpers, Kernel, Limits, Segments, Settings, Storing};
use crate::kind::Kind;
use crate::render::printable::Printable;
use crate::report::CollectedCrash;
use size::Size;

/// Handles crashes for kernel.core_pattern: stores the core from standard input, and beside it what no core holds.
#[derive(Args, Debug)]
#[command(long_about = ABOUT)]
pub(super) struct Collect {
    /// The process that crashed, by its PID in the initial PID namespace: %P.
    #[arg(short = 'P', long, value_name = "PID")]
    pid: Option<u32>,
    /// The thread that caused it: %i.
    #[arg(short = 'i', long, value_name = "TID", allow_hyphen_values = true)]
    tid: Option<String>,
    /// The signal's number: %s.
    #[arg(short, long, value_name = "NUMBER", allow_hyphen_values = true)]
    signal: Option<String>,
    /// The time of the crash, in seconds since 1970: %t.
    #[arg(short, long, value_name = "SECONDS", allow_hyphen_values = true)]
    time: Option<String>,
    /// The dump mode: %d.
    #[arg(short, long, value_name = "MODE", allow_hyphen_values = true)]
    dumpable: Option<String>,
    /// The number of a pidfd of the process: %F. Empty from a kernel that has none.
    #[arg(short = 'F', long, value_name = "NUMBER", allow_hyphen_values = true)]
    pidfd: Option<String>,
    /// The command's name, for the kernel's log: %e.
    #[arg(short = 'e', long, value_name = "NAME", allow_hyphen_values = true)]
    comm: Option<OsString>,
    #[command(flatten)]
    how: How,
    /// Only look into the IPC namespace on standard input.
    #[arg(long, hide = true)]
    ipc_namespace: bool,
    /// Only become the program behind --then, and end with whoever started this.
    #[arg(long, hide = true, requires = "then")]
    as_child: bool,
    /// Print the settings that make the kernel start this handler; with --yes, apply them.
    #[arg(long, conflicts_with_all = ["uninstall", "pid"], help_heading = "Setting up")]
    install: bool,
    /// Print the settings from before --install; with --yes, apply them.
    #[arg(long, conflicts_with_all = ["pid", "listen"], help_heading = "Setting up")]
    uninstall: bool,
    /// Apply the settings.
    #[arg(long, help_heading = "Setting up")]
    yes: bool,
    /// Take cores from the kernel over a socket at PATH (core_pattern @PATH, Linux 6.16) instead of one start for each
    /// crash; with --install, print or apply that setting.
    #[arg(long, value_name = "PATH", conflicts_with = "pid", help_heading = "Setting up")]
    listen: Option<PathBuf>,
    /// The folder of the kernel's settings.
    #[arg(long, hide = true, default_value = "/proc/sys/kernel")]
    kernel: PathBuf,
}

const ABOUT: &str = "Handles crashes for kernel.core_pattern: stores the core from standard input, and beside it what no core holds.\n\nThe kernel starts it for every crash, as root. It stores the core, compressed; a sidecar of \
    JSON with the process's mappings and what /proc/sysvipc says in its IPC namespace; and a small core of the segments \
    that the kernel leaves out (read-only attaches, MADV_DONTDUMP, huge pages, coredump_filter), sparse. `coreinspect` on \
    that core finds both beside it. --install prints how to set it up.";

/// How crashes are stored.
#[derive(Args, Clone, Debug)]
struct How {
    /// The folder for the crashes; only root may write to it.
    #[arg(long, value_name = "FOLDER", default_value = install::FOLDER)]
    output_dir: PathBuf,
    /// Which segments are saved beside the core.
    #[arg(long, value_name = "WHICH", default_value = "missing")]
    segments: Which,
    /// Store cores uncompressed, not as .zst.
    #[arg(long)]
    no_compress: bool,
    /// Store no core; leave that to the program of --then.
    #[arg(long, requires = "then")]
    no_core: bool,
    /// Cut off cores at this size.
    #[arg(long, value_name = "SIZE", default_value = "32G")]
    max_core: Size,
    /// How much disk all crashes may take; the oldest of the user who takes most goes first.
    #[arg(long, value_name = "SIZE", default_value = "20G")]
    max_use: Size,
    /// How many crashes are kept.
    #[arg(long, value_name = "NUMBER", default_value = "100")]
    max_number: usize,
    /// How much of the disk stays free.
    #[arg(long, value_name = "SIZE", default_value = "1G")]
    keep_free: Size,
    /// The time limit, in seconds, for looking at the process, for copying its segments, and for the program of --then
    /// (which gets a second more for each 8 MiB that it reads).
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    timeout: u64,
    /// Start another handler, PROGRAM with its ARGUMENTs, and give it the core too. Everything after --then belongs to
    /// it.
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    then: Vec<OsString>,
}

/// `--segments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// All of them.
    All,
    /// Those with bytes that the kernel leaves out of the core.
    Missing,
    /// None.
    None,
}

impl Execute for Collect {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        if self.ipc_namespace {
            return ipc_namespace::print(context);
        }
        if self.as_child {
            return tee::become_other(&self.how.then);
        }
        if self.install || self.uninstall {
            return install::run(&self, context);
        }
        if let Some(path) = &self.listen {
            return socket::listen(path, &self.how, context);
        }
        let pid = self.pid.ok_or_else(|| {
            Failure::new(
                "the kernel starts this command, with --pid; `coreinspect collect --install` prints how",
            )
        })?;
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        // An older kernel leaves out what it does not know.
        let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        let kernel = Kernel {
            pid,
            thread: number(&self.tid),
            signal: number(&self.signal),
            time: self.time.as_ref().and_then(|time| time.parse().ok()).unwrap_or_else(now),
            dumpable: number(&self.dumpable),
            pidfd: number(&self.pidfd),
        };
        self.collect(&kernel, context)
    }
}

impl Collect {
    fn collect(&self, kernel: &Kernel, context: &mut Context<'_>) -> Result<Status, Failure> {
        let settings = self.how.settings(context)?;
        let log = Log::new(kernel, self.comm.as_deref());
        let core = || io::stdin().lock();
        // Before our own limits: they are not the other handler's.
        let started = tee::Tee::start(core(), &self.how.then, settings.patience);
        rights::limit_cost();
        let mut core = match started {
            Ok(core) => core,
            Err(error) => {
                log.say(&format!("cannot start another handler: {error}"));
                tee::Tee::start(core(), &[], settings.patience).map_err(Failure::Output)?
            }
        };
        let mut helpers = Helpers { tables: ipc_namespace::tables, give_up_rights: &mut rights::give_up };
        let result = collector::collect(kernel, &mut core, &self.how.output_dir, &settings, &mut helpers);
        let handed_on = core.finish();
        let collected = result.map_err(|error| {
            let message =
                format!("the core cannot be stored in {}: {error}", dumps::shown(&self.how.output_dir));
            log.say(&message);
            Failure::new(message)
        })?;
        log.tell(&collected, &self.how.output_dir);
        if let Err(error) = handed_on {
            let message = format!("the other handler failed: {error}");
            log.say(&message);
            context.tell(format_args!("warning: {message}"));
        }
        self.how.tell(&collected, context)
    }
}

impl How {
    fn settings(&self, context: &Context<'_>) -> Result<Settings, Failure> {
        // A file can lie on a file system that a hostile process answers for.
        if context.kinds.list(Kind::File) {
            return Err(Failure::new("collect saves no files: name other kinds with --kind"));
        }
        Ok(Settings {
            kinds: context.kinds.clone(),
            storing: Storing {
                compress: !self.no_compress && collector::CAN_COMPRESS,
                discard: self.no_core,
                most: self.max_core.bytes(),
                keep_free: self.keep_free.bytes(),
            },
            segments: match self.segments {
                Which::All => Segments::All,
                Which::Missing => Segments::Missing,
                Which::None => Segments::None,
            },
            limits: Limits {
                total: self.max_use.bytes(),
                number: self.max_number,
                keep_free: self.keep_free.bytes(),
            },
            patience: Duration::from_secs(self.timeout),
        })
    }

    fn tell(&self, collected: &Collected, context: &mut Context<'_>) -> Result<Status, Failure> {
        let folder = &self.output_dir;
        context.print(&CollectedCrash::new(folder, collected))?;
        let problems: &[String] = if context.quiet { &[] } else { &collected.problems };
        problems.iter().for_each(|problem| context.tell(format_args!("warning: {problem}")));
        match collected.core.is_some() || self.no_core {
            true => Ok(Status::Found),
            false => Err(Failure::new("no core was stored")),
        }
    }
}

/// The kernel's log, where its handlers speak: standard error is closed when it starts us.
struct Log(Option<String>);

impl Log {
    fn new(kernel: &Kernel, comm: Option<&std::ffi::OsStr>) -> Self {
        // kthreadd is the parent of what the kernel starts.
        let by_kernel = nix::unistd::getppid().as_raw() == 2;
        let comm = comm.map(|comm| Printable(comm.as_encoded_bytes()).to_string()).unwrap_or_default();
        Self(by_kernel.then(|| format!("coreinspect: crash of {comm}[{}]", kernel.pid)))
    }

    fn say(&self, what: &str) {
        let Some(who) = &self.0 else { return };
        let line = format!("{who}: {}\n", Printable(what.as_bytes()));
        // Nobody is left to tell if this fails.
        let _ = OpenOptions::new()
            .write(true)
            .open("/dev/kmsg")
            .and_then(|mut log| log.write_all(line.as_bytes()));
    }

    fn tell(&self, collected: &Collected, folder: &Path) {
        if let Some(name) = &collected.core {
            self.say(&format!("stored as {}", folder.join(name).display()));
        }
        // The kernel's log is for all to read and has little room.
        collected.problems.iter().take(5).for_each(|problem| self.say(problem));
    }
}
