//! A dump that is already in memory: tests, fuzzing, and callers with bytes of their own.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};

use super::{Source, within};
use crate::position::{FileOffset, Interval};

/// A dump held in memory.
#[derive(Clone, Debug)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The dump that `bytes` are.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    fn slice(&self, range: Interval<FileOffset>) -> &[u8] {
        within(range, self.size())
            .and_then(|range| {
                let start = usize::try_from(range.start().get()).ok()?;
                self.0.get(start..usize::try_from(range.end().get()).ok()?)
            })
            .unwrap_or_default()
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

    fn bytes(&self, range: Interval<FileOffset>) -> io::Result<Cow<'_, [u8]>> {
        Ok(Cow::Borrowed(self.slice(range)))
    }

    fn copy(&self, range: Interval<FileOffset>, into: &mut File) -> io::Result<()> {
        into.write_all(self.slice(range))
    }
}
