//! Addresses that another process stored in a segment: each is right for a process that has the segment at another base, and leads
//! nowhere in this one. A guess, which enough words of the segment must agree on.
//!
//! shmat(2) without an address puts a segment where mmap(2) finds room, and address space randomization
//! (Documentation/admin-guide/sysctl/kernel.rst, randomize_va_space) makes that another place in each program.

mod base;
mod cluster;

use super::places::Places;
use super::{Budget, Pace, scan};
use crate::error::Error;
use crate::machine::Class;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;
use base::Guess;
use cluster::{Cluster, Clusters};

/// A base at which another process has a segment, as the words that it stored there tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Where offset 0 of the segment is for that process.
    pub base: Address,
    /// The addresses that the segment has there.
    pub range: Interval<Address>,
    /// How many words of the segment are addresses in that range, and lead nowhere in this process.
    pub words: u64,
    /// How many other bases fit these words as well.
    pub other_bases: u64,
}

impl Foreign {
    /// The offset in the segment that `address` means to that process.
    pub fn offset(&self, address: Address) -> Option<SegmentOffset> {
        let inside = self.range.contains(address);
        inside.then(|| address.offset_from(self.base).map(SegmentOffset::new)).flatten()
    }
}

/// A word of a segment whose value was followed to a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The index of the segment.
    pub segment: usize,
    /// The offset of the word in it.
    pub offset: SegmentOffset,
    /// What the word holds.
    pub value: Address,
    /// How many bytes behind that the fault is.
    pub distance: u64,
    /// How many other words hold the same.
    pub others: u64,
    /// The base at which that value is right.
    pub foreign: Option<Foreign>,
}

/// How much of each segment is looked at: bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach(u64);

impl Reach {
    /// All of it.
    pub const WHOLE: Self = Self(u64::MAX);
    /// What a listing reads of a segment.
    pub const START: Self = Self(1 << 20);
}

/// Members of a struct are no farther from its start than this, to be taken for what a fault was about: a page.
const FARTHEST_MEMBER: u64 = 4096;
/// Below it lies no mapping: vm.mmap_min_addr (Documentation/admin-guide/sysctl/vm.rst).
const LOWEST: u64 = 0x1_0000;

/// Where words of a segment are looked for.
#[derive(Clone, Copy)]
pub struct Search<'s> {
    /// The process.
    pub target: &'s dyn Target,
    /// All its memory.
    pub places: &'s Places<'s>,
    /// All its segments.
    pub segments: &'s [Segment],
    /// How much of each is looked at.
    pub reach: Reach,
    /// How it is scanned.
    pub pace: Pace<'s>,
}

impl Search<'_> {
    /// The other base that words of the segment at `index` agree on; `None` if they do not, which is so for bytes at random, or if
    /// `budget` does not last for the two passes that it takes.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn base(&self, index: usize, budget: &mut Budget) -> Result<Option<Foreign>, Error> {
        let Some(segment) = self.segments.get(index).filter(|segment| segment.end().get() > 0) else {
            return Ok(None);
        };
        let net = Clusters::new(self.target, self.places, segment);
        let pieces = self.pieces(segment, budget);
        let mut all = scan::Net::begin(&net);
        for one in scan::scan(self.target, &pieces, &net, self.pace)? {
            all.absorb(one);
        }
        let Some(cluster) = Cluster::largest(all, &net, segment) else { return Ok(None) };
        let Some(Guess { base, other_bases }) = base::of(self.target, segment, &cluster)? else {
            return Ok(None);
        };
        let Some(range) = Interval::with_length(base, segment.end().get()) else { return Ok(None) };
        let net = Within { places: self.places, low: range.start().get(), span: range.length() };
        let again = self.pieces(segment, budget);
        // What some of the words say is not what all of them do.
        if again.len() < pieces.len() {
            return Ok(None);
        }
        let counts = scan::scan(self.target, &pieces, &net, self.pace)?;
        let words = counts.iter().fold(0_u64, |sum, caught| sum.saturating_add(caught.count));
        Ok(Some(Foreign { base, range, words, other_bases }))
    }

    /// The word of a segment that leads to `fault`, an address at which this process has nothing.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn followed(&self, fault: Address) -> Result<Option<Followed>, Error> {
        let low = fault.get().saturating_sub(FARTHEST_MEMBER.saturating_sub(1)).max(LOWEST);
        // Small numbers lead to the first page as well, and a null pointer does.
        if fault.get() < LOWEST {
            return Ok(None);
        }
        let net =
            Within { places: self.places, low, span: fault.get().saturating_sub(low).saturating_add(1) };
        let mut budget = Budget::of(self.target);
        let mut best: Option<Followed> = None;
        for (index, segment) in self.segments.iter().enumerate() {
            let pieces = self.pieces(segment, &mut budget);
            let caught = scan::scan(self.target, &pieces, &net, self.pace)?;
            // The nearest below the fault; of several that hold it, the first.
            let nearest = caught.iter().filter_map(|caught| caught.highest).max();
            let Some(value) = nearest else { continue };
            let holding = caught.iter().filter(|caught| caught.highest == Some(value));
            let others = holding.clone().fold(0_u64, |sum, caught| sum.saturating_add(caught.holding));
            let first = holding.filter_map(|caught| caught.first).min();
            let Some(offset) = first.and_then(|(at, tag)| offset_at(segment, at, tag)) else { continue };
            let distance = fault.get().saturating_sub(value);
            if best.is_none_or(|best| distance < best.distance) {
                let (value, others) = (Address::new(value), others.saturating_sub(1));
                best = Some(Followed { segment: index, offset, value, distance, others, foreign: None });
            }
        }
        let Some(mut best) = best else { return Ok(None) };
        let foreign = self.base(best.segment, &mut Budget::of(self.target))?;
        best.foreign = foreign.filter(|foreign| foreign.offset(best.value).is_some());
        // Every number is an address of 32 bits: one word alone proves nothing.
        let proven = best.foreign.is_some() || self.target.identity().machine.class == Class::Bits64;
        Ok(proven.then_some(best))
    }

    /// What is there of a segment, each offset once. The tag is the piece.
    fn pieces(&self, segment: &Segment, budget: &mut Budget) -> Vec<(Interval<Address>, usize)> {
        let pieces = segment.pieces().iter().enumerate();
        let mut pieces: Vec<_> = pieces
            .filter(|(_, piece)| piece.is_there())
            .filter_map(|(tag, piece)| {
                let left = self.reach.0.checked_sub(piece.offsets.start().get()).filter(|left| *left > 0)?;
                Some((Interval::clamped(piece.address, piece.offsets.length().min(left)), tag))
            })
            .collect();
        budget.afford(&mut pieces);
        pieces
    }
}

/// The offset of the word at `at`, in the piece `tag` of `segment`.
fn offset_at(segment: &Segment, at: Address, tag: usize) -> Option<SegmentOffset> {
    let piece = segment.pieces().get(tag)?;
    piece.offsets.start().checked_add(at.offset_from(piece.address)?)
}

/// Words that lie between two bounds and lead nowhere in this process.
struct Within<'p, 't> {
    places: &'p Places<'t>,
    low: u64,
    span: u64,
}

#[derive(Default)]
struct Counted {
    count: u64,
    /// The highest value.
    highest: Option<u64>,
    /// How many words hold that.
    holding: u64,
    /// The first of them, and its tag.
    first: Option<(Address, usize)>,
}

impl scan::Net for Within<'_, '_> {
    type Catch = Counted;

    fn bounds(&self) -> (u64, u64) {
        (self.low, self.span)
    }

    fn begin(&self) -> Counted {
        Counted::default()
    }

    fn take(&self, catch: &mut Counted, tag: usize, at: Address, value: u64) {
        if self.places.at(Address::new(value)).is_some() {
            return;
        }
        catch.count = catch.count.saturating_add(1);
        if catch.highest.is_none_or(|highest| value > highest) {
            (catch.highest, catch.holding, catch.first) = (Some(value), 0, None);
        }
        if catch.highest == Some(value) {
            catch.holding = catch.holding.saturating_add(1);
            catch.first = catch.first.min(Some((at, tag))).or(Some((at, tag)));
        }
    }
}
