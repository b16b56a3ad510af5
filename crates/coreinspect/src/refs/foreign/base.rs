//! Which base a cluster of addresses fits: a page on which offset 0 of the segment lies for the process that stored them.
//!
//! That all of them lie within the segment leaves many bases. Two things tell the right one. An address of a struct leads to
//! where such a struct is: in a list, or a table of nodes, another of the addresses stands at the same distance behind the start of
//! each. And what an address leads to is seldom all zero.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::cluster::{Cluster, Word};
use crate::error::Error;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;

/// The base that fits best.
pub(super) struct Guess {
    pub(super) base: Address,
    /// How many others fit as well.
    pub(super) other_bases: u64,
}

/// Bases that are looked at: those with most links, and those nearest below the lowest address.
const MOST_LINKED: usize = 16;
const MOST_NEAR: u64 = 64;
/// Words whose goals are looked at.
const MOST_PROBED: usize = 32;

/// What speaks for a base.
struct Fit {
    base: Address,
    /// Goals behind whose start, at one distance, another of the words stands.
    links: u64,
    /// Goals that were looked at, and those with a byte that is not zero.
    known: u64,
    filled: u64,
    /// Whether a word holds the base itself.
    named: bool,
}

impl Fit {
    fn score(&self) -> u64 {
        self.links.saturating_mul(2).saturating_add(self.filled).saturating_add(self.named.into())
    }
}

/// The base that the words of `cluster` fit; `None` if what they would lead to speaks against every one.
///
/// # Errors
/// [`Error::Read`].
pub(super) fn of(target: &dyn Target, segment: &Segment, cluster: &Cluster) -> Result<Option<Guess>, Error> {
    let width = target.identity().machine.class.long();
    let links = links(&cluster.words, cluster.page);
    let mut fits = Vec::new();
    for base in candidates(segment, cluster, &links) {
        let links = links.get(&base).copied().unwrap_or(0);
        fits.push(fit(target, segment, cluster, (base, links), width)?);
    }
    // Of equal ones that with the lowest goals: programs fill a segment from its start.
    let Some(best) = fits.iter().max_by_key(|fit| (fit.score(), fit.base)) else { return Ok(None) };
    let agree = goals(&cluster.words).len() as u64;
    let speaks = best.links.saturating_mul(2) >= agree || best.filled.saturating_mul(2) >= best.known;
    let other_bases = fits.iter().filter(|fit| fit.score() == best.score()).count().saturating_sub(1) as u64;
    Ok(speaks.then_some(Guess { base: best.base, other_bases }))
}

/// How many words lead to a place at whose start, or at one distance behind it, another word stands: by the base that makes it
/// so. Bases are multiples of a page, so that two words fix the distance, if it is less than one.
fn links(words: &[Word], page: u64) -> HashMap<Address, u64> {
    let mut votes = HashMap::<(Address, u64), u64>::new();
    for goal in goals(words) {
        for other in words {
            // goal - base + behind = offset of the other word
            let behind = other.offset.get().wrapping_sub(goal.get()).checked_rem(page).unwrap_or(0);
            let start = other.offset.get().checked_sub(behind);
            let base = start.and_then(|start| goal.get().checked_sub(start));
            if let Some(base) = base.filter(|base| base.is_multiple_of(page)) {
                let count = votes.entry((Address::new(base), behind)).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
    let mut best = HashMap::new();
    for ((base, _), count) in votes {
        let most = best.entry(base).or_insert(0);
        *most = count.max(*most);
    }
    best
}

/// Where `words`, by value, lead, each place once.
fn goals(words: &[Word]) -> Vec<Address> {
    let mut goals: Vec<_> = words.iter().map(|word| word.value).collect();
    goals.dedup();
    goals
}

/// Bases at which all words lie within the segment.
fn candidates(segment: &Segment, cluster: &Cluster, links: &HashMap<Address, u64>) -> Vec<Address> {
    let Some((low, high)) = cluster.values() else { return Vec::new() };
    let (page, length) = (cluster.page, segment.end().get());
    let own = |base: Address| {
        let there = Interval::clamped(base, length);
        segment.attachments.iter().any(|attachment| {
            Interval::new(attachment.start(), attachment.end())
                .is_some_and(|attached| attached.intersection(there).is_some_and(|both| !both.is_empty()))
        })
    };
    let fits = |base: &Address| {
        *base <= low && high.offset_from(*base).is_some_and(|last| last < length) && !own(*base)
    };
    let highest = low.get().saturating_sub(low.get().checked_rem(page).unwrap_or(0));
    let near = (0..MOST_NEAR).map(|pages| Address::new(highest.saturating_sub(pages.saturating_mul(page))));
    let mut linked: Vec<_> = links.iter().filter(|(base, _)| fits(base)).collect();
    linked.sort_unstable_by_key(|(base, count)| (Reverse(**count), Reverse(**base)));
    let linked = linked.into_iter().take(MOST_LINKED).map(|(base, _)| *base);
    let mut all: Vec<_> = near.filter(fits).chain(linked).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn fit(
    target: &dyn Target,
    segment: &Segment,
    cluster: &Cluster,
    (base, links): (Address, u64),
    width: usize,
) -> Result<Fit, Error> {
    let named = cluster.words.iter().any(|word| word.value == base);
    let mut fit = Fit { base, links, known: 0, filled: 0, named };
    let goals = goals(&cluster.words);
    let step = goals.len().div_ceil(MOST_PROBED).max(1);
    for goal in goals.iter().step_by(step) {
        let Some(offset) = goal.offset_from(base).map(SegmentOffset::new) else { continue };
        let mut bytes = [0; 8];
        let Some(bytes) = bytes.get_mut(..width) else { continue };
        if segment.read(target, offset, bytes)? < width {
            continue;
        }
        fit.known = fit.known.saturating_add(1);
        fit.filled = fit.filled.saturating_add(bytes.iter().any(|byte| *byte != 0).into());
    }
    Ok(fit)
}
