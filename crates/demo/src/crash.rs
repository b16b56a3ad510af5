//! How a process ends so that the kernel writes a core.

use std::convert::Infallible;
use std::process;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, raise};

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Crash {
    /// abort(3): SIGABRT
    Abort,
    /// SIGSEGV, raised
    Segv,
}

impl Crash {
    /// Ends the process. Its core may be as large as the hard limit allows.
    pub(crate) fn crash(self) -> nix::Result<Infallible> {
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
        setrlimit(Resource::RLIMIT_CORE, hard, hard)?;
        match self {
            Crash::Abort => process::abort(),
            // More than once: Rust's handler, which looks for overflown stacks, puts back the default action
            // and returns to repeat what faulted. A raised signal has nothing that would fault again.
            Crash::Segv => loop {
                raise(Signal::SIGSEGV)?;
            },
        }
    }
}
