//! Threads that wait for each other in a ring.

use std::collections::HashMap;
use std::hash::Hash;

/// The rings of `waits`: who waits, for what, and who holds that. Each ring is told once, from the least of its waiters on; of
/// several things that one waits for, the first counts.
pub(crate) fn cycles<T: Copy + Ord + Hash>(waits: &[(T, usize, T)]) -> Vec<Vec<(T, usize)>> {
    let mut next = HashMap::<T, (usize, T)>::new();
    for (waiter, lock, owner) in waits {
        next.entry(*waiter).or_insert((*lock, *owner));
    }
    let mut seen = HashMap::<T, usize>::new();
    let mut found = Vec::new();
    for (walk, (start, ..)) in waits.iter().enumerate() {
        let mut at = *start;
        while let Some((_, owner)) = next.get(&at).filter(|_| !seen.contains_key(&at)) {
            seen.insert(at, walk);
            at = *owner;
        }
        // It came back to where this walk itself had been.
        if seen.get(&at) != Some(&walk) {
            continue;
        }
        let mut ring = Vec::new();
        let mut member = at;
        while let Some((lock, owner)) = next.get(&member) {
            ring.push((member, *lock));
            member = *owner;
            if member == at {
                break;
            }
        }
        let least = ring.iter().enumerate().min_by_key(|(_, (member, _))| *member).map_or(0, |(at, _)| at);
        ring.rotate_left(least);
        found.push(ring);
        // It is not told again.
        if let Some(slot) = seen.get_mut(&at) {
            *slot = usize::MAX;
        }
    }
    found
}
