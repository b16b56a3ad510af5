//! The rules for a shared mapping that the kernel and gcore have in common: coredump_filter bits 1 and 3, huge pages,
//! MADV_DONTDUMP.
//!
//! Linux fs/coredump.c `vma_dump_size`; gdb gdb/linux-tdep.c `dump_mapping_p`.

use super::{Code, Found, PRIVATE_FILES, SHARED_FILES, SHARED_HUGE_PAGES};
use crate::kind::{Kind, without_deleted};
use crate::memory::Dumped;
use crate::position::{Address, Interval};
use crate::shm::{Attachment, Mapping, Segment, SharedMemory};
use crate::targets::Target;

/// What a dump shows of the rules that it was written by.
pub(super) struct Evidence {
    /// Writable shared mappings that are saved, which show that coredump_filter bit 1 was on: of System V, or shared
    /// anonymous memory. Two, so that each attachment finds one that is another's.
    kept: Vec<Interval<Address>>,
    /// The same of other kinds whose files have no name: what is said of System V does not depend on what else is listed.
    kept_of_others: Vec<Interval<Address>>,
    /// Those of files that have a name: they show that bit 3 was on.
    kept_with_name: Vec<Interval<Address>>,
    /// Bits of coredump_filter that this dump shows, or may show, to have been on: the next one must not lose them.
    pub(super) filter_bits_on: u32,
    huge_page: u64,
}

impl Evidence {
    pub(super) fn of(target: &dyn Target, memory: &SharedMemory) -> Self {
        let huge_page = target.identity().machine.smallest_huge_page();
        let mappings = |wanted: &dyn Fn(&Segment) -> bool| {
            let segments = memory.segments.iter().filter(|segment| wanted(segment));
            let attachments = segments.flat_map(|segment| &segment.attachments);
            attachments.flat_map(|attachment| &attachment.mappings).collect::<Vec<_>>()
        };
        let saved = |mappings: &[&Mapping]| {
            let writable = mappings
                .iter()
                .filter(|mapping| mapping.permissions.is_some_and(|permissions| permissions.write));
            let whole =
                writable.filter(|mapping| !mapping.extents.is_empty() && !mapping.lacks(Dumped::NotSaved));
            whole.map(|mapping| mapping.range).collect::<Vec<_>>()
        };
        // Bit 6 decides for huge pages, so one of those shows nothing of bit 1.
        let ordinary = |ranges: Vec<Interval<Address>>| {
            let ordinary = ranges.into_iter().filter(|range| !can_be_of_huge_pages(*range, huge_page));
            ordinary.take(2).collect::<Vec<_>>()
        };
        let system_v = mappings(&|segment| segment.kind == Kind::SystemV);
        let saved_system_v = saved(&system_v);
        let huge = saved_system_v.iter().any(|range| can_be_of_huge_pages(*range, huge_page));
        let kept = ordinary(saved_system_v.into_iter().chain(memory.saved_anonymous).collect());
        let others = mappings(&|segment| segment.kind != Kind::SystemV && !has_a_name(segment));
        // Programs map files privately as a rule, and write to them.
        let named = |segment: &Segment| segment.kind != Kind::File && has_a_name(segment);
        let kept_with_name = ordinary(saved(&mappings(&named)));
        let page = target.identity().page_size;
        let read_only = system_v.iter().any(|mapping| {
            let writable = mapping.permissions.is_none_or(|permissions| permissions.write);
            !writable
                && !mapping.lacks(Dumped::NotSaved)
                && page.is_some_and(|page| mapping.range.length() > page)
        });
        let filter_bits_on = [
            (huge, SHARED_HUGE_PAGES),
            (read_only, PRIVATE_FILES),
            (!kept_with_name.is_empty(), SHARED_FILES),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .fold(0, |bits, (_, bit)| bits | bit);
        Self { kept, kept_of_others: ordinary(saved(&others)), kept_with_name, filter_bits_on, huge_page }
    }

    /// A writable shared mapping outside `attachment` that is saved by the rule that holds for `segment`.
    fn another_kept(&self, segment: &Segment, attachment: &Attachment) -> Option<Address> {
        let outside = |range: &&Interval<Address>| {
            !(attachment.start() <= range.start() && range.start() < attachment.end())
        };
        let (first, second): (&[_], &[_]) = match segment.kind {
            Kind::SystemV => (&self.kept, &[]),
            _ if has_a_name(segment) => (&self.kept_with_name, &[]),
            _ => (&self.kept, &self.kept_of_others),
        };
        first.iter().chain(second).find(outside).map(|range| range.start())
    }

    /// Whether `range` lies and ends where huge pages would.
    pub(super) fn can_be_of_huge_pages(&self, range: Interval<Address>) -> bool {
        can_be_of_huge_pages(range, self.huge_page)
    }
}

/// Whether a name leads to the file of `segment`, as far as the dump tells: then bit 3 decides, not bit 1.
pub(super) fn has_a_name(segment: &Segment) -> bool {
    let of_a_file = matches!(segment.kind, Kind::Posix | Kind::Hugetlbfs | Kind::File);
    of_a_file && segment.name.as_deref().is_some_and(|name| !without_deleted(name).1)
}

/// Whether the pages of a mapping are huge ones: `None` where the dump does not tell.
fn has_huge_pages(evidence: &Evidence, segment: &Segment, range: Interval<Address>) -> Option<bool> {
    match segment.kind {
        Kind::Hugetlbfs => Some(true),
        Kind::Anonymous => Some(segment.name.as_deref() == Some(b"/anon_hugepage (deleted)")),
        Kind::Posix | Kind::File => Some(false),
        Kind::SystemV | Kind::Memfd => {
            if evidence.can_be_of_huge_pages(range) {
                None
            } else {
                Some(false)
            }
        }
    }
}

/// Why nothing of `mapping`, a read-write attach, was saved.
pub(super) fn causes(
    evidence: &Evidence,
    segment: &Segment,
    attachment: &Attachment,
    mapping: &Mapping,
) -> Vec<Found> {
    let range = mapping.range;
    let bytes = range.length();
    let found = |code, certain, evidence| Found { code, certain, evidence };
    let dontdump = |certain, evidence| found(Code::DontDump, certain, evidence);
    if attachment.kept() {
        // Filter and page size are the same for all of an attachment; madvise(2) alone works on a part.
        return vec![dontdump(
            true,
            format!("{bytes} bytes at {range} are missing while the rest of the same attachment was kept"),
        )];
    }
    let mut causes = Vec::new();
    let huge_pages = has_huge_pages(evidence, segment, range);
    match huge_pages {
        Some(false) => {}
        Some(true) => causes.push(found(
            Code::Hugetlb,
            false,
            format!(
                "nothing of {range} is saved, and it has huge pages, which coredump_filter leaves out by default (bit 6)"
            ),
        )),
        None => causes.push(found(
            Code::Hugetlb,
            false,
            format!(
                "nothing of {range} is saved, and its start and its {bytes} bytes are multiples of {} KiB: it can be {}, which \
                 coredump_filter leaves out by default (bit 6)",
                evidence.huge_page >> 10,
                if segment.kind == Kind::SystemV { "SHM_HUGETLB" } else { "MFD_HUGETLB" }
            ),
        )),
    }
    let advised = || {
        format!(
            "nothing of {range} is saved: the program may have called madvise(MADV_DONTDUMP) on all of it"
        )
    };
    if huge_pages == Some(true) {
        causes.push(dontdump(false, advised()));
        return causes;
    }
    let named = has_a_name(segment);
    match evidence.another_kept(segment, attachment) {
        other if named => {
            if let Some(other) = other {
                causes.push(dontdump(
                    false,
                    format!(
                        "nothing of {range} is saved, but the mapping of a file at {other} is: if coredump_filter bit 3 was on, this one was left out for a reason of its own"
                    ),
                ));
            }
            // What is saved can be a private mapping that was written to: a dump does not say which are shared.
            causes.push(found(
                Code::FilterMapped,
                false,
                format!(
                    "nothing of {range} is saved, and its file still had a name: such memory is kept by coredump_filter bit 3, which is off by default"
                ),
            ));
            causes.push(dontdump(false, advised()));
        }
        Some(other) => causes.push(dontdump(
            huge_pages.is_some(),
            format!(
                "nothing of {range} is saved, but the shared mapping at {other} is: coredump_filter bit 1 was on, so this one was left out for a reason of its own"
            ),
        )),
        None => {
            causes.push(found(
                Code::FilterShared,
                false,
                format!(
                    "nothing of {range} is saved, and no other writable shared mapping of ordinary pages is either: \
                     coredump_filter bit 1 may have been off"
                ),
            ));
            causes.push(dontdump(false, advised()));
        }
    }
    causes
}

fn can_be_of_huge_pages(range: Interval<Address>, huge_page: u64) -> bool {
    range.start().get().is_multiple_of(huge_page) && range.length().is_multiple_of(huge_page)
}
