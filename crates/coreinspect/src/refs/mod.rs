//! What points into a segment, and from where: registers, stacks, data, heaps, other segments; and what points out of it.

mod caches;
mod foreign;
pub mod frames;
mod heap;
mod kept;
mod places;
mod scan;
mod signal_frames;
mod stacks;
mod stored;
mod thread_local;

pub use caches::Cache;
pub use foreign::{Followed, Foreign, Reach, Search};
pub use heap::Block;
pub use places::{Kind, OnStack, Place, Places};
pub use scan::Pace;
pub use signal_frames::SignalFrame;
pub use stored::{Stored, StoredPointer, Whereto};

use kept::Kept;

use crate::error::Error;
use crate::pointer_tags::PointerTags;
use crate::position::{Address, Coverage, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;

/// A mapping that is pointed into.
#[derive(Clone, Copy, Debug)]
struct Goal {
    range: Interval<Address>,
    offset: SegmentOffset,
    /// The index of its segment.
    segment: usize,
    /// The index of its first counter of pages.
    counter: usize,
}

/// Where a word or register points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct To {
    /// The address.
    pub address: Address,
    /// The bits of the word that are no part of it; 0 for none.
    pub tag: u64,
    /// The index of the segment.
    pub segment: usize,
    /// The offset in it.
    pub offset: SegmentOffset,
}

/// A register that points into a segment.
#[derive(Clone, Copy, Debug)]
pub struct RegisterReference {
    /// The index of the thread.
    pub thread: usize,
    /// Its name.
    pub register: &'static str,
    /// Where it points.
    pub to: To,
}

/// A word of memory that points into a segment.
#[derive(Clone, Copy, Debug)]
pub struct WordReference {
    /// Its address.
    pub at: Address,
    /// What holds it: the index of a place.
    pub place: usize,
    /// What that is.
    pub kind: Kind,
    /// The block of the heap that holds it.
    pub block: Option<Block>,
    /// Where it points.
    pub to: To,
}

/// How many words point into a part of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartCount {
    /// The index of the segment.
    pub segment: usize,
    /// The part.
    pub offsets: Interval<SegmentOffset>,
    /// The words.
    pub words: u64,
}

/// What points into segments.
#[derive(Debug)]
pub struct References {
    /// Every register.
    pub registers: Vec<RegisterReference>,
    /// Words, by kind and address: as many as were asked for, of each kind its share.
    pub words: Vec<WordReference>,
    /// All words of each kind.
    pub counts: [(Kind, u64); Kind::ALL.len()],
    /// All words, by the part of the segment that they point into: pages, or more where a segment has very many.
    pub parts: Vec<PartCount>,
    /// Bytes that were searched.
    pub searched: u64,
    /// Bytes that the dump claims to hold beyond what its file can: they are not searched.
    pub beyond: u64,
}

impl References {
    /// All words.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// A segment that is pointed into, or parts of it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The index of the segment.
    pub index: usize,
    /// The parts of it; none where all of it is meant.
    pub parts: Vec<Interval<SegmentOffset>>,
}

impl Wanted {
    /// The parts of `offsets` that are meant, lowest first, without overlap.
    fn of(&self, offsets: Interval<SegmentOffset>) -> Vec<Interval<SegmentOffset>> {
        if self.parts.is_empty() {
            return vec![offsets];
        }
        let mut apart = Coverage::default();
        for part in self.parts.iter().filter_map(|part| part.intersection(offsets)) {
            apart.add(part, |_| {});
        }
        apart.intervals().collect()
    }
}

/// What is sought.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// All segments of the target.
    pub segments: &'r [Segment],
    /// Those that are pointed into.
    pub wanted: &'r [Wanted],
    /// Words that are kept at most; all are counted.
    pub limit: usize,
    /// How memory is scanned.
    pub pace: Pace<'r>,
}

/// Bytes that may be scanned of a dump: each byte of an honest file stands at one address, and a hostile one must not make a scan of
/// a terabyte of one megabyte.
#[derive(Debug)]
pub struct Budget(u64);

impl Budget {
    /// That of `target`; of a process that runs there is no file.
    pub fn of(target: &dyn Target) -> Self {
        Self(target.identity().file_size.map_or(u64::MAX, |size| size.saturating_mul(2)))
    }

    /// As many of `ranges` as may be scanned still, and the bytes of the others.
    fn afford(&mut self, ranges: &mut Vec<(Interval<Address>, usize)>) -> u64 {
        let mut beyond = 0_u64;
        ranges.retain(|(range, _)| {
            let left = self.0.checked_sub(range.length());
            match left {
                Some(left) => self.0 = left,
                None => beyond = beyond.saturating_add(range.length()),
            }
            left.is_some()
        });
        beyond
    }
}

/// Counters of parts of segments at most: half a MiB for a thread.
const MOST_PARTS: u64 = 1 << 16;

/// Goals, and where the words that point there stand.
struct Goals<'p, 't> {
    places: &'p Places<'t>,
    /// Sorted, without overlap.
    goals: Vec<Goal>,
    /// Log2 of the bytes of a part.
    part: u32,
    parts: usize,
    limit: usize,
    tags: PointerTags,
}

/// What one thread caught.
struct Caught {
    kept: [Kept<(usize, u64)>; Kind::ALL.len()],
    counts: [u64; Kind::ALL.len()],
    parts: Vec<u64>,
}

impl Request<'_> {
    /// What points into the wanted segments.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn references(&self, target: &dyn Target, places: &Places<'_>) -> Result<References, Error> {
        let goals = Goals::new(self, target, places);
        let mut ranges = places.saved(target);
        let beyond = Budget::of(target).afford(&mut ranges);
        let searched = ranges.iter().fold(0_u64, |sum, (range, _)| sum.saturating_add(range.length()));
        let caught = scan::scan(target, &ranges, &goals, self.pace)?;
        let mut all = scan::Net::begin(&goals);
        for one in caught {
            all.absorb(one);
        }
        let shares = shares(&all.counts, self.limit);
        let mut words = Vec::new();
        for ((kept, kind), share) in all.kept.into_iter().zip(Kind::ALL).zip(shares) {
            let found = kept.into_sorted(share).into_iter().filter_map(|(at, (place, value))| {
                Some(WordReference { at, place, kind, block: None, to: goals.find(value)? })
            });
            words.extend(found);
        }
        name_blocks(target, places, &mut words);
        // Words that are not kept stay what the scan took them for.
        let moved =
            words.iter().filter(|word| places.get(word.place).is_some_and(|place| place.kind != word.kind));
        let moved = moved.count() as u64;
        words.sort_by_key(|word| (word.kind, word.at));
        let counts = std::array::from_fn(|index| {
            let count = all.counts.get(index).copied().unwrap_or(0);
            match Kind::ALL.get(index).copied().unwrap_or(Kind::Mapping) {
                Kind::Heap => (Kind::Heap, count.saturating_add(moved)),
                Kind::Mapping => (Kind::Mapping, count.saturating_sub(moved)),
                kind => (kind, count),
            }
        });
        let parts = goals.counted(&all.parts);
        Ok(References { registers: goals.registers(target), words, counts, parts, searched, beyond })
    }
}

/// How many of each kind are told, where all are more than `limit`: none is crowded out by another.
fn shares(counts: &[u64; Kind::ALL.len()], limit: usize) -> [usize; Kind::ALL.len()] {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    let count = |index: usize| usize::try_from(counts.get(index).copied().unwrap_or(0)).unwrap_or(usize::MAX);
    order.sort_by_key(|index| count(*index));
    let (mut left, mut kinds) = (limit, counts.len());
    let mut shares = [0; Kind::ALL.len()];
    for index in order {
        let share = count(index).min(left.checked_div(kinds).unwrap_or(0));
        if let Some(slot) = shares.get_mut(index) {
            *slot = share;
        }
        left = left.saturating_sub(share);
        kinds = kinds.saturating_sub(1);
    }
    shares
}

/// Says which blocks of malloc(3) hold the words. A block with a mapping of its own is on the heap too, although the scan
/// could not tell it from other memory without a name.
fn name_blocks(target: &dyn Target, places: &Places<'_>, words: &mut [WordReference]) {
    let (mut pages, mut chunks) = (MOST_PAGES, heap::MOST_CHUNKS);
    for same in words.chunk_by_mut(|one, other| one.place == other.place) {
        let Some(place) = same.first().and_then(|word| places.get(word.place)) else { continue };
        let addresses: Vec<_> = same.iter().map(|word| word.at).collect();
        let blocks = match (place.kind, place.name) {
            (Kind::Heap, _) => heap::blocks(target, place.run, &addresses, &mut chunks),
            (Kind::Mapping, None) => heap::mapped_blocks(target, place.run, &addresses, &mut pages),
            _ => continue,
        };
        for (word, block) in same.iter_mut().zip(blocks) {
            word.block = block;
            if block.is_some() {
                word.kind = Kind::Heap;
            }
        }
    }
    // Those that are kept at hand look as if they were in use.
    if words.iter().all(|word| word.block.is_none()) {
        return;
    }
    let kept = caches::kept(target, places);
    for block in words.iter_mut().filter_map(|word| word.block.as_mut()) {
        block.cache = kept.get(&block.address).copied();
        block.free |= block.cache.is_some();
    }
}

/// Pages on which the header of a block is looked for: 256 MiB.
const MOST_PAGES: u64 = 1 << 16;

impl<'p, 't> Goals<'p, 't> {
    fn new(request: &Request<'_>, target: &dyn Target, places: &'p Places<'t>) -> Self {
        let mut goals = Vec::new();
        for wanted in request.wanted {
            let Some(segment) = request.segments.get(wanted.index) else { continue };
            for mapping in segment.attachments.iter().flat_map(|attachment| &attachment.mappings) {
                let all = Interval::clamped(mapping.offset, mapping.range.length());
                goals.extend(wanted.of(all).into_iter().filter_map(|part| {
                    let inside = part.start().offset_from(mapping.offset)?;
                    let start = mapping.range.start().checked_add(inside)?;
                    let range = Interval::clamped(start, part.length());
                    Some(Goal { range, offset: part.start(), segment: wanted.index, counter: 0 })
                }));
            }
        }
        goals.sort_by_key(|goal| goal.range.start());
        let mut end = Address::new(0);
        goals.retain(|goal| {
            let apart = goal.range.start() >= end;
            end = end.max(goal.range.end());
            apart
        });
        let bytes = goals.iter().fold(0_u64, |sum, goal| sum.saturating_add(goal.range.length()));
        let page = target.identity().page_size.filter(|size| size.is_power_of_two()).unwrap_or(4096);
        let mut part = page.trailing_zeros();
        while (bytes >> part) > MOST_PARTS && part < 63 {
            part = part.saturating_add(1);
        }
        let mut parts = 0_usize;
        for goal in &mut goals {
            goal.counter = parts;
            let count = (goal.range.length() >> part).saturating_add(1);
            parts = parts.saturating_add(usize::try_from(count).unwrap_or(0));
        }
        Self { places, goals, part, parts, limit: request.limit, tags: target.identity().pointer_tags }
    }

    fn goal(&self, address: Address) -> Option<&Goal> {
        let after = self.goals.partition_point(|goal| goal.range.start() <= address);
        self.goals.get(after.checked_sub(1)?).filter(|goal| goal.range.contains(address))
    }

    /// Where `word` points.
    fn find(&self, word: u64) -> Option<To> {
        let (address, tag) = self.tags.apart(word);
        let goal = self.goal(address)?;
        let inside = address.offset_from(goal.range.start())?;
        Some(To { address, tag, segment: goal.segment, offset: goal.offset.checked_add(inside)? })
    }

    fn registers(&self, target: &dyn Target) -> Vec<RegisterReference> {
        let threads = target.threads().iter().enumerate();
        let registers = threads.flat_map(|(index, thread)| {
            let registers = thread.registers.iter().flat_map(|registers| registers.iter());
            registers.map(move |(name, value)| (index, name, value))
        });
        let found = registers.filter_map(|(thread, register, value)| {
            Some(RegisterReference { thread, register, to: self.find(value)? })
        });
        found.collect()
    }

    /// The counters that are not zero.
    fn counted(&self, parts: &[u64]) -> Vec<PartCount> {
        let mut counted = Vec::new();
        for goal in &self.goals {
            let count = usize::try_from(goal.range.length() >> self.part).unwrap_or(0).saturating_add(1);
            let own = parts.get(goal.counter..goal.counter.saturating_add(count)).unwrap_or_default();
            for (number, words) in (0_u64..).zip(own).filter(|(_, words)| **words > 0) {
                let part = || {
                    let start = goal.offset.checked_add(number.checked_shl(self.part)?)?;
                    let end = goal.offset.checked_add(goal.range.length())?;
                    // The last part may end where offsets do.
                    let full = start.checked_add(1_u64.checked_shl(self.part)?);
                    Interval::new(start, full.map_or(end, |full| full.min(end)))
                };
                counted.extend(part().map(|offsets| PartCount {
                    segment: goal.segment,
                    offsets,
                    words: *words,
                }));
            }
        }
        counted
    }
}

impl scan::Net for Goals<'_, '_> {
    type Catch = Caught;

    fn bounds(&self) -> (u64, u64) {
        let low = self.goals.first().map_or(0, |goal| goal.range.start().get());
        let high = self.goals.last().map_or(low, |goal| goal.range.end().get());
        (low, high.saturating_sub(low))
    }

    fn ignored(&self) -> u64 {
        self.tags.bits()
    }

    fn begin(&self) -> Caught {
        Caught {
            kept: std::array::from_fn(|_| Kept::new(self.limit)),
            counts: [0; Kind::ALL.len()],
            parts: vec![0; self.parts],
        }
    }

    fn take(&self, catch: &mut Caught, tag: usize, at: Address, value: u64) {
        let (address, _) = self.tags.apart(value);
        let Some(goal) = self.goal(address) else { return };
        let Some(kind) = self.places.get(tag).map(|place| place.kind) else { return };
        let inside = address.get().saturating_sub(goal.range.start().get());
        let part = usize::try_from(inside >> self.part).unwrap_or(0).saturating_add(goal.counter);
        if let Some(count) = catch.parts.get_mut(part) {
            *count = count.saturating_add(1);
        }
        if let (Some(count), Some(kept)) =
            (catch.counts.get_mut(kind as usize), catch.kept.get_mut(kind as usize))
        {
            *count = count.saturating_add(1);
            kept.add(at, (tag, value));
        }
    }
}

impl Caught {
    fn absorb(&mut self, other: Self) {
        for (kept, others) in self.kept.iter_mut().zip(other.kept) {
            kept.absorb(others);
        }
        let sums = self.counts.iter_mut().zip(other.counts).chain(self.parts.iter_mut().zip(other.parts));
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}
