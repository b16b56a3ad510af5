//! Pointers that are stored in a segment: what they are to another process that attaches it.

use super::kept::Kept;
use super::places::{Kind, Places};
use super::{Budget, Foreign, Pace, Wanted, scan};
use crate::error::Error;
use crate::machine::Class;
use crate::pointer_tags::PointerTags;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;

/// Where a pointer that is stored in a segment leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whereto {
    /// Into the same segment, at its place in this process: right for another only if it attaches it at the same address.
    Itself,
    /// Into another segment, with the same condition.
    OtherSegment,
    /// Into memory that this process alone has: for any other process it points astray.
    Private,
    /// Nowhere in this process, and into this segment for another, which has it elsewhere: a guess.
    Foreign,
    /// Nowhere, and near memory that there is: an address of something that is gone, or another process'. A guess.
    Dangling,
}

impl Whereto {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Itself, Self::OtherSegment, Self::Private, Self::Foreign, Self::Dangling];

    /// The word of the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Itself => "itself",
            Self::OtherSegment => "segment",
            Self::Private => "private",
            Self::Foreign => "foreign",
            Self::Dangling => "dangling",
        }
    }
}

/// A pointer that is stored in a segment.
#[derive(Clone, Copy, Debug)]
pub struct StoredPointer {
    /// Its offset in the segment.
    pub offset: SegmentOffset,
    /// Its address.
    pub at: Address,
    /// The address that it holds.
    pub value: Address,
    /// The bits of it that are no part of the address; 0 for none.
    pub tag: u64,
    /// Where it leads.
    pub to: Whereto,
}

/// The pointers that are stored in one segment.
#[derive(Debug)]
pub struct Stored {
    /// The index of the segment.
    pub segment: usize,
    /// The first of each kind, by address.
    pub pointers: Vec<StoredPointer>,
    /// Where another process has the segment.
    pub foreign: Option<Foreign>,
    /// All of each kind.
    pub counts: [(Whereto, u64); Whereto::ALL.len()],
}

/// Below it lies no mapping: vm.mmap_min_addr (Documentation/admin-guide/sysctl/vm.rst).
const LOWEST: u64 = 0x1_0000;
/// Bytes beside known memory up to which a 64-bit word is taken for an address: chance hits 47 bits of addresses rarely.
const NEAR_64: u64 = 1 << 30;
/// The same of 32 bits, where every number is an address.
const NEAR_32: u64 = 1 << 20;

struct Pointers<'p, 't> {
    places: &'p Places<'t>,
    segment: &'p Segment,
    class: Class,
    tags: PointerTags,
    limit: usize,
    bounds: (u64, u64),
    foreign: Option<Foreign>,
}

struct Caught {
    kept: [Kept<(u64, usize)>; Whereto::ALL.len()],
    counts: [u64; Whereto::ALL.len()],
}

impl Stored {
    /// Those that begin in the `wanted` parts of `segment`, at most `limit` of each kind; all are counted.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn of(
        target: &dyn Target,
        places: &Places<'_>,
        (wanted, segment): (&Wanted, &Segment),
        (foreign, limit, pace): (Option<Foreign>, usize, Pace<'_>),
        budget: &mut Budget,
    ) -> Result<Self, Error> {
        let class = target.identity().machine.class;
        let near = if class == Class::Bits64 { NEAR_64 } else { NEAR_32 };
        let low = places.iter().next().map_or(LOWEST, |place| place.range.start().get().saturating_sub(near));
        let high = places.iter().last().map_or(LOWEST, |place| place.range.end().get().saturating_add(near));
        let elsewhere = foreign.map(|foreign| foreign.range);
        let low = elsewhere.map_or(low, |range| low.min(range.start().get())).max(LOWEST);
        let high = elsewhere.map_or(high, |range| high.max(range.end().get()));
        let bounds = (low, high.saturating_sub(low));
        let tags = target.identity().pointer_tags;
        let pointers = Pointers { places, segment, class, tags, limit, bounds, foreign };
        // Each offset once, from whichever attachment saved it. The tag is the piece.
        let saved = segment.pieces().iter().enumerate().filter(|(_, piece)| piece.is_there());
        let pieces = saved.flat_map(|(tag, piece)| {
            let parts = wanted.of(piece.offsets).into_iter();
            parts.filter_map(move |part| {
                let start = piece.address.checked_add(part.start().offset_from(piece.offsets.start())?)?;
                // A word that begins in the part may end behind it.
                let length = part.length().saturating_add(class.long().saturating_sub(1) as u64);
                let left = piece.offsets.end().offset_from(part.start())?;
                Some((Interval::clamped(start, length.min(left)), tag))
            })
        });
        let mut pieces: Vec<_> = pieces.collect();
        budget.afford(&mut pieces);
        let mut all = scan::Net::begin(&pointers);
        for one in scan::scan(target, &pieces, &pointers, pace)? {
            all.absorb(one);
        }
        let offset = |at: Address, tag: usize| {
            let piece = segment.pieces().get(tag)?;
            piece.offsets.start().checked_add(at.offset_from(piece.address)?)
        };
        let mut found = Vec::new();
        for (kept, to) in all.kept.into_iter().zip(Whereto::ALL) {
            found.extend(kept.into_sorted(limit).into_iter().filter_map(|(at, (value, tag))| {
                let offset = offset(at, tag)?;
                let (value, tag) = tags.apart(value);
                Some(StoredPointer { offset, at, value, tag, to })
            }));
        }
        let counts = std::array::from_fn(|index| {
            let to = Whereto::ALL.get(index).copied().unwrap_or(Whereto::Dangling);
            (to, all.counts.get(index).copied().unwrap_or(0))
        });
        Ok(Self { segment: wanted.index, pointers: found, foreign, counts })
    }
}

impl Pointers<'_, '_> {
    fn to(&self, word: u64) -> Option<Whereto> {
        let (address, tag) = self.tags.apart(word);
        let value = address.get();
        // In 8 bytes a number below 4 GiB is more often a count or a size than an address of a program at a fixed place.
        let low = self.class == Class::Bits64 && value < 1 << 32;
        match self.places.at(address) {
            Some(place) if place.kind == Kind::Segment => {
                let own = self.segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
                let own = own.into_iter().any(|mapping| mapping.range.contains(address));
                Some(if own { Whereto::Itself } else { Whereto::OtherSegment })
            }
            Some(_) if low && (!value.is_multiple_of(4) || value.is_multiple_of(4096)) => None,
            Some(_) => Some(Whereto::Private),
            None if self.foreign.is_some_and(|foreign| foreign.offset(address).is_some()) => {
                Some(Whereto::Foreign)
            }
            // With a tag too, where nothing is, chance is the likelier reason.
            None if low || tag != 0 || !value.is_multiple_of(4) => None,
            None => {
                let near = if self.class == Class::Bits64 { NEAR_64 } else { NEAR_32 };
                (self.places.distance(address)? <= near).then_some(Whereto::Dangling)
            }
        }
    }
}

impl scan::Net for Pointers<'_, '_> {
    type Catch = Caught;

    fn bounds(&self) -> (u64, u64) {
        self.bounds
    }

    fn ignored(&self) -> u64 {
        self.tags.bits()
    }

    fn begin(&self) -> Caught {
        Caught { kept: std::array::from_fn(|_| Kept::new(self.limit)), counts: [0; Whereto::ALL.len()] }
    }

    fn take(&self, catch: &mut Caught, tag: usize, at: Address, value: u64) {
        let Some(to) = self.to(value) else { return };
        if let (Some(count), Some(kept)) =
            (catch.counts.get_mut(to as usize), catch.kept.get_mut(to as usize))
        {
            *count = count.saturating_add(1);
            kept.add(at, (value, tag));
        }
    }
}

impl Caught {
    fn absorb(&mut self, other: Self) {
        for (kept, others) in self.kept.iter_mut().zip(other.kept) {
            kept.absorb(others);
        }
        for (sum, more) in self.counts.iter_mut().zip(other.counts) {
            *sum = sum.saturating_add(more);
        }
    }
}
