//! `demo reader`.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use shmcore::{Access, Error, Flag, Mailbox, Segment};

use crate::crash::Crash;
use crate::rendezvous::Rendezvous;
use crate::{Outcome, Result, Run};

/// Wait for a segment with a message, print the message, and say that it was read
#[derive(clap::Args)]
pub(crate) struct Reader {
    #[command(flatten)]
    rendezvous: Rendezvous,

    /// Attach with SHM_RDONLY, and leave the flag alone
    #[arg(long)]
    read_only: bool,

    /// Crash once the message is read, so that the kernel writes a core
    #[arg(long, value_name = "HOW")]
    crash: Option<Crash>,
}

/// How often a segment that does not exist yet is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

impl Run for Reader {
    fn run(self, out: &mut dyn Write) -> Result<Outcome> {
        let start = Instant::now();
        let timeout = self.rendezvous.timeout;
        let (key, segment) = loop {
            let key = self.rendezvous.key()?;
            match Segment::open(key) {
                Ok(segment) => break (key, segment),
                Err(Error::NotFound { .. }) if start.elapsed() < timeout => thread::sleep(POLL_INTERVAL),
                Err(error @ Error::NotFound { .. }) => return Ok(Outcome::TimedOut(error)),
                Err(error) => return Err(error.into()),
            }
        };
        let access = if self.read_only { Access::ReadOnly } else { Access::ReadWrite };
        let mailbox = Mailbox::new(segment.attach(access)?)?;
        match mailbox.wait_for(Flag::Ready, timeout.saturating_sub(start.elapsed())) {
            Ok(()) => {}
            Err(error @ Error::TimedOut { .. }) => return Ok(Outcome::TimedOut(error)),
            Err(error) => return Err(error.into()),
        }
        let message = mailbox.message()?;
        Rendezvous::announce(key, &mailbox, out)?;
        // Quoted and escaped: another process wrote it.
        writeln!(out, "message: {:?}", String::from_utf8_lossy(&message))?;
        if !self.read_only {
            mailbox.set_flag(Flag::Read)?;
        }
        out.flush()?;
        if let Some(crash) = self.crash {
            crash.crash()?;
        }
        Ok(Outcome::Done)
    }
}
