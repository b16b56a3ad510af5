//! What the pages of a segment are like: a picture of it in at most 4,096 cells, however large it is.
//!
//! Which bytes are there is told exactly. What those that are there look like (text, pointers) is a guess, made of the first
//! page of a cell that is not zero: so a cell is read up to there, and the whole takes one pass at most.

mod texture;

use crate::error::Error;
use crate::look::Surroundings;
use crate::memory::Dumped;
use crate::position::{Interval, Position, SegmentOffset};
use crate::shm::{Piece, Segment};
use crate::targets::Target;
use crate::types::Budget;

/// What is known of a run of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageState {
    /// Nothing is known: no mapping covers it.
    Hole,
    /// Saved, and all zeroes.
    Zero,
    /// Saved.
    Data,
    /// Saved, and mostly text: a guess.
    Text,
    /// Saved, and full of addresses of mapped memory: a guess.
    Pointers,
    /// Not saved in this dump, and filled from elsewhere.
    Filled,
    /// There, and different in another copy.
    Differs,
    /// The file ends before it.
    CutOff,
    /// The dump lacks it, or the process did not let us read it.
    NotSaved,
}

impl PageState {
    /// All of them, what is there first.
    pub const ALL: [Self; 9] = [
        Self::Data,
        Self::Text,
        Self::Pointers,
        Self::Zero,
        Self::Filled,
        Self::Differs,
        Self::NotSaved,
        Self::CutOff,
        Self::Hole,
    ];

    /// The word of the JSON contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hole => "hole",
            Self::Zero => "zero",
            Self::Data => "data",
            Self::Text => "text",
            Self::Pointers => "pointers",
            Self::Filled => "filled",
            Self::Differs => "differs",
            Self::CutOff => "cut-off",
            Self::NotSaved => "not-saved",
        }
    }
}

/// A run of a segment in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its offsets in the segment.
    pub offsets: Interval<SegmentOffset>,
    /// What is known of it.
    pub state: PageState,
}

/// The runs of a segment from offset 0 to its end, as long as one thing holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageMap {
    /// Bytes of a cell: a page, or a power of two of them.
    pub cell: u64,
    /// They tile the segment; neighbours differ.
    pub runs: Vec<Run>,
}

/// Cells of a map.
pub const MOST_CELLS: u64 = 4096;
/// Bytes that are read at once.
const AT_ONCE: u64 = 256 << 10;
/// Bytes of a page where the dump does not say.
const USUAL_PAGE: u64 = 4096;

impl PageMap {
    /// The map of `segment`; `surroundings` are those of the same target.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn of(
        target: &dyn Target,
        surroundings: &Surroundings<'_>,
        segment: &Segment,
    ) -> Result<Self, Error> {
        let page = target.identity().page_size.filter(|size| size.is_power_of_two());
        let mut this = Self::empty(page.unwrap_or(USUAL_PAGE), segment.end());
        let budget = Budget::of(target);
        let mut reader = Reader { target, surroundings, segment, budget, block: Vec::new() };
        let mut next = SegmentOffset::new(0);
        for piece in segment.pieces() {
            this.push(Interval::new(next, piece.offsets.start()), PageState::Hole);
            match piece.dumped {
                _ if piece.filled.is_some() => this.push(Some(piece.offsets), PageState::Filled),
                Dumped::Saved => {
                    for part in this.cells_of(piece.offsets) {
                        this.push(Some(part), reader.state(*piece, part)?);
                    }
                }
                Dumped::CutOff => this.push(Some(piece.offsets), PageState::CutOff),
                Dumped::NotSaved | Dumped::NotReadable => {
                    this.push(Some(piece.offsets), PageState::NotSaved);
                }
            }
            next = piece.offsets.end();
        }
        Ok(this)
    }

    /// A map of no run yet, with cells for `end` bytes of pages of `page` bytes.
    fn empty(page: u64, end: SegmentOffset) -> Self {
        let mut cell = page.max(1);
        while end.get().div_ceil(cell) > MOST_CELLS {
            cell = cell.saturating_mul(2);
        }
        Self { cell, runs: Vec::new() }
    }

    /// The offset after its last byte.
    pub fn end(&self) -> SegmentOffset {
        self.runs.last().map_or(SegmentOffset::new(0), |run| run.offsets.end())
    }

    fn push(&mut self, offsets: Option<Interval<SegmentOffset>>, state: PageState) {
        let Some(offsets) = offsets.filter(|offsets| !offsets.is_empty()) else { return };
        match self.runs.last_mut() {
            Some(last) if last.state == state && last.offsets.end() == offsets.start() => {
                last.offsets = Interval::new(last.offsets.start(), offsets.end()).unwrap_or(last.offsets);
            }
            _ => self.runs.push(Run { offsets, state }),
        }
    }

    /// `offsets`, cut where cells end.
    fn cells_of(
        &self,
        offsets: Interval<SegmentOffset>,
    ) -> impl Iterator<Item = Interval<SegmentOffset>> + use<> {
        let (cell, mut at) = (self.cell, offsets.start());
        std::iter::from_fn(move || {
            let inside = at.get().checked_rem(cell)?;
            let end = at
                .checked_add(cell.saturating_sub(inside))
                .map_or(offsets.end(), |end| end.min(offsets.end()));
            let part = Interval::new(at, end).filter(|part| !part.is_empty())?;
            at = end;
            Some(part)
        })
    }

    /// The same with `ranges` (sorted, without overlap) of what is there marked as [`PageState::Differs`].
    #[must_use]
    pub fn differing(&self, ranges: impl IntoIterator<Item = Interval<SegmentOffset>>) -> Self {
        let mut marked = Self { cell: self.cell, runs: Vec::new() };
        let mut ranges = ranges.into_iter().peekable();
        for run in &self.runs {
            let mut at = run.offsets.start();
            while let Some(range) = ranges.peek().copied().filter(|range| range.start() < run.offsets.end()) {
                if let Some(both) = range.intersection(run.offsets) {
                    marked.push(Interval::new(at, both.start()), run.state);
                    marked.push(Some(both), PageState::Differs);
                    at = both.end();
                }
                if range.end() > run.offsets.end() {
                    break;
                }
                ranges.next();
            }
            marked.push(Interval::new(at, run.offsets.end()), run.state);
        }
        marked
    }

    /// The cells in order, each in the most notable state of its bytes: what is missing before what is there.
    pub fn cells(&self) -> impl Iterator<Item = PageState> + '_ {
        let mut first = 0_usize;
        let cell = Interval::new(SegmentOffset::new(0), self.end());
        let cells = cell.into_iter().flat_map(|whole| self.cells_of(whole));
        cells.map(move |cell| {
            let ends_before = |run: &Run| run.offsets.end() <= cell.start();
            while self.runs.get(first).is_some_and(ends_before) {
                first = first.saturating_add(1);
            }
            let inside = self.runs.iter().skip(first).take_while(|run| run.offsets.start() < cell.end());
            inside.map(|run| run.state).max().unwrap_or(PageState::Hole)
        })
    }
}

/// Reads what is saved of a segment.
struct Reader<'a> {
    target: &'a dyn Target,
    surroundings: &'a Surroundings<'a>,
    segment: &'a Segment,
    /// A dump can claim the same bytes of its file many times.
    budget: Budget,
    block: Vec<u8>,
}

impl Reader<'_> {
    /// The state of `part`, a saved part of `piece` within a cell. Where the budget ends, what is saved is data.
    fn state(&mut self, piece: Piece, part: Interval<SegmentOffset>) -> Result<PageState, Error> {
        let mut at = part.start();
        while at < part.end() {
            at = self.beyond_holes(piece, at, part.end());
            let wanted = part.end().offset_from(at).unwrap_or(0).min(AT_ONCE);
            if !self.budget.read(wanted) {
                return Ok(PageState::Data);
            }
            self.block.resize(usize::try_from(wanted).unwrap_or(0), 0);
            let count = self.segment.read(self.target, at, &mut self.block)?;
            let bytes = self.block.get(..count).unwrap_or_default();
            if let Some(state) = texture::of(bytes, self.target.identity().machine, self.surroundings) {
                return Ok(state);
            }
            let Some(next) = at.checked_add(count as u64).filter(|next| *next > at) else { break };
            at = next;
        }
        Ok(PageState::Zero)
    }

    /// The first offset from `at` up to `end` that is not in a hole of the dump's file.
    fn beyond_holes(&self, piece: Piece, at: SegmentOffset, end: SegmentOffset) -> SegmentOffset {
        let data = || {
            let inside = at.offset_from(piece.offsets.start())?;
            let address = piece.address.checked_add(inside)?;
            let range = Interval::with_length(address, end.offset_from(at)?)?;
            let skipped = self.target.data(range).start().offset_from(address)?;
            at.checked_add(skipped)
        };
        data().map_or(at, |data| data.min(end))
    }
}
