//! A window over bytes, which reads ahead where reading goes on, and little where it jumps.
//!
//! Arrays are read from one end to the other: in blocks that grow. Lists and trees that are linked through a segment
//! jump, also backwards: of them whole pages are kept, or their items would cost many times the segment's size.

use super::Contents;
use crate::error::Error;
use crate::machine::ByteOrder;
use crate::position::{Position, SegmentOffset};
use crate::types::Budget;

/// Bytes of the first read: with thousands of segments the system calls are what a listing costs.
const FIRST: usize = 1024;
/// Bytes of a read elsewhere.
const PAGE: usize = 4 << 10;
/// Pages that are kept: a megabyte.
const PAGES: usize = 256;
/// Bytes of a read at most.
const BLOCK: usize = 256 << 10;

/// A window over [`Contents`] that moves where it is asked to look.
pub struct Window<'a> {
    contents: &'a dyn Contents,
    /// What is read from one end to the other.
    stream: Block,
    /// What was read where it jumped.
    pages: Vec<Block>,
    /// Which one of `pages` is looked at; `None` is the stream.
    current: Option<usize>,
    /// Which one of `pages` makes way for the next.
    oldest: usize,
}

/// Bytes that were read.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    start: u64,
}

impl Block {
    #[inline]
    fn position(&self, at: u64, length: usize) -> Option<usize> {
        let start = usize::try_from(at.checked_sub(self.start)?).ok()?;
        (start.checked_add(length)? <= self.bytes.len()).then_some(start)
    }

    /// Whether `at` is in it or right behind it.
    fn goes_on_at(&self, at: u64) -> bool {
        !self.bytes.is_empty() && self.position(at, 0).is_some()
    }
}

impl<'a> Window<'a> {
    /// A window that has read nothing yet.
    pub fn new(contents: &'a dyn Contents) -> Self {
        let stream = Block::default();
        Self { contents, stream, pages: Vec::new(), current: None, oldest: 0 }
    }

    /// What is looked at.
    pub fn contents(&self) -> &'a dyn Contents {
        self.contents
    }

    /// Whether the byte at `at` is there, and is looked at.
    pub fn holds(&self, at: u64) -> bool {
        self.block().position(at, 1).is_some()
    }

    /// `length` bytes at `at`; `None` if one of them is missing, or they are more than a window holds.
    ///
    /// # Errors
    /// [`Error::Read`].
    #[inline]
    pub fn bytes(&mut self, at: u64, length: usize, budget: &Budget) -> Result<Option<&[u8]>, Error> {
        let mut start = self.block().position(at, length);
        if start.is_none() {
            self.look_at(at, length, budget)?;
            start = self.block().position(at, length);
        }
        Ok(start.and_then(|start| self.block().bytes.get(start..)?.get(..length)))
    }

    /// A number of 1, 2, 4 or 8 bytes at `at`, if the window looks there already: what a decoder of records mostly asks,
    /// without a way to fail.
    #[inline]
    pub(crate) fn word(&self, at: u64, length: usize, order: ByteOrder) -> Option<u64> {
        let block = self.block();
        let start = block.position(at, length)?;
        let bytes = block.bytes.get(start..)?;
        Some(match (length, order) {
            (8, ByteOrder::Little) => u64::from_le_bytes(*bytes.first_chunk()?),
            (8, ByteOrder::Big) => u64::from_be_bytes(*bytes.first_chunk()?),
            (4, ByteOrder::Little) => u32::from_le_bytes(*bytes.first_chunk()?).into(),
            (4, ByteOrder::Big) => u32::from_be_bytes(*bytes.first_chunk()?).into(),
            (2, ByteOrder::Little) => u16::from_le_bytes(*bytes.first_chunk()?).into(),
            (2, ByteOrder::Big) => u16::from_be_bytes(*bytes.first_chunk()?).into(),
            (1, _) => (*bytes.first()?).into(),
            _ => return None,
        })
    }

    /// The bytes that are there from `at` on, as many as the window holds; empty if the first is missing.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn some_bytes(&mut self, at: u64, budget: &Budget) -> Result<&[u8], Error> {
        if self.block().position(at, 1).is_none() {
            self.look_at(at, 1, budget)?;
        }
        let block = self.block();
        let start = block.position(at, 1);
        Ok(start.and_then(|start| block.bytes.get(start..)).unwrap_or_default())
    }

    #[inline]
    fn block(&self) -> &Block {
        self.current.and_then(|page| self.pages.get(page)).unwrap_or(&self.stream)
    }

    /// Makes a block current that has `length` bytes at `at`, if they are there.
    fn look_at(&mut self, at: u64, length: usize, budget: &Budget) -> Result<(), Error> {
        let known = |block: &Block| block.position(at, length).is_some();
        if known(&self.stream) {
            self.current = None;
            return Ok(());
        }
        if let Some(page) = self.pages.iter().position(known) {
            self.current = Some(page);
            return Ok(());
        }
        let run = self.contents.run(SegmentOffset::new(at));
        if run.missing.is_some() {
            return Ok(());
        }
        let first = self.stream.bytes.is_empty();
        // Whoever asks first for a field within the start asks for the start next.
        let near = first && usize::try_from(at).is_ok_and(|at| at.saturating_add(length) <= FIRST);
        let start = self.contents.run(SegmentOffset::new(0));
        let at = if near && start.missing.is_none() && start.until.get() > at { 0 } else { at };
        let place = SegmentOffset::new(at);
        if first || self.stream.goes_on_at(at) || self.block().goes_on_at(at) {
            // Four times as much as the last time.
            let wanted = self.block().bytes.len().saturating_mul(4).max(FIRST).max(length).min(BLOCK);
            if self.may_read(at, wanted, run.until, first && wanted == FIRST, budget) {
                self.stream.bytes.resize(wanted, 0);
                let read = self.contents.read(place, &mut self.stream.bytes);
                // Also after an error, which a layout may take for a no: the zeroes are none of the segment's.
                self.stream.bytes.truncate(*read.as_ref().unwrap_or(&0));
                read?;
                (self.stream.start, self.current) = (at, None);
            }
            return Ok(());
        }
        // The page around it, as far as that is there: the next item may stand before this one.
        let start = at.saturating_sub(at.rem_euclid(PAGE as u64));
        let run_before = self.contents.run(SegmentOffset::new(start));
        let start = if run_before.missing.is_none() && run_before.until > place { start } else { at };
        let before = usize::try_from(at.saturating_sub(start)).unwrap_or(0);
        let wanted = before.saturating_add(length).clamp(PAGE, BLOCK);
        if !self.may_read(start, wanted, run.until, false, budget) {
            return Ok(());
        }
        let mut bytes = vec![0; wanted];
        let count = self.contents.read(SegmentOffset::new(start), &mut bytes)?;
        bytes.truncate(count);
        let block = Block { bytes, start };
        let index = if self.pages.len() < PAGES { self.pages.len() } else { self.oldest };
        self.oldest = index.saturating_add(1).checked_rem(PAGES).unwrap_or(0);
        match self.pages.get_mut(index) {
            Some(page) => *page = block,
            None => self.pages.push(block),
        }
        self.current = Some(index);
        Ok(())
    }

    /// Whether the budget lets `wanted` bytes be read at `at`, of which those up to `until` are there.
    fn may_read(&self, at: u64, wanted: usize, until: SegmentOffset, free: bool, budget: &Budget) -> bool {
        let there = until.offset_from(SegmentOffset::new(at)).unwrap_or(0);
        free || budget.read(there.min(wanted as u64))
    }
}
