//! The PT_LOADs as an index from addresses to what the dump has of them.

use std::fs::File;

use super::header::Load;
use crate::error::{Error, Warnings};
use crate::memory::{Dumped, Extent, Permissions};
use crate::position::{Address, Coverage, FileOffset, Interval, Position};
use crate::source::Source;

/// Memory that the dump describes, and memory that it saved: both sorted and free of overlap.
#[derive(Debug, Default)]
pub struct Loads {
    regions: Vec<Region>,
    runs: Vec<Run>,
    /// Where the file would have to end to hold every promised byte.
    promised_end: u64,
    /// PT_LOADs that lie where none can.
    impossible: u64,
}

/// One PT_LOAD's memory, saved or not.
#[derive(Clone, Copy, Debug)]
struct Region {
    range: Interval<Address>,
    permissions: Permissions,
}

/// Memory whose bytes the file holds, or would hold if it were not cut.
#[derive(Clone, Copy, Debug)]
struct Run {
    range: Interval<Address>,
    at: FileOffset,
}

impl Run {
    /// The part of it that lies in `range`.
    fn part(self, range: Interval<Address>) -> Option<Self> {
        let part = self.range.intersection(range)?;
        Some(Self { range: part, at: self.at.checked_add(part.start().offset_from(self.range.start())?)? })
    }
}

impl Loads {
    /// Makes room for so many PT_LOADs.
    pub(super) fn reserve(&mut self, count: usize) {
        self.regions.reserve_exact(count);
        self.runs.reserve_exact(count);
    }

    /// Adds a PT_LOAD, in the order of the table. [`Loads::finish`] makes the index.
    pub(super) fn add(&mut self, load: &Load) {
        let address = Address::new(load.address);
        // A p_filesz beyond p_memsz describes no memory (gABI chapter 5); one with p_memsz 0 was seen from writers that
        // leave the field out.
        let memory_size = if load.memory_size == 0 { load.file_size } else { load.memory_size };
        let saved = load.file_size.min(memory_size);
        let (Some(range), Some(end)) =
            (Interval::with_length(address, memory_size), load.offset.checked_add(saved))
        else {
            self.impossible = self.impossible.saturating_add(1);
            return;
        };
        if !range.is_empty() {
            self.regions.push(Region { range, permissions: Permissions::from_program_header(load.flags) });
        }
        if saved > 0 {
            self.runs
                .push(Run { range: Interval::clamped(address, saved), at: FileOffset::new(load.offset) });
            self.promised_end = self.promised_end.max(end);
        }
    }

    /// Sorts what was added. Where two PT_LOADs overlap, the first in the table that has bytes is believed.
    pub(super) fn finish(&mut self, warnings: &mut Warnings) {
        if self.impossible > 0 {
            warnings.push("program-headers", || {
                format!(
                    "{} PT_LOADs pass the end of the address space or of every file; they are left out",
                    self.impossible
                )
            });
        }
        if self.sort() {
            warnings.push("overlapping-loads", || {
                "some PT_LOADs overlap; for each byte coreinspect uses the first of them in the table"
                    .to_owned()
            });
        }
    }

    /// Adds memory of these rights, whether its bytes are saved or not. [`Loads::sort`] makes the index.
    pub fn add_region(&mut self, range: Interval<Address>, permissions: Permissions) {
        self.regions.push(Region { range, permissions });
    }

    /// Adds memory whose bytes stand at `at` in the file. [`Loads::sort`] makes the index.
    pub fn add_run(&mut self, range: Interval<Address>, at: FileOffset) {
        self.promised_end = self.promised_end.max(at.get().saturating_add(range.length()));
        self.runs.push(Run { range, at });
    }

    /// Sorts what was added, and says whether any of it overlaps: there the first that was added is believed.
    pub fn sort(&mut self) -> bool {
        disjoint(&mut self.regions, |region| region.range, |region, range| Region { range, ..*region })
            | disjoint(&mut self.runs, |run| run.range, |run, range| run.part(range).unwrap_or(*run))
    }

    /// Copies saved bytes from `at` on; the count ends where the saved bytes do.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read(&self, source: &dyn Source, at: Address, into: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0_usize;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let place = at.checked_add(done as u64).and_then(|at| self.in_file(at));
            let Some(place) = place else { break };
            let length = rest.len().min(usize::try_from(place.length()).unwrap_or(usize::MAX));
            let Some(part) = rest.get_mut(..length) else { break };
            let count = source.read_at(place.start(), part).map_err(|source| Error::Read {
                what: "the saved memory",
                at: place.start(),
                source,
            })?;
            done = done.saturating_add(count);
            if count < length {
                break;
            }
        }
        Ok(done)
    }

    /// The first part of `range` that is no hole of a sparse file; empty, at its end, if all of it is.
    pub fn data(&self, source: &dyn Source, range: Interval<Address>) -> Interval<Address> {
        let none = Interval::clamped(range.end(), 0);
        let mut at = range.start();
        while let Some(rest) = Interval::new(at, range.end()).filter(|rest| !rest.is_empty()) {
            let Some(place) = self.in_file(at) else { return rest };
            let place = Interval::clamped(place.start(), place.length().min(rest.length()));
            let Ok(data) = source.data(place) else { return rest };
            let before = data.start().offset_from(place.start()).unwrap_or(0);
            match at.checked_add(before) {
                Some(start) if !data.is_empty() => return Interval::clamped(start, data.length()),
                _ => at = at.checked_add(place.length()).unwrap_or(range.end()),
            }
        }
        none
    }

    /// Copies the saved bytes of `range` into `file`, which stands at the place to write.
    ///
    /// # Errors
    /// [`Error::Read`], also for what writing said.
    pub fn copy(&self, source: &dyn Source, range: Interval<Address>, file: &mut File) -> Result<(), Error> {
        let mut at = range.start();
        while let Some(rest) = Interval::new(at, range.end()).filter(|rest| !rest.is_empty()) {
            let Some(place) = self.in_file(at) else { break };
            let part = Interval::clamped(place.start(), place.length().min(rest.length()));
            source.copy(part, file).map_err(|source| Error::Read {
                what: "the saved memory",
                at: part.start(),
                source,
            })?;
            at = at.checked_add(part.length()).unwrap_or(range.end());
        }
        Ok(())
    }

    /// The offset in the file after the last byte that a PT_LOAD promises.
    pub fn promised_end(&self) -> FileOffset {
        FileOffset::new(self.promised_end)
    }

    /// Forgets every saved byte outside `saved` (sorted, without overlap): what a writer's own list says.
    pub fn keep_only(&mut self, saved: &Coverage<Address>) {
        let saved: Vec<_> = saved.intervals().collect();
        let mut kept = Vec::new();
        for run in &self.runs {
            let first = saved.partition_point(|interval| interval.end() <= run.range.start());
            kept.extend(
                saved
                    .iter()
                    .skip(first)
                    .take_while(|interval| interval.start() < run.range.end())
                    .filter_map(|interval| run.part(*interval)),
            );
        }
        self.runs = kept;
    }

    /// The memory that the dump describes, a PT_LOAD each: sorted, without overlap.
    pub fn ranges(&self) -> impl Iterator<Item = Interval<Address>> + '_ {
        self.regions.iter().map(|region| region.range)
    }

    /// How many runs of memory the dump describes.
    pub fn regions(&self) -> usize {
        self.regions.len()
    }

    /// The rights of `range`, if one PT_LOAD, or several that agree, describe a part of it.
    pub fn permissions(&self, range: Interval<Address>) -> Option<Permissions> {
        let first = self.regions.partition_point(|region| region.range.end() <= range.start());
        let mut found =
            self.regions.iter().skip(first).take_while(|region| region.range.start() < range.end());
        let permissions = found.next()?.permissions;
        found.all(|region| region.permissions == permissions).then_some(permissions)
    }

    /// What the dump has of `range`, of a file of `file_size` bytes: extents that tile it, each as long as can be.
    pub fn extents(&self, range: Interval<Address>, file_size: u64) -> Vec<Extent> {
        let mut extents = Vec::<Extent>::new();
        let mut push = |start: Address, end: Address, dumped| {
            let Some(range) = Interval::new(start, end).filter(|range| !range.is_empty()) else { return };
            match extents.last_mut() {
                Some(last) if last.dumped == dumped => {
                    last.range = Interval::new(last.range.start(), end).unwrap_or(last.range);
                }
                _ => extents.push(Extent { range, dumped, filled: None }),
            }
        };
        let mut at = range.start();
        for run in self.runs_in(range) {
            push(at, run.range.start(), Dumped::NotSaved);
            let in_file = file_size.saturating_sub(run.at.get()).min(run.range.length());
            let cut = run.range.start().checked_add(in_file).unwrap_or(run.range.end());
            push(run.range.start(), cut, Dumped::Saved);
            push(cut, run.range.end(), Dumped::CutOff);
            at = run.range.end();
        }
        push(at, range.end(), Dumped::NotSaved);
        extents
    }

    /// Where the bytes from `address` on stand in the file, as far as they stand there in one piece.
    pub fn in_file(&self, address: Address) -> Option<Interval<FileOffset>> {
        let run = self.runs.get(self.runs.partition_point(|run| run.range.end() <= address))?;
        run.range.contains(address).then_some(())?;
        let part = run.part(Interval::new(address, run.range.end())?)?;
        Some(Interval::clamped(part.at, part.range.length()))
    }

    /// Where in the file saved memory is said to stand, in the order of addresses.
    pub(super) fn places(&self) -> impl Iterator<Item = Interval<FileOffset>> + '_ {
        self.runs.iter().map(|run| Interval::clamped(run.at, run.range.length()))
    }

    /// Where in the file the saved memory of `range` is said to stand.
    pub(super) fn runs_of(
        &self,
        range: Interval<Address>,
    ) -> impl Iterator<Item = Interval<FileOffset>> + '_ {
        self.runs_in(range).map(|run| Interval::clamped(run.at, run.range.length()))
    }

    fn runs_in(&self, range: Interval<Address>) -> impl Iterator<Item = Run> + '_ {
        let first = self.runs.partition_point(|run| run.range.end() <= range.start());
        self.runs
            .iter()
            .skip(first)
            .take_while(move |run| run.range.start() < range.end())
            .filter_map(move |run| run.part(range))
    }
}

/// Sorts `items`, and cuts what an earlier one covers out of each later one. Answers whether any was cut.
fn disjoint<T: Copy>(
    items: &mut Vec<T>,
    range: impl Fn(&T) -> Interval<Address>,
    cut: impl Fn(&T, Interval<Address>) -> T,
) -> bool {
    // Nearly every dump: in order already.
    if items.windows(2).all(|pair| matches!(pair, [one, two] if range(one).end() <= range(two).start())) {
        return false;
    }
    let mut covered = Coverage::default();
    let mut parts = Vec::new();
    let mut any_cut = false;
    for item in items.iter() {
        let mut uncovered = 0_u64;
        covered.add(range(item), |part| {
            uncovered = uncovered.saturating_add(part.length());
            parts.push(cut(item, part));
        });
        any_cut |= uncovered < range(item).length();
    }
    parts.sort_by_key(|item| range(item).start());
    *items = parts;
    any_cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_gap_is_nowhere_in_the_file() {
        let mut loads = Loads::default();
        for (address, offset) in [(0x1000, 0x100), (0x3000, 0x200)] {
            loads.add(&Load { address, memory_size: 0x1000, offset, file_size: 0x80, flags: 6 });
        }
        loads.finish(&mut Warnings::default());
        let at =
            |address| loads.in_file(Address::new(address)).map(|place| (place.start().get(), place.length()));
        assert_eq!(at(0x1000), Some((0x100, 0x80)));
        assert_eq!(at(0x107f), Some((0x17f, 1)));
        assert_eq!(at(0x1080), None);
        assert_eq!(at(0x2000), None);
        assert_eq!(at(0x3010), Some((0x210, 0x70)));
        assert_eq!(at(0x4000), None);
        assert_eq!(at(0xfff), None);
    }
}
