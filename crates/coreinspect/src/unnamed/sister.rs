//! Segments that are known elsewhere, to recognise a nameless one by its bytes.

use std::fmt;

use super::Candidate;
use super::evidence::Evidence;
use super::landscape::{Landscape, Piece};
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::{Attachment, Segment};
use crate::targets::Target;
use crate::types::Budget;

/// A segment that another dump, or this kernel, has a name for.
#[derive(Clone, Debug)]
pub struct Sister {
    /// What it is, for a sentence: `segment 0x7800c028 of core.1`.
    name: String,
    /// Bytes mapped, in whole pages.
    mapped: u64,
    /// What stands in each block of it.
    blocks: Vec<Block>,
    /// Where each attachment's mappings lie in its process: their addresses, and the offset of the first.
    places: Vec<Vec<(Interval<Address>, SegmentOffset)>>,
}

/// A block of 256 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// Not known.
    Missing,
    Zero,
    Hash(u64),
}

const BLOCK: usize = 256;
/// Bytes of a segment that are compared at most.
const COMPARED: u64 = 64 << 20;
/// Bytes of a piece that are compared with other pieces.
const TWIN: u64 = 1 << 20;
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

impl Sister {
    /// The segments of `target`, called `name`, that have a name.
    pub fn all(target: &dyn Target, segments: &[Segment], name: &str) -> Vec<Self> {
        let named = segments.iter().filter_map(|segment| Some((segment, segment.key?)));
        named
            .map(|(segment, key)| {
                let read = |at: u64, into: &mut [u8]| {
                    segment.read(target, SegmentOffset::new(at), into).unwrap_or(0)
                };
                let places = segment.attachments.iter().map(|attachment| {
                    attachment.mappings.iter().map(|mapping| (mapping.range, mapping.offset)).collect()
                });
                Self {
                    places: places.collect(),
                    name: format!("segment {key} of {name}"),
                    mapped: segment.mapped(),
                    blocks: blocks(segment.end().get().min(COMPARED), read),
                }
            })
            .collect()
    }

    /// A piece without a name, to find others with the same bytes.
    pub(super) fn of_piece(landscape: &Landscape<'_>, piece: &Piece) -> Self {
        Self {
            places: Vec::new(),
            name: format!("the memory at {}", piece.range.start()),
            mapped: piece.range.length(),
            blocks: blocks(piece.range.length().min(TWIN), reading(landscape, piece)),
        }
    }

    /// How `piece` compares; `None` unless it is as long and most of what is known of both is the same.
    pub(super) fn compare(&self, landscape: &Landscape<'_>, piece: &Piece) -> Option<Equal> {
        self.compare_bytes(piece.range.length(), reading(landscape, piece))
    }

    /// As [`Sister::compare`], with memory of `mapped` bytes that `read` reads.
    fn compare_bytes(&self, mapped: u64, read: impl Fn(u64, &mut [u8]) -> usize) -> Option<Equal> {
        if self.mapped != mapped {
            return None;
        }
        let length = (self.blocks.len() as u64).saturating_mul(BLOCK as u64);
        let mut equal = Equal { compared: 0, shared: 0 };
        for (one, other) in self.blocks.iter().zip(blocks(length, read)) {
            if *one == Block::Missing
                || other == Block::Missing
                || (*one, other) == (Block::Zero, Block::Zero)
            {
                continue;
            }
            equal.compared = equal.compared.saturating_add(1);
            equal.shared = equal.shared.saturating_add(u64::from(*one == other));
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
        for rows in &sister.places {
            let first = rows
                .first()
                .and_then(|(range, _)| pieces.iter().find(|piece| piece.range == *range))
                .copied();
            let is_here =
                |(range, _): &(Interval<Address>, _)| pieces.iter().any(|piece| piece.range == *range);
            let Some(piece) = first.filter(|_| rows.iter().all(is_here)) else { continue };
            if !budget.read(sister.mapped) {
                return found;
            }
            let segment = Segment::unnamed(vec![Attachment::of(target, rows)], Vec::new());
            let read = |at, into: &mut [u8]| segment.read(target, SegmentOffset::new(at), into).unwrap_or(0);
            let Some(equal) = sister.compare_bytes(segment.mapped(), read) else { continue };
            let mut evidence = Evidence::default();
            evidence.same_bytes(sister, &equal);
            evidence.reasons.push("it lies where that lies".to_owned());
            pieces.retain(|piece| !rows.iter().any(|(range, _)| *range == piece.range));
            found.push(Candidate { piece, segment, evidence });
        }
    }
    found
}

fn reading<'l>(landscape: &'l Landscape<'_>, piece: &'l Piece) -> impl Fn(u64, &mut [u8]) -> usize + 'l {
    |at, into| match piece.range.start().checked_add(at) {
        Some(at) => landscape.target.read(at, into).unwrap_or(0),
        None => 0,
    }
}

fn blocks(length: u64, read: impl Fn(u64, &mut [u8]) -> usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut buffer = vec![0; READ];
    let mut at = 0_u64;
    while at < length {
        let count = read(at, &mut buffer);
        let known = buffer.get(..count).unwrap_or_default();
        let whole = known.chunks_exact(BLOCK);
        blocks.extend(whole.map(|block| match block.iter().all(|byte| *byte == 0) {
            true => Block::Zero,
            false => Block::Hash(fnv(block)),
        }));
        at = at.saturating_add(READ as u64);
        let expected = usize::try_from(at.min(length)).unwrap_or(usize::MAX) / BLOCK;
        blocks.resize(expected, Block::Missing);
    }
    blocks
}

/// FNV-1a: whoever can choose the bytes of both dumps has nothing to gain by a collision.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
