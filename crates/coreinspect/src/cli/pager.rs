//! A pager for what is longer than a screen: `show --hex` on a terminal, and all that a prompt shows.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// The program that shows what is written to it. Dropping it waits until the reader is done.
#[derive(Debug)]
pub(super) struct Pager {
    child: Child,
}

impl Pager {
    /// Starts $PAGER, or `less -FRX`; `None` if there is none, or the user wants none.
    pub(super) fn start() -> Option<Self> {
        let named = std::env::var("PAGER").unwrap_or_else(|_| "less -FRX".to_owned());
        let mut words = named.split_whitespace();
        let program = words.next()?;
        if program == "cat" {
            return None;
        }
        let child = Command::new(program)
            .args(words)
            // What `less` does when PAGER is a bare `less`: quit on one screen, pass colours through.
            .env("LESS", std::env::var("LESS").unwrap_or_else(|_| "FRX".to_owned()))
            .stdin(Stdio::piped())
            .spawn()
            .ok()?;
        // It has Ctrl-C from the terminal, too, and may make use of it; going before it does would leave it without one.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default());
        Some(Self { child })
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.child.stdin.as_mut().map_or(Ok(()), Write::flush)
    }
}
