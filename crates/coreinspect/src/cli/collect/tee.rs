//! Another handler behind this one: it gets the core too.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A core on its way to us, each byte of which goes to the other handler as well.
pub(super) struct Tee<R> {
    core: R,
    other: Option<Child>,
}

impl<R: Read> Tee<R> {
    /// Starts the program that `words` name, as the kernel would have: no shell, nothing in its environment but PATH.
    pub(super) fn start(core: R, words: &[std::ffi::OsString]) -> io::Result<Self> {
        let Some((program, arguments)) = words.split_first() else { return Ok(Self { core, other: None }) };
        let other = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { core, other: Some(other) })
    }

    /// Hands on what is left, and waits for the other handler, but not for ever.
    pub(super) fn finish(mut self, patience: Duration) -> io::Result<()> {
        if self.other.is_none() {
            return Ok(());
        }
        io::copy(&mut self, &mut io::sink())?;
        let Some(mut other) = self.other.take() else { return Ok(()) };
        drop(other.stdin.take());
        let until = Instant::now() + patience;
        while other.try_wait()?.is_none() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.core.read(into)?;
        let bytes = into.get(..count).unwrap_or_default();
        if let Some(pipe) = self.other.as_mut().and_then(|other| other.stdin.as_mut()) {
            // One that has seen enough gets no more; we go on.
            if pipe.write_all(bytes).is_err()
                && let Some(other) = &mut self.other
            {
                other.stdin = None;
            }
        }
        Ok(count)
    }
}
