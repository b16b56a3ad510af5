//! Which field of a layout holds a place.

use super::Hit;
use crate::error::Error;
use crate::layout::{Described, Subject};
use crate::position::{Coverage, Position, SegmentOffset};
use crate::types::decode::{Leaf, Leaves, Limits, decode_into};

/// A field, and how far within it a place lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// `head.items[3].name`.
    pub path: String,
    /// Bytes from the field's start.
    pub inside: u64,
}

/// Values that are looked through at most. Arrays of equal elements are not: of them only those with a hit are.
const MOST_VALUES: u64 = 20_000_000;

/// The field that holds the first byte of each of `hits`, which are sorted: the innermost one that has a name; `None` where
/// the layout has none there.
///
/// # Errors
/// [`Error::Read`].
pub fn fields(
    subject: &Subject<'_>,
    described: &Described,
    hits: &[Hit],
) -> Result<Vec<Option<Field>>, Error> {
    let mut found = vec![None; hits.len()];
    let mut wanted = Coverage::default();
    for hit in hits {
        wanted.add(hit.offsets, |_| ());
    }
    let wanted: Vec<_> = wanted.intervals().collect();
    let mut sink = Leaves::new(&wanted, |leaf: Leaf<'_>| {
        let first = hits.partition_point(|hit| hit.offsets.start() < leaf.offsets.start());
        let inside = hits.iter().zip(&mut found).skip(first);
        for (hit, found) in inside.take_while(|(hit, _)| leaf.offsets.contains(hit.offsets.start())) {
            if found.is_none() && !leaf.path.is_empty() {
                let inside = distance(leaf.offsets.start(), hit.offsets.start());
                *found = Some(Field { path: leaf.path.clone(), inside });
            }
        }
    });
    let limits = Limits { nodes: MOST_VALUES, ..Limits::default() };
    let machine = subject.machine;
    let decoded = subject
        .reader(|window, budget| decode_into(&described.kind, 0, window, machine, limits, budget, &mut sink));
    decoded.transpose()?;
    Ok(found)
}

fn distance(from: SegmentOffset, to: SegmentOffset) -> u64 {
    to.offset_from(from).unwrap_or(0)
}
