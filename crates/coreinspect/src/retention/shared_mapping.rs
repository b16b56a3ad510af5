//! The rules for a shared mapping that the kernel and gcore have in common: coredump_filter bit 1, huge pages,
//! MADV_DONTDUMP.
//!
//! Linux fs/coredump.c `vma_dump_size`; gdb gdb/linux-tdep.c `dump_mapping_p`.

use super::{Code, Found, PRIVATE_FILES, SHARED_HUGE_PAGES};
use crate::memory::Dumped;
use crate::position::{Address, Interval};
use crate::shm::{Attachment, Mapping, SharedMemory};
use crate::targets::Target;

/// What a dump shows of the rules that it was written by.
pub(super) struct Evidence {
    /// Writable shared mappings that are saved, which show that coredump_filter bit 1 was on: of System V, or shared
    /// anonymous memory. Two, so that each attachment finds one that is another's.
    kept: Vec<Interval<Address>>,
    /// Bits of coredump_filter that this dump shows, or may show, to have been on: the next one must not lose them.
    pub(super) filter_bits_on: u32,
    huge_page: u64,
}

impl Evidence {
    pub(super) fn of(target: &dyn Target, memory: &SharedMemory) -> Self {
        let huge_page = target.identity().machine.smallest_huge_page();
        let attachments = memory.segments.iter().flat_map(|segment| &segment.attachments);
        let saved = || {
            let mappings = attachments.clone().flat_map(|attachment| &attachment.mappings);
            mappings
                .filter(|mapping| mapping.permissions.is_some_and(|permissions| permissions.write))
                .filter(|mapping| !mapping.extents.is_empty() && !mapping.lacks(Dumped::NotSaved))
                .map(|mapping| mapping.range)
        };
        // Bit 6 decides for huge pages, so one of those shows nothing of bit 1.
        let ordinary =
            saved().chain(memory.saved_anonymous).filter(|range| !can_be_of_huge_pages(*range, huge_page));
        let huge = saved().any(|range| can_be_of_huge_pages(range, huge_page));
        let page = target.identity().page_size;
        let mut mappings = attachments.clone().flat_map(|attachment| &attachment.mappings);
        let read_only = mappings.any(|mapping| {
            let writable = mapping.permissions.is_none_or(|permissions| permissions.write);
            !writable
                && !mapping.lacks(Dumped::NotSaved)
                && page.is_some_and(|page| mapping.range.length() > page)
        });
        let filter_bits_on = [(huge, SHARED_HUGE_PAGES), (read_only, PRIVATE_FILES)]
            .into_iter()
            .filter(|(on, _)| *on)
            .fold(0, |bits, (_, bit)| bits | bit);
        Self { kept: ordinary.take(2).collect(), filter_bits_on, huge_page }
    }

    /// A writable shared mapping outside `attachment` that is saved.
    fn another_kept(&self, attachment: &Attachment) -> Option<Address> {
        let outside = |range: &&Interval<Address>| {
            !(attachment.start() <= range.start() && range.start() < attachment.end())
        };
        self.kept.iter().find(outside).map(|range| range.start())
    }

    /// Whether `range` lies and ends where huge pages would.
    pub(super) fn can_be_of_huge_pages(&self, range: Interval<Address>) -> bool {
        can_be_of_huge_pages(range, self.huge_page)
    }
}

/// Why nothing of `mapping`, a read-write attach, was saved.
pub(super) fn causes(evidence: &Evidence, attachment: &Attachment, mapping: &Mapping) -> Vec<Found> {
    let range = mapping.range;
    let bytes = range.length();
    let dontdump = |certain, evidence| Found { code: Code::DontDump, certain, evidence };
    if attachment.kept() {
        // Filter and page size are the same for all of an attachment; madvise(2) alone works on a part.
        return vec![dontdump(
            true,
            format!("{bytes} bytes at {range} are missing while the rest of the same attachment was kept"),
        )];
    }
    let mut causes = Vec::new();
    let of_huge_pages = evidence.can_be_of_huge_pages(range);
    if of_huge_pages {
        causes.push(Found {
            code: Code::Hugetlb,
            certain: false,
            evidence: format!(
                "nothing of {range} is saved, and its start and its {bytes} bytes are multiples of {} KiB: it can be \
                 SHM_HUGETLB, which coredump_filter leaves out by default (bit 6)",
                evidence.huge_page >> 10
            ),
        });
    }
    match evidence.another_kept(attachment) {
        Some(other) => causes.push(dontdump(
            !of_huge_pages,
            format!(
                "nothing of {range} is saved, but the shared mapping at {other} is: coredump_filter bit 1 was on, so this one was left out for a reason of its own"
            ),
        )),
        None => {
            causes.push(Found {
                code: Code::FilterShared,
                certain: false,
                evidence: format!(
                    "nothing of {range} is saved, and no other writable shared mapping of ordinary pages is either: \
                     coredump_filter bit 1 may have been off"
                ),
            });
            causes.push(dontdump(
                false,
                format!("nothing of {range} is saved: the program may have called madvise(MADV_DONTDUMP) on all of it"),
            ));
        }
    }
    causes
}

fn can_be_of_huge_pages(range: Interval<Address>, huge_page: u64) -> bool {
    range.start().get().is_multiple_of(huge_page) && range.length().is_multiple_of(huge_page)
}
