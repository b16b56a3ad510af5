//! The program headers of a filled core: those of the core, cut where what is there and what is missing meet.

use goblin::elf::program_header::{PT_LOAD, ProgramHeader};

use crate::memory::Extent;
use crate::position::{Address, Coverage, Interval, Position};
use crate::targets::Target;

/// Filled memory, and where its bytes stand in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) range: Interval<Address>,
    pub(super) at: u64,
}

/// PF_R: a mapping without a PT_LOAD has rights that the core does not say; that it can be read is all that is needed.
const READABLE: u32 = 4;

/// What the table is made from.
pub(super) struct Table<'t> {
    /// The core as it was.
    pub(super) core: &'t dyn Target,
    /// Bytes of its file.
    pub(super) size: u64,
    /// Sorted, without overlap.
    pub(super) filled: &'t [Placed],
    /// Whether memory that stays missing is left out.
    pub(super) honest: bool,
}

impl Table<'_> {
    /// The program headers in the place of `rows`.
    pub(super) fn rows(&self, rows: &[ProgramHeader]) -> Vec<ProgramHeader> {
        let mut table = Vec::with_capacity(rows.len().saturating_add(self.filled.len()));
        let mut described = Coverage::default();
        for row in rows {
            match self.memory(row) {
                Some(range) => {
                    described.add(range, |_| ());
                    self.load(row, range, &mut table);
                }
                None => table.extend(self.trimmed(row)),
            }
        }
        let align = rows.iter().find(|row| row.p_type == PT_LOAD).map_or(1, |row| row.p_align);
        for placed in self.filled {
            let mut new = Vec::new();
            described.add(placed.range, |range| new.push(range));
            for range in new {
                let Some(at) = within(*placed, range) else { continue };
                let behind = |row: &ProgramHeader| row.p_type == PT_LOAD && row.p_vaddr < range.start().get();
                let place = table.iter().rposition(behind).map_or(table.len(), |last| last.saturating_add(1));
                let row = ProgramHeader {
                    p_type: PT_LOAD,
                    p_flags: READABLE,
                    p_align: align,
                    ..ProgramHeader::new()
                };
                table.insert(place, piece(&row, range, Some(at)));
            }
        }
        table
    }

    /// The memory that a PT_LOAD describes; `None` for any other header, and for one that describes none.
    fn memory(&self, row: &ProgramHeader) -> Option<Interval<Address>> {
        // A writer that leaves p_memsz out means p_filesz.
        let length = if row.p_memsz == 0 { row.p_filesz } else { row.p_memsz };
        let load = row.p_type == PT_LOAD && length > 0;
        load.then(|| Interval::with_length(Address::new(row.p_vaddr), length)).flatten()
    }

    /// `row` without what its file lost.
    fn trimmed(&self, row: &ProgramHeader) -> Option<ProgramHeader> {
        let there = self.size.saturating_sub(row.p_offset).min(row.p_filesz);
        (there > 0 || row.p_filesz == 0).then(|| ProgramHeader { p_filesz: there, ..row.clone() })
    }

    /// Adds `row`, whole or in pieces.
    fn load(&self, row: &ProgramHeader, range: Interval<Address>, table: &mut Vec<ProgramHeader>) {
        let there = self.size.saturating_sub(row.p_offset).min(row.p_filesz).min(range.length());
        let whole = there == row.p_filesz.min(range.length());
        let missing = there < range.length();
        if whole && self.filled_in(range).next().is_none() && !(self.honest && missing) {
            table.push(row.clone());
            return;
        }
        for extent in self.core.memory(range) {
            let behind = extent.range.start().offset_from(range.start()).unwrap_or(u64::MAX);
            if extent.is_there() && behind < there {
                let own = extent.range.length().min(there.saturating_sub(behind));
                let own = Interval::clamped(extent.range.start(), own);
                table.push(piece(row, own, row.p_offset.checked_add(behind)));
            } else {
                self.missing(row, extent, table);
            }
        }
    }

    /// Adds memory that the core lacks: what is filled of it, and the rest unless that is left out.
    fn missing(&self, row: &ProgramHeader, extent: Extent, table: &mut Vec<ProgramHeader>) {
        let mut at = extent.range.start();
        let rest = |from: Address, to: Address, table: &mut Vec<ProgramHeader>| {
            let range = Interval::new(from, to).filter(|range| !range.is_empty() && !self.honest);
            table.extend(range.map(|range| piece(row, range, None)));
        };
        for placed in self.filled_in(extent.range) {
            rest(at, placed.range.start(), table);
            table.push(piece(row, placed.range, Some(placed.at)));
            at = placed.range.end();
        }
        rest(at, extent.range.end(), table);
    }

    /// What is filled of `range`, cut to it.
    fn filled_in(&self, range: Interval<Address>) -> impl Iterator<Item = Placed> + '_ {
        let first = self.filled.partition_point(|placed| placed.range.end() <= range.start());
        let inside =
            self.filled.iter().skip(first).take_while(move |placed| placed.range.start() < range.end());
        inside.filter_map(move |placed| {
            let part = placed.range.intersection(range).filter(|part| !part.is_empty())?;
            Some(Placed { range: part, at: within(*placed, part)? })
        })
    }
}

/// Where the bytes of `part`, a part of `placed`, stand.
fn within(placed: Placed, part: Interval<Address>) -> Option<u64> {
    placed.at.checked_add(part.start().offset_from(placed.range.start())?)
}

/// The part of `row` that is `range`: its bytes stand at `at`, or are missing.
fn piece(row: &ProgramHeader, range: Interval<Address>, at: Option<u64>) -> ProgramHeader {
    let physical = range.start().get().checked_sub(row.p_vaddr).filter(|_| row.p_paddr != 0);
    ProgramHeader {
        p_vaddr: range.start().get(),
        p_paddr: physical.and_then(|behind| row.p_paddr.checked_add(behind)).unwrap_or(0),
        p_memsz: range.length(),
        p_filesz: if at.is_some() { range.length() } else { 0 },
        p_offset: at.unwrap_or(row.p_offset),
        ..row.clone()
    }
}
