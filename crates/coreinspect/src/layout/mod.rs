//! What a segment's bytes say. One file a layout, registered in [`LAYOUTS`].

pub mod mailbox;

use crate::error::Error;
use crate::memory::Dumped;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::target::Target;

/// A layout that is known by name.
#[derive(Debug)]
pub struct Layout {
    /// The name that `--layout` takes.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
}

/// Every layout, the default first.
pub const LAYOUTS: &[Layout] = &[Layout {
    name: "mailbox",
    about: "a control flag in byte 0 (0 empty, 1 ready, 2 read) and a NUL-ended message behind it",
}];

/// How far the bytes themselves speak for a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// They look like it; other data can look so too.
    Likely,
    /// The user said so.
    Forced,
    /// Nothing speaks for it.
    None,
}

impl Confidence {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Likely => "likely",
            Self::Forced => "forced",
            Self::None => "none",
        }
    }
}

/// A part of a value whose bytes the target does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// The field.
    pub path: &'static str,
    /// The missing offsets, as far as one reason holds.
    pub offsets: Interval<SegmentOffset>,
    /// Why: the words of [`Dumped::reason`], or "not-mapped" where no attachment covers them.
    pub reason: &'static str,
}

/// Bytes that may still be read for a listing.
///
/// A dump holds no more text than it has bytes; a hostile one can point 10,000 segments at the same megabyte.
#[derive(Debug)]
pub struct Budget(u64);

impl Budget {
    /// As many bytes as the dump of `target` has.
    pub fn of(target: &dyn Target) -> Self {
        Self(target.identity().file_size.unwrap_or(u64::MAX))
    }

    /// Takes `bytes` away; `false` once too many were asked for.
    fn take(&mut self, bytes: u64) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// Why the byte at `offset` is missing, and up to where for the same reason; `None` if it is saved.
fn unavailable(segment: &Segment, path: &'static str, offset: SegmentOffset) -> Option<Unavailable> {
    let (end, reason) = match segment.piece_at(offset) {
        Some(piece) => (piece.offsets.end(), piece.dumped.reason()?),
        None => {
            let next =
                segment.pieces().iter().map(|piece| piece.offsets.start()).find(|start| *start > offset);
            (next.or_else(|| offset.checked_add(1))?, "not-mapped")
        }
    };
    Some(Unavailable { path, offsets: Interval::new(offset, end)?, reason })
}

/// The base of the attachment from which the byte at `offset` is read; `None` if it is not saved.
fn read_from(segment: &Segment, offset: SegmentOffset) -> Option<Address> {
    let piece = segment.piece_at(offset).filter(|piece| piece.dumped == Dumped::Saved)?;
    let holds = |address: Address| {
        let mappings = segment.attachments.iter().map(|attachment| (attachment, &attachment.mappings));
        mappings
            .filter(|(_, mappings)| mappings.iter().any(|mapping| mapping.range.contains(address)))
            .find_map(|(attachment, _)| attachment.base)
    };
    holds(piece.address)
}

/// The name of a layout that exists, or every name, for a message.
///
/// # Errors
/// The names of all layouts.
pub fn find(name: &str) -> Result<&'static Layout, String> {
    LAYOUTS.iter().find(|layout| layout.name == name).ok_or_else(|| {
        let names: Vec<_> = LAYOUTS.iter().map(|layout| layout.name).collect();
        format!("there is no layout {name:?}; known: {}", names.join(", "))
    })
}

/// Reads saved bytes of a segment in blocks, from `offset` on, until they end or `each` answers `false`.
fn read_blocks(
    target: &dyn Target,
    segment: &Segment,
    mut offset: SegmentOffset,
    mut each: impl FnMut(&[u8]) -> bool,
) -> Result<(), Error> {
    // Most messages end in the first block; what is longer is read in larger steps.
    let mut first = [0; 1024];
    let mut larger = Vec::new();
    let mut block = first.as_mut_slice();
    loop {
        let count = segment.read(target, offset, block)?;
        let Some(bytes) = block.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        if !each(bytes) {
            return Ok(());
        }
        let Some(next) = offset.checked_add(count as u64) else { return Ok(()) };
        offset = next;
        larger.resize(256 << 10, 0);
        block = larger.as_mut_slice();
    }
}
