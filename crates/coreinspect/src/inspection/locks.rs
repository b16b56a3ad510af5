//! Locks of several dumps and running processes as one picture: who holds what another waits for.
//!
//! The dumps are read one after the other. Of each its locks, what its threads wait for and the ids of all its threads are kept.
//! Where another dump has the bytes of a lock that one waits for, that is opened once more.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{InspectedSegment, Inspection, Selected};
use crate::error::Error;
use crate::layout::{Described, Layout, Subject};
use crate::lock_shapes::Proof;
use crate::locks::{self, FoundBy, Lock, Locks, Shaped, TypedLock, Waiter, cycles};
use crate::position::{Address, Position, SegmentOffset};
use crate::report::{
    Gathered, LockCycleStep, LockEntry, LockOwner, LockReport, LockWaiter, LookedAt, SystemVEntry, Text,
};
use crate::shm::Piece;
use crate::types::Budget;
use crate::types::decode::{Limits, LockField, Nobody, decode_into};

/// How locks are sought.
#[derive(Clone, Copy, Default)]
pub struct LockSearch<'s> {
    /// The layout whose types name locks; `None`: the one that fits.
    pub layout: Option<&'s dyn Layout>,
    /// Layouts that are asked beside the built-in ones, and before them.
    pub layouts: &'s [Arc<dyn Layout>],
    /// The places that the user named: of a segment that is named with an offset only the lock there.
    pub places: &'s [Selected],
    /// Also unlocked ones that look like one that is proven.
    pub all: bool,
}

/// The dumps of one run, as they are read.
#[derive(Debug, Default)]
pub struct LockPicture {
    dumps: Vec<Seen>,
    gathered: Gathered,
}

/// What is kept of a dump.
#[derive(Debug)]
struct Seen {
    looked_at: LookedAt,
    threads: BTreeSet<u32>,
    /// A signal ended the process.
    killed: bool,
    /// The running process that it is; `None` for a dump.
    running: Option<u32>,
    segments: Vec<SeenSegment>,
    /// How many segments the dump has, told or not.
    all: usize,
    locks: Locks,
}

/// What is kept of a segment.
#[derive(Debug)]
struct SeenSegment {
    /// Its number in the report; `None` for shared memory that is none of its segments.
    number: Option<usize>,
    key: Option<String>,
    name: Option<Text>,
    base: Option<Address>,
    mapped: u64,
    pieces: Vec<Piece>,
}

/// A segment of a dump: the index of the dump, and that of the segment in what is kept of it.
type Copy = (usize, usize);

/// A lock of all dumps.
struct Entry {
    group: usize,
    lock: Lock,
    /// The dump and the segment that show it.
    home: Copy,
    waiters: Vec<(usize, Waiter)>,
}

impl Inspection {
    /// The locks in the segments of the report, and what the threads wait for.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn locks(&self, search: LockSearch<'_>) -> Result<Locks, Error> {
        let Some(read) = &self.read else { return Ok(Locks::default()) };
        let wanted: Vec<_> = self.segments().map(|segment| segment.number().saturating_sub(1)).collect();
        let budget = Budget::of(&*read.target);
        let mut typed = Vec::new();
        for segment in self.segments() {
            let found = segment.lock_fields(search, &budget)?;
            let index = segment.number().saturating_sub(1);
            typed.extend(found.into_iter().map(|found| TypedLock { segment: index, found }));
        }
        let request = locks::Request {
            segments: &read.segments,
            wanted: &wanted,
            typed: &typed,
            all: search.all,
            budget: &budget,
        };
        let mut locks = request.locks(&*read.target, &read.debug_folders())?;
        let machine = read.target.identity().machine;
        locks.locks.retain(|lock| {
            let number = lock.segment.saturating_add(1);
            let mut places = search.places.iter().filter(|place| place.number == number).peekable();
            places.peek().is_none()
                || places.any(|place| place.offset.is_none_or(|offset| lock.range(machine).contains(offset)))
        });
        Ok(locks)
    }
}

impl InspectedSegment<'_> {
    /// The locks that the segment's layout names.
    fn lock_fields(&self, search: LockSearch<'_>, budget: &Budget) -> Result<Vec<LockField>, Error> {
        let contents = self.contents();
        let machine = self.target.identity().machine;
        let subject = Subject::new(&contents, self.memory.key, machine, Some(self.target), budget);
        // A layout that has no type for this segment names no lock.
        let Ok(Some(described)) = Described::of(&subject, search.layout, search.layouts) else {
            return Ok(Vec::new());
        };
        if !described.kind.holds_locks() {
            return Ok(Vec::new());
        }
        let limits = Limits { nodes: MOST_VALUES, ..Limits::default() };
        let mut nobody = Nobody;
        let remarks = subject.reader(|window, budget| {
            decode_into(&described.kind, 0, window, machine, limits, budget, &mut nobody)
        });
        Ok(remarks.transpose()?.map(|remarks| remarks.locks).unwrap_or_default())
    }
}

/// Values that are looked through at most.
const MOST_VALUES: u64 = 20_000_000;

impl LockPicture {
    /// Adds the next dump: what it shows of locks.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn add(&mut self, inspection: &Inspection, search: LockSearch<'_>) -> Result<(), Error> {
        let report = inspection.report();
        let segments = inspection.segments().map(|segment| SeenSegment {
            number: Some(segment.number()),
            key: segment.report.key.clone(),
            name: segment.report.name.clone(),
            base: segment.memory.attachments.first().and_then(|attachment| attachment.base),
            mapped: segment.memory.mapped(),
            pieces: segment.memory.pieces().to_vec(),
        });
        let locks = inspection.locks(search)?;
        let unnamed = locks.unnamed.iter().map(|segment| SeenSegment {
            number: None,
            key: None,
            name: None,
            base: segment.attachments.first().and_then(|attachment| attachment.base),
            mapped: segment.mapped(),
            pieces: segment.pieces().to_vec(),
        });
        let all = inspection.read.as_ref().map_or(0, |read| read.segments.len());
        let threads = inspection.target().map(|target| target.threads()).unwrap_or_default();
        self.gathered.add(report);
        self.dumps.push(Seen {
            looked_at: LookedAt::of(report),
            threads: threads.iter().filter_map(|thread| thread.id).collect(),
            killed: report.process.signal.is_some(),
            running: report.process.pid.filter(|_| report.kind == Some("process")),
            segments: segments.chain(unnamed).collect(),
            all,
            locks,
        });
        Ok(())
    }

    /// Puts together what all dumps show. `open` inspects the dump with an index, in the order in which they were added, once more;
    /// one that cannot be read a second time (`None`) is not asked again.
    ///
    /// # Errors
    /// What `open` says, and [`Error::Read`].
    pub fn finish<E: From<Error>>(
        mut self,
        mut open: impl FnMut(usize) -> Result<Option<Inspection>, E>,
    ) -> Result<LockReport, E> {
        let groups = self.groups();
        let mut entries = self.entries(&groups);
        for dump in 0..self.dumps.len() {
            let asked: Vec<_> = (0..entries.len())
                .filter_map(|index| {
                    let entry = entries.get(index)?;
                    let better = entry.lock.shaped.is_none() || dump < entry.home.0;
                    let copy = groups.get(&entry.group)?.iter().find(|copy| copy.0 == dump && better)?;
                    self.saves(*copy, entry.lock.offset).then_some((index, *copy))
                })
                .collect();
            if asked.is_empty() {
                continue;
            }
            let Some(inspection) = open(dump)? else { continue };
            for (index, copy) in asked {
                if let Some(entry) = entries.get_mut(index) {
                    self.look_again(&inspection, entry, copy)?;
                }
            }
        }
        join(&mut entries);
        // What only a thread's id proves is a lock if there is this thread.
        entries.retain(|entry| {
            let likely = entry.lock.shaped.as_ref().is_some_and(|one| one.reading.proof == Proof::Likely);
            let by_shape = entry.lock.found_by == FoundBy::Shape;
            !(by_shape && likely) || self.owner(&groups, entry).is_some_and(|owner| owner.dump.is_some())
        });
        Ok(self.report(&groups, &entries))
    }

    /// The same segment in all dumps: by the number of its group.
    fn groups(&mut self) -> HashMap<usize, Vec<Copy>> {
        let mut groups = HashMap::<usize, Vec<Copy>>::new();
        let mut known = HashMap::<Copy, usize>::new();
        for group in std::mem::take(&mut self.gathered).shared().shared {
            let number = groups.len();
            for copy in &group.copies {
                let segments = self.dumps.get(copy.dump).map_or(&[][..], |dump| &dump.segments);
                let Some(at) = segments.iter().position(|segment| segment.number == Some(copy.segment))
                else {
                    continue;
                };
                known.insert((copy.dump, at), number);
                groups.entry(number).or_default().push((copy.dump, at));
            }
        }
        // What has no key of its own: processes that forked have it at the same address.
        let mut by_place = HashMap::new();
        for (dump, seen) in self.dumps.iter().enumerate() {
            for (at, segment) in seen.segments.iter().enumerate() {
                if known.contains_key(&(dump, at)) {
                    continue;
                }
                let next = groups.len();
                let name = segment.name.as_ref().map(|name| name.bytes().to_vec());
                let group = match segment.base {
                    Some(base) => *by_place.entry((name, base, segment.mapped)).or_insert(next),
                    None => next,
                };
                groups.entry(group).or_default().push((dump, at));
            }
        }
        groups
    }

    /// The locks of all dumps, each by its group and offset.
    fn entries(&mut self, groups: &HashMap<usize, Vec<Copy>>) -> Vec<Entry> {
        let group_of: HashMap<Copy, usize> =
            groups.iter().flat_map(|(group, copies)| copies.iter().map(|copy| (*copy, *group))).collect();
        let mut entries = Vec::new();
        for (dump, seen) in self.dumps.iter_mut().enumerate() {
            for mut lock in std::mem::take(&mut seen.locks.locks) {
                let told = seen.segments.iter().filter(|segment| segment.number.is_some()).count();
                let number = lock.segment.checked_add(1).filter(|number| *number <= seen.all);
                let at = match number {
                    Some(_) => seen.segments.iter().position(|segment| segment.number == number),
                    None => lock.segment.checked_sub(seen.all).and_then(|more| told.checked_add(more)),
                };
                let Some(at) = at else { continue };
                let Some(group) = group_of.get(&(dump, at)) else { continue };
                let waiters = std::mem::take(&mut lock.waiters).into_iter().map(|waiter| (dump, waiter));
                entries.push(Entry { group: *group, home: (dump, at), waiters: waiters.collect(), lock });
            }
        }
        join(&mut entries);
        entries
    }

    fn segment(&self, (dump, at): Copy) -> Option<&SeenSegment> {
        self.dumps.get(dump)?.segments.get(at)
    }

    /// Whether the dump holds the byte at `offset`.
    fn saves(&self, copy: Copy, offset: SegmentOffset) -> bool {
        let piece = self.segment(copy).and_then(|segment| segment.piece_at(offset));
        piece.is_some_and(|piece| piece.is_there())
    }

    /// Takes from the dump of `copy` what the lock is.
    fn look_again(&self, inspection: &Inspection, entry: &mut Entry, copy: Copy) -> Result<(), Error> {
        let number = self.segment(copy).and_then(|segment| segment.number);
        let Some(segment) = number.and_then(|number| inspection.segment(number)) else { return Ok(()) };
        let budget = Budget::of(segment.target);
        let (memory, target) = (segment.memory, segment.target);
        let found = match &entry.lock.shaped {
            Some(shaped) => {
                let reading = locks::read(memory, target, entry.lock.offset, shaped.shape, &budget)?;
                reading.map(|reading| (entry.lock.offset, Shaped { shape: shaped.shape, reading }))
            }
            None => locks::around(memory, target, entry.lock.offset, entry.lock.asked, &budget)?,
        };
        let Some((start, shaped)) = found else { return Ok(()) };
        entry.lock.take(start, shaped);
        entry.home = copy;
        Ok(())
    }

    fn report(self, groups: &HashMap<usize, Vec<Copy>>, entries: &[Entry]) -> LockReport {
        let owners: Vec<_> = entries.iter().map(|entry| self.owner(groups, entry)).collect();
        let mut waits = Vec::new();
        for (index, (entry, owner)) in entries.iter().zip(&owners).enumerate() {
            let Some((tid, Some(holder))) = owner.as_ref().map(|owner| (owner.tid, owner.dump)) else {
                continue;
            };
            let waiters = entry.waiters.iter().filter_map(|(dump, waiter)| Some((*dump, waiter.tid?)));
            waits.extend(waiters.map(|waiter| (waiter, index, (holder, tid))));
        }
        let path = |dump: usize| self.dumps.get(dump).map(|seen| seen.looked_at.path.path.clone());
        let cycles = cycles(&waits).into_iter().map(|ring| {
            let steps = ring.into_iter().map(|((dump, tid), waits_for)| LockCycleStep {
                dump: path(dump).unwrap_or_default(),
                tid,
                waits_for,
            });
            steps.collect()
        });
        let cycles = cycles.collect();
        let waiter = |dump: usize, waiter: &Waiter| LockWaiter::of(path(dump).unwrap_or_default(), waiter);
        let locks = entries.iter().zip(owners).map(|(entry, owner)| {
            let segment = self.segment(entry.home);
            let at = segment.and_then(|segment| segment.address_of(entry.lock.offset));
            LockEntry::of(
                &entry.lock,
                (segment.and_then(|segment| segment.number), path(entry.home.0), at),
                (segment.and_then(|segment| segment.key.clone()), segment.and_then(|one| one.name.clone())),
                owner.map(|owner| LockOwner {
                    tid: owner.tid,
                    dump: owner.dump.and_then(path),
                    alive: owner.alive,
                }),
                entry.waiters.iter().map(|(dump, one)| waiter(*dump, one)).collect(),
            )
        });
        let locks = locks.collect();
        let mut semaphores = Vec::new();
        for (dump, seen) in self.dumps.iter().enumerate() {
            for wait in &seen.locks.system_v {
                SystemVEntry::add(&mut semaphores, wait, waiter(dump, &wait.waiter));
            }
        }
        LockReport::new(
            locks,
            semaphores,
            cycles,
            self.dumps.into_iter().map(|seen| seen.looked_at).collect(),
        )
    }

    /// Who holds a lock, and in which dump that thread is: one that has the segment.
    fn owner(&self, groups: &HashMap<usize, Vec<Copy>>, entry: &Entry) -> Option<Owner> {
        let reading = &entry.lock.shaped.as_ref()?.reading;
        let tid = reading.owner?;
        let has = |dump: &usize| self.dumps.get(*dump).is_some_and(|seen| seen.threads.contains(&tid));
        let copies = groups.get(&entry.group).into_iter().flatten().map(|copy| copy.0);
        let dump = std::iter::once(entry.home.0).chain(copies).find(has);
        let died = reading.state == Some(locks::State::OwnerDied);
        let killed = dump.and_then(|dump| self.dumps.get(dump)).map(|seen| seen.killed);
        let alive = if died { Some(false) } else { killed.map(|killed| !killed) };
        let alive = alive.or_else(|| {
            let beside = self.dumps.get(entry.home.0)?.running?;
            locks::lives(tid, beside, self.segment(entry.home)?.name.as_ref()?.bytes())
        });
        Some(Owner { tid, dump, alive })
    }
}

/// Who holds a lock.
struct Owner {
    tid: u32,
    /// The index of the dump.
    dump: Option<usize>,
    alive: Option<bool>,
}

impl SeenSegment {
    fn piece_at(&self, offset: SegmentOffset) -> Option<&Piece> {
        let piece = self.pieces.get(self.pieces.partition_point(|piece| piece.offsets.end() <= offset))?;
        piece.offsets.contains(offset).then_some(piece)
    }

    fn address_of(&self, offset: SegmentOffset) -> Option<Address> {
        let piece = self.piece_at(offset)?;
        piece.address.checked_add(offset.offset_from(piece.offsets.start())?)
    }
}

/// Joins what is one lock: the same group and offset. What the first dump shows of it stays, and how others differ is said.
fn join(entries: &mut Vec<Entry>) {
    let place = |entry: &Entry| (entry.group, entry.lock.offset, entry.lock.shaped.is_none(), entry.home);
    entries.sort_by_key(place);
    entries.dedup_by(|later, first| {
        let same = (later.group, later.lock.offset) == (first.group, first.lock.offset);
        if same {
            first.waiters.append(&mut later.waiters);
            first.lock.found_by = first.lock.found_by.min(later.lock.found_by);
        }
        same
    });
    // In the order of dumps and segments.
    entries.sort_by_key(|entry| (entry.home, entry.lock.offset));
}
