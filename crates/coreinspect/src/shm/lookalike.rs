//! Mappings whose bytes speak against their name: files that are named like segments.
//!
//! An unlinked file `/SYSVcafef00d` has the name of a segment, and what is shared of it the kernel saves by the same rule
//! (fs/coredump.c `vma_dump_size`: shared, and no link left). Of a private mapping of a file it may keep the first page alone;
//! what shmat(2) makes writable is shared, and saved whole or not at all.

use super::{Mapping, Segment};
use crate::error::Warning;
use crate::memory::Dumped;
use crate::targets::{FoundBy, Target};

/// Segments that are named in a warning.
const MOST_TOLD: usize = 8;

impl Mapping {
    /// Whether it is writable, and the writer kept its start alone: in a dump by the kernel it is a private mapping.
    pub(crate) fn is_private_by_kernel(&self) -> bool {
        let writable = self.permissions.is_some_and(|permissions| permissions.write);
        matches!(self.extents.as_slice(), [.., kept, rest]
            if writable && kept.dumped != Dumped::NotSaved && rest.dumped == Dumped::NotSaved)
    }
}

/// Says which of `segments` the kernel saved as it saves no segment.
pub(super) fn tell(target: &dyn Target, segments: &[Segment], warnings: &mut Vec<Warning>) {
    if !target.identity().habits().first_pages {
        return;
    }
    let by_name = (1_usize..).zip(segments).filter(|(_, segment)| segment.found_by == FoundBy::Name);
    let odd = by_name.filter_map(|(number, segment)| {
        let mut mappings = segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
        Some((number, mappings.find(|mapping| mapping.is_private_by_kernel())?.range))
    });
    for (number, range) in odd.take(MOST_TOLD) {
        let message = format!(
            "segment {number} may be a file that was named like a segment and unlinked: its mapping at {range} is writable and was kept \
             in part, which the kernel does to private mappings of files; of a segment it would have kept all or nothing"
        );
        warnings.push(Warning::new("lookalike", message));
    }
}
