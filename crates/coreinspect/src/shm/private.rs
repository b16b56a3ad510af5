//! IPC_PRIVATE, memfds, shared anonymous memory: which segments may be one that is attached again.
//!
//! All of IPC_PRIVATE are named `SYSV00000000` (ipc/shm.c, `newseg`), so each base counts as a segment of its own. shmat(2) maps all of a
//! segment, and an offset has one value at a time: attachments that differ in length or in bytes are of two segments,
//! unless munmap(2) took the end of one, or somebody wrote while the dump was made. What does not differ may be one.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Segment;
use super::group::{Comparison, Equal};
use crate::error::Warning;
use crate::kind::Kind;
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
            "segment {number} is IPC_PRIVATE, and its {count} mappings count as one attachment that mprotect(2) or munmap(2) split: parts of several segments, attached side by side, would look the same"
        );
        warnings.push(Warning::new("private-split", message));
    }
    if let Some(pairs) = pair(target, segments, private) {
        warnings.push(Warning::new("private-segments", sentence(&pairs, "an IPC_PRIVATE segment")));
    }
}

/// The same of memfds and of shared anonymous memory, whose names do not decide it either.
pub(super) fn tell_others(target: &dyn Target, segments: &mut [Segment], warnings: &mut Vec<Warning>) {
    let kinds = [(Kind::Memfd, "a memfd"), (Kind::Anonymous, "shared anonymous memory")].into_iter();
    for (kind, what) in kinds {
        let alike = |segment: &Segment| segment.kind == kind && segment.facts.file.is_none();
        if let Some(pairs) = pair(target, segments, alike) {
            warnings.push(Warning::new("same-name", sentence(&pairs, what)));
        }
    }
    tell_files(segments, warnings);
}

/// Says which segments are of files that are called alike, and were not taken for one.
fn tell_files(segments: &mut [Segment], warnings: &mut Vec<Warning>) {
    let mut alike = BTreeMap::<_, Vec<usize>>::new();
    for (index, segment) in segments.iter().enumerate() {
        let of_a_file = segment.kind != Kind::SystemV && segment.kind.is_told_apart_by_name();
        if of_a_file && segment.facts.file.is_none() {
            alike.entry(segment.name.clone()).or_default().push(index);
        }
    }
    let mut told = 0_usize;
    for indices in alike.into_values().filter(|indices| indices.len() > 1) {
        // Each says which it may be one with; a thousand mappings of one file need not all say it.
        let some = indices.get(..MOST_COMPARED.min(indices.len())).unwrap_or_default();
        for index in some {
            if let Some(segment) = segments.get_mut(*index) {
                segment.twins.extend(some.iter().filter(|other| *other != index));
            }
        }
        told = told.saturating_add(1);
        if told <= MOST_TOLD {
            let numbers: Vec<_> = some.iter().map(|index| index.saturating_add(1).to_string()).collect();
            let message = format!(
                "segments {} are mappings of files of one name that differ in bytes, or of which the writer kept some and left out others: some may be private (MAP_PRIVATE), or the file was unlinked and made again",
                numbers.join(", ")
            );
            warnings.push(Warning::new("same-name", message));
        }
    }
}

/// Pairs that were found, and whether there may be more.
struct Pairs {
    found: Vec<Pair>,
    more: bool,
}

/// Notes which of the `segments` that are `alike`, and of one name, may be one; `None` if none may.
fn pair(target: &dyn Target, segments: &mut [Segment], alike: impl Fn(&Segment) -> bool) -> Option<Pairs> {
    let alike: Vec<_> = (0..).zip(&*segments).filter(|(_, segment)| alike(segment)).collect();
    if alike.len() < 2 {
        return None;
    }
    let mut groups = BTreeMap::<_, Vec<usize>>::new();
    for (index, segment) in &alike {
        let mut start = vec![0; START];
        let read = segment.read(target, SegmentOffset::new(0), &mut start);
        let start = matches!(read, Ok(START)).then_some(start);
        groups.entry((segment.name.clone(), start)).or_default().push(*index);
    }
    let mut comparison = Comparison::of(target);
    let mut pairs = Pairs { found: Vec::new(), more: false };
    for ((_, start), indices) in &groups {
        let zero = start.as_ref().is_some_and(|start| start.iter().all(|byte| *byte == 0));
        for (place, one) in indices.iter().enumerate() {
            let rest = indices.get(place.saturating_add(1)..).unwrap_or_default();
            pairs.more |= rest.len() > MOST_COMPARED;
            for other in rest.iter().take(MOST_COMPARED) {
                let both = segments.get(*one).zip(segments.get(*other));
                let equal = both.and_then(|(one, other)| comparison.equal(one, other));
                // Zeroes of another length say nothing.
                if let Some(equal) = equal.filter(|equal| equal.length || !zero && equal.bytes > 0) {
                    pairs.found.push(Pair { one: *one, other: *other, equal });
                }
            }
        }
    }
    pairs.found.sort_by_key(|pair| (pair.one, pair.other));
    for Pair { one, other, .. } in &pairs.found {
        for (index, twin) in [(*one, *other), (*other, *one)] {
            if let Some(segment) = segments.get_mut(index) {
                segment.twins.push(twin);
            }
        }
    }
    (!pairs.found.is_empty()).then_some(pairs)
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

/// What is said of `pairs`; the name of `what` does not decide it.
fn sentence(Pairs { found: pairs, more }: &Pairs, what: &str) -> String {
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
        let _ = write!(text, "{one} and {other} may be one segment ({why}); ");
    }
    let untold = pairs.len().saturating_sub(MOST_TOLD);
    if untold > 0 || *more {
        let _ = write!(
            text,
            "{} such pairs are not listed; ",
            if *more { "more".to_owned() } else { untold.to_string() }
        );
    }
    let _ = write!(text, "the name of {what} does not decide it");
    text
}
