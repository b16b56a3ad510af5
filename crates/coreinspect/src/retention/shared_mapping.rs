//! The rules for a shared mapping that the kernel and gcore have in common: coredump_filter bit 1, huge pages,
//! MADV_DONTDUMP.
//!
//! Linux fs/coredump.c `vma_dump_size`; gdb gdb/linux-tdep.c `dump_mapping_p`.

use super::{Cause, Code};
use crate::memory::Dumped;
use crate::position::{Address, Interval, Position};
use crate::shm::{Attachment, Mapping, SharedMemory};
use crate::target::Target;

/// What the dumper says to do about each rule; they differ by dumper.
pub(super) struct Fixes {
    pub filter_shared: &'static str,
    pub hugetlb: &'static str,
    pub dontdump: &'static str,
}

/// Why nothing of `mapping`, a read-write attach, was saved.
pub(super) fn causes(
    target: &dyn Target,
    memory: &SharedMemory,
    attachment: &Attachment,
    mapping: &Mapping,
    fixes: &Fixes,
) -> Vec<Cause> {
    let range = mapping.range;
    let bytes = range.length();
    let dontdump =
        |certain, evidence| Cause { code: Code::DontDump, certain, evidence, fix: fixes.dontdump.to_owned() };
    if attachment.kept() {
        // Filter and page size are the same for all of an attachment; madvise(2) alone works on a part.
        return vec![dontdump(
            true,
            format!("{bytes} bytes at {range} are missing while the rest of the same attachment was kept"),
        )];
    }
    let mut causes = Vec::new();
    let huge_page = smallest_huge_page(target.identity().machine.number);
    let of_huge_pages = can_be_of_huge_pages(range, huge_page);
    let another_saved = another_saved(memory, attachment, huge_page);
    if of_huge_pages {
        causes.push(Cause {
            code: Code::Hugetlb,
            certain: false,
            evidence: format!(
                "nothing of {range} is saved, and its start and its {bytes} bytes are multiples of {} KiB: it can be \
                 SHM_HUGETLB, which coredump_filter leaves out by default (bit 6)",
                huge_page >> 10
            ),
            fix: fixes.hugetlb.to_owned(),
        });
    }
    match another_saved {
        Some(other) => causes.push(dontdump(
            !of_huge_pages,
            format!(
                "nothing of {range} is saved, but the shared mapping at {other} is: coredump_filter bit 1 was on, so this \
                 one was left out by itself"
            ),
        )),
        None => {
            causes.push(Cause {
                code: Code::FilterShared,
                certain: false,
                evidence: format!(
                    "nothing of {range} is saved, and no other writable shared mapping is either: coredump_filter bit 1 \
                     may have been off"
                ),
                fix: fixes.filter_shared.to_owned(),
            });
            causes.push(dontdump(
                false,
                format!("nothing of {range} is saved: the program may have called madvise(MADV_DONTDUMP) on all of it"),
            ));
        }
    }
    causes
}

/// A writable shared mapping that is saved, which shows that coredump_filter bit 1 was on: of System V, or shared
/// anonymous memory. Not one that may be of huge pages: bit 6 decides for those.
fn another_saved(memory: &SharedMemory, attachment: &Attachment, huge_page: u64) -> Option<Address> {
    let attachments = memory.segments.iter().flat_map(|segment| &segment.attachments);
    let others = attachments.filter(|other| other.start() != attachment.start());
    let saved = others
        .flat_map(|other| &other.mappings)
        .filter(|mapping| mapping.permissions.is_some_and(|permissions| permissions.write))
        .filter(|mapping| !mapping.extents.is_empty() && !mapping.lacks(Dumped::NotSaved))
        .map(|mapping| mapping.range);
    let mut saved = saved.chain(memory.saved_anonymous);
    saved.find(|range| !can_be_of_huge_pages(*range, huge_page)).map(Interval::start)
}

fn can_be_of_huge_pages(range: Interval<Address>, huge_page: u64) -> bool {
    range.start().get().is_multiple_of(huge_page) && range.length().is_multiple_of(huge_page)
}

/// The smallest huge page that SHM_HUGETLB can mean on a machine, bytes (shmget(2), "Huge pages"; Linux arch/*/mm).
fn smallest_huge_page(machine: u16) -> u64 {
    const EM_386: u16 = 3;
    const EM_X86_64: u16 = 62;
    const EM_S390: u16 = 22;
    match machine {
        EM_386 | EM_X86_64 => 2 << 20,
        EM_S390 => 1 << 20,
        // aarch64 has contiguous pages of 64 KiB; no other is known to have smaller ones.
        _ => 64 << 10,
    }
}
