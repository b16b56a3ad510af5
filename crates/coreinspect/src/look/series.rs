//! Findings that repeat at one distance, told as one.

use std::collections::BTreeMap;

use crate::position::SegmentOffset;

/// Where something was found, and how often at one distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first.
    pub offset: SegmentOffset,
    /// How many, from the first to the last.
    pub count: u64,
    /// Bytes from one to the next; 0 if there is only one.
    pub distance: u64,
    /// Bytes of each.
    pub width: u64,
}

impl Place {
    /// Whether one of them holds the byte at `offset`.
    pub(super) fn covers(&self, offset: u64) -> bool {
        let Some(inside) = offset.checked_sub(self.offset.get()) else { return false };
        let number = inside.checked_div(self.distance).unwrap_or(0);
        number < self.count && inside.saturating_sub(number.saturating_mul(self.distance)) < self.width
    }
}

/// Joins `found` (by offset; a kind, and the width of each): what is of one kind and `stride` bytes apart, or else next to
/// each other. `stride` is that of the records, if there are any.
pub(super) fn series<K: Ord + Copy>(
    found: impl IntoIterator<Item = (u64, u64, K)>,
    stride: Option<u64>,
) -> Vec<(Place, K)> {
    let mut series: Vec<(Place, K)> = Vec::new();
    // The last series of each column, by kind.
    let mut last: BTreeMap<(K, u64), usize> = BTreeMap::new();
    for (offset, width, kind) in found {
        let distance = stride.unwrap_or(width);
        let column = (kind, offset.checked_rem(distance).unwrap_or(0));
        let open = last.get(&column).and_then(|at| series.get_mut(*at));
        if let Some((place, _)) = open
            && place.offset.get().checked_add(place.count.saturating_mul(distance)) == Some(offset)
        {
            (place.count, place.distance) = (place.count.saturating_add(1), distance);
            continue;
        }
        last.insert(column, series.len());
        let place = Place { offset: SegmentOffset::new(offset), count: 1, distance: 0, width };
        series.push((place, kind));
    }
    series
}
