//! Blocks that were given back and that malloc(3) keeps at hand: the headers around them say that they are in use.
//!
//! Shapes: glibc malloc/malloc.c, `tcache_perthread_struct` and `tcache_entry` (its two forms since 2.26 and 2.30, and that of 2.42),
//! `malloc_state` with `fastbinsY`, and "safe-linking", by which since 2.32 a link is stored xor its own address shifted by 12. A
//! heuristic: a list ends at the first link that leads to no block of its size.

use std::collections::HashMap;

use super::places::{Kind, Places};
use super::stacks::word;
use crate::machine::Class;
use crate::position::{Address, Interval, Position};
use crate::targets::Target;

/// Where malloc(3) keeps a block that was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// The cache of a thread.
    Thread,
    /// A fastbin of an arena.
    Fastbin,
}

impl Cache {
    /// The word of the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Thread => "tcache",
            Self::Fastbin => "fastbin",
        }
    }
}

/// Blocks that are followed at most.
const MOST_BLOCKS: usize = 1 << 20;
/// Bytes of the data of programs in which arenas are looked for.
const MOST_DATA: u64 = 4 << 20;
/// Bytes at the start of an arena's own memory that hold its state.
const ARENA_STATE: u64 = 0xa00;
/// Flags of a chunk's size.
const FLAGS: u64 = 7;
/// Lists of a thread's cache, by the block's size.
const LISTS: u64 = 64;

/// A thread's cache: the size of its chunk, and where its lists begin.
const CACHES_64: &[(u64, u64)] = &[(0x290, 128), (0x250, 64), (0x300, 152)];
const CACHES_32: &[(u64, u64)] = &[(0x190, 128), (0x150, 64), (0x1d0, 152)];

/// The blocks that are kept, by what malloc(3) returned for them.
pub(super) fn kept(target: &dyn Target, places: &Places<'_>) -> HashMap<Address, Cache> {
    let mut caches = Caches {
        target,
        places,
        width: target.identity().machine.class.long() as u64,
        found: HashMap::new(),
    };
    for candidate in caches.of_threads() {
        caches.take_thread(candidate);
    }
    for top in caches.arenas() {
        caches.take_arena(top);
    }
    caches.found
}

struct Caches<'p, 't> {
    target: &'p dyn Target,
    places: &'p Places<'t>,
    width: u64,
    found: HashMap<Address, Cache>,
}

impl Caches<'_, '_> {
    fn in_heap(&self, address: Address) -> bool {
        self.places.at(address).is_some_and(|place| place.kind == Kind::Heap)
    }

    /// Every word of `range`: its address and its value.
    fn words(&self, range: Interval<Address>) -> Vec<(Address, Address)> {
        let Ok(length) = usize::try_from(range.length().min(MOST_DATA)) else { return Vec::new() };
        let mut bytes = vec![0; length];
        let count = self.target.read(range.start(), &mut bytes).unwrap_or(0);
        let machine = self.target.identity().machine;
        let width = machine.class.long();
        let words = bytes.get(..count).unwrap_or_default().chunks_exact(width).enumerate();
        let words = words.filter_map(|(index, word)| {
            let at = range.start().checked_add(index.checked_mul(width)? as u64)?;
            Some((at, Address::new(crate::core_file::Reader::new(word, machine).long()?)))
        });
        words.collect()
    }

    /// What may be the cache of a thread: a thread-local variable of libc leads there.
    fn of_threads(&self) -> Vec<Address> {
        let own = self.places.iter().filter(|place| place.thread_local.is_some());
        let words = own.flat_map(|place| self.words(place.range));
        words.map(|(_, value)| value).filter(|value| self.in_heap(*value)).collect()
    }

    /// The size of the chunk whose block is at `block`, where it is one of a heap.
    fn size(&self, block: Address) -> Option<u64> {
        (self.in_heap(block) && block.get().is_multiple_of(16)).then_some(())?;
        Some(word(self.target, block.checked_sub(self.width)?)? & !FLAGS)
    }

    fn take_thread(&mut self, cache: Address) {
        let class = self.target.identity().machine.class;
        let known = if class == Class::Bits64 { CACHES_64 } else { CACHES_32 };
        let size = self.size(cache);
        let Some((_, lists)) = known.iter().find(|(known, _)| Some(*known) == size) else { return };
        for number in 0..LISTS {
            let at = number.checked_mul(self.width).and_then(|behind| behind.checked_add(*lists));
            let first = at.and_then(|at| cache.checked_add(at)).and_then(|at| word(self.target, at));
            let smallest: u64 = if class == Class::Bits64 { 0x20 } else { 0x10 };
            let size = smallest.saturating_add(number.saturating_mul(16));
            self.follow(first.map(Address::new), size, 0, Cache::Thread);
        }
    }

    /// Takes the blocks of a list, each of which a chunk of `size` holds. Links lead `before` bytes before the block.
    fn follow(&mut self, first: Option<Address>, size: u64, before: u64, cache: Cache) {
        let block = |link: Address| link.checked_add(before).filter(|_| link.get() != 0);
        let mut next = first.and_then(block);
        while let Some(at) = next.filter(|at| self.size(*at) == Some(size)) {
            if self.found.len() >= MOST_BLOCKS || self.found.insert(at, cache).is_some() {
                return;
            }
            let Some(link) = word(self.target, at) else { return };
            let revealed = Address::new(link ^ (at.get() >> 12));
            next = match block(revealed) {
                Some(block) if self.size(block) == Some(size) => Some(block),
                None => None,
                // Before safe-linking a link was the address itself.
                Some(_) => block(Address::new(link)),
            };
        }
    }

    /// Where arenas have the address of their last chunk, which ends where its heap does.
    fn arenas(&self) -> Vec<Address> {
        let data =
            self.places.iter().filter(|place| place.kind == Kind::Data && place.thread_local.is_none());
        let mut data: Vec<_> = data.collect();
        let is_libc =
            |name: Option<&[u8]>| name.is_some_and(|name| name.windows(4).any(|part| part == b"libc"));
        data.sort_by_key(|place| !is_libc(place.name));
        let mut left = MOST_DATA;
        let mut found = Vec::new();
        for place in data {
            for extent in self.target.memory(place.range) {
                if !extent.is_there() || extent.range.length() > left {
                    continue;
                }
                left = left.saturating_sub(extent.range.length());
                found.extend(self.tops(extent.range));
            }
        }
        let heaps = self
            .places
            .iter()
            .filter(|place| place.kind == Kind::Heap && place.run.start() == place.range.start());
        found.extend(heaps.flat_map(|place| self.tops(Interval::clamped(place.range.start(), ARENA_STATE))));
        found
    }

    fn tops(&self, range: Interval<Address>) -> Vec<Address> {
        let words = self.words(range).into_iter().filter(|(at, value)| self.is_top(*at, *value));
        words.map(|(at, _)| at).collect()
    }

    /// Whether `top`, which stands at `at`, is the last chunk of a heap, and the bins that follow it are those of an arena: an empty
    /// one leads to itself.
    fn is_top(&self, at: Address, top: Address) -> bool {
        let Some(place) = self.places.at(top).filter(|place| place.kind == Kind::Heap) else { return false };
        let size = || Some(word(self.target, top.checked_add(self.width)?)? & !FLAGS);
        let ends = size().and_then(|size| top.checked_add(size)) == Some(place.run.end());
        let unsorted = || word(self.target, at.checked_add(self.width.checked_mul(2)?)?);
        ends && unsorted().is_some_and(|bin| bin == at.get() || self.in_heap(Address::new(bin)))
    }

    /// Takes the fastbins of the arena whose `top` stands at `top`: the words before it.
    fn take_arena(&mut self, top: Address) {
        let class = self.target.identity().machine.class;
        let (bins, shift): (u64, u32) = if class == Class::Bits64 { (10, 4) } else { (11, 3) };
        let header = self.width.saturating_mul(2);
        for number in 0..bins {
            let at = self
                .width
                .checked_mul(bins.saturating_sub(number))
                .and_then(|behind| top.checked_sub(behind));
            let first = at.and_then(|at| word(self.target, at)).map(Address::new);
            self.follow(first, number.saturating_add(2) << shift, header, Cache::Fastbin);
        }
    }
}
