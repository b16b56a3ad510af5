//! A core as it was before `coreinspect fill` added to it: the same file without what stands behind its old end, and with its old
//! ELF header. Fill changes nothing else of a core, so that its own reading says what the core itself holds.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use super::{Source, Table, within};
use crate::position::{FileOffset, Interval, Position};

/// The core in the first bytes of another source.
pub struct BeforeFill {
    source: Arc<dyn Source>,
    /// What stood in the place of the first bytes.
    header: Vec<u8>,
    size: u64,
}

impl BeforeFill {
    /// The first `size` bytes of `source`, the very first of which are those of `header`. `None` if it has not so many.
    pub fn new(source: Arc<dyn Source>, header: Vec<u8>, size: u64) -> Option<Self> {
        (header.len() as u64 <= size && size <= source.size()).then_some(Self { source, header, size })
    }

    /// Writes the part of `header` that `into`, the bytes from `at` on, holds.
    fn restore(&self, at: FileOffset, into: &mut [u8]) {
        let old = usize::try_from(at.get()).ok().and_then(|at| self.header.get(at..)).unwrap_or_default();
        into.iter_mut().zip(old).for_each(|(to, from)| *to = *from);
    }

    fn header(&self) -> Interval<FileOffset> {
        Interval::clamped(FileOffset::new(0), self.header.len() as u64)
    }
}

impl Source for BeforeFill {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: FileOffset, into: &mut [u8]) -> io::Result<usize> {
        let Some(range) = within(Interval::clamped(at, into.len() as u64), self.size) else { return Ok(0) };
        let length = usize::try_from(range.length()).unwrap_or(into.len());
        let Some(into) = into.get_mut(..length) else { return Ok(0) };
        let count = self.source.read_at(at, into)?;
        self.restore(at, into.get_mut(..count).unwrap_or_default());
        Ok(count)
    }

    fn bytes(&self, range: Interval<FileOffset>) -> io::Result<Table> {
        let Some(range) = within(range, self.size) else { return Ok(Table::default()) };
        let table = self.source.bytes(range)?;
        if range.intersection(self.header()).is_none_or(Interval::is_empty) {
            return Ok(table);
        }
        let mut bytes = table.to_vec();
        self.restore(range.start(), &mut bytes);
        Ok(bytes.into())
    }

    fn data(&self, range: Interval<FileOffset>) -> io::Result<Interval<FileOffset>> {
        self.source.data(range)
    }

    fn copy(&self, range: Interval<FileOffset>, into: &mut File) -> io::Result<()> {
        let Some(range) = within(range, self.size) else { return Ok(()) };
        let Some(old) = range.intersection(self.header()).filter(|old| !old.is_empty()) else {
            return self.source.copy(range, into);
        };
        let bytes = self.bytes(old)?;
        into.write_all(&bytes)?;
        self.source.copy(Interval::clamped(old.end(), range.end().offset_from(old.end()).unwrap_or(0)), into)
    }

    fn changed(&self) -> Option<String> {
        self.source.changed()
    }
}
