//! What the first bytes of a segment must be for a layout to know it: told before the layout is asked.
//!
//! Most segments are of no layout but one, and a listing can have thousands: so each layout states what is necessary, and
//! [`choose`](super::choose) asks only those whose condition holds. A condition may be weaker than the layout's own test,
//! never stronger.

use shmcore::Key;

use crate::core_file::Reader;
use crate::machine::Machine;

/// What must hold of a segment's [`Start`] for a layout to answer anything but [`Verdict::No`](super::Verdict::No).
#[derive(Clone, Copy, Debug)]
pub enum Begins {
    /// Only the layout itself can tell.
    Anyhow,
    /// It begins with these bytes.
    With(&'static [u8]),
    /// It is as this says.
    As(fn(&Start<'_>) -> bool),
}

impl Begins {
    /// Whether a segment that starts so can be one.
    pub(crate) fn admits(self, start: &Start<'_>) -> bool {
        match self {
            Self::Anyhow => true,
            Self::With(magic) => start.bytes.starts_with(magic),
            Self::As(is) => is(start),
        }
    }
}

/// The start of a segment, and what is known of it without reading.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Its first bytes, [`Start::LENGTH`] at most: those before the first that is missing.
    pub bytes: &'a [u8],
    /// Its key; `None` if it has no name.
    pub key: Option<Key>,
    /// The target's machine.
    pub machine: Machine,
    /// The offset after its last mapped byte.
    pub length: u64,
}

impl Start<'_> {
    /// Bytes that are looked at.
    pub const LENGTH: usize = 64;

    /// 4 bytes at `at` as a number in the target's byte order.
    pub fn u32(&self, at: usize) -> Option<u32> {
        self.reader(at).u32()
    }

    /// 4 bytes at `at` as a number with a sign.
    pub fn i32(&self, at: usize) -> Option<i32> {
        self.u32(at).map(u32::cast_signed)
    }

    /// The target's `unsigned long` at `at`.
    pub fn long(&self, at: usize) -> Option<u64> {
        self.reader(at).long()
    }

    fn reader(&self, at: usize) -> Reader<'_> {
        Reader::new(self.bytes.get(at..).unwrap_or_default(), self.machine)
    }
}
