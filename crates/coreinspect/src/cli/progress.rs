//! How far a long copy is: a line on standard error, if that is a terminal and it takes longer than a second.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::Context;
use crate::render::size;

/// The line; it is gone when this is.
pub(super) struct Progress {
    what: &'static str,
    /// Whether anybody looks.
    wanted: bool,
    bytes: u64,
    shown: bool,
    next: Instant,
}

impl Progress {
    /// Begins to count what has been `what`: "copied".
    pub(super) fn new(what: &'static str, context: &Context<'_>) -> Self {
        let wanted = !context.quiet && io::stderr().is_terminal();
        Self { what, wanted, bytes: 0, shown: false, next: Instant::now() + Duration::from_secs(1) }
    }

    /// So many bytes more.
    pub(super) fn advance(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.wanted && Instant::now() >= self.next {
            self.next = Instant::now() + Duration::from_millis(200);
            self.shown = true;
            // Nobody is left to tell if this fails.
            let _ =
                write!(io::stderr(), "\r\x1b[K{} {}", size::size(self.bytes >> 20 << 20, false), self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
