//! Where the stacks are: of each thread, of what its handlers of signals interrupted, and the one that the process began on.
//!
//! A stack pointer says where a stack is in use, not how far it goes: an alternate stack or a coroutine's can be a block of a heap.
//! What bounds it is told, best first: by the frame of a signal's handler (uc_stack), by the thread library (glibc's stackblock in
//! `struct pthread`; Go's `g`), by the header of malloc's block; else it is the run of memory without a name.

use super::heap::{self, Block};
use super::places::{Kind, Place};
use super::signal_frames::{self, MOST_NESTED, SignalFrame};
use crate::machine::Machine;
use crate::position::{Address, Interval, Position};
use crate::targets::Target;

/// A stack that is in use from `pointer` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stack {
    /// The index of its thread.
    pub(super) thread: usize,
    /// The stack pointer, or what it was where a signal interrupted the code on it.
    pub(super) pointer: Address,
    /// Where it begins and ends, where that is known.
    pub(super) bounds: Option<Interval<Address>>,
}

/// The stacks of the threads of `target`, and the frames of handlers on them, by the thread's index, innermost first. `around`: what
/// surrounds a stack whose bounds are not known.
pub(super) fn of_threads(
    target: &dyn Target,
    around: impl Fn(&Stack) -> Option<Interval<Address>>,
) -> (Vec<Stack>, Vec<(usize, SignalFrame)>) {
    let (mut stacks, mut frames, mut budget) = (Vec::new(), Vec::new(), signal_frames::BUDGET);
    for (index, thread) in target.threads().iter().enumerate() {
        let Some(pointer) = thread.stack_pointer() else { continue };
        let at = |pointer| {
            let own = thread.thread_pointer.and_then(|base| of_library(target, base, pointer));
            Stack { thread: index, pointer, bounds: own }
        };
        let (mut stack, mut from) = (at(pointer), pointer);
        for _ in 0..MOST_NESTED {
            let within = stack.bounds.or_else(|| around(&stack));
            let end = within.map_or(from, Interval::end);
            let Some(frame) = signal_frames::next(target, from, end, &mut budget) else { break };
            if let Some(alternate) = frame.alternate.filter(|alternate| alternate.contains(stack.pointer)) {
                stack.bounds = Some(alternate);
            }
            let Some(interrupted) = frame.registers.stack_pointer() else { break };
            let within = stack.bounds.or(within);
            let same = within.is_some_and(|within| within.contains(interrupted)) && interrupted > frame.at;
            frames.push((index, frame));
            if !same {
                stacks.push(stack);
                stack = at(interrupted);
            }
            from = interrupted;
        }
        stacks.push(stack);
    }
    (stacks, frames)
}

/// Where `stack` begins and ends, and whether that is known and not only what surrounds it.
pub(super) fn extent(
    places: &[Place<'_>],
    target: &dyn Target,
    red_zone: u64,
    stack: &Stack,
) -> Option<(Interval<Address>, bool)> {
    if let Some(bounds) = stack.bounds {
        return Some((bounds, true));
    }
    // An empty stack's pointer stands at its end.
    let pointer = stack.pointer;
    let place = places.get(places.partition_point(|place| place.range.end() < pointer))?;
    (place.range.start() <= pointer).then_some(())?;
    let used = Address::new(pointer.get().saturating_sub(red_zone)).max(place.range.start());
    let used = Interval::new(used, place.range.end());
    let block = |found: Vec<Option<Block>>| {
        let block = found.into_iter().next().flatten()?;
        Interval::with_length(block.address, block.size)
    };
    match (place.kind, place.name) {
        (Kind::Segment, _) => None,
        (Kind::Stack, _) => Some((place.range, true)),
        (Kind::Heap, _) => {
            let mut headers = heap::MOST_CHUNKS;
            let block = block(heap::blocks(target, place.run, &[pointer], &mut headers));
            block.map(|block| (block, true)).or_else(|| Some((used?, false)))
        }
        (Kind::Mapping, None) => {
            let mut pages = MOST_PAGES;
            let block = block(heap::mapped_blocks(target, place.run, &[pointer], &mut pages));
            let known = is_guarded(target, place.range)
                || target.auxiliary().stack.is_some_and(|began| place.range.contains(began));
            Some(block.map_or((place.range, known), |block| (block, true)))
        }
        (Kind::Mapping | Kind::Data, _) => Some((used?, false)),
    }
}

/// Pages on which the header of the block of a stack is looked for: 16 MiB.
const MOST_PAGES: u64 = 1 << 12;

/// Whether a page that nobody may touch ends `range` below, as thread libraries put one there.
fn is_guarded(target: &dyn Target, range: Interval<Address>) -> bool {
    let below = range.start().checked_sub(1).map(|below| Interval::clamped(below, 1));
    let rights = below.and_then(|below| target.permissions(below));
    rights.is_some_and(|rights| !rights.read && !rights.write && !rights.execute)
}

/// Bytes of glibc's `struct pthread` at most (nptl/descr.h).
const THREAD_STRUCT: u64 = 0x900;
/// A divisor of the size of every page.
const PAGE: u64 = 4096;

/// The stack that holds `pointer`, as the thread library has noted it beside the thread pointer `base`: an address and a length in
/// `struct pthread` (glibc's stackblock and stackblock_size), or the two ends in Go's `g`, which the word below fs_base leads to.
fn of_library(target: &dyn Target, base: Address, pointer: Address) -> Option<Interval<Address>> {
    let machine = target.identity().machine;
    let go = || {
        let g = word(target, base.checked_sub(machine.class.long() as u64)?)?;
        let (low, high) = pair(target, Address::new(g))?;
        let bounds = Interval::new(Address::new(low), Address::new(high))?;
        (low > 0 && bounds.length() <= 1 << 30).then_some(bounds)
    };
    go().filter(|bounds| bounds.contains(pointer)).or_else(|| stack_block(target, machine, base, pointer))
}

fn stack_block(
    target: &dyn Target,
    machine: Machine,
    base: Address,
    pointer: Address,
) -> Option<Interval<Address>> {
    // On AArch64 `struct pthread` ends at the thread pointer, on x86 it begins there.
    let start = if machine.number == 183 { base.checked_sub(THREAD_STRUCT)? } else { base };
    let width = machine.class.long();
    let mut bytes = vec![0; usize::try_from(THREAD_STRUCT).ok()?];
    let count = target.read(start, &mut bytes).ok()?;
    let words: Vec<u64> = bytes
        .get(..count)?
        .chunks_exact(width)
        .filter_map(|word| crate::core_file::Reader::new(word, machine).long())
        .collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    let mut blocks = pairs.filter_map(|(start, size)| {
        let whole = start.is_multiple_of(PAGE) && size.is_multiple_of(PAGE) && *size >= PAGE;
        let block = Interval::with_length(Address::new(*start), *size).filter(|_| whole && *start > 0)?;
        (block.contains(pointer) && block.contains(base)).then_some(block)
    });
    blocks.next()
}

/// The word at `at`.
pub(super) fn word(target: &dyn Target, at: Address) -> Option<u64> {
    let machine = target.identity().machine;
    let mut bytes = [0; 8];
    let into = bytes.get_mut(..machine.class.long())?;
    let count = target.read(at, into).ok()?;
    (count == into.len()).then_some(())?;
    crate::core_file::Reader::new(into, machine).long()
}

fn pair(target: &dyn Target, at: Address) -> Option<(u64, u64)> {
    let width = target.identity().machine.class.long() as u64;
    Some((word(target, at)?, word(target, at.checked_add(width)?)?))
}
