//! What gcore keeps (gdb gdb/linux-tdep.c `dump_mapping_p`): as the kernel does by coredump_filter and MADV_DONTDUMP,
//! but a read-only attach whole, as private memory (bit 0). What it leaves out has no PT_LOAD at all, so its rights are
//! not in the dump; what it keeps without rights (PROT_NONE) it calls readable.

use super::Cause;
use super::shared_mapping::{self, Fixes};
use crate::memory::Dumped;
use crate::shm::{Segment, SharedMemory};
use crate::target::Target;

const FIXES: Fixes = Fixes {
    filter_shared: "gcore -a PID, or echo 0x33 > /proc/PID/coredump_filter before gcore PID",
    // gcore -a puts a filter of its own in place, without bit 6.
    hugetlb: "echo 0x73 > /proc/PID/coredump_filter before gcore PID (gcore -a leaves huge pages out)",
    dontdump: "gcore -a PID",
};

pub(super) fn causes(target: &dyn Target, memory: &SharedMemory, segment: &Segment) -> Vec<Cause> {
    let mut causes = Vec::new();
    for attachment in &segment.attachments {
        for mapping in attachment.mappings.iter().filter(|mapping| mapping.lacks(Dumped::NotSaved)) {
            let found = shared_mapping::causes(target, memory, attachment, mapping, &FIXES);
            // With bit 0 off it can be a read-only attach: its rights do not tell.
            let bit_0 = target.identity().private_memory_saved || attachment.kept();
            causes.extend(found.into_iter().map(|cause| Cause { certain: cause.certain && bit_0, ..cause }));
        }
    }
    causes
}
