//! How far a compressed or piped dump is read: one line on standard error, erased when it is done.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Context;
use crate::source::Progress;

/// What takes less is not worth a line.
const QUIET: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(100);

/// The line of one dump.
#[derive(Clone)]
pub(super) struct Shown(Option<Arc<Mutex<Line>>>);

impl Shown {
    /// A line for whoever looks at standard error.
    pub(super) fn to(context: &Context<'_>) -> Self {
        let seen = !context.quiet && io::stderr().is_terminal();
        let began = Instant::now();
        Self(seen.then(|| Arc::new(Line { next: began + QUIET, began, written: false }.into())))
    }

    /// What is told how far it is.
    pub(super) fn listener(&self) -> Option<Box<dyn FnMut(Progress) + Send>> {
        let line = self.0.clone()?;
        Some(Box::new(move |progress| line.lock().unwrap_or_else(PoisonError::into_inner).show(progress)))
    }

    /// Takes the line away, before something else is written.
    pub(super) fn erase(&self) {
        if let Some(line) = &self.0 {
            line.lock().unwrap_or_else(PoisonError::into_inner).erase();
        }
    }
}

struct Line {
    began: Instant,
    next: Instant,
    written: bool,
}

impl Line {
    fn show(&mut self, progress: Progress) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + BETWEEN;
        self.written = true;
        let came = progress.came >> 20;
        let rate = came as f64 / now.duration_since(self.began).as_secs_f64();
        let part = progress.of.and_then(|size| progress.consumed.saturating_mul(100).checked_div(size));
        let part = part.map_or(String::new(), |part| format!(", {part}%"));
        // A terminal that went away takes nothing with it.
        let _ = write!(io::stderr(), "\r\x1b[Kreading: {came} MiB decompressed{part}, {rate:.0} MiB/s");
    }

    fn erase(&mut self) {
        if std::mem::take(&mut self.written) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.erase();
    }
}
