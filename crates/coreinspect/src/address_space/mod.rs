//! A process from its lowest address to its highest: what each mapping is, and what of it the dump holds.

use crate::kind::Kind as SharedKind;
use crate::memory::{Dumped, Permissions};
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::refs::{Kind, Place, Places};
use crate::shm::Segment;
use crate::targets::Target;

/// What a mapping is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The program itself, and its data.
    Program,
    /// A library, and its data.
    Library,
    /// Where malloc(3) gives memory out.
    Heap,
    /// The stack of a thread.
    Stack,
    /// Thread-local memory.
    ThreadLocal,
    /// A segment of shared memory.
    Segment,
    /// Shared memory that is not among the segments.
    Shared,
    /// Code and data that the kernel lends: `[vdso]`, `[vvar]`, `[vsyscall]`.
    Vdso,
    /// A mapped file.
    File,
    /// Nobody may touch it: what keeps neighbours apart, or room that is kept free.
    Guard,
    /// Memory without a name.
    Anonymous,
}

impl What {
    /// The word of the JSON contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Library => "library",
            Self::Heap => "heap",
            Self::Stack => "stack",
            Self::ThreadLocal => "thread-local",
            Self::Segment => "segment",
            Self::Shared => "shared",
            Self::Vdso => "vdso",
            Self::File => "file",
            Self::Guard => "guard",
            Self::Anonymous => "anonymous",
        }
    }
}

/// A mapping.
#[derive(Clone, Debug)]
pub struct Row<'t> {
    /// Its addresses.
    pub range: Interval<Address>,
    /// Its rights; `None` where the dump does not say.
    pub permissions: Option<Permissions>,
    /// Where in the file or segment it begins.
    pub offset: Option<u64>,
    /// The mapping's name.
    pub name: Option<&'t [u8]>,
    /// What it is.
    pub what: What,
    /// The index of its segment.
    pub segment: Option<usize>,
    /// The index of the thread whose stack or thread-local memory it is.
    pub thread: Option<usize>,
    /// Bytes of it that the dump holds.
    pub saved: u64,
    /// Whether the address whose access killed the process lies in it.
    pub fault: bool,
}

/// Every mapping that `target` tells of, whose segments are `segments`, by address.
pub fn rows<'t>(target: &'t dyn Target, segments: &'t [Segment]) -> Vec<Row<'t>> {
    let places = Places::of(target, segments);
    let mapped = Mapped::of(segments);
    let all: Vec<_> = places.iter().copied().collect();
    // Stacks and thread-local memory were cut out of their mappings.
    let mappings = all.chunk_by(|one, next| one.run == next.run && one.range.end() == next.range.start());
    mappings.filter_map(|parts| row(target, &mapped, &places, parts)).collect()
}

/// The mapping that consists of `parts`.
fn row<'t>(
    target: &dyn Target,
    mapped: &Mapped<'t>,
    places: &Places<'t>,
    parts: &[Place<'t>],
) -> Option<Row<'t>> {
    let (first, last) = (parts.first()?, parts.last()?);
    let range = Interval::new(first.range.start(), last.range.end())?;
    let process = target.process();
    let permissions = target.permissions(range);
    let own = (first.kind == Kind::Segment).then(|| mapped.at(range.start())).flatten();
    let is_guard = permissions.is_some_and(|rights| !rights.read && !rights.write && !rights.execute);
    // The thread whose stack pointer it holds; a stack can also be known by its name.
    let stack = parts.iter().find_map(|part| {
        let on = places.on_stack(part, part.range.start()).filter(|_| part.kind == Kind::Stack)?;
        on.depth.map(|_| on.thread)
    });
    let thread_local = parts.iter().find_map(|part| part.thread_local);
    let is_stack = parts.iter().any(|part| part.kind == Kind::Stack);
    let shared = |name: &[u8]| SharedKind::of_name(name).is_some_and(|kind| kind != SharedKind::File);
    let what = match (first.kind, first.name) {
        (Kind::Segment, _) => What::Segment,
        (_, None) if is_guard => What::Guard,
        _ if is_stack => What::Stack,
        (Kind::Heap, _) => What::Heap,
        (_, Some(name)) if name.starts_with(b"[v") => What::Vdso,
        (_, None) if target.auxiliary().vdso == Some(range.start()) => What::Vdso,
        (_, Some(name)) if shared(name) => What::Shared,
        (Kind::Data, name) if name.is_some() && name == process.executable.as_deref() => What::Program,
        (Kind::Data, Some(_)) => What::Library,
        (_, Some(_)) => What::File,
        (_, None) if thread_local.is_some() => What::ThreadLocal,
        (_, None) => What::Anonymous,
    };
    let saved = target.memory(range).into_iter().filter(|extent| extent.dumped == Dumped::Saved);
    let (segment, inside) = own.unzip();
    Some(Row {
        range,
        permissions,
        offset: inside.or(first.offset),
        name: first.name.or_else(|| mapped.segments.get(segment?)?.name.as_deref()),
        what,
        segment,
        thread: match what {
            What::Stack => stack,
            What::ThreadLocal => thread_local,
            _ => None,
        },
        saved: saved.fold(0, |sum, extent| sum.saturating_add(extent.range.length())),
        fault: process.fault_address.is_some_and(|address| range.contains(address)),
    })
}

/// Where segments are mapped.
struct Mapped<'t> {
    segments: &'t [Segment],
    /// By address: the addresses, the index of the segment, the offset in it.
    ranges: Vec<(Interval<Address>, usize, SegmentOffset)>,
}

impl<'t> Mapped<'t> {
    fn of(segments: &'t [Segment]) -> Self {
        let mut ranges = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            let mappings = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
            ranges.extend(mappings.map(|mapping| (mapping.range, index, mapping.offset)));
        }
        ranges.sort_unstable_by_key(|(range, ..)| range.start());
        Self { segments, ranges }
    }

    /// The index of the segment that is mapped at `address`, and the offset in it.
    fn at(&self, address: Address) -> Option<(usize, u64)> {
        let after = self.ranges.partition_point(|(range, ..)| range.start() <= address);
        let (range, index, offset) = self.ranges.get(after.checked_sub(1)?)?;
        let inside = address.offset_from(range.start()).filter(|_| range.contains(address))?;
        Some((*index, offset.checked_add(inside)?.get()))
    }
}
