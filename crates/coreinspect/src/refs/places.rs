//! What lies where in a process: stacks, data of programs, heaps, segments, other mappings.

use std::collections::{HashMap, HashSet};

use super::heap;
use super::signal_frames::SignalFrame;
use super::stacks::{self, Stack};
use super::thread_local;
use crate::debug_files::programs::{self, Program};
use crate::memory::Extent;
use crate::position::{Address, Coverage, Interval, Position};
use crate::shm::Segment;
use crate::targets::Target;

/// What a run of memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The stack of a thread, because its stack pointer lies in it, or the one that the process began on.
    Stack,
    /// Data of a program or library, also what it has beyond its file (.bss).
    Data,
    /// Where malloc(3) gives memory out: behind the program (brk(2)), or because glibc's headers of blocks are there. A guess.
    Heap,
    /// Any other mapping.
    Mapping,
    /// A segment.
    Segment,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Stack, Self::Data, Self::Heap, Self::Mapping, Self::Segment];

    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Data => "data",
            Self::Heap => "heap",
            Self::Mapping => "mapping",
            Self::Segment => "segment",
        }
    }
}

/// A run of memory.
#[derive(Clone, Copy, Debug)]
pub struct Place<'t> {
    /// Its addresses.
    pub range: Interval<Address>,
    /// The run that it was cut out of: a stack can be a block of a heap.
    pub run: Interval<Address>,
    /// What it is.
    pub kind: Kind,
    /// The name of the mapping, or of the program whose .bss it is.
    pub name: Option<&'t [u8]>,
    /// Where in the mapped file it begins.
    pub offset: Option<u64>,
    /// The index of the thread whose thread-local memory it is.
    pub thread_local: Option<usize>,
}

impl<'t> Place<'t> {
    fn new(range: Interval<Address>, kind: Kind, name: Option<&'t [u8]>, offset: Option<u64>) -> Self {
        Self { range, run: range, kind, name, offset, thread_local: None }
    }

    /// The part of it that is `range`.
    fn part(&self, range: Interval<Address>) -> Self {
        let behind = range.start().offset_from(self.range.start());
        let offset = self.offset.zip(behind).and_then(|(offset, behind)| offset.checked_add(behind));
        Self { range, offset, ..*self }
    }
}

/// What is cut out of a place.
#[derive(Clone, Copy)]
enum Part {
    Stack,
    /// The thread-local memory of the thread of this index.
    ThreadLocal(usize),
}

/// Where on a stack an address is.
#[derive(Clone, Copy, Debug)]
pub struct OnStack {
    /// The index of the thread.
    pub thread: usize,
    /// Bytes above its stack pointer; `None` where no stack pointer is on this stack.
    pub depth: Option<i64>,
    /// Whether it is in use; below the stack pointer it is not, but for the red zone that the machine's ABI leaves to a function
    /// that calls no other. `None` where that cannot be told.
    pub live: Option<bool>,
}

/// All memory of a process: sorted, without overlap.
pub struct Places<'t> {
    places: Vec<Place<'t>>,
    /// Lowest stack pointer first.
    stacks: Vec<Stack>,
    /// The frames of handlers of signals, with the index of the thread.
    signal_frames: Vec<(usize, SignalFrame)>,
    /// The index of the thread that the process began with.
    first_thread: Option<usize>,
    red_zone: u64,
}

/// How far behind the program the kernel puts the start of the heap at most (arch_randomize_brk: 1 GiB, and a margin).
const BRK_DISTANCE: u64 = (1 << 30) + (64 << 20);

impl<'t> Places<'t> {
    /// Those of `target`, whose segments are `segments`.
    pub fn of(target: &'t dyn Target, segments: &[Segment]) -> Self {
        let (pid, threads) = (target.process().pid, target.threads());
        let first_thread = threads.iter().position(|thread| thread.id.is_some() && thread.id == pid);
        let red_zone = red_zone(target);
        let mut this = Self {
            places: Vec::new(),
            stacks: Vec::new(),
            signal_frames: Vec::new(),
            first_thread,
            red_zone,
        };
        let mut programs = programs::mapped(target);
        programs.sort_by_key(|program| program.start);
        let mut covered = Coverage::default();
        this.add_segments(segments, &mut covered);
        let names = this.add_named(target, &programs, &mut covered);
        let mut anonymous = Vec::new();
        for region in target.regions() {
            covered.add(region, |range| anonymous.push(range));
        }
        anonymous.sort_unstable();
        let brk = brk_heap(target, &programs, &anonymous);
        for range in anonymous {
            let before = programs.partition_point(|program| program.start <= range.start());
            let program = before.checked_sub(1).and_then(|index| programs.get(index));
            let program = program.filter(|program| program.end.is_some_and(|end| range.start() < end));
            let kind = if program.is_some() {
                Kind::Data
            } else if brk == Some(range) || heap::first_chunk(target, range).is_some() {
                Kind::Heap
            } else {
                Kind::Mapping
            };
            let name = program.and_then(|program| names.get(program.name.as_slice()).copied());
            this.places.push(Place::new(range, kind, name, None));
        }
        this.places.sort_unstable_by_key(|place| place.range.start());
        let sizes = programs.iter().fold(0_u64, |sum, program| sum.saturating_add(program.thread_local));
        this.cut_out(target, sizes);
        this
    }

    /// Makes places of their own of what lies in others: thread-local memory, of which the programs have `sizes` bytes for each
    /// thread, and stacks.
    fn cut_out(&mut self, target: &dyn Target, sizes: u64) {
        let around = |stack: &Stack| {
            stacks::extent(&self.places, target, self.red_zone, stack).map(|(range, _)| range)
        };
        let (mut found, frames) = stacks::of_threads(target, around);
        found.sort_unstable_by_key(|stack| (stack.pointer, stack.thread));
        (self.stacks, self.signal_frames) = (found, frames);
        let (mut parts, mut covered) = (Vec::new(), Coverage::default());
        for (range, thread) in self.thread_local(target, sizes) {
            covered.add(range, |range| parts.push((range, Part::ThreadLocal(thread))));
        }
        let mut stacks = Vec::new();
        for stack in &mut self.stacks {
            let found = stacks::extent(&self.places, target, self.red_zone, stack);
            stack.bounds = found.filter(|(_, known)| *known).map(|(bounds, _)| bounds);
            stacks.extend(found.map(|(bounds, _)| bounds));
        }
        // The one that the process began on, whether or not a thread is on it.
        let began = target.auxiliary().stack.and_then(|stack| self.at(stack));
        stacks.extend(began.filter(|place| place.kind == Kind::Mapping).map(|place| place.range));
        for range in stacks {
            covered.add(range, |range| parts.push((range, Part::Stack)));
        }
        parts.sort_unstable_by_key(|(range, _)| range.start());
        self.cut(&parts);
    }

    /// The thread-local memory of each thread.
    fn thread_local(&self, target: &dyn Target, sizes: u64) -> Vec<(Interval<Address>, usize)> {
        let mut found = Vec::new();
        let mut headers = heap::MOST_CHUNKS;
        for (index, thread) in target.threads().iter().enumerate() {
            let Some(base) = thread.thread_pointer else { continue };
            let Some((own, others)) = thread_local::of_thread(target, base, sizes) else { continue };
            // A structure that is not all there ends with its memory.
            let own = self.at(base).and_then(|place| own.intersection(place.range));
            found.extend(own.map(|own| (own, index)));
            for block in others {
                let Some(place) = self.at(block).filter(|place| place.kind == Kind::Heap) else { continue };
                let holding =
                    heap::blocks(target, place.run, &[block], &mut headers).into_iter().next().flatten();
                let holding = holding.and_then(|block| Interval::with_length(block.address, block.size));
                found.extend(holding.map(|holding| (holding, index)));
            }
        }
        found
    }

    /// Makes each of `parts`, sorted and without overlap, places of their own.
    fn cut(&mut self, parts: &[(Interval<Address>, Part)]) {
        let mut cut = Vec::with_capacity(self.places.len().saturating_add(parts.len()));
        for place in &self.places {
            let first = parts.partition_point(|(range, _)| range.end() <= place.range.start());
            let inside = parts.iter().skip(first).take_while(|(range, _)| range.start() < place.range.end());
            let mut at = place.range.start();
            for (range, part) in inside.filter(|_| place.kind != Kind::Segment) {
                let Some(range) = range.intersection(place.range) else { continue };
                let before = Interval::new(at, range.start()).filter(|before| !before.is_empty());
                cut.extend(before.map(|before| place.part(before)));
                cut.push(match part {
                    Part::Stack => Place { kind: Kind::Stack, ..place.part(range) },
                    Part::ThreadLocal(thread) => {
                        Place { kind: Kind::Data, thread_local: Some(*thread), ..place.part(range) }
                    }
                });
                at = range.end();
            }
            let rest = Interval::new(at, place.range.end()).filter(|rest| !rest.is_empty());
            cut.extend(rest.map(|rest| place.part(rest)));
        }
        self.places = cut;
    }

    fn add_segments(&mut self, segments: &[Segment], covered: &mut Coverage<Address>) {
        for attachment in segments.iter().flat_map(|segment| &segment.attachments) {
            for mapping in &attachment.mappings {
                covered.add(mapping.range, |range| {
                    self.places.push(Place::new(range, Kind::Segment, None, None));
                });
            }
        }
    }

    /// Adds what has a name; answers the names, as the target lends them.
    fn add_named(
        &mut self,
        target: &'t dyn Target,
        programs: &[Program],
        covered: &mut Coverage<Address>,
    ) -> HashMap<&'t [u8], &'t [u8]> {
        let rows: Vec<_> = target.mappings().into_iter().flatten().collect();
        let mut of_programs: HashSet<&[u8]> =
            programs.iter().map(|program| program.name.as_slice()).collect();
        // Of a library whose first page is not in the dump, the rights tell that it is one.
        let executable = rows.iter().filter(|row| {
            row.name.starts_with(b"/") && target.permissions(row.range).is_some_and(|rights| rights.execute)
        });
        of_programs.extend(executable.map(|row| row.name));
        let names = rows.iter().map(|row| (row.name, row.name)).collect();
        for row in rows {
            covered.add(row.range, |range| {
                let kind = match row.name {
                    b"[stack]" => Kind::Stack,
                    b"[heap]" => Kind::Heap,
                    name if of_programs.contains(name) => Kind::Data,
                    _ => Kind::Mapping,
                };
                let behind = range.start().offset_from(row.range.start());
                let offset = row.offset.zip(behind).and_then(|(offset, behind)| offset.checked_add(behind));
                self.places.push(Place::new(range, kind, Some(row.name), offset));
            });
        }
        names
    }

    /// All of them, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = &Place<'t>> {
        self.places.iter()
    }

    /// The place that holds `address`.
    pub fn at(&self, address: Address) -> Option<&Place<'t>> {
        let after = self.places.partition_point(|place| place.range.start() <= address);
        self.places.get(after.checked_sub(1)?).filter(|place| place.range.contains(address))
    }

    /// The place next to `address`, which lies in none, and how far away it is.
    pub fn distance(&self, address: Address) -> Option<u64> {
        let after = self.places.partition_point(|place| place.range.start() <= address);
        let below = after.checked_sub(1).and_then(|index| self.places.get(index));
        let below = below.and_then(|place| address.offset_from(place.range.end()));
        let above = self.places.get(after).and_then(|place| place.range.start().offset_from(address));
        below.into_iter().chain(above).min()
    }

    /// Where `address` is on the stack `place`; `None` where no thread is known to use it.
    pub fn on_stack(&self, place: &Place<'_>, address: Address) -> Option<OnStack> {
        let first = self.stacks.partition_point(|stack| stack.pointer < place.range.start());
        let own = self.stacks.get(first..)?.iter().take_while(|stack| stack.pointer <= place.range.end());
        let lowest_live = |stack: &Stack| Address::new(stack.pointer.get().saturating_sub(self.red_zone));
        let mut own = own.peekable();
        let Some(lowest) = own.peek().copied() else {
            return Some(OnStack { thread: self.first_thread?, depth: None, live: None });
        };
        let stack = own.filter(|stack| lowest_live(stack) <= address).last().unwrap_or(lowest);
        let depth = i64::try_from(i128::from(address.get()).checked_sub(stack.pointer.get().into())?).ok()?;
        // Without known bounds, what is below the stack pointer may belong to something else.
        let live = (address >= lowest_live(stack)).then_some(true);
        let live = live.or_else(|| stack.bounds.map(|_| false));
        Some(OnStack { thread: stack.thread, depth: Some(depth), live })
    }

    /// The frames of handlers of signals on the stacks of a thread, innermost first.
    pub fn signal_frames(&self, thread: usize) -> impl Iterator<Item = &SignalFrame> {
        self.signal_frames.iter().filter(move |(of, _)| *of == thread).map(|(_, frame)| frame)
    }

    /// The saved bytes, each run with the index of its place.
    pub fn saved(&self, target: &dyn Target) -> Vec<(Interval<Address>, usize)> {
        self.with_extents(target, Extent::is_there)
    }

    /// The bytes that are not saved, each run with the index of its place.
    pub fn unsaved(&self, target: &dyn Target) -> Vec<(Interval<Address>, usize)> {
        self.with_extents(target, |extent| !extent.is_there())
    }

    fn with_extents(
        &self,
        target: &dyn Target,
        wanted: impl Fn(&Extent) -> bool,
    ) -> Vec<(Interval<Address>, usize)> {
        let mut found = Vec::new();
        let everything = Interval::clamped(Address::new(0), u64::MAX);
        let extents: Vec<_> = target.memory(everything).into_iter().filter(|one| wanted(one)).collect();
        for (index, place) in self.places.iter().enumerate() {
            let first = extents.partition_point(|extent| extent.range.end() <= place.range.start());
            let inside =
                extents.iter().skip(first).map_while(|extent| extent.range.intersection(place.range));
            found.extend(inside.map(|range| (range, index)));
        }
        found
    }

    /// The place of an index that this gave out.
    pub fn get(&self, index: usize) -> Option<&Place<'t>> {
        self.places.get(index)
    }
}

/// Bytes below the stack pointer that a function may use (System V ABI: x86-64 128; PowerPC 64 ELF 288, ELFv2 512).
fn red_zone(target: &dyn Target) -> u64 {
    use crate::machine::ByteOrder::Little;
    let machine = target.identity().machine;
    match machine.number {
        62 => 128,
        21 if machine.byte_order == Little => 512,
        21 => 288,
        _ => 0,
    }
}

/// The run of anonymous memory that is the heap of brk(2): the first behind the program.
fn brk_heap(
    target: &dyn Target,
    programs: &[Program],
    anonymous: &[Interval<Address>],
) -> Option<Interval<Address>> {
    let executable = target.process().executable.as_deref()?;
    let end = programs.iter().find(|program| program.name == executable)?.end?;
    let behind = anonymous.get(anonymous.partition_point(|range| range.start() < end))?;
    (behind.start().offset_from(end)? <= BRK_DISTANCE).then_some(*behind)
}
