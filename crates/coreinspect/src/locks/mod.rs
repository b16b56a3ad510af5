//! Locks in shared memory: which there are, who holds them, who waits.
//!
//! Three things lead to a lock, each surer than the next. A thread that waits is in a system call, whose arguments name the word
//! (`waits`). A layout names a type that is a lock (`by_type`). And some locks prove by their bytes what they are
//! (`by_shape`); only shared memory is searched for those. What a lock's bytes say is told by
//! `lock_shapes`.
//!
//! This is the view of one process. What several have in common is put together by
//! [`LockPicture`](crate::inspection::LockPicture).

mod alive;
mod by_shape;
mod by_type;
mod by_waiter;
mod caller;
mod cycles;
mod waits;

pub use crate::lock_shapes::{Kind, Library, State};
pub(crate) use alive::lives;
pub(crate) use by_type::of_field;
pub(crate) use by_waiter::around;
pub use caller::Caller;
pub(crate) use cycles::cycles;

use std::collections::BTreeMap;

use crate::debug_files::DebugFolders;
use crate::error::Error;
use crate::lock_shapes::{LONGEST, LockBytes, Reading, Shape};
use crate::machine::Machine;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::{Attachment, Segment};
use crate::targets::Target;
use crate::types::Budget;
use crate::types::decode::LockField;
use waits::{Wait, Word};

/// How a lock was found, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundBy {
    /// A thread waits for it.
    Waiter,
    /// The segment's layout says so.
    Type,
    /// Its bytes say so.
    Shape,
}

impl FoundBy {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiter => "waiter",
            Self::Type => "type",
            Self::Shape => "shape",
        }
    }
}

/// A thread that waits.
#[derive(Clone, Debug)]
pub struct Waiter {
    /// The index of the thread.
    pub thread: usize,
    /// Its id.
    pub tid: Option<u32>,
    /// Where it called.
    pub caller: Caller,
}

/// A lock in a segment.
#[derive(Clone, Debug)]
pub struct Lock {
    /// The index of the segment.
    pub segment: usize,
    /// Where in it the lock begins; of one whose bytes are not known, the word that its waiters wait for.
    pub offset: SegmentOffset,
    /// What it is.
    pub kind: Kind,
    /// How it was found.
    pub found_by: FoundBy,
    /// Its name in the segment's layout.
    pub field: Option<String>,
    /// Why it is taken for one.
    pub reasons: Vec<String>,
    /// Who waits for it.
    pub waiters: Vec<Waiter>,
    /// Whose it is, and what its bytes say; `None` where they are not there, or not those of a known lock.
    pub(crate) shaped: Option<Shaped>,
    /// What its waiters' system call said of it.
    pub(crate) asked: Asked,
}

impl Lock {
    /// The bytes that it takes on `machine`; of one that is not known, its word.
    pub fn range(&self, machine: Machine) -> Interval<SegmentOffset> {
        let size = self.shaped.as_ref().map_or(4, |shaped| (shaped.shape.size)(machine));
        Interval::clamped(self.offset, size)
    }
}

/// What the bytes of a lock are.
#[derive(Clone)]
pub(crate) struct Shaped {
    pub(crate) shape: &'static Shape,
    pub(crate) reading: Reading,
}

impl std::fmt::Debug for Shaped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}: {:?}", self.shape.name, self.shape.library.name(), self.reading)
    }
}

/// What is known of a lock before its bytes are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The kind that a function in which somebody waits makes it.
    pub(crate) kind: Option<Kind>,
    /// The library that the process uses.
    pub(crate) library: Option<Library>,
    /// Whether its waiters can only be woken by their own process (FUTEX_PRIVATE_FLAG).
    pub(crate) private: bool,
    /// Whether they lend its owner their priority.
    pub(crate) inherits: bool,
}

impl Asked {
    /// Whether nothing speaks against this shape.
    pub(crate) fn allows(&self, shape: &Shape) -> bool {
        self.kind.is_none_or(|kind| kind == shape.kind)
            && self.library.is_none_or(|library| library == shape.library)
    }
}

/// A System V semaphore set, or a message queue, that threads wait for.
#[derive(Clone, Debug)]
pub struct SystemVWait {
    /// What it is.
    pub kind: SystemVKind,
    /// Its id.
    pub id: u32,
    /// The number of the semaphore in the set that keeps the thread, and what it would do to it; `None` where that is not known.
    pub operation: Option<(u16, i16)>,
    /// Who waits.
    pub waiter: Waiter,
}

/// What a thread can wait for by semop(2), msgsnd(2) and msgrcv(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SystemVKind {
    /// A set of semaphores.
    Semaphores,
    /// Room in a message queue.
    QueueSend,
    /// A message of a queue.
    QueueReceive,
}

/// What one process has of locks.
#[derive(Debug, Default)]
pub struct Locks {
    /// Those in segments, by segment and offset.
    pub locks: Vec<Lock>,
    /// What its threads wait for by System V means.
    pub system_v: Vec<SystemVWait>,
    /// Shared memory beyond the target's segments, in which threads wait: the segments of the next indices.
    pub unnamed: Vec<Segment>,
}

/// A lock that the layout of a segment names.
#[derive(Clone, Debug)]
pub struct TypedLock {
    /// The index of the segment.
    pub segment: usize,
    /// What the layout has there.
    pub found: LockField,
}

/// Where locks are sought.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// All segments of the target.
    pub segments: &'r [Segment],
    /// The indices of those that are asked about.
    pub wanted: &'r [usize],
    /// What their layouts say is a lock, by segment.
    pub typed: &'r [TypedLock],
    /// Also unlocked ones that look like one that is proven.
    pub all: bool,
    /// What may be spent.
    pub budget: &'r Budget,
}

impl Request<'_> {
    /// The locks of `target`. The programs of the process are looked for in `folders`.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn locks(&self, target: &dyn Target, folders: &DebugFolders) -> Result<Locks, Error> {
        let places = Places::of(self.segments, self.wanted);
        let (mut words, mut system_v) = (Vec::new(), Vec::new());
        let mut elsewhere = Elsewhere::default();
        for thread in 0..target.threads().len() {
            if !self.budget.step() {
                break;
            }
            let Some(call) = target.system_call(thread) else { continue };
            match waits::of_call(&call, target) {
                Some(Wait::Words(waited)) => {
                    for word in waited {
                        let place = places.find(word.at).or_else(|| elsewhere.find(self, target, word));
                        words.extend(place.map(|place| (thread, place, word)));
                    }
                }
                Some(Wait::SystemV { kind, id, operation }) => system_v.push((thread, kind, id, operation)),
                None => {}
            }
        }
        let threads: Vec<_> =
            words.iter().map(|(thread, ..)| *thread).chain(system_v.iter().map(|one| one.0)).collect();
        let library = library(target);
        let mut callers = caller::name(target, folders, &threads, library.is_some());
        let mut waiter = |thread: usize| Waiter {
            thread,
            tid: target.threads().get(thread).and_then(|thread| thread.id),
            caller: callers.remove(&thread).unwrap_or_default(),
        };
        let mut by_word = BTreeMap::<(usize, SegmentOffset), (Vec<Waiter>, Vec<Word>)>::new();
        for (thread, (segment, offset), word) in words {
            let (waiters, words) = by_word.entry((segment, offset)).or_default();
            waiters.push(waiter(thread));
            words.push(word);
        }
        let mut locks = Vec::new();
        for ((index, offset), (waiters, words)) in by_word {
            let other =
                index.checked_sub(self.segments.len()).and_then(|index| elsewhere.segments.get(index));
            let Some(segment) = self.segments.get(index).or(other) else { continue };
            let found =
                by_waiter::lock((index, segment), target, offset, waiters, &words, (library, self.budget));
            locks.push(found?);
        }
        by_waiter::join(&mut locks);
        by_type::add(self, target, &mut locks)?;
        by_shape::add(self, target, &mut locks)?;
        let system_v = system_v
            .into_iter()
            .map(|(thread, kind, id, operation)| SystemVWait { kind, id, operation, waiter: waiter(thread) })
            .collect();
        Ok(Locks { locks, system_v, unnamed: elsewhere.segments })
    }
}

/// Reads what `shape` would have at `offset`; `None` if its bytes are not there, or not those of such a lock.
pub(crate) fn read(
    segment: &Segment,
    target: &dyn Target,
    offset: SegmentOffset,
    shape: &Shape,
    budget: &Budget,
) -> Result<Option<Reading>, Error> {
    let machine = target.identity().machine;
    let size = (shape.size)(machine);
    let mut bytes = [0; LONGEST];
    let Some(into) = usize::try_from(size).ok().and_then(|size| bytes.get_mut(..size)) else {
        return Ok(None);
    };
    if !budget.read(size) || segment.read(target, offset, into)? < into.len() {
        return Ok(None);
    }
    Ok((shape.read)(&LockBytes::new(into, machine)))
}

/// The library that `target` has mapped; `None` for a program that has it in itself.
fn library(target: &dyn Target) -> Option<Library> {
    let names = target.mappings()?.map(|mapping| mapping.name);
    let of = |name: &[u8]| {
        let file = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        match file {
            _ if file.starts_with(b"ld-musl") || file.starts_with(b"libc.musl") => Some(Library::Musl),
            _ if file.starts_with(b"libc.so.6") || file.starts_with(b"libc-2.") => Some(Library::Glibc),
            _ => None,
        }
    };
    names.filter_map(of).next()
}

/// Memory that no segment is, in which a thread waits for others than those of its process: that makes it shared. The first
/// segment of a container, whose name gcore leaves out, is such memory, and all shared memory of a dump without names.
#[derive(Default)]
struct Elsewhere {
    segments: Vec<Segment>,
}

/// Such runs of memory at most.
const MOST_ELSEWHERE: usize = 64;

impl Elsewhere {
    /// The run of the word, as if it were a segment, and the offset in it.
    fn find(
        &mut self,
        request: &Request<'_>,
        target: &dyn Target,
        word: Word,
    ) -> Option<(usize, SegmentOffset)> {
        let asks_for_all = request.wanted.len() == request.segments.len();
        if word.private || !asks_for_all {
            return None;
        }
        let holds = |segment: &Segment| {
            let mapping = segment.attachments.first()?.mappings.first()?;
            let inside = word.at.offset_from(mapping.range.start())?;
            mapping.range.contains(word.at).then(|| SegmentOffset::new(inside))
        };
        let known = self.segments.iter().position(|segment| holds(segment).is_some());
        let index = match known {
            Some(index) => index,
            None => {
                // It can be a process's own all the same: who makes a word for its threads need not say so.
                let run = target.regions().into_iter().find(|region| region.contains(word.at))?;
                let pages = mapped_memory(target, run);
                (self.segments.len() < MOST_ELSEWHERE && !pages).then_some(())?;
                self.segments.push(Segment::unnamed(vec![Attachment::whole(target, run)], Vec::new()));
                self.segments.len().checked_sub(1)?
            }
        };
        let offset = self.segments.get(index).and_then(holds)?;
        Some((index.checked_add(request.segments.len())?, offset))
    }
}

/// Whether `run` is a mapping of a file, or holds a stack: the process's own.
fn mapped_memory(target: &dyn Target, run: Interval<Address>) -> bool {
    let mut stacks = target.threads().iter().filter_map(crate::thread::Thread::stack_pointer);
    let named = |mut all: Box<dyn Iterator<Item = crate::targets::Mapping<'_>> + '_>| {
        all.any(|mapping| mapping.range.intersection(run).is_some())
    };
    target.mappings().is_some_and(named) || stacks.any(|stack| run.contains(stack))
}

/// Where segments are.
struct Places {
    /// By address: the mapping, the offset at its start, the index of the segment.
    mappings: Vec<(Interval<Address>, SegmentOffset, usize)>,
}

impl Places {
    fn of(segments: &[Segment], wanted: &[usize]) -> Self {
        let wanted = wanted.iter().filter_map(|index| Some((*index, segments.get(*index)?)));
        let mut mappings = Vec::new();
        for (index, segment) in wanted {
            let own = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
            mappings.extend(own.map(|mapping| (mapping.range, mapping.offset, index)));
        }
        mappings.sort_unstable_by_key(|(range, ..)| range.start());
        Self { mappings }
    }

    /// The segment of `address`, and the offset in it.
    fn find(&self, address: Address) -> Option<(usize, SegmentOffset)> {
        let after = self.mappings.partition_point(|(range, ..)| range.start() <= address);
        let (range, offset, segment) = self.mappings.get(after.checked_sub(1)?)?;
        let inside = range.contains(address).then(|| address.offset_from(range.start())).flatten()?;
        Some((*segment, offset.checked_add(inside)?))
    }
}
