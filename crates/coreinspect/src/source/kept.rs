//! What was kept of a stream that went by: a few megabytes in memory, the rest in an unlinked sparse file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::limits::{Limits, refuse_filling};
use crate::position::{Coverage, FileOffset, Interval, Position};

/// Bytes that are kept in memory before a file is made.
const IN_MEMORY: usize = 4 << 20;
/// A hole is made of whole pages.
const PAGE: usize = 4096;
/// How often the room that is left is looked at: bytes written.
const LOOK_AFTER: u64 = 32 << 20;

/// Parts of a dump, each byte at its place.
#[derive(Debug, Default)]
pub(super) struct Kept {
    covered: Coverage<FileOffset>,
    /// By the offset of the first byte; no two overlap or touch.
    memory: BTreeMap<u64, Vec<u8>>,
    in_memory: usize,
    spool: Option<Spool>,
}

/// The file; its offsets are the dump's, and pages of zeroes are holes.
#[derive(Debug)]
struct Spool {
    file: File,
    written: u64,
    look_at: u64,
}

impl Kept {
    /// Whether every byte of `range` is kept.
    pub(super) fn has(&self, range: Interval<FileOffset>) -> bool {
        range.is_empty()
            || self.covered.holding(range.start()).is_some_and(|interval| interval.end() >= range.end())
    }

    /// Keeps `bytes`, which stand at `at`; `consumed` compressed bytes were read until here.
    ///
    /// # Errors
    /// The spool cannot be made or written, or a limit is passed; the message says where and what to do.
    pub(super) fn add(
        &mut self,
        at: FileOffset,
        bytes: &[u8],
        limits: &Limits,
        consumed: u64,
    ) -> io::Result<()> {
        let mut new = Vec::new();
        self.covered.add(Interval::clamped(at, bytes.len() as u64), |part| new.push(part));
        for part in new {
            let start = part.start().offset_from(at).and_then(|start| usize::try_from(start).ok());
            let length = usize::try_from(part.length()).unwrap_or(0);
            let bytes = start.and_then(|start| bytes.get(start..start.checked_add(length)?));
            self.put(part.start().get(), bytes.unwrap_or_default(), limits, consumed)?;
        }
        Ok(())
    }

    fn put(&mut self, at: u64, bytes: &[u8], limits: &Limits, consumed: u64) -> io::Result<()> {
        if self.spool.is_none() && self.in_memory.saturating_add(bytes.len()) <= IN_MEMORY {
            self.in_memory = self.in_memory.saturating_add(bytes.len());
            match self.memory.range_mut(..=at).next_back() {
                Some((start, piece)) if start.checked_add(piece.len() as u64) == Some(at) => {
                    piece.extend_from_slice(bytes);
                }
                _ => drop(self.memory.insert(at, bytes.to_vec())),
            }
            return Ok(());
        }
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert(Spool::new()?),
        };
        spool.write(at, bytes, limits, consumed)
    }

    /// Fills `into` from `at` on as far as bytes are kept without a gap.
    ///
    /// # Errors
    /// What reading the spool said.
    pub(super) fn read(&self, at: FileOffset, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0_usize;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let Some(place) = at.checked_add(done as u64) else { break };
            let Some(kept) = self.covered.holding(place) else { break };
            let length = usize::try_from(kept.end().offset_from(place).unwrap_or(0)).unwrap_or(usize::MAX);
            let length = length.min(rest.len());
            let Some(rest) = rest.get_mut(..length) else { break };
            let count = match self.in_memory(place.get()) {
                Some(bytes) => {
                    rest.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                    rest.len().min(bytes.len())
                }
                None => {
                    let next = self.memory.range(place.get()..).next().map(|(start, _)| *start);
                    let before = next.and_then(|next| usize::try_from(next.checked_sub(place.get())?).ok());
                    let length = before.unwrap_or(usize::MAX).min(rest.len());
                    let Some(part) = rest.get_mut(..length) else { break };
                    self.spool.as_ref().map_or(Ok(()), |spool| spool.read(place.get(), part))?;
                    length
                }
            };
            if count == 0 {
                break;
            }
            done = done.saturating_add(count);
        }
        Ok(done)
    }

    fn in_memory(&self, at: u64) -> Option<&[u8]> {
        let (start, piece) = self.memory.range(..=at).next_back()?;
        let inside = usize::try_from(at.checked_sub(*start)?).ok()?;
        piece.get(inside..).filter(|rest| !rest.is_empty())
    }
}

impl Spool {
    fn new() -> io::Result<Self> {
        let folder = std::env::temp_dir();
        let file = tempfile::tempfile_in(&folder).map_err(|error| cannot_spool(&error))?;
        Ok(Self { file, written: 0, look_at: 0 })
    }

    fn write(&mut self, at: u64, bytes: &[u8], limits: &Limits, consumed: u64) -> io::Result<()> {
        let mut at = at;
        // Runs of pages with bytes, each written at once.
        let mut rest = bytes;
        while !rest.is_empty() {
            let zeroes = leading(rest, true);
            let (_, behind) = rest.split_at(zeroes);
            at = at.saturating_add(zeroes as u64);
            let (data, behind) = behind.split_at(leading(behind, false));
            if !data.is_empty() {
                self.written = self.written.saturating_add(data.len() as u64);
                if let Some(why) = limits.refuse_spooling(self.written, consumed) {
                    return Err(io::Error::new(io::ErrorKind::QuotaExceeded, why));
                }
                if self.written >= self.look_at {
                    self.look_at = self.written.saturating_add(LOOK_AFTER);
                    if let Some(why) = refuse_filling(&self.file) {
                        return Err(io::Error::new(io::ErrorKind::StorageFull, why));
                    }
                }
                self.file.write_all_at(data, at).map_err(|error| cannot_spool(&error))?;
                at = at.saturating_add(data.len() as u64);
            }
            rest = behind;
        }
        Ok(())
    }

    /// What lies in a hole, or behind the end of the file, is zero.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, at.saturating_add(done as u64)) {
                Ok(0) => {
                    rest.fill(0);
                    break;
                }
                Ok(count) => done = done.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Bytes of the first pages of `bytes` that are all zero (or, all not).
pub(super) fn leading(bytes: &[u8], zero: bool) -> usize {
    let pages = bytes.chunks(PAGE).take_while(|page| is_zero(page) == zero);
    pages.map(<[u8]>::len).sum()
}

fn is_zero(page: &[u8]) -> bool {
    // Without an early exit within a piece the compiler compares many bytes at once.
    page.chunks(256).all(|piece| piece.iter().fold(0, |all, byte| all | byte) == 0)
}

fn cannot_spool(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!(
            "what must be kept of it cannot be spooled into {}: {error}; name another folder by TMPDIR, or unpack the dump \
             where there is room",
            std::env::temp_dir().display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces in any order, in memory and in the file, with pages of zeroes among them: each byte is where it was.
    #[test]
    fn what_is_kept_is_read_again() {
        let mut dump: Vec<u8> =
            (0..16_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        dump[5 << 20..6 << 20].fill(0);
        dump[(9 << 20) + 100..(9 << 20) + 20_000].fill(0);
        let mut kept = Kept::default();
        let add = |kept: &mut Kept, range: std::ops::Range<usize>| {
            kept.add(FileOffset::new(range.start as u64), &dump[range], &Limits::default(), 1).unwrap();
        };
        for start in (0..16 << 20).step_by(3 << 19).rev() {
            add(&mut kept, start..(start + (1 << 20)).min(dump.len()));
        }
        add(&mut kept, 10..5_000_000);
        assert!(kept.spool.is_some() && kept.in_memory <= IN_MEMORY);
        let mut bytes = vec![1; 6 << 20];
        let count = kept.read(FileOffset::new(0), &mut bytes).unwrap();
        assert!(count >= 5_000_000 && bytes[..count] == dump[..count], "{count}");
        let hole = FileOffset::new((1 << 20) + (3 << 21) + (1 << 20));
        assert!(kept.has(Interval::clamped(FileOffset::new(4_000_000), 900_000)));
        assert_eq!(kept.has(Interval::clamped(hole, 1)), kept.read(hole, &mut [0]).unwrap() == 1);
    }
}
