//! Which mappings of segments the kernel leaves out of a core: `vma_dump_size` of fs/coredump.c, as core(5) tells it.

use shmcore::Key;

use crate::proc_files::{MemoryArea, smaps};

/// coredump_filter: shared memory without a name in a file system, files mapped privately, shared huge pages.
const ANONYMOUS_SHARED: u32 = 1 << 1;
const FILES_PRIVATE: u32 = 1 << 2;
const HUGE_SHARED: u32 = 1 << 6;

/// Whether the kernel saves all of `area`, a System V segment's mapping.
fn is_kept(area: &MemoryArea<'_>, filter: u32) -> bool {
    let has = |flag: &[u8; 2]| area.has_flag(flag).unwrap_or(false);
    if has(b"dd") || has(b"io") {
        return false;
    }
    let bit = match (has(b"ht"), has(b"sh")) {
        (true, _) => HUGE_SHARED,
        (false, true) => ANONYMOUS_SHARED,
        // A read-only attach is not VM_SHARED: nobody can write through it.
        (false, false) => FILES_PRIVATE,
    };
    filter & bit != 0
}

/// The start addresses of the segments' mappings in `smaps` of which the kernel's core lacks bytes, sorted. One that
/// another mapping of the same segment shows whole is left out.
pub fn missing(smaps: &[u8], filter: u32) -> Vec<u64> {
    let areas: Vec<_> = smaps::parse(smaps)
        .filter(|area| Key::from_mapping_name(area.area.name).is_some_and(|name| name.deleted))
        .collect();
    let kept: Vec<_> = areas.iter().filter(|area| is_kept(area, filter)).map(|area| area.area).collect();
    let shown = |area: &MemoryArea<'_>| {
        let area = area.area;
        kept.iter().any(|other| {
            (other.device, other.inode) == (area.device, area.inode)
                && other.offset <= area.offset
                && other.offset.saturating_add(other.length()) >= area.offset.saturating_add(area.length())
        })
    };
    let mut starts: Vec<_> = areas.iter().filter(|area| !shown(area)).map(|area| area.area.start).collect();
    starts.sort_unstable();
    starts
}
