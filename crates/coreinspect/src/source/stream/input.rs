//! What a stream is made of: where compressed bytes come from, and how many of them were read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the compressed bytes come from.
pub(super) enum Origin {
    File { file: Arc<File>, size: u64, modified: (i64, i64) },
    Pipe,
}

/// A file from its start on, whatever its own position is.
pub(super) struct FromStart {
    pub(super) file: Arc<File>,
    pub(super) at: Arc<AtomicU64>,
}

impl Read for FromStart {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(into, self.at.load(Ordering::Relaxed))?;
        self.at.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A reader that is counted.
pub(super) struct Counted<R> {
    pub(super) input: R,
    pub(super) count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
