//! What the kernel keeps (Linux fs/coredump.c `vma_dump_size`; core(5)).
//!
//! A read-only attach is not shared to the kernel (mm/mmap.c clears VM_SHARED where the file cannot be written): it
//! counts as a private mapping of a file. With the default coredump_filter 0x33 its first page is kept, by bit 4,
//! because a segment's inode is executable (mode 0777) and might be a program; bit 2 keeps all of it.

use super::shared_mapping::{self, Fixes};
use super::{Cause, Code};
use crate::memory::Dumped;
use crate::position::Position;
use crate::shm::{Mapping, Segment, SharedMemory};
use crate::target::Target;

const FIXES: Fixes = Fixes {
    filter_shared: "echo 0x33 > /proc/PID/coredump_filter (inherited by children; systemd: CoredumpFilter=0x33)",
    hugetlb: "echo 0x73 > /proc/PID/coredump_filter (inherited by children; systemd: CoredumpFilter=0x73)",
    dontdump: "madvise(address, length, MADV_DODUMP) in the program, or dump it alive with gcore -a PID",
};
const READ_ONLY_FIX: &str = "echo 0x37 > /proc/PID/coredump_filter (inherited by children; systemd: \
                             CoredumpFilter=0x37), or dump it alive with gcore PID";

pub(super) fn causes(target: &dyn Target, memory: &SharedMemory, segment: &Segment) -> Vec<Cause> {
    let mut causes = Vec::new();
    for attachment in &segment.attachments {
        let first_page_only = attachment.mappings.iter().find(|mapping| is_first_page_only(mapping));
        let writable = attachment.mappings.iter().any(is_writable);
        for mapping in attachment.mappings.iter().filter(|mapping| mapping.lacks(Dumped::NotSaved)) {
            match first_page_only {
                Some(first) => causes.push(read_only(first, true)),
                None if writable => {
                    causes.extend(shared_mapping::causes(target, memory, attachment, mapping, &FIXES))
                }
                None => {
                    causes.push(read_only(mapping, false));
                    // mprotect(2) can have taken the right to write from what was attached read-write.
                    let others = shared_mapping::causes(target, memory, attachment, mapping, &FIXES);
                    causes.extend(others.into_iter().map(|cause| Cause { certain: false, ..cause }));
                }
            }
        }
    }
    causes
}

fn is_writable(mapping: &Mapping) -> bool {
    mapping.permissions.is_some_and(|permissions| permissions.write)
}

/// The mark of a read-only attach: offset 0, not writable, and all but the first page left out. No other rule cuts a
/// mapping there.
fn is_first_page_only(mapping: &Mapping) -> bool {
    let starts_it = mapping.offset.get() == 0 && !is_writable(mapping) && mapping.permissions.is_some();
    starts_it
        && matches!(mapping.extents.as_slice(), [first, rest]
            if first.dumped != Dumped::NotSaved && rest.dumped == Dumped::NotSaved)
}

fn read_only(mapping: &Mapping, certain: bool) -> Cause {
    let range = mapping.range;
    let rights = mapping.permissions.map_or("???".to_owned(), |permissions| permissions.to_string());
    let evidence = if certain {
        let page = mapping.extents.first().map_or(0, |extent| extent.range.length());
        format!(
            "the mapping at {range} is {rights} and only its first {page} bytes are saved: what the kernel keeps of a \
             SHM_RDONLY attach while coredump_filter bit 2 is off"
        )
    } else {
        format!(
            "the mapping at {range} is {rights} and nothing of it is saved: a SHM_RDONLY attach while coredump_filter \
             bits 2 and 4 are off (or a kernel before 5.18, which kept a first page of programs only)"
        )
    };
    Cause { code: Code::ReadOnlyAttach, certain, evidence, fix: READ_ONLY_FIX.to_owned() }
}
