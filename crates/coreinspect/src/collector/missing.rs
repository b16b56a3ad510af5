//! Which mappings of segments the kernel leaves bytes of out of a core.

use crate::kind::{Kind, Kinds};
use crate::proc_files::{MemoryArea, smaps};
use crate::retention::forecast::{Area, Conditions, Filter, kept_by_the_kernel};

/// Whether the kernel saves all of `area`, a System V segment's mapping.
fn is_kept(area: &MemoryArea<'_>, filter: u32) -> bool {
    let page = area.page_size().unwrap_or(4096);
    let conditions = Conditions { filter: Filter(filter), page, environment: &[], names: &[] };
    kept_by_the_kernel(&Area::of(area, None), &conditions).lost_by.is_none()
}

/// The start addresses of the mappings of segments of `kinds` in `smaps` of which the kernel's core lacks bytes, sorted. One that
/// another mapping of the same segment shows whole is left out.
pub fn missing(smaps: &[u8], filter: u32, kinds: &Kinds) -> Vec<u64> {
    let areas: Vec<_> = smaps::parse(smaps)
        .filter(|area| Kind::of_name(area.area.name).is_some_and(|kind| kinds.list(kind)))
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
