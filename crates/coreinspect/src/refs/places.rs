//! What lies where in a process: stacks, data of programs, heaps, segments, other mappings.

use std::collections::{HashMap, HashSet};

use super::heap;
use crate::debug_files::programs::{self, Program};
use crate::memory::Dumped;
use crate::position::{Address, Coverage, Interval, Position};
use crate::shm::Segment;
use crate::targets::Target;

/// What a run of memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The stack of a thread, because its stack pointer lies in it.
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
    /// What it is.
    pub kind: Kind,
    /// The name of the mapping, or of the program whose .bss it is.
    pub name: Option<&'t [u8]>,
    /// Where in the mapped file it begins.
    pub offset: Option<u64>,
}

/// All memory of a process: sorted, without overlap.
pub struct Places<'t> {
    places: Vec<Place<'t>>,
    /// Each thread's stack pointer and its index, lowest first.
    stacks: Vec<(Address, usize)>,
    red_zone: u64,
}

/// How far behind the program the kernel puts the start of the heap at most (arch_randomize_brk: 1 GiB, and a margin).
const BRK_DISTANCE: u64 = (1 << 30) + (64 << 20);

impl<'t> Places<'t> {
    /// Those of `target`, whose segments are `segments`.
    pub fn of(target: &'t dyn Target, segments: &[Segment]) -> Self {
        let mut stacks: Vec<_> = (0..)
            .zip(target.threads())
            .filter_map(|(index, thread)| Some((thread.stack_pointer()?, index)))
            .collect();
        stacks.sort_unstable();
        let mut this = Self { places: Vec::new(), stacks, red_zone: red_zone(target) };
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
            let kind = if this.holds_a_stack(range) {
                Kind::Stack
            } else if program.is_some() {
                Kind::Data
            } else if brk == Some(range) || heap::first_chunk(target, range).is_some() {
                Kind::Heap
            } else {
                Kind::Mapping
            };
            let name = program.and_then(|program| names.get(program.name.as_slice()).copied());
            this.places.push(Place { range, kind, name, offset: None });
        }
        this.places.sort_unstable_by_key(|place| place.range.start());
        this
    }

    fn add_segments(&mut self, segments: &[Segment], covered: &mut Coverage<Address>) {
        for attachment in segments.iter().flat_map(|segment| &segment.attachments) {
            for mapping in &attachment.mappings {
                covered.add(mapping.range, |range| {
                    self.places.push(Place { range, kind: Kind::Segment, name: None, offset: None });
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
                self.places.push(Place { range, kind, name: Some(row.name), offset });
            });
        }
        names
    }

    fn holds_a_stack(&self, range: Interval<Address>) -> bool {
        let above = self.stacks.partition_point(|(pointer, _)| *pointer < range.start());
        self.stacks.get(above).is_some_and(|(pointer, _)| *pointer <= range.end())
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

    /// The index of the thread on whose stack `address` of `place` is, and how far above its stack pointer; below it the bytes
    /// are dead, but for the red zone that the machine's ABI leaves to a function that calls no other.
    pub fn thread(&self, place: &Place<'_>, address: Address) -> Option<(usize, i64, bool)> {
        let first = self.stacks.partition_point(|(pointer, _)| *pointer < place.range.start());
        let own = self.stacks.get(first..)?.iter().take_while(|(pointer, _)| *pointer <= place.range.end());
        let lowest_live = |pointer: Address| Address::new(pointer.get().saturating_sub(self.red_zone));
        let mut own = own.peekable();
        let lowest = own.peek().copied()?;
        let (pointer, index) =
            own.filter(|(pointer, _)| lowest_live(*pointer) <= address).last().unwrap_or(lowest);
        let depth = i64::try_from(i128::from(address.get()) - i128::from(pointer.get())).ok()?;
        Some((*index, depth, address >= lowest_live(*pointer)))
    }

    /// The saved bytes, each run with the index of its place.
    pub fn saved(&self, target: &dyn Target) -> Vec<(Interval<Address>, usize)> {
        self.with_extents(target, |dumped| dumped == Dumped::Saved)
    }

    /// The bytes that are not saved, each run with the index of its place.
    pub fn unsaved(&self, target: &dyn Target) -> Vec<(Interval<Address>, usize)> {
        self.with_extents(target, |dumped| dumped != Dumped::Saved)
    }

    fn with_extents(
        &self,
        target: &dyn Target,
        wanted: impl Fn(Dumped) -> bool,
    ) -> Vec<(Interval<Address>, usize)> {
        let mut found = Vec::new();
        let everything = Interval::clamped(Address::new(0), u64::MAX);
        let extents: Vec<_> =
            target.memory(everything).into_iter().filter(|one| wanted(one.dumped)).collect();
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
