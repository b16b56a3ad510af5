//! The same segment in two places: two dumps, a dump and the living segment, a dump and a file.
//!
//! [`pair`] says which segments are the same, [`compare`] which bytes differ, [`fields`] what that means, and
//! [`newer`](newer::judge) which copy is the newer one, where something says so.

mod bytes;
mod digests;
mod fields;
pub(crate) mod newer;
mod pairs;

pub(crate) use bytes::{Compared, compare};
pub(crate) use digests::Versions;
pub(crate) use fields::{Differing, FieldDifference, fields};
pub(crate) use pairs::{MatchedBy, pair};

use shmcore::Key;

use crate::layout::Subject;
use crate::machine::Machine;
use crate::targets::{Facts, Target};
use crate::types::Budget;
use crate::types::contents::Contents;

/// A copy of a segment.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Its bytes.
    pub contents: &'a dyn Contents,
    /// Its key, if known.
    pub key: Option<Key>,
    /// How its numbers are written.
    pub machine: Machine,
    /// The target that has it; `None` for a file or the living segment.
    pub target: Option<&'a dyn Target>,
    /// What the kernel said of it.
    pub facts: Option<&'a Facts>,
}

impl<'a> Side<'a> {
    /// Asks about its layout.
    fn subject<'b>(&'b self, budget: &'b Budget) -> Subject<'b>
    where
        'a: 'b,
    {
        Subject::new(self.contents, self.key, self.machine, self.target, budget)
    }

    fn budget(&self) -> Budget {
        self.target.map_or_else(Budget::unlimited, Budget::of)
    }
}
