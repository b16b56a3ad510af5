//! Blocks of a heap, by the headers that glibc's malloc puts before them (glibc malloc/malloc.c, "Vital statistics" and
//! `malloc_chunk`). A heuristic: another allocator's memory can look like it, and a program that overwrote a header ends the walk.

use super::caches::Cache;
use crate::machine::{Class, Machine};
use crate::position::{Address, Interval, Position};
use crate::targets::Target;

/// A block that malloc(3) gave out, or took back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// What malloc returned.
    pub address: Address,
    /// Bytes that the program may use.
    pub size: u64,
    /// Whether it was given back, as the next block or a list of the allocator says.
    pub free: bool,
    /// The list that keeps it at hand, of a block that was given back and looks as if it were in use.
    pub cache: Option<Cache>,
}

/// Chunks that follow one another before they are believed to be chunks.
const BELIEVED: usize = 3;
/// Headers that are read at most for one dump.
pub(super) const MOST_CHUNKS: usize = 4 << 20;
/// Bytes from the start of an arena's memory to its first chunk at most: `heap_info` and `malloc_state`.
const ARENA_HEADER: u64 = 0xa00;

/// malloc maps whole pages; a divisor of every page's size.
const PAGE: u64 = 4096;

const IN_USE: u64 = 1;
const MAPPED: u64 = 2;
const FLAGS: u64 = 7;

/// A chunk's header.
#[derive(Clone, Copy)]
struct Chunk {
    at: Address,
    /// With the header.
    size: u64,
    flags: u64,
}

impl Chunk {
    /// What the program may use of it: a block shares the first word of the next header, unless it has a mapping of its own.
    fn usable(&self, width: u64) -> Interval<Address> {
        let shared = if self.flags & MAPPED == 0 { width } else { 0 };
        let start = Address::new(self.at.get().saturating_add(width.saturating_mul(2)));
        let end = Address::new(self.at.get().saturating_add(self.size).saturating_add(shared));
        Interval::new(start, end).unwrap_or(Interval::clamped(start, 0))
    }
}

struct Headers<'t> {
    target: &'t dyn Target,
    machine: Machine,
    range: Interval<Address>,
    buffer: Vec<u8>,
    buffered: Address,
    /// Bytes that are read at a time.
    window: usize,
}

/// Bytes that are read at a time.
const WINDOW: usize = 16 << 10;

impl<'t> Headers<'t> {
    fn new(target: &'t dyn Target, range: Interval<Address>) -> Self {
        let machine = target.identity().machine;
        Self { target, machine, range, buffer: Vec::new(), buffered: range.start(), window: WINDOW }
    }

    fn word(&mut self, at: Address) -> Option<u64> {
        let width = self.machine.class.long();
        let inside = |this: &Self| usize::try_from(at.offset_from(this.buffered)?).ok();
        let have = inside(self).and_then(|from| self.buffer.get(from..from.checked_add(width)?));
        if have.is_none() {
            let left = usize::try_from(self.range.end().offset_from(at)?).unwrap_or(self.window);
            self.buffer.resize(left.min(self.window), 0);
            let count = self.target.read(at, &mut self.buffer).ok()?;
            self.buffer.truncate(count);
            self.buffered = at;
        }
        let from = inside(self)?;
        let bytes = self.buffer.get(from..from.checked_add(width)?)?;
        crate::core_file::Reader::new(bytes, self.machine).long()
    }

    /// The chunk at `at`, if its size could be one.
    fn chunk(&mut self, at: Address) -> Option<Chunk> {
        let width = self.machine.class.long() as u64;
        let word = self.word(at.checked_add(width)?)?;
        let (size, flags) = (word & !FLAGS, word & FLAGS);
        let fits = at.checked_add(size)? <= self.range.end();
        // MALLOC_ALIGNMENT is 16 on all machines but a few of 32 bits.
        let aligned = size.is_multiple_of(width.checked_mul(2)?);
        (fits && aligned && size >= width.checked_mul(4)?).then_some(Chunk { at, size, flags })
    }

    /// Whether chunks follow one another from `at` on; the last may be at the end of the memory.
    fn is_chain(&mut self, mut at: Address) -> bool {
        for number in 0..BELIEVED {
            if at == self.range.end() {
                return number > 0;
            }
            let Some(chunk) = self.chunk(at).filter(|chunk| chunk.flags & MAPPED == 0) else { return false };
            // Nothing is before the first one that could be free.
            if number == 0 && chunk.flags & IN_USE == 0 {
                return false;
            }
            let Some(next) = at.checked_add(chunk.size) else { return false };
            at = next;
        }
        true
    }
}

/// Where the first chunk of `range` is, if it begins as glibc's heaps do: the main one, another arena's, or a block that has a
/// mapping of its own.
pub(super) fn first_chunk(target: &dyn Target, range: Interval<Address>) -> Option<Address> {
    let mut headers = Headers::new(target, range);
    let start = range.start();
    let width = target.identity().machine.class.long() as u64;
    if let Some(block) = is_mapped_block(&mut headers, start) {
        return Some(block.at);
    }
    for first in [Some(start), start.checked_add(8).filter(|_| width == 4)].into_iter().flatten() {
        if headers.is_chain(first) {
            return Some(first);
        }
    }
    // heap_info begins with the address of the arena, which for an arena's first memory stands right behind it.
    let arena = headers.word(start)?;
    let near = Address::new(arena).offset_from(start).filter(|distance| (16..=256).contains(distance))?;
    let mut at = near;
    while at < ARENA_HEADER {
        let first = start.checked_add(at)?;
        if headers.is_chain(first) && headers.chunk(first).is_some_and(|chunk| chunk.size < ARENA_HEADER) {
            return Some(first);
        }
        at = at.checked_add(16)?;
    }
    None
}

/// A block with a mapping of its own: whole pages, flagged so, at the start of the mapping; with words of 4 bytes 8 bytes behind
/// it, because of the alignment, which the header says.
fn is_mapped_block(headers: &mut Headers<'_>, page: Address) -> Option<Chunk> {
    let behind = if headers.machine.class == Class::Bits32 { 8 } else { 0 };
    for correction in [behind, 0] {
        let at = page.checked_add(correction)?;
        let Some(before) = headers.word(at) else { continue };
        let Some(chunk) = headers.chunk(at) else { continue };
        let pages = chunk.size.checked_add(correction)?.is_multiple_of(PAGE);
        if chunk.flags == MAPPED && before == correction && pages {
            return Some(chunk);
        }
    }
    None
}

/// The blocks with a mapping of their own that hold `addresses`, which are sorted, where the kernel joined their mappings with
/// others to `range`: the next such header below, on a page's first bytes. At most `budget` pages are looked at.
pub(super) fn mapped_blocks(
    target: &dyn Target,
    range: Interval<Address>,
    addresses: &[Address],
    budget: &mut u64,
) -> Vec<Option<Block>> {
    let width = target.identity().machine.class.long() as u64;
    let mut headers = Headers { window: 64, ..Headers::new(target, range) };
    let mut known: Option<Chunk> = None;
    // Below it are no headers that matter to what follows.
    let mut lowest = range.start();
    let mut found = Vec::with_capacity(addresses.len());
    for address in addresses {
        let mut page = Some(Address::new(address.get() & !(PAGE - 1)));
        let holds = |chunk: &Chunk| chunk.at.checked_add(chunk.size).is_some_and(|end| end > *address);
        known = known.filter(holds);
        while let Some(at) = page.filter(|at| known.is_none() && *at >= lowest && *budget > 0) {
            *budget = budget.saturating_sub(1);
            known = is_mapped_block(&mut headers, at).filter(holds);
            page = at.checked_sub(PAGE);
        }
        lowest = lowest.max(Address::new(address.get() & !(PAGE - 1)));
        let usable = known.map(|chunk| chunk.usable(width)).filter(|usable| usable.contains(*address));
        found.push(usable.map(|usable| Block {
            address: usable.start(),
            size: usable.length(),
            free: false,
            cache: None,
        }));
    }
    found
}

/// The blocks of the heap `range` that hold `addresses`, which are sorted. At most `left` headers are read.
pub(super) fn blocks(
    target: &dyn Target,
    range: Interval<Address>,
    addresses: &[Address],
    left: &mut usize,
) -> Vec<Option<Block>> {
    let mut found = Vec::with_capacity(addresses.len());
    let mut headers = Headers::new(target, range);
    let mut at = first_chunk(target, range);
    let width = target.identity().machine.class.long() as u64;
    let mut current: Option<Chunk> = None;
    for address in addresses {
        while current.is_none_or(|chunk| chunk.usable(width).end() <= *address) {
            let Some(next) = at.filter(|at| *at <= *address && *left > 0) else {
                current = None;
                break;
            };
            *left = left.saturating_sub(1);
            current = headers.chunk(next);
            at = current.and_then(|chunk| chunk.at.checked_add(chunk.size));
        }
        let holding = current.filter(|chunk| chunk.usable(width).contains(*address));
        found.push(holding.map(|chunk| {
            let next = chunk.at.checked_add(chunk.size).and_then(|end| headers.chunk(end));
            let free = next.is_some_and(|next| next.flags & IN_USE == 0);
            let usable = chunk.usable(width);
            Block { address: usable.start(), size: usable.length(), free, cache: None }
        }));
    }
    found
}
