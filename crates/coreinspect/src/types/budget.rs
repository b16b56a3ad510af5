//! What may be spent on a dump: bytes read, memory kept, work done. Whoever goes where the bytes of a dump lead takes of it first.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// What is left to spend on one dump, by all layouts, decoders, encodings and looks together.
///
/// A dump holds no more text than it has bytes, and a person reads no more values than a few ten thousand; a hostile one can
/// point 10,000 segments at the same megabyte, and name one text a million times. A [`Value`](super::value::Value) is made only
/// by what takes its memory from a budget. Each kind of spending has a measure of its own; what was refused is told once, by
/// [`Budget::told`].
#[derive(Debug)]
pub struct Budget {
    /// Bytes of content.
    reading: Measure,
    /// Bytes of values, names, texts, and of types that are made of what content says.
    memory: Measure,
    /// Steps: values, items of lists, nodes of trees.
    work: Measure,
    /// Bytes that are looked at for what no layout knows, which takes longer than to decode them.
    looking: Measure,
    refused: Cell<Option<Spent>>,
}

/// What a budget had no more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Bytes of content.
    Reading,
    /// Memory for values: so many bytes were there.
    Memory(u64),
    /// Steps: so many were there.
    Work(u64),
}

/// Why bytes are not decoded, or not described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// They are not what they were taken for: what is wrong, and where.
    Wrong(String),
    /// The budget is spent.
    Spent,
}

impl From<String> for Stop {
    fn from(problem: String) -> Self {
        Self::Wrong(problem)
    }
}

impl From<Stop> for String {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Wrong(problem) => problem,
            Stop::Spent => "stopped: no memory is left for the values of this dump".to_owned(),
        }
    }
}

impl From<Spent> for Stop {
    fn from(_: Spent) -> Self {
        Self::Spent
    }
}

/// The proof that memory was taken of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid(());

impl Paid {
    /// The proof for one value that no list holds.
    pub(super) const NOTHING: Self = Self(());
}

/// Something countable, and how much of it is left.
#[derive(Debug)]
struct Measure {
    whole: u64,
    left: Cell<u64>,
}

impl Measure {
    fn new(whole: u64) -> Self {
        Self { whole, left: Cell::new(whole) }
    }

    /// Takes `amount`; `false`, and then nothing is left, if there is less.
    #[inline]
    fn take(&self, amount: u64) -> bool {
        let left = self.left.get().checked_sub(amount);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// Bytes of values and types of a dump: 16 MiB, which its listing may take, without what reading and writing take.
const MEMORY: u64 = 10 << 20;
/// Steps of a dump: an honest segment of 20,000 values takes 100,000.
const WORK: u64 = 2_000_000;
/// What a name takes beside its bytes.
const NAME: u64 = 32;

impl Budget {
    /// For what a person reads: so many bytes of content, and values in 16 MiB of memory.
    pub fn at_most(reading: u64) -> Self {
        // Each of thousands of segments is asked for the signatures of all layouts.
        Self::new(reading, MEMORY, WORK.saturating_add(reading.min(1 << 30) / 16))
    }

    /// For the listing of a dump of `size` bytes: as many bytes as it has, and what a decoder reads twice.
    pub fn listing(size: u64) -> Self {
        // Each byte of an honest dump stands in one segment, and is looked at once.
        Self { looking: Measure::new(size), ..Self::at_most(size.saturating_add(16 << 20)) }
    }

    /// For a close look at the segments of a dump of `size` bytes, which a person asks for.
    pub fn close_look(size: u64) -> Self {
        Self::listing(size.saturating_mul(2).saturating_add(2 << 20))
    }

    /// For whoever asks for all of a dump of `size` bytes: what decoding each of its bytes once takes.
    pub fn generous(size: u64) -> Self {
        let each = |bytes: u64, least: u64| size.saturating_mul(bytes).saturating_add(least);
        Self::new(each(2, 16 << 20), each(200, MEMORY), each(4, WORK))
    }

    /// For a stream of records of a dump of `size` bytes, which keeps none of them: memory is given back when a record was told.
    pub fn streaming(size: u64) -> Self {
        // A record can be a struct in a struct for each of its bytes; honest ones share no bytes.
        let each = |steps: u64| size.saturating_mul(steps).saturating_add(WORK);
        Self::new(each(4), MEMORY, each(64))
    }

    /// All there is: for bytes that the user wrote, and for tests.
    pub fn unlimited() -> Self {
        Self::new(u64::MAX, u64::MAX, u64::MAX)
    }

    fn new(reading: u64, memory: u64, work: u64) -> Self {
        let [reading, memory, work, looking] = [reading, memory, work, reading].map(Measure::new);
        Self { reading, memory, work, looking, refused: Cell::new(None) }
    }

    /// Takes `bytes` of content; `false` once too many were asked for.
    pub fn read(&self, bytes: u64) -> bool {
        self.reading.take(bytes) || self.refuse(Spent::Reading)
    }

    /// Takes `bytes` to look at; `false` once too many were asked for.
    pub fn look(&self, bytes: u64) -> bool {
        // What is told of them is bounded by their number too.
        self.looking.take(bytes) && self.memory.left.get() > 0
    }

    /// Takes one step; `false` once there were too many.
    #[inline]
    pub fn step(&self) -> bool {
        self.steps(1)
    }

    /// Takes so many steps.
    #[inline]
    pub fn steps(&self, steps: u64) -> bool {
        self.work.take(steps) || self.refuse(Spent::Work(self.work.whole))
    }

    /// Takes memory for `bytes` bytes; `false` once too many were asked for.
    #[inline]
    pub fn keep(&self, bytes: u64) -> bool {
        self.memory.take(bytes) || self.refuse(Spent::Memory(self.memory.whole))
    }

    /// Memory that is left.
    pub fn left(&self) -> u64 {
        self.memory.left.get()
    }

    /// As [`Budget::keep`], with a proof of it.
    ///
    /// # Errors
    /// That memory is spent.
    #[inline]
    pub fn pay(&self, bytes: u64) -> Result<Paid, Spent> {
        if self.memory.take(bytes) { Ok(Paid(())) } else { Err(self.no_memory()) }
    }

    /// Refuses memory.
    pub fn no_memory(&self) -> Spent {
        let spent = Spent::Memory(self.memory.whole);
        self.refuse(spent);
        spent
    }

    /// `name` as one that lives as long as a value.
    ///
    /// # Errors
    /// That memory is spent.
    pub fn name(&self, name: &str) -> Result<Arc<str>, Spent> {
        self.pay(NAME.saturating_add(name.len() as u64))?;
        Ok(name.into())
    }

    /// As [`Budget::step`], for who must stop at once.
    ///
    /// # Errors
    /// That the steps are spent.
    pub fn stepped(&self) -> Result<(), Spent> {
        if self.step() { Ok(()) } else { Err(Spent::Work(self.work.whole)) }
    }

    /// Gives back memory that is free again.
    pub fn free(&self, bytes: u64) {
        self.memory.left.set(self.memory.left.get().saturating_add(bytes).min(self.memory.whole));
    }

    /// What was refused since it was last told, if anything.
    pub fn told(&self) -> Option<Spent> {
        self.refused.take()
    }

    #[cold]
    fn refuse(&self, spent: Spent) -> bool {
        self.refused.set(Some(spent));
        false
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading => {
                f.write_str("the segments of this dump claim more bytes than it has: not all were read")
            }
            Self::Memory(bytes) => {
                write!(
                    f,
                    "stopped after {} MiB of values in this dump: more there are, but not told",
                    bytes >> 20
                )
            }
            Self::Work(steps) => {
                write!(f, "stopped after {steps} steps in this dump: what lies further is not told")
            }
        }
    }
}
