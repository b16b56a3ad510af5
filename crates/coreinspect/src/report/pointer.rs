//! Where the pointers of a value lead.

use serde::Serialize;

use super::{Hex, Text};
use crate::pointer_tags::PointerTags;
use crate::position::{Address, Interval, Position};
use crate::refs::Foreign;
use crate::shm::Segment;
use crate::targets::Target;
use crate::types::Budget;
use crate::types::value::{Kind, Value};

/// Where a pointer leads: into a segment, or into a mapped file.
#[derive(Clone, Debug, Serialize)]
pub struct Pointer {
    /// The offset of the pointer itself.
    pub at: u64,
    /// The address that it holds.
    pub address: Hex,
    /// The bits of it that are no part of the address; null for none.
    pub tag: Option<Hex>,
    /// The number of the segment that it leads into.
    pub segment: Option<usize>,
    /// The mapping's name, where it leads into a mapped file.
    #[serde(flatten, with = "super::text::mapping")]
    pub mapping: Option<Text>,
    /// Bytes behind the start of that segment or file.
    pub offset: u64,
    /// Whether it leads there only for another process, which has the segment elsewhere: a guess.
    pub foreign: bool,
    /// What the symbols of that program or library call the place, where they were asked.
    pub symbol: Option<String>,
}

/// The contract's form of the bits of a word that are no part of its address.
pub(super) fn tag(bits: u64) -> Option<Hex> {
    (bits != 0).then_some(Hex(bits))
}

/// Pointers that are resolved: more nobody reads.
const MOST: usize = 10_000;

/// Named ranges by their start, for a search. Made once for a target, for all values of its segments.
pub(super) struct Ranges<'t> {
    rows: Vec<(Interval<Address>, u64, Goal<'t>)>,
    tags: PointerTags,
}

#[derive(Clone, Copy)]
enum Goal<'t> {
    Segment(usize),
    File(&'t [u8]),
}

impl Pointer {
    /// The pointers in `value` that lead somewhere, as far as `budget` pays for them.
    pub(super) fn all(
        value: &Value,
        ranges: &Ranges<'_>,
        foreign: Option<(usize, Foreign)>,
        budget: &Budget,
    ) -> Vec<Self> {
        let mut held = Vec::new();
        collect(value, &mut held);
        let found = held.into_iter().filter_map(|(at, word)| {
            let (address, bits) = ranges.tags.apart(word);
            let here = ranges.find(address);
            let (segment, name, offset) = match (here, foreign) {
                (Some((offset, Goal::Segment(number))), _) => (Some(number), None, offset),
                (Some((offset, Goal::File(name))), _) => (None, Some(name), offset),
                (None, Some((number, foreign))) => (Some(number), None, foreign.offset(address)?.get()),
                (None, None) => return None,
            };
            let length = name.map_or(0, <[u8]>::len) as u64;
            let paid = budget.keep(length.saturating_add(size_of::<[Self; 2]>() as u64));
            let mapping = name.filter(|_| paid).map(Text::new);
            let foreign = here.is_none();
            paid.then_some(Self {
                at,
                address: address.into(),
                tag: tag(bits),
                segment,
                mapping,
                offset,
                foreign,
                symbol: None,
            })
        });
        found.collect()
    }
}

impl<'t> Ranges<'t> {
    /// Those of `target`, whose segments are `segments`.
    pub(super) fn of(target: &'t dyn Target, segments: &[Segment]) -> Self {
        let mut ranges = Vec::new();
        for (number, segment) in (1..).zip(segments) {
            let mappings = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
            ranges
                .extend(mappings.map(|mapping| (mapping.range, mapping.offset.get(), Goal::Segment(number))));
        }
        for mapping in target.mappings().into_iter().flatten() {
            ranges.extend(mapping.offset.map(|offset| (mapping.range, offset, Goal::File(mapping.name))));
        }
        // Of a segment's mapping both are there: the segment first.
        ranges.sort_by_key(|(range, ..)| range.start());
        Self { rows: ranges, tags: target.identity().pointer_tags }
    }

    fn find(&self, address: Address) -> Option<(u64, Goal<'t>)> {
        let end = self.rows.partition_point(|(range, ..)| range.start() <= address);
        // A segment and the row that names it have one start: both stand at the end of what begins before.
        let near = self.rows.get(end.saturating_sub(4)..end)?;
        let holding = near.iter().filter(|(range, ..)| range.contains(address));
        let best = holding.min_by_key(|(.., goal)| matches!(goal, Goal::File(_)))?;
        let (range, offset, goal) = best;
        Some((offset.checked_add(address.offset_from(range.start())?)?, *goal))
    }
}

fn collect(value: &Value, held: &mut Vec<(u64, u64)>) {
    if held.len() >= MOST {
        return;
    }
    match &value.kind {
        Kind::Pointer(address) if *address != 0 => held.push((value.offsets.start().get(), *address)),
        Kind::Struct(members) => members.iter().for_each(|member| collect(&member.value, held)),
        Kind::Array(elements, _) => elements.iter().for_each(|element| collect(element, held)),
        _ => {}
    }
}
