//! Which fields of a layout differ.

use std::collections::{HashMap, HashSet};

use super::Side;
use crate::error::Error;
use crate::layout::{Described, Layout};
use crate::position::{Interval, SegmentOffset};
use crate::types::decode::{Leaf, Leaves, Limits, decode_into};
use crate::types::value::{Kind, Value};
use std::sync::Arc;

/// Fields that are told at most; more nobody reads.
const MOST: usize = 10_000;
/// Values that are decoded at most. Of arrays of equal elements only those are that differ.
const MOST_VALUES: u64 = 5_000_000;

/// A field that has two values.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDifference {
    /// `head.items[3].name`; empty for a value without parts.
    pub path: String,
    /// What the left copy says; `None` if it has no such field.
    pub left: Option<Value>,
    /// What the right copy says; `None` if it has no such field.
    pub right: Option<Value>,
}

/// The fields that differ.
#[derive(Clone, Debug, Default)]
pub struct Differing {
    /// The layout by which both were decoded; `None` if none fits.
    pub described: Option<Described>,
    /// The fields, in the order in which they stand.
    pub fields: Vec<FieldDifference>,
    /// How many more there are.
    pub more: u64,
    /// Why there are none, where that is no answer.
    pub problem: Option<String>,
}

/// The fields that share a byte with `ranges` and differ, by the layout `named`, or else the surest of both copies. Where the
/// sides read by other rules (word size, byte order, a struct of another build), the fields that say something else, also of the
/// same bytes. A field of which one copy lacks a byte does not count as different.
///
/// # Errors
/// [`Error::Read`].
pub(crate) fn fields(
    left: &Side<'_>,
    right: &Side<'_>,
    ranges: &[Interval<SegmentOffset>],
    named: Option<&dyn Layout>,
    layouts: &[Arc<dyn Layout>],
) -> Result<Differing, Error> {
    let rules = |side: &Side<'_>| (side.machine.class, side.machine.byte_order);
    // To ask every layout costs something, and would be for nothing.
    if ranges.is_empty() && named.is_none() && rules(left) == rules(right) {
        return Ok(Differing::default());
    }
    let [described, by] = match each(left, right, named, layouts) {
        Ok(Some(described)) => described,
        Ok(None) => return Ok(Differing::default()),
        Err(problem) => return Ok(Differing { problem: Some(problem), ..Differing::default() }),
    };
    let alike = rules(left) == rules(right) && Arc::ptr_eq(&described.kind, &by.kind);
    if alike && ranges.is_empty() {
        return Ok(Differing::default());
    }
    let all = [Interval::clamped(SegmentOffset::new(0), u64::MAX)];
    let ranges = if alike { ranges } else { &all };
    let mut here = Values::at(left, &described, ranges)?;
    let mut there = Values::at(right, &by, ranges)?;
    // Where parts have no fixed place, a field that differs here may stand elsewhere there.
    here.complete(left, &described, &there)?;
    there.complete(right, &by, &here)?;
    let mut differing = Differing { described: Some(described), ..Differing::default() };
    let known: HashSet<&String> = here.values.iter().map(|(path, _)| path).collect();
    let both = here.values.iter().map(|(path, value)| (path, Some(value), there.get(path)));
    let only_there = there.values.iter().filter(|(path, _)| !known.contains(path));
    let only_there = only_there.map(|(path, value)| (path, None, Some(value)));
    for (path, left, right) in both.chain(only_there) {
        if !differs(left, right, ranges) {
            continue;
        }
        if differing.fields.len() >= MOST {
            differing.more = differing.more.saturating_add(1);
            continue;
        }
        let (left, right) = (left.cloned(), right.cloned());
        differing.fields.push(FieldDifference { path: path.clone(), left, right });
    }
    differing.more = differing.more.saturating_add(here.more.max(there.more));
    Ok(differing)
}

/// By what either side is read: the layout that is named, which the programs of both may describe in other ways, or the surer one
/// of what both copies are recognised as.
fn each(
    left: &Side<'_>,
    right: &Side<'_>,
    named: Option<&dyn Layout>,
    layouts: &[Arc<dyn Layout>],
) -> Result<Option<[Described; 2]>, String> {
    use crate::layout::Confidence::{self, Certain, Forced, Likely};
    let (first, second) = (left.budget(), right.budget());
    let here = Described::of(&left.subject(&first), named, layouts)?;
    let there = Described::of(&right.subject(&second), named, layouts)?;
    let rank = |described: &Option<Described>| match described.as_ref().map(|one| one.confidence) {
        None | Some(Confidence::None) => 0,
        Some(Likely) => 2,
        Some(Certain) => 3,
        Some(Forced) => 4,
    };
    if named.is_some() {
        return Ok(here.zip(there).map(<[Described; 2]>::from));
    }
    let surer = if rank(&there) > rank(&here) { there } else { here };
    Ok(surer.map(|surer| [surer.clone(), surer]))
}

fn differs(left: Option<&Value>, right: Option<&Value>, ranges: &[Interval<SegmentOffset>]) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        // One copy has an element more; one whose bytes are missing is no difference.
        return left.or(right).is_some_and(|value| value.kind != Kind::Missing);
    };
    if left.kind == Kind::Missing || right.kind == Kind::Missing {
        return false;
    }
    left.kind != right.kind || is_cut(left) && touches(text_of(left), ranges)
}

/// Whether not all that the value says was kept.
fn is_cut(value: &Value) -> bool {
    match &value.kind {
        Kind::Text(text) => text.length > text.bytes.len() as u64,
        Kind::Bytes(bytes, length) => *length > bytes.len() as u64,
        _ => false,
    }
}

/// The bytes that say it: of text not what stands behind its NUL.
fn text_of(value: &Value) -> Interval<SegmentOffset> {
    match &value.kind {
        Kind::Text(text) => Interval::clamped(value.offsets.start(), text.length.min(value.offsets.length())),
        _ => value.offsets,
    }
}

fn touches(offsets: Interval<SegmentOffset>, ranges: &[Interval<SegmentOffset>]) -> bool {
    let next = ranges.get(ranges.partition_point(|range| range.end() <= offsets.start()));
    next.is_some_and(|next| next.intersection(offsets).is_some())
}

/// Values of a copy by their paths.
#[derive(Default)]
struct Values {
    values: Vec<(String, Value)>,
    index: HashMap<String, usize>,
    more: u64,
}

impl Values {
    /// Those that share a byte with `ranges`.
    fn at(side: &Side<'_>, described: &Described, ranges: &[Interval<SegmentOffset>]) -> Result<Self, Error> {
        let mut values = Self::default();
        values.decode(side, described, ranges, |_| true)?;
        Ok(values)
    }

    /// Adds those that `other` has and this one lacks, wherever they stand.
    fn complete(&mut self, side: &Side<'_>, described: &Described, other: &Self) -> Result<(), Error> {
        let lacking = other.values.iter().map(|(path, _)| path.as_str());
        let lacking: HashSet<_> = lacking.filter(|path| self.get(path).is_none()).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let all = Interval::clamped(SegmentOffset::new(0), u64::MAX);
        self.decode(side, described, &[all], |path| lacking.contains(path))
    }

    fn decode(
        &mut self,
        side: &Side<'_>,
        described: &Described,
        wanted: &[Interval<SegmentOffset>],
        mut takes: impl FnMut(&str) -> bool,
    ) -> Result<(), Error> {
        let budget = side.budget();
        let subject = side.subject(&budget);
        let mut sink = Leaves::new(wanted, |leaf: Leaf<'_>| {
            let Some(kind) = leaf.kind.filter(|_| takes(&leaf.path)) else { return };
            // The path stands in the list and in the index.
            let kept = self.values.len() < MOST.saturating_mul(2)
                && budget.keep((leaf.path.len() as u64).saturating_mul(4));
            let value = kept.then(|| Value::copied(&budget, leaf.offsets, kind));
            let Some(Ok(value)) = value else {
                self.more = self.more.saturating_add(1);
                return;
            };
            self.index.insert(leaf.path.clone(), self.values.len());
            self.values.push((leaf.path, value));
        });
        let limits = Limits { nodes: MOST_VALUES, ..Limits::default() };
        let machine = side.machine;
        let decoded = subject.reader(|window, budget| {
            decode_into(&described.kind, 0, window, machine, limits, budget, &mut sink)
        });
        decoded.transpose().map(drop)
    }

    fn get(&self, path: &str) -> Option<&Value> {
        self.values.get(*self.index.get(path)?).map(|(_, value)| value)
    }
}
