//! System V segments among a target's mappings: rows of a table become attachments, attachments become segments.
//!
//! A row is a VMA. mprotect(2) and munmap(2) split one attachment into several rows, so rows of one key are one
//! attachment if `start - offset`, where shmat(2) put the first byte, is the same. Several such bases of one key are
//! several attachments of one segment; for IPC_PRIVATE, whose key says nothing, they count as segments of their own.

use std::cmp::Reverse;

use shmcore::Key;

use crate::error::{Error, Warning};
use crate::memory::{Dumped, Extent, Permissions};
use crate::position::{Address, Coverage, Interval, Position, SegmentOffset};
use crate::target::{Target, Writer};

/// What a target has of System V shared memory.
#[derive(Debug, Default)]
pub struct SharedMemory {
    /// The segments, by their lowest address.
    pub segments: Vec<Segment>,
    /// Mappings of POSIX shared memory (files in /dev/shm), which are not System V.
    pub posix_mappings: usize,
    /// Shared anonymous memory that the dump saved (its name is `/dev/zero (deleted)`), writable; the first of it.
    pub saved_anonymous: Option<Interval<Address>>,
    /// What could not be told.
    pub warnings: Vec<Warning>,
}

/// A System V segment, as far as the target shows it.
#[derive(Debug)]
pub struct Segment {
    /// The key in its name.
    pub key: Key,
    /// The mapping's name, as the target has it.
    pub name: Vec<u8>,
    /// Where it is attached, by address.
    pub attachments: Vec<Attachment>,
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
}

/// A run of a segment, and the address where its bytes (or their lack) were found.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Its offsets in the segment.
    pub offsets: Interval<SegmentOffset>,
    /// The address of its first byte, in one of the attachments.
    pub address: Address,
    /// Whether the target has the bytes.
    pub dumped: Dumped,
}

/// A mapping that is System V by its name.
struct Row {
    key: Key,
    range: Interval<Address>,
    offset: u64,
}

impl Row {
    /// `start - offset`, modulo the address space: equal for rows of one attachment.
    fn base(&self) -> u64 {
        self.range.start().get().wrapping_sub(self.offset)
    }
}

impl SharedMemory {
    /// Finds the segments of `target` by the names of its mappings.
    pub fn of(target: &dyn Target) -> Self {
        let mut this = Self::default();
        let Some(mappings) = target.mappings() else { return this };
        let (mut rows, mut bare) = (Vec::new(), Vec::new());
        let mut any_deleted = false;
        let mut impossible = 0_usize;
        // One is enough, and most dumps save the first; a hostile one could offer a million that are not.
        let mut anonymous_left = 16_u8;
        for mapping in mappings {
            any_deleted |= mapping.name.ends_with(b" (deleted)");
            let Some(name) = Key::from_mapping_name(mapping.name) else {
                this.posix_mappings += usize::from(mapping.name.starts_with(b"/dev/shm/"));
                if this.saved_anonymous.is_none()
                    && anonymous_left > 0
                    && mapping.name == b"/dev/zero (deleted)"
                {
                    anonymous_left -= 1;
                    this.saved_anonymous =
                        Some(mapping.range).filter(|range| is_saved_and_writable(target, *range));
                }
                continue;
            };
            let offset = mapping.offset.filter(|offset| offset.checked_add(mapping.range.length()).is_some());
            let Some(offset) = offset else {
                impossible += 1;
                continue;
            };
            let row = Row { key: name.key, range: mapping.range, offset };
            if name.deleted { rows.push(row) } else { bare.push(row) }
        }
        // .NET Core 3.1's createdump drops " (deleted)" from every name. Anywhere else a name without it is that of
        // a regular file which still exists.
        let deleted = if target.identity().writer == Some(Writer::Createdump) && !any_deleted {
            rows.append(&mut bare);
            ""
        } else {
            " (deleted)"
        };
        rows.sort_by_key(|row| row.range.start());
        let mut end = Address::new(0);
        let before = rows.len();
        rows.retain(|row| {
            let apart = row.range.start() >= end;
            end = end.max(row.range.end());
            apart
        });
        let overlapping = before - rows.len();
        if impossible + overlapping > 0 {
            this.warnings.push(Warning::new(
                "mappings",
                format!(
                    "{} System V mappings lie where no mapping can (over another, or past the end of every segment); they \
                     are left out",
                    impossible + overlapping
                ),
            ));
        }
        this.segments = segments(target, rows, deleted);
        let private: Vec<_> =
            (1_usize..).zip(&this.segments).filter(|(_, segment)| segment.key.is_private()).collect();
        if private.len() > 1 {
            let numbers: Vec<_> = private.iter().map(|(number, _)| format!("#{number}")).collect();
            this.warnings.push(Warning::new(
                "private-segments",
                format!(
                    "{} are IPC_PRIVATE, whose name is the same for all: some may be one segment attached again",
                    numbers.join(", ")
                ),
            ));
        }
        this
    }
}

fn is_saved_and_writable(target: &dyn Target, range: Interval<Address>) -> bool {
    let writable = target.permissions(range).is_some_and(|permissions| permissions.write);
    writable && target.memory(range).iter().all(|extent| extent.dumped != Dumped::NotSaved)
}

fn segments(target: &dyn Target, mut rows: Vec<Row>, deleted: &str) -> Vec<Segment> {
    rows.sort_by_key(|row| (row.key, row.base(), row.range.start()));
    let same_segment =
        |one: &Row, two: &Row| one.key == two.key && (!one.key.is_private() || one.base() == two.base());
    let mut segments: Vec<Segment> = rows
        .chunk_by(same_segment)
        .filter_map(|rows| {
            let key = rows.first()?.key;
            let mut attachments: Vec<Attachment> = rows
                .chunk_by(|one, two| one.base() == two.base())
                .map(|rows| Attachment::new(target, rows))
                .collect();
            attachments.sort_by_key(Attachment::start);
            let pieces = pieces(&attachments);
            Some(Segment {
                key,
                name: format!("/SYSV{:08x}{deleted}", key.bits()).into_bytes(),
                attachments,
                pieces,
            })
        })
        .collect();
    segments.sort_by_key(|segment| segment.attachments.first().map(Attachment::start));
    segments
}

/// Every mapped offset once. Saved bytes come first, from the attachment that has most of them, so that what is read
/// of a segment comes from as few attachments as can be.
fn pieces(attachments: &[Attachment]) -> Vec<Piece> {
    if let [attachment] = attachments {
        // Nearly every segment: no offset is mapped twice, and they stand in order.
        let extents = attachment
            .mappings
            .iter()
            .flat_map(|mapping| mapping.extents.iter().map(move |one| (mapping, one)));
        return extents
            .filter_map(|(mapping, extent)| {
                let offsets = mapping.offsets(extent.range)?;
                Some(Piece { offsets, address: extent.range.start(), dumped: extent.dumped })
            })
            .collect();
    }
    let mut by_saved: Vec<_> = attachments.iter().collect();
    by_saved.sort_by_key(|attachment| Reverse(attachment.saved()));
    let mut pieces = Vec::new();
    let mut covered = Coverage::default();
    for wanted in [Dumped::Saved, Dumped::CutOff, Dumped::NotReadable, Dumped::NotSaved] {
        for mapping in by_saved.iter().flat_map(|attachment| &attachment.mappings) {
            for extent in mapping.extents.iter().filter(|extent| extent.dumped == wanted) {
                let Some(offsets) = mapping.offsets(extent.range) else { continue };
                covered.add(offsets, |part| {
                    let inside = part.start().offset_from(offsets.start()).unwrap_or(0);
                    let address = extent.range.start().checked_add(inside).unwrap_or(extent.range.end());
                    pieces.push(Piece { offsets: part, address, dumped: wanted });
                });
            }
        }
    }
    pieces.sort_by_key(|piece| piece.offsets);
    pieces
}

impl Segment {
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
            let Some(piece) = self.piece_at(at).filter(|piece| piece.dumped == Dumped::Saved) else { break };
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
    fn new(target: &dyn Target, rows: &[Row]) -> Self {
        let base = rows.first().and_then(|row| row.range.start().checked_sub(row.offset));
        let mappings = rows
            .iter()
            .map(|row| Mapping {
                range: row.range,
                offset: SegmentOffset::new(row.offset),
                permissions: target.permissions(row.range),
                extents: target.memory(row.range),
            })
            .collect();
        Self { base, mappings }
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

    /// Whether the dumper wrote any byte of it, even if the file ends before it.
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

    /// Whether bytes of it are missing in this way.
    pub fn lacks(&self, dumped: Dumped) -> bool {
        self.extents.iter().any(|extent| extent.dumped == dumped)
    }

    /// The runs of it that the target lacks.
    pub fn missing(&self) -> impl Iterator<Item = &Extent> {
        self.extents.iter().filter(|extent| extent.dumped != Dumped::Saved)
    }
}
