//! The JSON of `search`.

use serde::Serialize;

use super::text::{hex, label};
use super::{Hex, SCHEMA, Text};
use crate::memory::Dumped;
use crate::position::{Interval, Position, SegmentOffset};
use crate::search::{Field, Found, Hit, Pattern};
use crate::shm::Segment;
use crate::targets::Target;

/// What a search of a dump found.
#[derive(Clone, Debug, Serialize)]
pub struct Search {
    /// The contract's name.
    pub schema: &'static str,
    /// The dump's path.
    #[serde(flatten, with = "super::text::dump")]
    pub dump: Option<Text>,
    /// What was sought.
    pub patterns: Vec<SoughtPattern>,
    /// Where it was sought.
    pub segments: Vec<SearchedSegment>,
    /// Hits in all of them.
    pub total: u64,
}

/// What was sought.
#[derive(Clone, Debug, Serialize)]
pub struct SoughtPattern {
    /// As the user wrote it.
    #[serde(flatten, with = "super::text::pattern")]
    pub pattern: Option<Text>,
    /// "text", "utf-16", "bytes", "pointer", "u32", "i64be", "f64", ...
    pub kind: String,
    /// The bytes as hex; `??` is any byte.
    pub bytes: String,
}

/// A segment that was searched.
#[derive(Clone, Debug, Serialize)]
pub struct SearchedSegment {
    /// Its number in the listing.
    pub number: usize,
    /// Its key.
    pub key: Option<String>,
    /// Its name; null if it has none.
    #[serde(flatten, with = "super::text::name")]
    pub name: Option<Text>,
    /// Bytes that were searched.
    pub searched: u64,
    /// How many hits there are.
    pub total: u64,
    /// The first of them, by offset.
    pub hits: Vec<FoundAt>,
    /// What was not searched.
    pub not_searched: Vec<NotSearched>,
    /// The layout whose fields the hits name; null if none fits the bytes.
    pub layout: Option<String>,
}

/// A place where a pattern stands.
#[derive(Clone, Debug, Serialize)]
pub struct FoundAt {
    /// Its offset in the segment.
    pub offset: u64,
    /// Its address, in the attachment that has the byte.
    pub address: Option<Hex>,
    /// How many bytes.
    pub length: u64,
    /// The index of its pattern.
    pub pattern: usize,
    /// The field of the layout that holds its first byte.
    pub field: Option<String>,
    /// Bytes from the field's start.
    pub field_offset: Option<u64>,
    /// The offset of the first byte of `context`.
    pub context_offset: u64,
    /// Bytes around it as hex, as far as they are saved.
    pub context: String,
    /// The same.
    #[serde(skip)]
    pub context_bytes: Vec<u8>,
}

/// A run of a segment that was not searched.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NotSearched {
    /// The first offset.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
    /// "not-saved", "cut-off", "not-readable", or "not-mapped": no attachment covers it.
    pub reason: &'static str,
}

impl Search {
    /// A search of the dump at `path` that has looked nowhere yet.
    pub fn of(path: &str, patterns: &[Pattern]) -> Self {
        let patterns = patterns.iter().map(|pattern| SoughtPattern {
            pattern: Some(Text::new(pattern.written.as_slice())),
            kind: pattern.kind.clone(),
            bytes: pattern
                .bytes
                .iter()
                .map(|byte| byte.map_or("??".to_owned(), |byte| hex(&[byte])))
                .collect(),
        });
        let patterns = patterns.collect();
        Self { schema: SCHEMA, dump: Some(Text::new(path)), patterns, segments: Vec::new(), total: 0 }
    }

    /// Adds what was found in a segment.
    pub fn add(&mut self, segment: SearchedSegment) {
        self.total = self.total.saturating_add(segment.total);
        self.segments.push(segment);
    }

    /// Bytes of all segments that were not searched.
    pub fn not_searched(&self) -> u64 {
        let runs = self.segments.iter().flat_map(|segment| &segment.not_searched);
        runs.fold(0, |sum, run| sum.saturating_add(run.end.saturating_sub(run.start)))
    }
}

impl SearchedSegment {
    /// What people call it. As hostile as the dump.
    pub fn label(&self) -> String {
        label(self.key.as_deref(), self.name.as_ref())
    }

    /// What was `found` in the segment with this number, with `context` saved bytes on both sides of each hit.
    pub fn of(
        (number, segment): (usize, &Segment),
        target: &dyn Target,
        found: &Found,
        (layout, fields): (Option<String>, Vec<Option<Field>>),
        context: u64,
    ) -> Self {
        let mut fields = fields.into_iter();
        let hits = found.hits.iter().map(|hit| {
            let field = fields.next().flatten();
            FoundAt::of(hit, segment, target, field, context)
        });
        let not_searched = found.not_searched.iter().map(|(offsets, reason)| NotSearched {
            start: offsets.start().get(),
            end: offsets.end().get(),
            reason,
        });
        Self {
            number,
            key: segment.key.map(|key| key.to_string()),
            name: segment.name.as_deref().map(Text::new),
            searched: found.searched,
            total: found.total,
            hits: hits.collect(),
            not_searched: not_searched.collect(),
            layout,
        }
    }
}

impl FoundAt {
    fn of(hit: &Hit, segment: &Segment, target: &dyn Target, field: Option<Field>, context: u64) -> Self {
        let start = hit.offsets.start();
        let piece = segment.piece_at(start);
        let address = piece.and_then(|piece| {
            piece.address.checked_add(start.offset_from(piece.offsets.start())?).map(Hex::from)
        });
        let (context_offset, context_bytes) = around(hit.offsets, segment, target, context);
        Self {
            offset: start.get(),
            address,
            length: hit.offsets.length(),
            pattern: hit.pattern,
            field: field.as_ref().map(|field| field.path.clone()),
            field_offset: field.map(|field| field.inside),
            context_offset,
            context: hex(&context_bytes),
            context_bytes,
        }
    }
}

/// Bytes of a hit that are shown.
const MOST_OF_A_HIT: u64 = 64;

/// The saved bytes from `context` before `hit` to `context` behind it, in lines of 16, and the offset of the first.
fn around(
    hit: Interval<SegmentOffset>,
    segment: &Segment,
    target: &dyn Target,
    context: u64,
) -> (u64, Vec<u8>) {
    let at = hit.start().get();
    let first = at.saturating_sub(context) & !15;
    let end = at.saturating_add(hit.length().min(MOST_OF_A_HIT)).saturating_add(context);
    let end = end.checked_next_multiple_of(16).unwrap_or(end);
    let window = Interval::clamped(SegmentOffset::new(first), end.saturating_sub(first));
    let mut start = first;
    for tile in segment.tiles(window) {
        if tile.missing().is_some() && tile.offsets.end() <= hit.start() {
            start = tile.offsets.end().get();
        }
    }
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or(0)];
    let count = segment.read(target, SegmentOffset::new(start), &mut bytes).unwrap_or(0);
    bytes.truncate(count);
    (start, bytes)
}

impl NotSearched {
    /// How many bytes.
    pub fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether it is what a writer left out, not what no attachment covers.
    pub fn is_mapped(&self) -> bool {
        [Dumped::NotSaved, Dumped::CutOff, Dumped::NotReadable]
            .map(Dumped::reason)
            .contains(&Some(self.reason))
    }
}
