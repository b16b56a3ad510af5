//! Words that would point at something that the dump knows of.

use super::Found;
use super::series::{Place, series};
use crate::machine::Class;
use crate::memory::Dumped;
use crate::pointer_tags::PointerTags;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::{self, Segment};
use crate::targets::{Mapping, Target};

/// What a word would point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointsTo {
    /// This segment, by one of its attachments.
    Segment(SegmentOffset),
    /// A named mapping: the file, or another segment.
    Mapping {
        /// The mapping's name.
        name: Vec<u8>,
        /// The place in the file, if the dump says where the mapping begins in it.
        offset: Option<u64>,
    },
    /// Memory without a name that the dump saved: heap, stack.
    Memory,
}

/// A word, or a column of words, that would be an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Where.
    pub place: Place,
    /// The address that the first one holds.
    pub value: Address,
    /// The bits of it that are no part of the address; 0 for none.
    pub tag: u64,
    /// What the first would point at; the others point at the same segment, file or kind.
    pub to: PointsTo,
    /// What speaks for it.
    pub why: String,
}

/// What a target has at which addresses. Made once for a target, for all looks at its segments.
pub struct Surroundings<'a> {
    /// By address.
    mappings: Vec<Mapping<'a>>,
    /// Saved memory, by address, without overlap; also what was saved and is cut off.
    memory: Vec<Interval<Address>>,
    /// From the lowest to the highest of both.
    bounds: Interval<Address>,
    /// Bytes of both; what is in both counts twice.
    covered: u64,
    tags: PointerTags,
}

impl<'a> Surroundings<'a> {
    /// Those of `target`.
    pub fn of(target: &'a dyn Target) -> Self {
        let mut mappings: Vec<_> = target.mappings().into_iter().flatten().collect();
        mappings.sort_by_key(|mapping| mapping.range.start());
        let everything = Interval::clamped(Address::new(0), u64::MAX);
        let mut memory = Vec::<Interval<Address>>::new();
        for extent in target.memory(everything) {
            if !matches!(extent.dumped, Dumped::Saved | Dumped::CutOff) {
                continue;
            }
            match memory.last_mut() {
                Some(last) if last.end() == extent.range.start() => {
                    *last = Interval::new(last.start(), extent.range.end()).unwrap_or(*last);
                }
                _ => memory.push(extent.range),
            }
        }
        let ranges = || mappings.iter().map(|mapping| mapping.range).chain(memory.iter().copied());
        let start = ranges().map(Interval::start).min().unwrap_or(Address::new(0)).max(Address::new(LOWEST));
        let end = ranges().map(Interval::end).max().unwrap_or(start).max(start);
        let bounds = Interval::new(start, end).unwrap_or(everything);
        let covered = ranges().map(Interval::length).fold(0, u64::saturating_add);
        Self { mappings, memory, bounds, covered, tags: target.identity().pointer_tags }
    }

    fn mapping(&self, address: Address) -> Option<&Mapping<'a>> {
        holding(&self.mappings, address, |mapping| mapping.range)
    }

    /// Whether `address` lies in memory of the process.
    pub(crate) fn has(&self, address: Address) -> bool {
        self.bounds.contains(address) && (self.mapping(address).is_some() || self.has_memory(address))
    }

    fn has_memory(&self, address: Address) -> bool {
        holding(&self.memory, address, |memory| *memory).is_some()
    }
}

/// The one of `sorted` that holds `address`.
fn holding<T>(sorted: &[T], address: Address, range: impl Fn(&T) -> Interval<Address>) -> Option<&T> {
    let after = sorted.partition_point(|one| range(one).start() <= address);
    sorted.get(after.checked_sub(1)?).filter(|one| range(one).contains(address))
}

/// What a candidate points at, in a few bytes. Mappings of one file are one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum At<'a> {
    Segment,
    Mapping(&'a [u8]),
    Memory,
}

#[derive(Clone, Copy, Debug)]
struct Candidate<'a> {
    offset: u64,
    address: Address,
    tag: u64,
    at: At<'a>,
}

/// Words that would point somewhere.
pub(super) struct Candidates<'a> {
    class: Class,
    surroundings: &'a Surroundings<'a>,
    /// The segment's own mappings, by address.
    own: Vec<&'a shm::Mapping>,
    found: Vec<Candidate<'a>>,
    /// Words that lie between the lowest and the highest address that is known.
    words: u64,
    hits: u64,
}

/// More are not kept.
const MOST: usize = 1024;
/// Below it lies no mapping: vm.mmap_min_addr (Documentation/admin-guide/sysctl/vm.rst).
const LOWEST: u64 = 0x1_0000;

impl<'a> Candidates<'a> {
    pub(super) fn new(class: Class, surroundings: &'a Surroundings<'a>, segment: &'a Segment) -> Self {
        let attachments = segment.attachments.iter();
        let mut own: Vec<_> = attachments.flat_map(|attachment| &attachment.mappings).collect();
        own.sort_by_key(|mapping| mapping.range.start());
        Self { class, surroundings, own, found: Vec::new(), words: 0, hits: 0 }
    }

    /// Looks at a word; answers whether it may be a pointer.
    pub(super) fn add(&mut self, offset: u64, width: u64, word: u64) -> bool {
        let (address, tag) = self.surroundings.tags.apart(word);
        let word = address.get();
        if !self.surroundings.bounds.contains(address) {
            return false;
        }
        self.words = self.words.saturating_add(1);
        // In 8 bytes a number below 4 GiB is more often a count or a size than an address of a program at a fixed place.
        let low = width == 8 && word < 1 << 32;
        if low && (!word.is_multiple_of(4) || word.is_multiple_of(4096)) {
            return false;
        }
        let at = if self.own(address).is_some() {
            At::Segment
        } else if let Some(mapping) = self.surroundings.mapping(address) {
            At::Mapping(mapping.name)
        } else if self.surroundings.has_memory(address) {
            At::Memory
        } else {
            return false;
        };
        self.hits = self.hits.saturating_add(1);
        if self.found.len() < MOST {
            self.found.push(Candidate { offset, address, tag, at });
        }
        true
    }

    /// Those that are more than chance, by offset; and all their places. `guessing`: whether the bytes do not look random.
    pub(super) fn told(
        &self,
        guessing: bool,
        stride: Option<u64>,
        most: usize,
    ) -> (Found<Pointer>, Vec<Place>) {
        let width = self.class.long() as u64;
        // Chance hits an address space that is in good part full, as those of 32 bits are. In sixteenths.
        let span = u128::from(self.surroundings.bounds.length()).max(1 << 31);
        let words = u128::from(self.words).saturating_mul(16);
        let by_chance = words.saturating_mul(u128::from(self.surroundings.covered)).checked_div(span);
        let fewest = by_chance.unwrap_or(0).saturating_div(2).saturating_add(1);
        if u128::from(self.hits) < fewest || (!guessing && self.class == Class::Bits32) {
            return (Found::default(), Vec::new());
        }
        let placed = self.found.iter().map(|one| (one.offset, width, one.at));
        let series = series(placed, stride);
        let told = Found::first(&series, most, |(place, at)| self.pointer(*place, *at));
        (told, series.into_iter().map(|(place, _)| place).collect())
    }

    fn pointer(&self, place: Place, at: At<'_>) -> Pointer {
        let one = self.found.partition_point(|one| one.offset < place.offset.get());
        let (value, tag) = self.found.get(one).map_or((Address::new(0), 0), |one| (one.address, one.tag));
        let (to, what) = match at {
            At::Segment => {
                let inside = self.inside(value).unwrap_or(SegmentOffset::new(0));
                (PointsTo::Segment(inside), "in an attachment of this segment")
            }
            At::Mapping(name) => {
                let offset = self.surroundings.mapping(value).and_then(|mapping| {
                    mapping.offset?.checked_add(value.offset_from(mapping.range.start())?)
                });
                (PointsTo::Mapping { name: name.to_vec(), offset }, "in a mapping that the dump names")
            }
            At::Memory => (PointsTo::Memory, "in memory that the dump saved"),
        };
        Pointer { place, value, tag, to, why: format!("as an address it is {what}") }
    }

    fn own(&self, address: Address) -> Option<&'a shm::Mapping> {
        holding(&self.own, address, |mapping| mapping.range).copied()
    }

    /// The offset in the segment of the byte at `address`.
    fn inside(&self, address: Address) -> Option<SegmentOffset> {
        let mapping = self.own(address)?;
        mapping.offset.checked_add(address.offset_from(mapping.range.start())?)
    }
}
