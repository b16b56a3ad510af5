//! IPC_PRIVATE: which segments may be one that is attached again.
//!
//! All are named `SYSV00000000` (ipc/shm.c, `newseg`), so each base counts as a segment of its own. shmat(2) maps all of a
//! segment, and an offset has one value at a time: attachments that differ in length or in bytes are of two segments,
//! unless munmap(2) took the end of one, or somebody wrote while the dump was made. What does not differ may be one.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Segment;
use super::group::{Comparison, Equal};
use crate::error::Warning;
use crate::position::SegmentOffset;
use crate::targets::Target;

/// Segments with which one is compared, at most; honest dumps have a handful.
const MOST_COMPARED: usize = 8;
/// Bytes at the start that segments are sorted by before they are compared.
const START: usize = 4096;
/// Pairs that a warning names.
const MOST_TOLD: usize = 6;

/// Two segments, by their index, that may be one.
struct Pair {
    one: usize,
    other: usize,
    equal: Equal,
}

/// Notes in each of `segments` which others it may be one with, and says so.
pub(super) fn tell(target: &dyn Target, segments: &mut [Segment], warnings: &mut Vec<Warning>) {
    let private = |segment: &Segment| segment.is_private() == Some(true) && segment.facts.shmid.is_none();
    let privates: Vec<_> = (0..).zip(&*segments).filter(|(_, segment)| private(segment)).collect();
    if let Some((number, count)) = first_split(&privates) {
        let message = format!(
            "#{number} is IPC_PRIVATE, and its {count} mappings count as one attachment that mprotect(2) or munmap(2) split: parts of several segments, attached side by side, would look the same"
        );
        warnings.push(Warning::new("private-split", message));
    }
    if privates.len() < 2 {
        return;
    }
    let mut alike = BTreeMap::<Option<Vec<u8>>, Vec<usize>>::new();
    for (index, segment) in &privates {
        let mut start = vec![0; START];
        let read = segment.read(target, SegmentOffset::new(0), &mut start);
        let start = matches!(read, Ok(START)).then_some(start);
        alike.entry(start).or_default().push(*index);
    }
    let mut comparison = Comparison::of(target);
    let mut pairs = Vec::new();
    let mut more = false;
    for (start, indices) in &alike {
        let zero = start.as_ref().is_some_and(|start| start.iter().all(|byte| *byte == 0));
        for (place, one) in indices.iter().enumerate() {
            let rest = indices.get(place.saturating_add(1)..).unwrap_or_default();
            more |= rest.len() > MOST_COMPARED;
            for other in rest.iter().take(MOST_COMPARED) {
                let both = segments.get(*one).zip(segments.get(*other));
                let equal = both.and_then(|(one, other)| comparison.equal(one, other));
                // Zeroes of another length say nothing.
                if let Some(equal) = equal.filter(|equal| equal.length || !zero && equal.bytes > 0) {
                    pairs.push(Pair { one: *one, other: *other, equal });
                }
            }
        }
    }
    pairs.sort_by_key(|pair| (pair.one, pair.other));
    for Pair { one, other, .. } in &pairs {
        for (index, twin) in [(*one, *other), (*other, *one)] {
            if let Some(segment) = segments.get_mut(index) {
                segment.twins.push(twin);
            }
        }
    }
    if !pairs.is_empty() {
        warnings.push(Warning::new("private-segments", sentence(&pairs, more)));
    }
}

/// The number of the first with an attachment in several mappings that abut, and their count.
fn first_split(privates: &[(usize, &Segment)]) -> Option<(usize, usize)> {
    privates.iter().find_map(|(index, segment)| {
        let split = segment.attachments.iter().find(|attachment| {
            let pairs = attachment.mappings.iter().zip(attachment.mappings.iter().skip(1));
            pairs.into_iter().any(|(one, two)| one.range.end() == two.range.start())
        });
        Some((index.saturating_add(1), split?.mappings.len()))
    })
}

fn sentence(pairs: &[Pair], more: bool) -> String {
    let mut text = String::new();
    for Pair { one, other, equal } in pairs.iter().take(MOST_TOLD) {
        let (one, other) = (one.saturating_add(1), other.saturating_add(1));
        let why = match equal {
            Equal { bytes: 0, .. } => "equal length, and no byte that both saved".to_owned(),
            Equal { length: true, bytes } => format!("equal length, and {bytes} equal bytes that both saved"),
            Equal { length: false, bytes } => {
                format!("{bytes} equal bytes; then munmap(2) took the end of the shorter one")
            }
        };
        let _ = write!(text, "#{one} and #{other} may be one segment ({why}); ");
    }
    let untold = pairs.len().saturating_sub(MOST_TOLD);
    if untold > 0 || more {
        let _ = write!(
            text,
            "{} such pairs are not listed; ",
            if more { "more".to_owned() } else { untold.to_string() }
        );
    }
    text.push_str("the name of an IPC_PRIVATE segment does not decide it");
    text
}
