//! A dump that is already in memory: tests, fuzzing, and callers with bytes of their own.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use super::{Source, Table, within};
use crate::position::{FileOffset, Interval};

/// A dump held in memory.
#[derive(Clone, Debug)]
pub struct Bytes(Arc<Vec<u8>>);

impl Bytes {
    /// The dump that `bytes` are.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }

    fn place(&self, range: Interval<FileOffset>) -> Range<usize> {
        let range = within(range, self.size()).and_then(|range| {
            Some(usize::try_from(range.start().get()).ok()?..usize::try_from(range.end().get()).ok()?)
        });
        range.unwrap_or_default()
    }

    fn slice(&self, range: Interval<FileOffset>) -> &[u8] {
        self.0.get(self.place(range)).unwrap_or_default()
    }
}

impl Source for Bytes {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, at: FileOffset, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.slice(Interval::clamped(at, into.len() as u64));
        for (to, from) in into.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(bytes.len())
    }

    fn bytes(&self, range: Interval<FileOffset>) -> io::Result<Table> {
        Ok(Table::shared(Arc::clone(&self.0) as _, self.place(range)))
    }

    fn copy(&self, range: Interval<FileOffset>, into: &mut File) -> io::Result<()> {
        into.write_all(self.slice(range))
    }
}
