//! Segments that are known elsewhere, to recognise a nameless one by its bytes.

use std::fmt;
use std::sync::Arc;

use super::Candidate;
use super::evidence::Evidence;
use super::landscape::{Landscape, Piece};
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::{Attachment, Segment};
use crate::targets::Target;
use crate::types::Budget;

/// A segment that another dump, or this kernel, has a name for. Its bytes stay where they are, and are read when they are
/// compared.
pub struct Sister {
    /// What it is, for a sentence: `segment 0x7800c028 of core.1`.
    name: String,
    target: Arc<dyn Target>,
    segment: Segment,
}

/// Bytes that are compared at once: as one that differs in a few fields is the same all the same.
const BLOCK: usize = 256;
/// Bytes of a segment that are compared at most.
const COMPARED: u64 = 64 << 20;
/// Blocks after which two segments that hardly share one are not the same: a megabyte.
const CLEAR: u64 = 4096;
/// Bytes that are read at once.
const READ: usize = 64 << 10;

/// How two segments compare.
pub(super) struct Equal {
    /// Blocks that are known of both and not zero in both.
    pub(super) compared: u64,
    /// Those of them that are the same.
    pub(super) shared: u64,
}

impl fmt::Display for Sister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Sister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sister").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Sister {
    /// Those of `segments`, which are all of `target`, that have a name; messages call the target `name`.
    pub fn all(target: &Arc<dyn Target>, segments: Vec<Segment>, name: &str) -> Vec<Self> {
        let named = segments.into_iter().filter_map(|segment| Some((segment.key?, segment)));
        let sister = |(key, segment)| Self {
            name: format!("segment {key} of {name}"),
            target: target.clone(),
            segment,
        };
        named.map(sister).collect()
    }

    /// How `piece` compares; `None` unless it is as long and most of what is known of both is the same, or if `budget` is
    /// spent.
    pub(super) fn compare(&self, landscape: &Landscape<'_>, piece: &Piece, budget: &Budget) -> Option<Equal> {
        let read = |at: u64, into: &mut [u8]| match piece.range.start().checked_add(at) {
            Some(at) => landscape.target.read(at, into).unwrap_or(0),
            None => 0,
        };
        self.compare_bytes(piece.range.length(), read, budget)
    }

    /// As [`Sister::compare`], with memory of `mapped` bytes that `read` reads.
    fn compare_bytes(
        &self,
        mapped: u64,
        read: impl Fn(u64, &mut [u8]) -> usize,
        budget: &Budget,
    ) -> Option<Equal> {
        const ZEROES: [u8; BLOCK] = [0; BLOCK];
        if self.segment.mapped() != mapped {
            return None;
        }
        let end = self.segment.end().get().min(COMPARED);
        let mut equal = Equal { compared: 0, shared: 0 };
        let (mut these, mut those) = (vec![0; READ], vec![0; READ]);
        let mut at = 0_u64;
        while at < end && budget.step() {
            let wanted = usize::try_from(end.saturating_sub(at)).unwrap_or(READ).min(READ);
            let (Some(one), Some(other)) = (these.get_mut(..wanted), those.get_mut(..wanted)) else { break };
            let known = self.segment.read(&*self.target, SegmentOffset::new(at), one).unwrap_or(0);
            let known = if known > 0 { known.min(read(at, other)) } else { 0 };
            if !budget.read((known as u64).saturating_mul(2)) {
                return None;
            }
            let both = these.get(..known).unwrap_or_default().chunks_exact(BLOCK);
            for (one, other) in both.zip(those.chunks_exact(BLOCK)) {
                if one == other && one == ZEROES {
                    continue;
                }
                equal.compared = equal.compared.saturating_add(1);
                equal.shared = equal.shared.saturating_add(u64::from(one == other));
            }
            if equal.compared >= CLEAR && equal.shared.saturating_mul(8) < equal.compared {
                return None;
            }
            at = at.saturating_add(READ as u64);
        }
        (equal.shared > 0 && equal.shared.saturating_mul(2) >= equal.compared).then_some(equal)
    }
}

/// The segments of `sisters` that lie at the same addresses here, as they do in another dump of the same process or of one that
/// it forked: each with the mappings that the sister has, which are taken out of `pieces`.
pub(super) fn placed(
    landscape: &Landscape<'_>,
    pieces: &mut Vec<Piece>,
    sisters: &[&Sister],
    budget: &Budget,
) -> Vec<Candidate> {
    let target = landscape.target;
    let mut found = Vec::new();
    for sister in sisters {
        for attachment in &sister.segment.attachments {
            let rows: Vec<_> =
                attachment.mappings.iter().map(|mapping| (mapping.range, mapping.offset)).collect();
            let first = rows
                .first()
                .and_then(|(range, _)| pieces.iter().find(|piece| piece.range == *range))
                .copied();
            let is_here =
                |(range, _): &(Interval<Address>, _)| pieces.iter().any(|piece| piece.range == *range);
            let Some(piece) = first.filter(|_| rows.iter().all(is_here)) else { continue };
            let segment = Segment::unnamed(vec![Attachment::of(target, &rows)], Vec::new());
            let read = |at, into: &mut [u8]| segment.read(target, SegmentOffset::new(at), into).unwrap_or(0);
            let Some(equal) = sister.compare_bytes(segment.mapped(), read, budget) else { continue };
            let mut evidence = Evidence::default();
            evidence.same_bytes(sister, &equal);
            evidence.reasons.push("it lies where that lies".to_owned());
            pieces.retain(|piece| !rows.iter().any(|(range, _)| *range == piece.range));
            found.push(Candidate { piece, segment, evidence });
        }
    }
    found
}
