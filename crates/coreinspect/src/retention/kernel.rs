//! What the kernel keeps (Linux fs/coredump.c `vma_dump_size`; core(5)).
//!
//! A read-only attach is not shared to the kernel (mm/mmap.c clears VM_SHARED where the file cannot be written): it
//! counts as a private mapping of a file. With the default coredump_filter 0x33 its first page is kept, by bit 4,
//! because a segment's inode is executable (mode 0777) and might be a program; bit 2 keeps all of it.

use super::forecast::{Area, Conditions, Filter, Forward, Kept, Lost};
use super::shared_mapping::{self, Evidence};
use super::{Case, Code, Found, Rules, telling};
use crate::kind::Kind;
use crate::memory::Dumped;
use crate::shm::{Attachment, Mapping};

pub(super) const RULES: Rules = Rules {
    causes,
    fix,
    forward: Some(Forward {
        heading: "KERNEL",
        dumps: |_| true,
        refusal: "",
        keeps,
        left_out: None,
        fix: |lost, next| match lost {
            Lost { code: Code::DontDump, .. } => {
                format!("madvise(address, length, MADV_DODUMP) in the program; {}", next.elsewhere)
            }
            Lost { bit: Some(_), .. } => next.filter.clone(),
            _ => next.elsewhere.clone(),
        },
    }),
};

fn fix(case: &Case<'_>, code: Code, mask: u32) -> String {
    let filter = format!(
        "echo {mask:#x} > /proc/PID/coredump_filter (inherited by children; systemd: CoredumpFilter={mask:#x})"
    );
    match code {
        // gcore obeys the filter too, and its -a leaves such files out.
        Code::ReadOnlyAttach if shared_mapping::has_a_name(case.segment) => filter,
        Code::DontDump if shared_mapping::has_a_name(case.segment) => {
            super::dump_it_ourselves(case.segment.kind)
        }
        Code::ReadOnlyAttach => format!("{filter}, or dump it alive with gcore PID"),
        Code::DontDump => {
            "madvise(address, length, MADV_DODUMP) in the program, or dump it alive with gcore -a PID"
                .to_owned()
        }
        _ => filter,
    }
}

fn causes(case: &Case<'_>) -> Vec<Found> {
    let Case { target, evidence, segment, .. } = *case;
    let page = target.identity().page_size;
    let mut causes = Vec::new();
    for attachment in &segment.attachments {
        let first_page_only = attachment.mappings.iter().find(|mapping| is_first_page_only(mapping, page));
        let shared =
            attachment.mappings.iter().any(|mapping| is_writable(mapping) || keeps_more_than(mapping, page));
        for mapping in telling(attachment, evidence) {
            match first_page_only {
                Some(first) => causes.push(first_page(segment.kind, first)),
                None if mapping.is_private_by_kernel() => causes.push(no_segment(mapping)),
                None if shared => {
                    causes.extend(shared_mapping::causes(evidence, segment, attachment, mapping));
                }
                None => {
                    causes.push(not_even_the_first_page(segment.kind, mapping, evidence));
                    // mprotect(2) can have taken the right to write from what was attached read-write.
                    let others = shared_mapping::causes(evidence, segment, attachment, mapping);
                    causes.extend(others.into_iter().map(|cause| Found { certain: false, ..cause }));
                }
            }
        }
    }
    causes
}

fn is_writable(mapping: &Mapping) -> bool {
    mapping.permissions.is_some_and(|permissions| permissions.write)
}

/// Whether bytes beyond the first page are saved: of a read-only attach the kernel keeps those never without the rest.
fn keeps_more_than(mapping: &Mapping, page: Option<u64>) -> bool {
    let kept = mapping.extents.iter().filter(|extent| extent.dumped != Dumped::NotSaved);
    let ends = kept.filter_map(|extent| mapping.offsets(extent.range)).map(|offsets| offsets.end().get());
    page.is_some_and(|page| ends.max().is_some_and(|end| end > page))
}

/// The mark of a read-only attach: offset 0, not writable, and all but the first page left out. No other rule cuts a
/// mapping there.
fn is_first_page_only(mapping: &Mapping, page: Option<u64>) -> bool {
    let starts_it = mapping.offset.get() == 0 && !is_writable(mapping) && mapping.permissions.is_some();
    let [kept @ .., rest] = mapping.extents.as_slice() else { return false };
    let bytes = kept.iter().fold(0_u64, |sum, extent| sum.saturating_add(extent.range.length()));
    starts_it
        && rest.dumped == Dumped::NotSaved
        && kept.iter().all(|extent| extent.dumped != Dumped::NotSaved)
        && bytes > 0
        && page.is_none_or(|page| page == bytes)
}

/// Whether `attachment` bears the mark of a read-only attach.
pub(super) fn shows_read_only(attachment: &Attachment, page: Option<u64>) -> bool {
    attachment.mappings.iter().any(|mapping| is_first_page_only(mapping, page))
}

fn first_page(kind: Kind, mapping: &Mapping) -> Found {
    read_only(
        true,
        format!(
            "the mapping at {} is {} and only its first page was kept: what the kernel does with {} while coredump_filter bit \
             2 is off",
            mapping.range,
            rights(mapping),
            read_only_attach(kind)
        ),
    )
}

/// What a mapping is that the kernel does not count as shared, although its program called it so.
fn read_only_attach(kind: Kind) -> &'static str {
    match kind {
        Kind::SystemV => "a SHM_RDONLY attach",
        _ => "a mapping of a descriptor that was opened read-only",
    }
}

/// Of what shmat(2) made writable the kernel keeps all or nothing.
fn no_segment(mapping: &Mapping) -> Found {
    Found {
        code: Code::Unknown,
        certain: false,
        evidence: format!(
            "the mapping at {} is writable and was kept in part: what the kernel does with a private mapping of a file, not \
             with a segment",
            mapping.range
        ),
    }
}

fn not_even_the_first_page(kind: Kind, mapping: &Mapping, evidence: &Evidence) -> Found {
    let what = read_only_attach(kind);
    let has_first_page =
        mapping.offset.get() == 0 && mapping.permissions.is_some_and(|permissions| permissions.read);
    let rule = if kind != Kind::SystemV && kind != Kind::Memfd {
        // Their files are not executable, as a rule, so that bit 4 keeps nothing.
        format!("{what} while coredump_filter bit 2 is off")
    } else if evidence.can_be_of_huge_pages(mapping.range) {
        format!(
            "{what}, of huge pages while coredump_filter bit 5 is off, or of ordinary ones while bits 2 and 4 are"
        )
    } else if has_first_page {
        format!(
            "{what} while coredump_filter bits 2 and 4 are off (or a kernel before 5.10, which kept the first page of programs only)"
        )
    } else {
        format!("{what} while coredump_filter bit 2 is off (bit 4 keeps a readable page at offset 0 only)")
    };
    read_only(
        false,
        format!("the mapping at {} is {} and nothing of it is saved: {rule}", mapping.range, rights(mapping)),
    )
}

fn read_only(certain: bool, evidence: String) -> Found {
    Found { code: Code::ReadOnlyAttach, certain, evidence }
}

fn rights(mapping: &Mapping) -> String {
    mapping.permissions.map_or_else(|| "???".to_owned(), |permissions| permissions.to_string())
}

/// What it keeps of `area`, in the order in which `vma_dump_size` asks.
pub(super) fn keeps(area: &Area, conditions: &Conditions<'_>) -> Kept {
    let Conditions { filter, page, .. } = *conditions;
    let unless = |bit, code| match filter.has(bit) {
        true => Kept::all(area),
        false => Kept::some(0, code, Some(bit)),
    };
    match area {
        Area { dont_dump: true, .. } => Kept::some(0, Code::DontDump, None),
        Area { huge_pages: true, shared: true, .. } => unless(Filter::HUGE_SHARED, Code::Hugetlb),
        Area { huge_pages: true, .. } => unless(Filter::HUGE_PRIVATE, Code::Hugetlb),
        Area { device: true, .. } => Kept::some(0, Code::LeftOut, None),
        Area { shared: true, named: true, .. } => unless(Filter::FILE_SHARED, Code::FilterMapped),
        // A segment's file has no name that leads to it (i_nlink 0), which counts as anonymous.
        Area { shared: true, .. } => unless(Filter::ANONYMOUS_SHARED, Code::FilterShared),
        // Its inode is executable (a segment's mode is 0777), so it might be a program, whose first page bit 4 keeps.
        Area { from_start: true, readable: true, program: true, .. }
            if filter.has(Filter::ELF_HEADERS) && !filter.has(Filter::FILE_PRIVATE) && area.length > page =>
        {
            Kept::some(page, Code::ReadOnlyAttach, Some(Filter::FILE_PRIVATE))
        }
        Area { from_start: true, readable: true, program: true, .. } if filter.has(Filter::ELF_HEADERS) => {
            Kept::all(area)
        }
        _ => unless(Filter::FILE_PRIVATE, Code::ReadOnlyAttach),
    }
}
