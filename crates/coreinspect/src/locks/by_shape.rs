//! Locks that prove by their bytes what they are, in shared memory alone.
//!
//! A mutex of several processes has a word between 0x80 and 0xff, but for the bits of lock elision, at a place of its own: its
//! kind. Blocks without such a word, which are most, are passed over in a loop without a branch; holes are not read at all. At
//! the others each place where a mutex can begin is looked at.

use super::{FoundBy, Lock, Request, Shaped};
use crate::error::Error;
use crate::lock_shapes::{LONGEST, LockBytes, Proof, Reading, SHAPES, Shape, State};
use crate::machine::{ByteOrder, Machine};
use crate::memory::Dumped;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;

/// Bytes that are read at a time, and of which is asked at once whether any word can be a kind.
const BUFFER: usize = 256 << 10;
const BLOCK: usize = 1024;
/// Locks of a process that are kept at most.
const MOST_LOCKS: usize = 2_000;

/// The bits that are set, and those that may be, in the word that says the kind of a mutex of several processes: glibc's `__kind`
/// and musl's `_m_type`.
const SET: u32 = 0x80;
const OPEN: u32 = 0x37f;

/// Finds mutexes in the wanted segments and adds those that are not among `locks` yet.
pub(super) fn add(request: &Request<'_>, target: &dyn Target, locks: &mut Vec<Lock>) -> Result<(), Error> {
    let machine = target.identity().machine;
    let (mut found, mut unlocked) = (Vec::new(), Vec::new());
    for index in request.wanted {
        let Some(segment) = request.segments.get(*index) else { continue };
        let mut seek = Seek { request, machine, segment: *index, found: &mut found, unlocked: &mut unlocked };
        for piece in segment.pieces().iter().filter(|piece| piece.dumped == Dumped::Saved) {
            let range = Interval::clamped(piece.address, piece.offsets.length());
            seek.scan(segment, target, range, piece.offsets.start())?;
        }
    }
    let add = |lock: Lock, locks: &mut Vec<Lock>| {
        let known = locks.iter().any(|known| {
            known.segment == lock.segment && known.range(machine).intersection(lock.range(machine)).is_some()
        });
        if !known {
            locks.push(lock);
        }
    };
    for lock in found {
        add(lock, locks);
    }
    for mut lock in unlocked {
        // 0x80 among zeroes is anything, unless there is another of the kind.
        let Some(other) = locks.iter().find(|other| is_proven(other) && are_alike(&lock, other)) else {
            continue;
        };
        let reason = "its fields are those of an unlocked mutex of the same kind as the one at";
        lock.reasons.push(format!("{reason} +{:#x}", other.offset.get()));
        add(lock, locks);
    }
    locks.sort_by_key(|lock| (lock.segment, lock.offset));
    Ok(())
}

/// Whether more than a guess says that it is a lock.
fn is_proven(lock: &Lock) -> bool {
    let strong = lock.shaped.as_ref().is_some_and(|shaped| shaped.reading.proof == Proof::Strong);
    lock.found_by != FoundBy::Shape || strong
}

/// Whether two mutexes of a segment are of one kind.
fn are_alike(one: &Lock, other: &Lock) -> bool {
    let kind = |lock: &Lock| {
        let Shaped { shape, reading } = lock.shaped.as_ref()?;
        Some((lock.segment, shape.kind, shape.library, reading.robust, reading.priority_inheritance))
    };
    kind(one).is_some() && kind(one) == kind(other)
}

/// The search of one segment.
struct Seek<'s, 'r> {
    request: &'s Request<'r>,
    machine: Machine,
    segment: usize,
    found: &'s mut Vec<Lock>,
    /// What would be a mutex that nobody holds.
    unlocked: &'s mut Vec<Lock>,
}

impl Seek<'_, '_> {
    /// Looks through the saved bytes at `range`, of which the first stands at `offset` in the segment.
    fn scan(
        &mut self,
        segment: &Segment,
        target: &dyn Target,
        range: Interval<Address>,
        offset: SegmentOffset,
    ) -> Result<(), Error> {
        let mut buffer = vec![0; usize::try_from(range.length()).unwrap_or(BUFFER).min(BUFFER)];
        let mut at = range.start();
        while let Some(rest) = Interval::new(at, range.end()).filter(|rest| !rest.is_empty()) {
            let data = target.data(rest);
            let wanted = usize::try_from(data.length()).unwrap_or(BUFFER).min(buffer.len());
            if wanted == 0 || !self.request.budget.read(wanted as u64) {
                return Ok(());
            }
            let Some(into) = buffer.get_mut(..wanted) else { return Ok(()) };
            let count = target.read(data.start(), into)?;
            if count == 0 {
                return Ok(());
            }
            let inside = data.start().offset_from(range.start()).unwrap_or(0);
            let Some(first) = offset.checked_add(inside) else { return Ok(()) };
            let bytes = into.get(..count).unwrap_or_default();
            self.blocks(segment, target, bytes, first)?;
            at = data.start().checked_add(count as u64).unwrap_or(range.end());
        }
        Ok(())
    }

    fn blocks(
        &mut self,
        segment: &Segment,
        target: &dyn Target,
        bytes: &[u8],
        first: SegmentOffset,
    ) -> Result<(), Error> {
        let whole = bytes;
        for (number, block) in (0_u64..).zip(bytes.chunks(BLOCK)) {
            if !may_hold_a_kind(block, self.machine) {
                continue;
            }
            let start = first.checked_add(number.saturating_mul(BLOCK as u64));
            for (word, bytes) in (0_u64..).zip(block.chunks_exact(4)) {
                let Some((bytes, _)) = bytes.split_first_chunk() else { continue };
                if !is_kind(*bytes, self.machine) {
                    continue;
                }
                if !self.request.budget.step() || self.found.len() >= MOST_LOCKS {
                    return Ok(());
                }
                if let Some(at) = start.and_then(|start| start.checked_add(word.saturating_mul(4))) {
                    self.look(segment, target, at, (whole, first))?;
                }
            }
        }
        Ok(())
    }

    /// Looks whether a mutex has its kind at `at`; of `whole`, which was read, the first byte stands at `first`.
    fn look(
        &mut self,
        segment: &Segment,
        target: &dyn Target,
        at: SegmentOffset,
        (whole, first): (&[u8], SegmentOffset),
    ) -> Result<(), Error> {
        let long = self.machine.class.long() as u64;
        for shape in SHAPES {
            let Some(mark) = shape.mark else { continue };
            let Some(start) = at.checked_sub(mark(self.machine)) else { continue };
            if !start.get().is_multiple_of(long) {
                continue;
            }
            let mut bytes = [0; LONGEST];
            let size = usize::try_from((shape.size)(self.machine)).unwrap_or(0);
            let Some(into) = bytes.get_mut(..size) else { continue };
            let inside = start.offset_from(first).and_then(|inside| usize::try_from(inside).ok());
            let here = inside.and_then(|inside| whole.get(inside..inside.checked_add(size)?));
            match here {
                Some(here) => into.copy_from_slice(here),
                None if segment.read(target, start, into)? < size => continue,
                None => {}
            }
            let Some(reading) = (shape.read)(&LockBytes::new(into, self.machine)) else { continue };
            if reading.shared && reading.proof > Proof::Possible {
                let reason = reason(&reading);
                self.found.push(self.lock(start, shape, reading, vec![reason]));
                return Ok(());
            }
            let unlocked = reading.shared && reading.state == Some(State::Unlocked);
            if self.request.all && unlocked && self.unlocked.len() < MOST_LOCKS {
                self.unlocked.push(self.lock(start, shape, reading, Vec::new()));
            }
        }
        Ok(())
    }

    fn lock(
        &self,
        offset: SegmentOffset,
        shape: &'static Shape,
        reading: Reading,
        reasons: Vec<String>,
    ) -> Lock {
        Lock {
            segment: self.segment,
            offset,
            kind: shape.kind,
            found_by: FoundBy::Shape,
            field: None,
            reasons,
            waiters: Vec::new(),
            shaped: Some(Shaped { shape, reading }),
            asked: super::Asked::default(),
        }
    }
}

/// Why a mutex that somebody holds, or held, is one.
fn reason(reading: &Reading) -> String {
    let tid = reading.owner.unwrap_or(0);
    match (reading.proof, reading.state) {
        (_, Some(State::OwnerDied)) => {
            format!("its fields are those of a robust mutex whose owner, thread {tid}, died")
        }
        (Proof::Strong, _) => format!(
            "its fields are those of a mutex that thread {tid} holds: two of them name the thread, and it is in a list of what that holds"
        ),
        _ => format!("its fields are those of a mutex that thread {tid} holds, and there is such a thread"),
    }
}

fn is_kind(bytes: [u8; 4], machine: Machine) -> bool {
    let word = match machine.byte_order {
        ByteOrder::Little => u32::from_le_bytes(bytes),
        ByteOrder::Big => u32::from_be_bytes(bytes),
    };
    word & !(OPEN & !SET) == SET
}

/// Whether any word of `block` can be a kind.
fn may_hold_a_kind(block: &[u8], machine: Machine) -> bool {
    let (words, _) = block.as_chunks::<4>();
    words.iter().fold(false, |any, word| any | is_kind(*word, machine))
}
