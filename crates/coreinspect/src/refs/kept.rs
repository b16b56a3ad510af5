//! The first few of very many, by address, in whatever order they come.

use std::collections::BinaryHeap;

use crate::position::Address;

/// At most so many items, those with the lowest addresses.
pub(super) struct Kept<T> {
    limit: usize,
    heap: BinaryHeap<(Address, T)>,
}

impl<T: Ord> Kept<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::new() }
    }

    pub(super) fn add(&mut self, at: Address, item: T) {
        if self.heap.len() < self.limit {
            self.heap.push((at, item));
        } else if let Some(mut highest) = self.heap.peek_mut()
            && at < highest.0
        {
            *highest = (at, item);
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        for (at, item) in other.heap {
            self.add(at, item);
        }
    }

    /// The lowest `count`, sorted.
    pub(super) fn into_sorted(self, count: usize) -> Vec<(Address, T)> {
        let mut sorted = self.heap.into_sorted_vec();
        sorted.truncate(count);
        sorted
    }
}
