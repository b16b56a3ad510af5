//! Which rows are one attachment, which attachments one segment, and which bytes of it there are.

use std::cmp::Reverse;

use shmcore::{Key, ShmId};

use super::{Attachment, Piece, Segment};
use crate::kind::Kind;
use crate::memory::{Dumped, Extent};
use crate::position::{Address, Coverage, Interval, Position, SegmentOffset};
use crate::targets::{Facts, FileId, FoundBy, Target};

/// What the mappings of one segment have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Called<'a> {
    /// A System V segment's key.
    Key(Key),
    /// The name of a segment of another kind.
    Name(Kind, &'a [u8]),
}

impl Called<'_> {
    /// Whether it may be that of several segments.
    fn is_ambiguous(self) -> bool {
        match self {
            Self::Key(key) => key.is_private(),
            Self::Name(kind, _) => !kind.is_told_apart_by_name(),
        }
    }
}

/// A mapping of shared memory.
pub(super) struct Row<'a> {
    pub(super) called: Called<'a>,
    pub(super) range: Interval<Address>,
    pub(super) offset: u64,
    pub(super) found_by: FoundBy,
    pub(super) facts: Option<&'a Facts>,
}

impl Row<'_> {
    /// What tells its segment from others that are called alike.
    fn identity(&self) -> (Option<ShmId>, Option<FileId>) {
        self.facts.map_or((None, None), |facts| (facts.shmid, facts.file))
    }

    /// `start - offset`, modulo the address space: equal for rows of one attachment.
    fn base(&self) -> u64 {
        self.range.start().get().wrapping_sub(self.offset)
    }
}

/// The segments that `rows` show, by their lowest address.
pub(super) fn segments(target: &dyn Target, rows: &mut [Row<'_>], deleted: &str) -> Vec<Segment> {
    rows.sort_by_key(|row| (row.called, row.identity(), row.base(), row.range.start()));
    let mut comparison = Comparison::of(target);
    let mut segments = Vec::new();
    for rows in rows.chunk_by(|one, two| (one.called, one.identity()) == (two.called, two.identity())) {
        let Some(Row { called, found_by, facts, .. }) = rows.first() else { continue };
        let attachments = rows.chunk_by(|one, two| one.base() == two.base());
        let mut attachments: Vec<_> = attachments.map(|rows| Attachment::new(target, rows)).collect();
        attachments.sort_by_key(Attachment::start);
        let groups = match rows.first().map_or((None, None), Row::identity) {
            (None, None) => comparison.segments(*called, attachments),
            // The number says which segment it is, and a private one's too.
            // Of one device and one number they are the same memory: it may only have changed between two reads.
            _ if *found_by == FoundBy::Device => vec![(attachments, false)],
            _ => vec![comparison.one(attachments)],
        };
        for (attachments, torn) in groups {
            let (kind, key, name) = match *called {
                Called::Key(key) => {
                    (Kind::SystemV, Some(key), format!("/SYSV{:08x}{deleted}", key.bits()).into_bytes())
                }
                Called::Name(kind, name) => (kind, None, name.to_vec()),
            };
            let pieces = pieces(&attachments);
            segments.push(Segment {
                kind,
                key,
                name: Some(name),
                found_by: *found_by,
                reasons: Vec::new(),
                facts: facts.cloned().unwrap_or_default(),
                attachments,
                torn,
                twins: Vec::new(),
                pieces,
            });
        }
    }
    segments.sort_by_key(|segment| segment.attachments.first().map(Attachment::start));
    segments
}

/// Tells attachments of one key apart that cannot be of one segment.
///
/// A key is free again after IPC_RMID: a server that starts anew while a mapping of the old segment is left attaches two
/// segments of one name. Joined, each would hide and mix the other's bytes. One sign alone is not enough: munmap(2) of its
/// tail makes an attachment shorter, and a segment that others write to changes while it is dumped.
pub(super) struct Comparison<'t> {
    target: &'t dyn Target,
    /// Bytes that may still be read for comparing: no more than the dump has.
    bytes_left: u64,
    /// Runs that may still be looked at: honest dumps have a handful of attachments of one key.
    steps_left: u64,
}

/// Bytes that two attachments share and that are compared, at most.
const COMPARED: u64 = 64 << 10;
/// Segments of one key that an attachment is compared with; honest dumps have two.
const MOST_SEGMENTS: usize = 8;

/// Runs of attachments that are looked at in all, at most.
const MOST_STEPS: u64 = 1 << 20;

/// The attachments of a segment, and whether their bytes differ.
type Group = (Vec<Attachment>, bool);

/// In what two segments are equal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Equal {
    /// Both look as shmat(2) left them, and end at the same offset.
    pub(super) length: bool,
    /// So many bytes that both have saved were compared.
    pub(super) bytes: u64,
}

impl<'t> Comparison<'t> {
    /// Reads no more of `target` than it has.
    pub(super) fn of(target: &'t dyn Target) -> Self {
        let bytes_left = target.identity().file_size.unwrap_or(u64::MAX);
        Self { target, bytes_left, steps_left: MOST_STEPS }
    }

    /// In what the first attachments of both are equal; `None` if a byte differs.
    pub(super) fn equal(&mut self, one: &Segment, other: &Segment) -> Option<Equal> {
        let (one, other) = (one.attachments.first()?, other.attachments.first()?);
        let before = self.bytes_left;
        if self.bytes_differ(one, other) {
            return None;
        }
        let length = one.untouched_end().is_some() && one.untouched_end() == other.untouched_end();
        Some(Equal { length, bytes: before.saturating_sub(self.bytes_left) })
    }

    /// All `attachments` as those of one segment.
    fn one(&mut self, attachments: Vec<Attachment>) -> Group {
        let mut others = attachments.iter().skip(1).take(MOST_SEGMENTS);
        let torn = match attachments.first() {
            Some(first) => others.any(|other| self.bytes_differ(first, other)),
            None => false,
        };
        (attachments, torn)
    }

    /// Parts `attachments` that are `called` alike into those of each segment.
    fn segments(&mut self, called: Called<'_>, attachments: Vec<Attachment>) -> Vec<Group> {
        let mut segments = Vec::<Group>::new();
        'attachments: for attachment in attachments {
            // The key says nothing of a private segment, nor the name of a memfd.
            let compared = if called.is_ambiguous() { 0 } else { MOST_SEGMENTS };
            for (known, torn) in segments.iter_mut().rev().take(compared) {
                let Some(first) = known.first() else { continue };
                let differ = self.bytes_differ(first, &attachment);
                let apart = match called {
                    Called::Key(_) => differ && ends_differ(first, &attachment),
                    // One of them may be private: a dump does not say.
                    Called::Name(..) => differ || kept_otherwise(first, &attachment),
                };
                if !apart {
                    *torn |= differ;
                    known.push(attachment);
                    continue 'attachments;
                }
            }
            segments.push((vec![attachment], false));
        }
        segments
    }

    /// Whether the same offset has another byte in each.
    fn bytes_differ(&mut self, one: &Attachment, other: &Attachment) -> bool {
        let mut left = COMPARED.min(self.bytes_left);
        let (mut these, mut those) = (Vec::new(), Vec::new());
        for (offsets, this, that) in shared(one, other, &mut self.steps_left) {
            let length = offsets.length().min(left);
            left = left.saturating_sub(length);
            self.bytes_left = self.bytes_left.saturating_sub(length);
            let Ok(length) = usize::try_from(length) else { break };
            these.resize(length, 0);
            those.resize(length, 0);
            let read = (self.target.read(this, &mut these), self.target.read(that, &mut those));
            if let (Ok(one), Ok(other)) = read
                && these.get(..one.min(other)) != those.get(..one.min(other))
            {
                return true;
            }
            if left == 0 {
                break;
            }
        }
        false
    }
}

/// Whether both look as shmat(2), which maps all of a segment, left them, but end at different offsets.
fn ends_differ(one: &Attachment, other: &Attachment) -> bool {
    matches!((one.untouched_end(), other.untouched_end()), (Some(one), Some(other)) if one != other)
}

/// Whether a writer kept one and left out the other, although both may be written to: of a shared mapping it decides alike.
fn kept_otherwise(one: &Attachment, other: &Attachment) -> bool {
    let may_write = |attachment: &Attachment| {
        let mut mappings = attachment.mappings.iter();
        mappings.any(|mapping| mapping.permissions.is_none_or(|permissions| permissions.write))
    };
    one.kept() != other.kept() && may_write(one) && may_write(other)
}

/// The offsets that both attachments have saved, with their addresses in each.
fn shared<'a>(
    one: &'a Attachment,
    other: &'a Attachment,
    steps_left: &'a mut u64,
) -> impl Iterator<Item = (Interval<SegmentOffset>, Address, Address)> + 'a {
    let mut these = saved(one).peekable();
    let mut those = saved(other).peekable();
    std::iter::from_fn(move || {
        loop {
            *steps_left = steps_left.checked_sub(1)?;
            let ((this, this_address), (that, that_address)) = (*these.peek()?, *those.peek()?);
            // Whichever ends first has nothing more to share.
            if this.end() <= that.end() {
                these.next()
            } else {
                those.next()
            };
            if let Some(both) = this.intersection(that) {
                let address = |address: Address, offsets: Interval<SegmentOffset>| {
                    address.checked_add(both.start().offset_from(offsets.start())?)
                };
                return Some((both, address(this_address, this)?, address(that_address, that)?));
            }
        }
    })
}

/// The saved runs of an attachment, by offset.
fn saved(attachment: &Attachment) -> impl Iterator<Item = (Interval<SegmentOffset>, Address)> + '_ {
    let extents =
        attachment.mappings.iter().flat_map(|mapping| mapping.runs().iter().map(move |one| (mapping, one)));
    let saved = extents.filter(|(_, extent): &(_, &Extent)| extent.is_there());
    saved.filter_map(|(mapping, extent)| Some((mapping.offsets(extent.range)?, extent.range.start())))
}

/// Every mapped offset once. Saved bytes come first, from the attachment that has most of them, so that what is read
/// of a segment comes from as few attachments as can be.
pub(super) fn pieces(attachments: &[Attachment]) -> Vec<Piece> {
    if let [attachment] = attachments {
        // Nearly every segment: no offset is mapped twice, and they stand in order.
        let extents = attachment
            .mappings
            .iter()
            .flat_map(|mapping| mapping.runs().iter().map(move |one| (mapping, one)));
        return extents
            .filter_map(|(mapping, extent)| {
                let offsets = mapping.offsets(extent.range)?;
                let Extent { range, dumped, filled } = *extent;
                Some(Piece { offsets, address: range.start(), dumped, filled })
            })
            .collect();
    }
    let mut by_saved: Vec<_> = attachments.iter().collect();
    by_saved.sort_by_key(|attachment| Reverse(attachment.saved()));
    let mut pieces = Vec::new();
    let mut covered = Coverage::default();
    // What was filled is there, but never in the place of what was saved.
    let order = [(Dumped::Saved, false)].into_iter().chain([true, false].into_iter().flat_map(|filled| {
        [Dumped::CutOff, Dumped::NotReadable, Dumped::NotSaved].map(|dumped| (dumped, filled))
    }));
    for (wanted, filled) in order {
        for mapping in by_saved.iter().flat_map(|attachment| &attachment.mappings) {
            for extent in mapping
                .runs()
                .iter()
                .filter(|extent| (extent.dumped, extent.filled.is_some()) == (wanted, filled))
            {
                let Some(offsets) = mapping.offsets(extent.range) else { continue };
                covered.add(offsets, |part| {
                    let inside = part.start().offset_from(offsets.start()).unwrap_or(0);
                    let address = extent.range.start().checked_add(inside).unwrap_or(extent.range.end());
                    pieces.push(Piece { offsets: part, address, dumped: wanted, filled: extent.filled });
                });
            }
        }
    }
    pieces.sort_by_key(|piece| piece.offsets);
    pieces
}
