//! What lies where in a process: regions, ELF images, and the memory that no name belongs to.

use std::cell::OnceCell;

use crate::layout::{Layout, Start};
use crate::machine::{ByteOrder, Class};
use crate::memory::{Dumped, Permissions};
use crate::position::{Address, Interval, Position};
use crate::targets::Target;

/// The memory of a target, with what is known of each part.
pub(super) struct Landscape<'t> {
    pub(super) target: &'t dyn Target,
    /// By address, without overlap.
    pub(super) regions: Vec<Region>,
    /// Bytes of a page; 4096 where the target does not say.
    pub(super) page: u64,
    /// Programs and libraries with all that belongs to them, by address.
    images: Vec<Interval<Address>>,
    /// The part of `images` that is the program itself.
    program: Option<Interval<Address>>,
    /// What a name belongs to, by address.
    named: Vec<Interval<Address>>,
    /// Whether mapped files were saved too.
    files_are_saved: bool,
    /// What [`Landscape::heap`] found: it is asked of every region, and may have to look at all of them.
    heap: OnceCell<Option<Address>>,
}

/// A run of memory with the same rights, as the target tells of it: with most writers a mapping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub(super) range: Interval<Address>,
    pub(super) permissions: Permissions,
}

/// Memory without a name that belongs to no program and no library.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) range: Interval<Address>,
    pub(super) permissions: Permissions,
    /// Whether it is a whole region of the dump, so that its ends are ends of a mapping.
    pub(super) whole: bool,
}

/// Images that are looked for: honest processes have hundreds.
const MOST_IMAGES: usize = 4096;
/// Program headers of an image that are read; programs have a dozen.
const MOST_HEADERS: u64 = 64;

/// Whether any memory without a name begins as a layout does that is certain of what it knows. Where none does, nothing is
/// proven, and a few bytes of each tell that: what programs and libraries are need not be found out.
pub(super) fn may_prove<'l>(target: &dyn Target, layouts: impl Iterator<Item = &'l dyn Layout>) -> bool {
    let habits = target.identity().habits();
    if habits.runs.can_be_several() || !habits.veils.is_empty() {
        return true;
    }
    let certain: Vec<_> = layouts.filter_map(Layout::proof).collect();
    let mut named = target.named();
    if !named.is_sorted_by_key(|range| range.start()) {
        named.sort_by_key(|range| range.start());
    }
    let mut names = named.iter().peekable();
    let mut bytes = [0; Start::LENGTH];
    target.regions().into_iter().any(|region| {
        while names.next_if(|name| name.end() <= region.start()).is_some() {}
        if names.peek().is_some_and(|name| name.start() < region.end()) {
            return false;
        }
        let length = bytes.len().min(usize::try_from(region.length()).unwrap_or(usize::MAX));
        let count = bytes.get_mut(..length).map_or(0, |into| target.read(region.start(), into).unwrap_or(0));
        let bytes = bytes.get(..count).unwrap_or_default();
        let start = Start { bytes, key: None, machine: target.identity().machine, length: region.length() };
        count > 0 && certain.iter().any(|begins| begins.admits(&start))
    })
}

impl<'t> Landscape<'t> {
    pub(super) fn of(target: &'t dyn Target) -> Self {
        let mut named = target.named();
        named.sort_by_key(|range| range.start());
        // No machine has larger ones than 256 KiB; a file can claim any.
        let honest = |page: &u64| page.is_power_of_two() && (1 << 10..=1 << 18).contains(page);
        let page = target.identity().page_size.filter(honest).unwrap_or(4096);
        let with_rights = |range| Some(Region { range, permissions: target.permissions(range)? });
        let regions: Vec<_> = target.regions().into_iter().filter_map(with_rights).collect();
        let mut this = Self {
            target,
            regions,
            page,
            images: Vec::new(),
            program: None,
            named,
            files_are_saved: false,
            heap: OnceCell::new(),
        };
        let mut images = Vec::new();
        for region in
            this.regions.iter().filter(|region| region.permissions.read && !region.permissions.write)
        {
            if images.len() < MOST_IMAGES {
                images.extend(this.image(*region));
            }
        }
        let headers = target.auxiliary().program_headers.or(target.auxiliary().entry);
        if let Some(headers) = headers {
            this.program = images.iter().copied().find(|image: &Interval<_>| image.contains(headers));
            if this.program.is_none() {
                // Its first page is not in the dump: its parts follow each other without a gap.
                this.program = this.run_from(headers);
                images.extend(this.program);
            }
        }
        this.images = images;
        this.files_are_saved = this.regions.iter().any(|region| {
            let Region { range, permissions } = *region;
            let text =
                permissions.execute && !permissions.write && range.length() > this.page.saturating_mul(4);
            text && this.saved(range) == range.length()
        });
        this.images.sort_by_key(|image| image.start());
        this
    }

    /// The addresses of the program or library that begins at `region`: from its first byte to the end of its last
    /// segment (elf(5)), in whole pages. What is mapped as data, without a right to execute, is as long as it is mapped.
    fn image(&self, region: Region) -> Option<Interval<Address>> {
        const MAGIC: &[u8] = b"\x7fELF";
        const PT_LOAD: u64 = 1;
        let start = region.range.start();
        if self.bytes(start, 4)? != MAGIC {
            return None;
        }
        let number = |offset: u64, size: usize| self.number(start.checked_add(offset)?, size);
        let wide = self.target.identity().machine.class == Class::Bits64;
        let (table, row, count) = if wide {
            (number(32, 8)?, number(54, 2)?, number(56, 2)?)
        } else {
            (number(28, 4)?, number(42, 2)?, number(44, 2)?)
        };
        let mut span: Option<(u64, u64)> = None;
        for index in 0..count.min(MOST_HEADERS) {
            let at = table.checked_add(index.checked_mul(row)?)?;
            if number(at, 4) != Some(PT_LOAD) {
                continue;
            }
            let (address, size) = if wide { ((16, 8), (40, 8)) } else { ((8, 4), (20, 4)) };
            let address = number(at.checked_add(address.0)?, address.1)?;
            let end = address.checked_add(number(at.checked_add(size.0)?, size.1)?)?;
            let (low, high) = span.unwrap_or((address, end));
            span = Some((low.min(address), high.max(end)));
        }
        let as_data = Some(region.range);
        let Some((low, high)) = span else { return as_data };
        let low = low & !self.page.saturating_sub(1);
        let Some(length) = high.saturating_sub(low).checked_next_multiple_of(self.page) else {
            return as_data;
        };
        let image = Interval::with_length(start, length)?;
        let first = self.regions.partition_point(|region| region.range.end() <= start);
        let mut inside =
            self.regions.iter().skip(first).take_while(|region| region.range.start() < image.end());
        let executable = self.named_at(start) || inside.any(|region| region.permissions.execute);
        if executable { Some(image) } else { as_data }
    }

    /// The regions around `at` that follow each other without a gap.
    fn run_from(&self, at: Address) -> Option<Interval<Address>> {
        let first = self.regions.partition_point(|region| region.range.end() <= at);
        let (below, above) = (self.regions.get(..first)?, self.regions.get(first..)?);
        let holding = above.first().filter(|region| region.range.contains(at))?;
        let start = below.iter().rev().try_fold(holding.range.start(), |start, region| {
            if region.range.end() == start { Ok(region.range.start()) } else { Err(start) }
        });
        let end = above.iter().skip(1).try_fold(holding.range.end(), |end, region| {
            if region.range.start() == end { Ok(region.range.end()) } else { Err(end) }
        });
        let whole = |result| match result {
            Ok(address) | Err(address) => address,
        };
        Interval::new(whole(start), whole(end))
    }

    /// Whether a name belongs to the byte at `at`.
    pub(super) fn named_at(&self, at: Address) -> bool {
        holds(&self.named, at)
    }

    /// Whether the byte at `at` is of a program or library.
    pub(super) fn image_at(&self, at: Address) -> bool {
        holds(&self.images, at)
    }

    /// Whether the dump has code of programs, which every copy of them has: then it has all that was mapped of files
    /// (coredump_filter bit 2).
    pub(super) fn files_are_saved(&self) -> bool {
        self.files_are_saved
    }

    /// Where the heap begins: the first memory behind the program that can be written to, if it is near enough for brk(2),
    /// whose start is random (arch_randomize_brk: by 1 GiB at most on arm64, by 32 MiB elsewhere).
    pub(super) fn heap(&self) -> Option<Address> {
        *self.heap.get_or_init(|| self.find_heap())
    }

    fn find_heap(&self) -> Option<Address> {
        let near = match self.target.identity().machine.class {
            Class::Bits64 => 1 << 30,
            Class::Bits32 => 32 << 20,
        };
        let end = self.program?.end();
        let first = self.regions.partition_point(|region| region.range.start() < end);
        let mut behind = self.regions.iter().skip(first);
        let heap = behind.find(|region| region.permissions.write && !region.permissions.execute)?;
        let start = heap.range.start();
        start.offset_from(end).filter(|distance| *distance <= near).map(|_| start)
    }

    /// Whether memory of a named file or a program lies on this side of the address, at whatever distance.
    pub(super) fn lies_between_images(&self, range: Interval<Address>) -> bool {
        let outside = |image: &&Interval<Address>| self.program != Some(**image);
        let below = self.images.iter().filter(outside).any(|image| image.end() <= range.start());
        let above = self.images.iter().filter(outside).any(|image| image.start() >= range.end());
        below && above
    }

    /// Whether the writer joins neighbours: a region can hold several mappings.
    pub(super) fn merges(&self) -> bool {
        self.target.identity().habits().runs.can_be_several()
    }

    /// The mappings whose name is one that the writer puts for shared memory of several kinds, and that name.
    pub(super) fn veiled(&self) -> Vec<(Piece, String)> {
        let veils = self.target.identity().habits().veils;
        let mappings = self.target.mappings().into_iter().flatten();
        let veiled = mappings.filter(|mapping| veils.contains(&mapping.name));
        let pieces = veiled.filter_map(|mapping| {
            let permissions = self.target.permissions(mapping.range)?;
            let name = String::from_utf8_lossy(mapping.name).into_owned();
            Some((Piece { range: mapping.range, permissions, whole: true }, name))
        });
        pieces.collect()
    }

    /// The memory without a name, by address.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let merged = self.merges();
        let taken = joined(self.named.iter().chain(&self.images).copied().collect());
        let mut pieces = Vec::new();
        for region in &self.regions {
            let Region { range, permissions } = *region;
            let first = taken.partition_point(|taken| taken.end() <= range.start());
            let overlapping = taken.iter().skip(first).take_while(|taken| taken.start() < range.end());
            let (mut at, mut whole) = (range.start(), true);
            for taken in overlapping {
                whole = false;
                let free = Interval::new(at, taken.start()).filter(|free| merged && !free.is_empty());
                pieces.extend(free.map(|range| Piece { range, permissions, whole }));
                at = taken.end();
            }
            let rest = Interval::new(at, range.end()).filter(|rest| !rest.is_empty() && (whole || merged));
            pieces.extend(rest.map(|range| Piece { range, permissions, whole }));
        }
        pieces
    }

    /// The region that ends where `range` begins.
    pub(super) fn below(&self, range: Interval<Address>) -> Option<Region> {
        let before = self.regions.partition_point(|region| region.range.end() < range.start());
        self.regions.get(before).filter(|region| region.range.end() == range.start()).copied()
    }

    /// The region that begins where `range` ends.
    pub(super) fn above(&self, range: Interval<Address>) -> Option<Region> {
        let next = self.regions.partition_point(|region| region.range.start() < range.end());
        self.regions.get(next).filter(|region| region.range.start() == range.end()).copied()
    }

    /// The region that holds the byte at `at`.
    pub(super) fn region_at(&self, at: Address) -> Option<Region> {
        let next = self.regions.partition_point(|region| region.range.end() <= at);
        self.regions.get(next).filter(|region| region.range.contains(at)).copied()
    }

    /// `length` saved bytes from `at` on; `None` if one is missing.
    pub(super) fn bytes(&self, at: Address, length: usize) -> Option<Vec<u8>> {
        let bytes = self.some_bytes(at, length);
        (bytes.len() == length).then_some(bytes)
    }

    /// The saved bytes from `at` on, `length` at most.
    pub(super) fn some_bytes(&self, at: Address, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let count = self.target.read(at, &mut bytes).unwrap_or(0);
        bytes.truncate(count);
        bytes
    }

    /// Whether nothing stands in `piece`: all of it is a hole of the file, or, where the holes were filled, it is a page of
    /// zeroes. Thousands of those are told fast; what the kernel writes of a segment is no hole.
    pub(super) fn is_blank(&self, piece: &Piece) -> bool {
        if self.target.data(piece.range).is_empty() {
            return true;
        }
        // Zeroes that are no hole can be those of a segment that nobody wrote to.
        !self.target.identity().habits().holes
            && piece.range.length() <= self.page
            && self.starts_with_zeroes(piece.range)
    }

    /// Whether the first page of `range` is saved, and zero.
    pub(super) fn starts_with_zeroes(&self, range: Interval<Address>) -> bool {
        let length = usize::try_from(range.length().min(self.page)).unwrap_or(0);
        let bytes = self.some_bytes(range.start(), length);
        !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0)
    }

    /// Bytes of a `long` of the target.
    pub(super) fn word(&self) -> usize {
        self.target.identity().machine.class.long()
    }

    /// The `long` at `at`; `None` if it is not saved.
    pub(super) fn long(&self, at: Address) -> Option<u64> {
        self.number(at, self.word())
    }

    fn number(&self, at: Address, size: usize) -> Option<u64> {
        self.to_number(&self.bytes(at, size)?)
    }

    /// Bytes as a number in the target's byte order; `None` if there are more than eight.
    pub(super) fn to_number(&self, bytes: &[u8]) -> Option<u64> {
        let mut wide = [0; 8];
        match self.target.identity().machine.byte_order {
            ByteOrder::Little => {
                wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
                Some(u64::from_le_bytes(wide))
            }
            ByteOrder::Big => {
                let free = wide.len().checked_sub(bytes.len())?;
                wide.get_mut(free..)?.copy_from_slice(bytes);
                Some(u64::from_be_bytes(wide))
            }
        }
    }

    /// Bytes of `range` that the dump has.
    pub(super) fn saved(&self, range: Interval<Address>) -> u64 {
        let extents = self.target.memory(range);
        let saved = extents.iter().filter(|extent| extent.dumped == Dumped::Saved);
        saved.fold(0, |sum, extent| sum.saturating_add(extent.range.length()))
    }
}

/// `ranges` by address, those that overlap or touch joined.
fn joined(mut ranges: Vec<Interval<Address>>) -> Vec<Interval<Address>> {
    ranges.sort_by_key(|range| range.start());
    ranges.dedup_by(|next, known| {
        let both = Interval::new(known.start(), known.end().max(next.end()));
        let touch = next.start() <= known.end();
        if let (true, Some(both)) = (touch, both) {
            *known = both;
        }
        touch
    });
    ranges
}

/// Whether one of `ranges`, which are sorted by their starts, holds `at`. Images that overlap are rare and short.
fn holds(ranges: &[Interval<Address>], at: Address) -> bool {
    let after = ranges.partition_point(|range| range.start() <= at);
    ranges.get(..after).into_iter().flatten().rev().take(4).any(|range| range.contains(at))
}
