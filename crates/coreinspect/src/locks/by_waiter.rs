//! From a word that threads wait for to the lock that it is part of.

use super::waits::Word;
use super::{Asked, FoundBy, Lock, Shaped, Waiter, read};
use crate::error::Error;
use crate::lock_shapes::{Kind, Library, Reading, SHAPES, State};
use crate::position::{Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::Budget;

/// The lock of the word at `offset` of `segment`, which has this index, for which `waiters` wait as `words` say.
pub(super) fn lock(
    (index, segment): (usize, &Segment),
    target: &dyn Target,
    offset: SegmentOffset,
    waiters: Vec<Waiter>,
    words: &[Word],
    (library, budget): (Option<Library>, &Budget),
) -> Result<Lock, Error> {
    let kind = waiters.iter().find_map(|waiter| waiter.caller.kind());
    let asked = Asked {
        kind,
        library,
        private: words.iter().any(|word| word.private),
        inherits: words.iter().any(|word| word.inherits),
    };
    let found = around(segment, target, offset, asked, budget)?;
    let mut lock = Lock {
        segment: index,
        offset,
        kind: kind.unwrap_or(Kind::Futex),
        found_by: FoundBy::Waiter,
        field: None,
        reasons: Vec::new(),
        waiters,
        shaped: None,
        asked,
    };
    if let Some((start, shaped)) = found {
        lock.take(start, shaped);
    }
    Ok(lock)
}

impl Lock {
    /// Becomes the lock that begins at `start`.
    pub(crate) fn take(&mut self, start: SegmentOffset, shaped: Shaped) {
        self.offset = start;
        self.kind = shaped.shape.kind;
        self.shaped = Some(shaped);
    }
}

/// The lock in which the word at `offset` is one that waiters wait for: where it begins and what it is. Of several that fit, the
/// first of [`SHAPES`].
pub(crate) fn around(
    segment: &Segment,
    target: &dyn Target,
    offset: SegmentOffset,
    asked: Asked,
    budget: &Budget,
) -> Result<Option<(SegmentOffset, Shaped)>, Error> {
    let machine = target.identity().machine;
    let alignment = machine.class.long() as u64;
    for shape in SHAPES {
        if !asked.allows(shape) || !budget.step() {
            continue;
        }
        for word in (shape.words)(machine) {
            let Some(start) = offset.checked_sub(*word).filter(|start| start.get().is_multiple_of(alignment))
            else {
                continue;
            };
            let Some(reading) = read(segment, target, start, shape, budget)? else { continue };
            if fits(&reading, shape.kind, asked) {
                return Ok(Some((start, Shaped { shape, reading })));
            }
        }
    }
    Ok(None)
}

/// Whether a thread that waits as `asked` says can wait for this.
fn fits(reading: &Reading, kind: Kind, asked: Asked) -> bool {
    let inherits = reading.priority_inheritance == Some(true);
    // A condition's waiters wait for the one of a group, so it is not known whether one may be woken.
    let keeps = match kind {
        Kind::Mutex => reading.state != Some(State::Unlocked),
        Kind::Rwlock => reading.state == Some(State::Locked),
        Kind::Semaphore => reading.value == Some(0),
        Kind::Condition | Kind::Barrier => reading.value.is_some_and(|count| count > 0),
        Kind::Futex => false,
    };
    // Whoever is in the lock's own function may be about to return from it.
    reading.shared != asked.private
        && asked.inherits == (inherits && kind == Kind::Mutex)
        && (keeps || asked.kind.is_some())
}

/// Joins what waiters of two words of one lock are said to wait for.
pub(super) fn join(locks: &mut Vec<Lock>) {
    locks.sort_by_key(|lock| (lock.segment, lock.offset));
    locks.dedup_by(|later, first| {
        let same = (later.segment, later.offset) == (first.segment, first.offset);
        if same {
            first.waiters.append(&mut later.waiters);
        }
        same
    });
}
