//! How much speaks for a piece of memory being an attach. Each sign has a weight; the weights were set by measuring them
//! on dumps of processes with and without segments (tests/it/unnamed).

use super::landscape::{Landscape, Piece, Region};
use super::private;
use super::sister::{Equal, Sister};
use crate::layout::SegmentContents;
use crate::layout::{Layout, Subject, Verdict, choose};
use crate::memory::Dumped;
use crate::position::{Address, Interval, Position};
use crate::shm::{Attachment, Segment};
use crate::types::Budget;
use crate::writer::Runs;

/// What speaks for a candidate, and how loudly.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) weight: i32,
    pub(super) reasons: Vec<String>,
    /// Whether the magic of a layout proves that it is what that layout describes.
    pub(super) certain: bool,
    /// What the file holds of its pages.
    pub(super) pages: Pages,
    /// Words of it that are not 0.
    pub(super) filled: u64,
}

/// Pages of a piece, as they stand in the file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pages {
    /// Those that are holes of the file.
    pub(super) holes: u64,
    /// Those of zeroes that are written out.
    pub(super) zero: u64,
}

/// Bytes of a candidate that are looked at.
const LOOKED_AT: usize = 1 << 20;

impl Evidence {
    pub(super) fn add(&mut self, weight: i32, reason: String) {
        self.weight = self.weight.saturating_add(weight);
        self.reasons.push(reason);
    }

    /// What speaks for `piece`, which is the one mapping of `segment`.
    pub(super) fn of<'l>(
        landscape: &Landscape<'_>,
        piece: &Piece,
        segment: &Segment,
        layouts: impl Iterator<Item = &'l dyn Layout>,
        sisters: &[&Sister],
        budget: &Budget,
    ) -> Self {
        let mut this = Self::default();
        if !landscape.starts_with_zeroes(piece.range) {
            this.layout(landscape, segment, layouts, budget);
        }
        this.sister(landscape, piece, sisters, budget);
        this.first_page(landscape, piece);
        this.neighbours(landscape, piece);
        this.place(landscape, piece);
        let looked_at = piece.range.length().min(LOOKED_AT as u64);
        if budget.read(looked_at) {
            this.content(landscape, piece);
        }
        this
    }

    /// Whether the first 64 KiB of `piece` prove a layout: a compressed core keeps no more of what has no name.
    pub(super) fn is_proven<'l>(
        landscape: &Landscape<'_>,
        piece: &Piece,
        layouts: impl Iterator<Item = &'l dyn Layout>,
        budget: &Budget,
    ) -> bool {
        const START: u64 = 64 << 10;
        let start = Interval::clamped(piece.range.start(), piece.range.length().min(START));
        let segment = Segment::unnamed(vec![Attachment::whole(landscape.target, start)], Vec::new());
        let mut this = Self::default();
        // A magic stands in the first page.
        if !landscape.starts_with_zeroes(start) {
            this.layout(landscape, &segment, layouts, budget);
        }
        this.certain
    }

    fn layout<'l>(
        &mut self,
        landscape: &Landscape<'_>,
        segment: &Segment,
        layouts: impl Iterator<Item = &'l dyn Layout>,
        budget: &Budget,
    ) {
        let target = landscape.target;
        let contents = SegmentContents { target, segment };
        let subject = Subject::new(&contents, None, target.identity().machine, Some(target), budget);
        let Some((layout, verdict)) = choose(layouts, &subject).best else { return };
        let (weight, how) = match verdict {
            Verdict::Certain(_) => (100, "are certainly of"),
            Verdict::Likely(_) => (40, "look like"),
            Verdict::Possible(_) | Verdict::No => return,
        };
        self.certain = matches!(verdict, Verdict::Certain(_));
        let why = verdict.into_reasons().into_iter().next().unwrap_or_default();
        self.add(weight, format!("its bytes {how} the layout {} ({why})", layout.name()));
    }

    fn sister(&mut self, landscape: &Landscape<'_>, piece: &Piece, sisters: &[&Sister], budget: &Budget) {
        let best =
            sisters.iter().filter_map(|sister| Some((sister, sister.compare(landscape, piece, budget)?)));
        let Some((sister, equal)) = best.max_by_key(|(_, equal)| equal.shared) else { return };
        self.same_bytes(sister, &equal);
    }

    /// It has the bytes of `sister`, as `equal` says.
    pub(super) fn same_bytes(&mut self, sister: &Sister, equal: &Equal) {
        let (shared, compared) = (equal.shared, equal.compared);
        self.add(
            100,
            format!("it has the bytes of {sister}: {shared} of {compared} blocks of 256 that are not zero"),
        );
    }

    /// Only the first page of what is read-only: of all that can be in a process the kernel cuts only a mapped file so.
    fn first_page(&mut self, landscape: &Landscape<'_>, piece: &Piece) {
        let extents = landscape.target.memory(piece.range);
        if let [first, rest] = extents.as_slice()
            && landscape.target.identity().habits().first_pages
            && !piece.permissions.write
            && first.range.length() == landscape.page
            && rest.dumped == Dumped::NotSaved
        {
            let pages = piece.range.length().checked_div(landscape.page).unwrap_or(0);
            self.add(
                60,
                format!(
                    "of its {pages} pages, r--, only the first was kept, as the kernel does with a SHM_RDONLY attach"
                ),
            );
        }
    }

    fn rights(&mut self, landscape: &Landscape<'_>, piece: &Piece) {
        // Where other files that were mapped read-only were saved too, it says nothing.
        if !piece.permissions.write && !landscape.files_are_saved() {
            self.add(
                if landscape.target.identity().habits().first_pages { 15 } else { 20 },
                "it is r--, as a process's own memory hardly ever is".to_owned(),
            );
        }
    }

    /// mmap(2) makes one mapping of private anonymous memory that lies side by side; an attach stays apart.
    fn neighbours(&mut self, landscape: &Landscape<'_>, piece: &Piece) {
        let by_mapping = landscape.target.identity().habits().runs == Runs::Mappings;
        if !(piece.whole && piece.permissions.write && by_mapping) {
            return;
        }
        let neighbours = [landscape.below(piece.range), landscape.above(piece.range)].into_iter().flatten();
        let alike = neighbours.filter(|other| {
            let start = other.range.start();
            other.permissions == piece.permissions && !landscape.image_at(start) && !landscape.named_at(start)
        });
        // Of one that can be an attach itself it is not known which of both keeps them apart.
        let best = alike.map(|other| {
            let Region { range, permissions } = other;
            let other = Piece { range, permissions, whole: true };
            (
                if private::by_its_place(landscape, &other) || private::by_its_content(landscape, &other) {
                    35
                } else {
                    20
                },
                other,
            )
        });
        if let Some((weight, other)) = best.max_by_key(|(weight, _)| *weight) {
            let start = other.range.start();
            self.add(
                weight,
                format!("it touches the rw- memory at {start}, and yet is a mapping of its own"),
            );
        }
    }

    fn place(&mut self, landscape: &Landscape<'_>, piece: &Piece) {
        /// MIPS (arch/mips/include/asm/shmparam.h) puts attaches at multiples of SHMLBA; most machines at any page.
        const MIPS: (u16, u64) = (8, 0x4_0000);
        let identity = landscape.target.identity();
        let start = piece.range.start();
        if identity.machine.number == MIPS.0 && start.get().is_multiple_of(MIPS.1) {
            self.add(50, format!("it begins at a multiple of {:#x}, SHMLBA of this machine", MIPS.1));
        }
        if landscape.lies_between_images(piece.range) {
            self.add(5, "it lies between libraries".to_owned());
        }
    }

    fn content(&mut self, landscape: &Landscape<'_>, piece: &Piece) {
        let length = usize::try_from(piece.range.length()).unwrap_or(LOOKED_AT).min(LOOKED_AT);
        let bytes = landscape.some_bytes(piece.range.start(), length);
        self.pages = Pages::of(landscape, piece.range.start(), &bytes);
        let words = bytes.chunks_exact(landscape.word()).filter_map(|word| landscape.to_number(word));
        let (mut filled, mut outward) = (0_u64, 0_u64);
        for word in words.filter(|word| *word != 0) {
            filled = filled.saturating_add(1);
            outward = outward.saturating_add(u64::from(leads_out(landscape, piece.range, word)));
        }
        self.filled = filled;
        if filled == 0 {
            // Nobody used it yet; and gdb calls memory readable that has no rights.
            self.weight = self.weight.saturating_sub(15);
            return;
        }
        self.rights(landscape, piece);
        // Small numbers and text look like addresses of a 32-bit machine now and then.
        let by_chance = if landscape.word() == 4 { 2 } else { 0 };
        if outward == 0 {
            self.add(10, format!("none of its {filled} words points elsewhere in the process"));
        } else if outward > by_chance {
            let many = outward.saturating_mul(64) > filled;
            self.weight = self.weight.saturating_sub(if many { 100 } else { 30 });
            self.reasons.push(format!("but {outward} of its words point elsewhere in the process"));
        }
    }

    /// Tells what the holes of the file say. The kernel leaves a hole for a page of private memory that was never written
    /// (fs/coredump.c dump_user_range); of a segment it writes every page. Copies of a core often lose that difference:
    /// then there is no page of zeroes that is no hole.
    pub(super) fn holes(&mut self, as_written: bool) {
        match self.pages {
            Pages { holes: 1.., .. } if as_written => self.weight = self.weight.saturating_sub(100),
            Pages { holes: 0, zero: zero @ 1.. } => self.add(
                30,
                format!(
                    "pages of zeroes in it were written out ({zero}); of private memory they are mostly holes"
                ),
            ),
            _ => {}
        }
    }
}

impl Pages {
    /// Counts pages of all that can be written to, up to the first that is zero and written out.
    pub(super) fn of_all(landscape: &Landscape<'_>) -> Self {
        /// Enough to meet a page that a program cleared; and little enough to read.
        const SEARCHED: u64 = 16 << 20;
        let mut left = SEARCHED;
        let mut found = Self::default();
        for region in landscape.regions.iter().filter(|region| region.permissions.write) {
            let mut at = region.range.start();
            while let Some(rest) =
                Interval::new(at, region.range.end()).filter(|_| left > 0 && found.zero == 0)
            {
                let data = landscape.target.data(rest);
                let length = data.length().min(LOOKED_AT as u64).min(left);
                let bytes = landscape.some_bytes(data.start(), usize::try_from(length).unwrap_or(0));
                if bytes.is_empty() {
                    break;
                }
                left = left.saturating_sub(length);
                found = Self::of(landscape, data.start(), &bytes);
                at = data.start().checked_add(bytes.len() as u64).unwrap_or(region.range.end());
            }
        }
        found
    }

    /// Counts the pages of `bytes`, which stand at `start`.
    fn of(landscape: &Landscape<'_>, start: Address, bytes: &[u8]) -> Self {
        let mut pages = Self::default();
        let Ok(page) = usize::try_from(landscape.page) else { return pages };
        let mut data = Interval::clamped(start, 0);
        let all = Interval::clamped(start, bytes.len() as u64);
        let mut at = start;
        for bytes in bytes.chunks(page) {
            if at >= data.end()
                && let Some(rest) = Interval::new(at, all.end())
            {
                data = landscape.target.data(rest);
            }
            if at < data.start() {
                pages.holes = pages.holes.saturating_add(1);
            } else if bytes.iter().all(|byte| *byte == 0) {
                pages.zero = pages.zero.saturating_add(1);
            }
            at = at.checked_add(landscape.page).unwrap_or(all.end());
        }
        pages
    }
}

/// Whether `word` is the address of memory outside `range`. Small numbers are numbers, wherever a program was linked to.
fn leads_out(landscape: &Landscape<'_>, range: Interval<Address>, word: u64) -> bool {
    let lowest = if landscape.word() == 4 { 16 << 20 } else { 4 << 20 };
    let at = Address::new(word);
    word >= lowest && !range.contains(at) && (landscape.named_at(at) || landscape.region_at(at).is_some())
}
