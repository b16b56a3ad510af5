//! `demo writer`.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use shmcore::{Access, Error, Flag, Mailbox, OwnedSegment, Permissions, Segment};

use crate::crash::Crash;
use crate::rendezvous::Rendezvous;
use crate::{Outcome, Result, Run};

/// Write a message into a segment, say READY, and wait until a reader has read it
///
/// Creates the segment or opens it, and removes it at the end, also when SIGHUP, SIGINT or SIGTERM ends the
/// wait.
#[derive(clap::Args)]
pub(crate) struct Writer {
    #[command(flatten)]
    rendezvous: Rendezvous,

    /// The size of the segment, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1024)]
    size: usize,

    /// The mode of a new segment, in octal
    #[arg(long, default_value_t = Permissions::EVERYBODY)]
    mode: Permissions,

    /// The message
    #[arg(long, value_name = "TEXT", default_value = "Hello from writer process!")]
    message: String,

    /// Leave the segment behind
    #[arg(long)]
    leak: bool,

    /// Crash once the message is ready, so that the kernel writes a core
    #[arg(long, value_name = "HOW")]
    crash: Option<Crash>,
}

/// How often flag and signals are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

impl Run for Writer {
    fn run(self, out: &mut dyn Write) -> Result<Outcome> {
        // Before there is a segment to clean up.
        let signals = block_signals()?;
        let key = self.rendezvous.key()?;
        let segment = Segment::open_or_create(key, self.size, self.mode)?;
        let segment = OwnedSegment::new(segment);
        let mailbox = Mailbox::new(segment.attach(Access::ReadWrite)?)?;
        // A segment that was left behind may be ready: nobody shall read while its message is replaced.
        mailbox.set_flag(Flag::Empty)?;
        mailbox.write(self.message.as_bytes())?;
        Rendezvous::announce(key, &mailbox, out)?;
        // For whoever waits to dump or read it.
        writeln!(out, "READY")?;
        out.flush()?;

        if let Some(crash) = self.crash {
            if !self.leak {
                // Nobody could afterwards. The mapping keeps its name and its bytes.
                segment.remove()?;
            }
            crash.crash()?;
        }
        let outcome = self.wait(&mailbox, &signals, out)?;
        let id = segment.id();
        if self.leak {
            segment.keep();
            writeln!(out, "left shmid {id} behind; `ipcrm -m {id}` removes it")?;
        } else {
            drop(segment);
            writeln!(out, "removed shmid {id}")?;
        }
        Ok(outcome)
    }
}

impl Writer {
    /// Waits for a reader, a signal or the end of patience.
    fn wait(&self, mailbox: &Mailbox, signals: &SignalFd, out: &mut dyn Write) -> Result<Outcome> {
        let (start, waited) = (Instant::now(), self.rendezvous.timeout);
        loop {
            let found = mailbox.flag()?;
            if found == Flag::Read {
                writeln!(out, "READ")?;
                return Ok(Outcome::Done);
            }
            if let Some(info) = signals.read_signal()? {
                let signal =
                    i32::try_from(info.ssi_signo).ok().and_then(|signal| Signal::try_from(signal).ok());
                writeln!(out, "stopped by {}", signal.map_or("a signal", Signal::as_str))?;
                return Ok(Outcome::Done);
            }
            if start.elapsed() >= waited {
                return Ok(Outcome::TimedOut(Error::TimedOut { wanted: Flag::Read, found, waited }));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Keeps SIGHUP, SIGINT and SIGTERM from ending the process; they wait to be read.
fn block_signals() -> nix::Result<SignalFd> {
    let signals = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}
