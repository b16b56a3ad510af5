//! Which segments of two targets are the same one.

use std::collections::HashMap;

use shmcore::Key;

use crate::kind::Kind;
use crate::position::{Address, SegmentOffset};
use crate::shm::Segment;
use crate::targets::FileId;

/// What says that two segments are the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedBy {
    /// Their key: two IPC namespaces could use it for two segments.
    Key,
    /// Their key and their id.
    ShmId,
    /// Device and inode of their file: a memfd's, and what is not System V.
    File,
    /// Their name: two mount namespaces can have two files of it.
    Name,
    /// One process had both at the same address, in dumps taken one after the other.
    Process,
    /// The user.
    Pair,
}

impl MatchedBy {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::ShmId => "shmid",
            Self::File => "file",
            Self::Name => "name",
            Self::Process => "process",
            Self::Pair => "pair",
        }
    }
}

/// Two segments by their indices, or one that has no partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Of the left target.
    pub left: Option<usize>,
    /// Of the right target.
    pub right: Option<usize>,
    /// Why; `None` for one alone.
    pub by: Option<MatchedBy>,
}

/// The key, if it says anything.
fn key_of(segment: &Segment) -> Option<Key> {
    segment.key.filter(|key| !key.is_private())
}

/// Whether the name says which segment it is, of other kinds than System V.
fn is_told_by_name(segment: &Segment) -> bool {
    segment.kind != Kind::SystemV && segment.kind.is_told_apart_by_name() && segment.name.is_some()
}

/// What two segments share that are the same one by some rule.
#[derive(PartialEq, Eq, Hash)]
struct Mark<'s> {
    key: Option<Key>,
    shmid: Option<i32>,
    place: Option<(Address, SegmentOffset)>,
    kind: Kind,
    name: Option<&'s [u8]>,
    file: Option<FileId>,
}

impl<'s> Mark<'s> {
    /// What is said of `segment` in any case.
    fn of(segment: &'s Segment) -> Self {
        let name = segment.name.as_deref().filter(|_| segment.kind != Kind::SystemV);
        Self { key: segment.key, shmid: None, place: None, kind: segment.kind, name, file: None }
    }
}

/// A rule: the mark that it gives a segment.
type Rule<'r> = &'r dyn for<'s> Fn(&'s Segment) -> Option<Mark<'s>>;

/// Segments of one mark that are tried: an honest target has hardly two.
const MOST_TRIED: usize = 16;

/// Pairs the segments of two targets: by id where both know it, by key or name else; those without one that says anything only if
/// `same_process` and they stood at the same address with the same length. What is left stands alone, at the end.
pub(crate) fn pair(left: &[Segment], right: &[Segment], same_process: bool) -> Vec<Pair> {
    let mut partner = vec![None; left.len()];
    let mut taken = vec![false; right.len()];
    let place = |segment: &Segment| {
        let base = segment.attachments.first().and_then(|attachment| attachment.base);
        let base = base.filter(|_| same_process)?;
        Some((base, segment.end()))
    };
    // The surest first: a segment whose key was used again has two of that key.
    let rules: [(Rule<'_>, MatchedBy); 5] = [
        (
            &|segment| Some(Mark { shmid: Some(segment.facts.shmid?.raw()), ..Mark::of(segment) }),
            MatchedBy::ShmId,
        ),
        (&|segment| Some(Mark { file: Some(segment.facts.file?), ..Mark::of(segment) }), MatchedBy::File),
        (&|segment| Some(Mark { place: Some(place(segment)?), ..Mark::of(segment) }), MatchedBy::Process),
        (&|segment| Some(Mark { key: Some(key_of(segment)?), ..Mark::of(segment) }), MatchedBy::Key),
        (&|segment| Some(Mark::of(segment)).filter(|_| is_told_by_name(segment)), MatchedBy::Name),
    ];
    for (mark, by) in rules {
        let mut marked = HashMap::<Mark<'_>, Vec<usize>>::new();
        for (index, segment) in right.iter().enumerate() {
            if let Some(mark) = mark(segment).filter(|_| taken.get(index) == Some(&false)) {
                marked.entry(mark).or_default().push(index);
            }
        }
        for (one, partner) in left.iter().zip(&mut partner).filter(|(_, partner)| partner.is_none()) {
            let Some(candidates) = mark(one).and_then(|mark| marked.get_mut(&mark)) else { continue };
            let fits = |candidate: &usize| right.get(*candidate).is_some_and(|other| !ids_differ(one, other));
            let Some(at) = candidates.iter().take(MOST_TRIED).position(fits) else { continue };
            let found = candidates.remove(at);
            if let Some(taken) = taken.get_mut(found) {
                *taken = true;
            }
            let by = match by {
                MatchedBy::Process if key_of(one).is_some() => MatchedBy::Key,
                MatchedBy::Process if is_told_by_name(one) => MatchedBy::Name,
                by => by,
            };
            *partner = Some((found, by));
        }
    }
    let mut pairs: Vec<_> = partner
        .into_iter()
        .enumerate()
        .map(|(index, partner)| Pair {
            left: Some(index),
            right: partner.map(|(right, _)| right),
            by: partner.map(|(_, by)| by),
        })
        .collect();
    let alone = taken.into_iter().enumerate().filter(|(_, taken)| !taken);
    pairs.extend(alone.map(|(index, _)| Pair { left: None, right: Some(index), by: None }));
    pairs
}

/// Whether both are known by ids that are not the same.
fn ids_differ(one: &Segment, other: &Segment) -> bool {
    let differ = |one: Option<i32>, other: Option<i32>| one.is_some() && other.is_some() && one != other;
    let files = one.facts.file.zip(other.facts.file);
    let shmid = |segment: &Segment| segment.facts.shmid.map(shmcore::ShmId::raw);
    differ(shmid(one), shmid(other)) || files.is_some_and(|(one, other)| one != other)
}
