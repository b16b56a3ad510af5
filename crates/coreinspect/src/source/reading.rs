//! How a dump is read: how much of it is wanted, what that may cost, who is told.

use super::limits::Limits;
use crate::kind::Kinds;

/// How much of a dump's memory whoever opens it will look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// The starts of its segments, and more only now and then: a listing.
    Starts,
    /// Its segments.
    Segments,
    /// Any byte.
    Everything,
}

/// How a stream is read.
pub struct Reading {
    /// How much of the dump is wanted.
    pub amount: Amount,
    /// Of which kinds of shared memory.
    pub kinds: Kinds,
    /// What it may cost.
    pub limits: Limits,
    /// Told now and then how far it is: whether it goes on for long is the listener's to notice.
    pub progress: Option<Box<dyn FnMut(Progress) + Send>>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            amount: Amount::Everything,
            kinds: Kinds::default(),
            limits: Limits::default(),
            progress: None,
        }
    }
}

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Decompressed bytes that came.
    pub came: u64,
    /// Bytes of the file that were read for them.
    pub consumed: u64,
    /// The file's size; `None` for a pipe.
    pub of: Option<u64>,
}
