//! Segments of shared memory among a target's mappings: rows of a table become attachments, attachments become segments.
//!
//! A row is a VMA. mprotect(2) and munmap(2) split one attachment into several rows, so rows of one key are one
//! attachment if `start - offset`, where shmat(2) put the first byte, is the same. Several such bases of one key are
//! several attachments of one segment, unless their sizes or bytes say otherwise; for IPC_PRIVATE, whose key says
//! nothing, each counts as a segment of its own.

mod find;
mod group;
mod lookalike;
mod others;
mod private;
mod tiles;

pub use tiles::Tile;

use shmcore::Key;

use crate::error::{Error, Warning};
use crate::kind::Kind;
use crate::memory::{Dumped, Extent, Permissions};
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::targets::{Facts, FoundBy, Target};
use group::Row;

/// What a target has of shared memory.
#[derive(Debug, Default)]
pub struct SharedMemory {
    /// The segments, by their lowest address; those of System V first.
    pub segments: Vec<Segment>,
    /// Mappings of POSIX shared memory (files in /dev/shm), which are not System V.
    pub posix_mappings: usize,
    /// Mappings of other kinds, by their names, where there is no System V segment.
    pub other_mappings: Vec<(Kind, usize)>,
    /// Shared anonymous memory that the dump saved (its name is `/dev/zero (deleted)`), writable; the first of it.
    pub saved_anonymous: Option<Interval<Address>>,
    /// What could not be told.
    pub warnings: Vec<Warning>,
}

/// A segment, as far as the target shows it.
#[derive(Debug)]
pub struct Segment {
    /// What kind of shared memory it is.
    pub kind: Kind,
    /// The key in its name; `None` if it has none, and of other kinds.
    pub key: Option<Key>,
    /// The mapping's name, as the target has it.
    pub name: Option<Vec<u8>>,
    /// How it is known to be a segment.
    pub found_by: FoundBy,
    /// Why it is taken for one, where that is a heuristic.
    pub reasons: Vec<String>,
    /// What the kernel said of it, as far as the target has that.
    pub facts: Facts,
    /// Where it is attached, by address.
    pub attachments: Vec<Attachment>,
    /// Whether two attachments have different bytes at the same offset: it was written to while it was dumped, or they
    /// are of two segments.
    pub torn: bool,
    /// The other segments of the list, by their index, that it may be one with: IPC_PRIVATE ones that do not differ from it.
    pub twins: Vec<usize>,
    /// Every mapped offset once, and whether any attachment saved it; sorted.
    pieces: Vec<Piece>,
}

/// One shmat(2) of a segment.
#[derive(Debug)]
pub struct Attachment {
    /// The address of offset 0; `None` where it would lie below address 0 (a moved piece of a mapping).
    pub base: Option<Address>,
    /// Its mappings, by address. Never empty.
    pub mappings: Vec<Mapping>,
}

/// One VMA of an attachment.
#[derive(Debug)]
pub struct Mapping {
    /// Its addresses.
    pub range: Interval<Address>,
    /// The offset in the segment of its first byte.
    pub offset: SegmentOffset,
    /// Its rights; `None` where the dump does not say.
    pub permissions: Option<Permissions>,
    /// What the target has of it, tiled.
    pub extents: Vec<Extent>,
    /// The same, cut where filled bytes begin and end; empty if there are none.
    with_fills: Vec<Extent>,
}

/// A run of a segment, and the address where its bytes (or their lack) were found.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Its offsets in the segment.
    pub offsets: Interval<SegmentOffset>,
    /// The address of its first byte, in one of the attachments.
    pub address: Address,
    /// Whether the target saved the bytes.
    pub dumped: Dumped,
    /// Where they are from that it lacks: see [`Extent::filled`].
    pub filled: Option<usize>,
}

impl Piece {
    /// Whether its bytes can be read: saved, or filled.
    pub fn is_there(&self) -> bool {
        self.dumped == Dumped::Saved || self.filled.is_some()
    }

    /// Why its bytes are not there: the words of [`Dumped::reason`].
    pub fn reason(&self) -> Option<&'static str> {
        self.dumped.reason().filter(|_| self.filled.is_none())
    }
}

impl Segment {
    /// A segment without a name, with the bytes of `attachments`: a heuristic, for `reasons`.
    pub fn unnamed(attachments: Vec<Attachment>, reasons: Vec<String>) -> Self {
        let pieces = group::pieces(&attachments);
        Self {
            kind: Kind::SystemV,
            key: None,
            name: None,
            found_by: FoundBy::Content,
            reasons,
            facts: Facts::default(),
            attachments,
            torn: false,
            twins: Vec::new(),
            pieces,
        }
    }

    /// Whether it is IPC_PRIVATE, whose key says nothing; `None` without a key.
    pub fn is_private(&self) -> Option<bool> {
        self.key.map(Key::is_private)
    }

    /// Every mapped offset once, sorted: where it was found and whether its bytes are there.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Bytes of the segment that attachments cover, each offset counted once.
    pub fn mapped(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.offsets.length()))
    }

    /// Those of them that the target has.
    pub fn saved(&self) -> u64 {
        self.bytes_that_are(Dumped::Saved)
    }

    /// Those of them of which `dumped` is true.
    pub fn bytes_that_are(&self, dumped: Dumped) -> u64 {
        let pieces = self.pieces.iter().filter(|piece| piece.dumped == dumped);
        pieces.fold(0, |sum, piece| sum.saturating_add(piece.offsets.length()))
    }

    /// Those that it lacks, and `coreinspect fill` added.
    pub fn filled(&self) -> u64 {
        let pieces = self.pieces.iter().filter(|piece| piece.filled.is_some());
        pieces.fold(0, |sum, piece| sum.saturating_add(piece.offsets.length()))
    }

    /// The offset after the last one that any attachment covers.
    pub fn end(&self) -> SegmentOffset {
        self.pieces.last().map_or(SegmentOffset::new(0), |piece| piece.offsets.end())
    }

    /// The piece that holds `offset`; `None` where no attachment covers it.
    pub fn piece_at(&self, offset: SegmentOffset) -> Option<Piece> {
        let piece = self.pieces.get(self.pieces.partition_point(|piece| piece.offsets.end() <= offset))?;
        piece.offsets.contains(offset).then_some(*piece)
    }

    /// Copies saved bytes from `offset` on, from whichever attachment saved them. The count ends at the first byte
    /// that is not saved.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read(&self, target: &dyn Target, offset: SegmentOffset, into: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0_usize;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let Some(at) = offset.checked_add(done as u64) else { break };
            let Some(piece) = self.piece_at(at).filter(Piece::is_there) else { break };
            let inside = at.offset_from(piece.offsets.start()).unwrap_or(0);
            let left = usize::try_from(piece.offsets.length().saturating_sub(inside)).unwrap_or(usize::MAX);
            let length = rest.len().min(left);
            let (Some(part), Some(address)) = (rest.get_mut(..length), piece.address.checked_add(inside))
            else {
                break;
            };
            let count = target.read(address, part)?;
            done = done.saturating_add(count);
            if count < length {
                break;
            }
        }
        Ok(done)
    }
}

impl Attachment {
    /// The offset at which shmat(2) ended it; `None` if munmap(2) or mremap(2) can be seen to have changed it since.
    fn untouched_end(&self) -> Option<SegmentOffset> {
        let mut end = SegmentOffset::new(0);
        for mapping in &self.mappings {
            let offsets = mapping.offsets(mapping.range).filter(|offsets| offsets.start() == end)?;
            end = offsets.end();
        }
        Some(end)
    }

    /// One mapping, from offset 0 of a segment on.
    pub fn whole(target: &dyn Target, range: Interval<Address>) -> Self {
        Self::of(target, &[(range, SegmentOffset::new(0))])
    }

    fn new(target: &dyn Target, rows: &[Row<'_>]) -> Self {
        let rows: Vec<_> = rows.iter().map(|row| (row.range, SegmentOffset::new(row.offset))).collect();
        Self::of(target, &rows)
    }

    /// Mappings at these addresses, by address, each with the offset of its first byte.
    pub fn of(target: &dyn Target, rows: &[(Interval<Address>, SegmentOffset)]) -> Self {
        let base = rows.first().and_then(|(range, offset)| range.start().checked_sub(offset.get()));
        let mappings = rows.iter().map(|(range, offset)| {
            let extents = target.memory(*range);
            let filled = extents.iter().any(|extent| extent.filled.is_some());
            let (extents, with_fills) =
                if filled { (unfilled(&extents), extents) } else { (extents, Vec::new()) };
            Mapping {
                range: *range,
                offset: *offset,
                permissions: target.permissions(*range),
                extents,
                with_fills,
            }
        });
        Self { base, mappings: mappings.collect() }
    }

    /// The lowest mapped address.
    pub fn start(&self) -> Address {
        self.mappings.first().map_or(Address::new(0), |mapping| mapping.range.start())
    }

    /// The address after the highest mapped one.
    pub fn end(&self) -> Address {
        self.mappings.last().map_or(Address::new(0), |mapping| mapping.range.end())
    }

    /// Bytes that its mappings cover.
    pub fn mapped(&self) -> u64 {
        self.mappings.iter().fold(0, |sum, mapping| sum.saturating_add(mapping.range.length()))
    }

    /// Those of them that the target has.
    pub fn saved(&self) -> u64 {
        self.mappings.iter().fold(0, |sum, mapping| sum.saturating_add(mapping.saved()))
    }

    /// Whether the writer wrote any byte of it, even if the file ends before it.
    pub fn kept(&self) -> bool {
        let mut extents = self.mappings.iter().flat_map(|mapping| &mapping.extents);
        extents.any(|extent| extent.dumped != Dumped::NotSaved)
    }
}

impl Mapping {
    /// The offsets in the segment of `range`, which must lie in the mapping.
    pub fn offsets(&self, range: Interval<Address>) -> Option<Interval<SegmentOffset>> {
        let inside = range.start().offset_from(self.range.start())?;
        Interval::with_length(self.offset.checked_add(inside)?, range.length())
    }

    /// Its bytes that the target has.
    pub fn saved(&self) -> u64 {
        let saved = self.extents.iter().filter(|extent| extent.dumped == Dumped::Saved);
        saved.fold(0, |sum, extent| sum.saturating_add(extent.range.length()))
    }

    /// What the target has of it, and what was filled.
    pub fn runs(&self) -> &[Extent] {
        if self.with_fills.is_empty() { &self.extents } else { &self.with_fills }
    }

    /// Its bytes that the target lacks and `coreinspect fill` added, and where they are from.
    pub fn filled(&self) -> impl Iterator<Item = (Interval<Address>, usize)> + '_ {
        self.with_fills.iter().filter_map(|extent| Some((extent.range, extent.filled?)))
    }

    /// Whether bytes of it are missing in this way.
    pub fn lacks(&self, dumped: Dumped) -> bool {
        self.extents.iter().any(|extent| extent.dumped == dumped)
    }

    /// The runs of it that the target lacks.
    pub fn missing(&self) -> impl Iterator<Item = &Extent> {
        self.extents.iter().filter(|extent| extent.dumped != Dumped::Saved)
    }
}

/// `extents` as they were before any was filled, each as long as can be.
fn unfilled(extents: &[Extent]) -> Vec<Extent> {
    let mut merged = Vec::<Extent>::new();
    for extent in extents {
        match merged.last_mut() {
            Some(last) if last.dumped == extent.dumped => {
                last.range = Interval::new(last.range.start(), extent.range.end()).unwrap_or(last.range);
            }
            _ => merged.push(Extent { filled: None, ..*extent }),
        }
    }
    merged
}
