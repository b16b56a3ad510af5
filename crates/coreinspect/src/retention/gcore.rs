//! What gcore keeps (gdb gdb/linux-tdep.c `dump_mapping_p`): as the kernel does by coredump_filter and MADV_DONTDUMP,
//! but a read-only attach whole, as private memory (bit 0). What it leaves out has no PT_LOAD at all, so its rights are
//! not in the dump; what it keeps without rights (PROT_NONE) it calls readable.

use super::forecast::{Area, Conditions, Filter, Forward, Kept, Lost};
use super::{Case, Code, Found, Rules, shared_mapping, telling};
use crate::kind::Kind;

pub(super) const RULES: Rules = Rules {
    causes,
    fix,
    forward: Some(Forward {
        heading: "GCORE",
        dumps: |_| true,
        refusal: "",
        keeps,
        left_out: None,
        fix: |lost, next| match lost {
            Lost { code: Code::DontDump, .. } => format!("gcore -a {}; {}", next.pid, next.elsewhere),
            Lost { bit: Some(_), .. } => {
                format!(
                    "{} (or gcore -a {}, but for huge pages and files with a name)",
                    next.filter, next.pid
                )
            }
            _ => next.elsewhere.clone(),
        },
    }),
};

/// A dump by gcore of what its own `-a` leaves out.
pub(super) fn filter_first(mask: u32, left_out: &str) -> String {
    format!("echo {mask:#x} > /proc/PID/coredump_filter before gcore PID (gcore -a leaves {left_out} out)")
}

fn fix(case: &Case<'_>, code: Code, mask: u32) -> String {
    let named = shared_mapping::has_a_name(case.segment);
    match code {
        // gcore -a puts a filter of its own in place, without bits 2, 3 and 6.
        Code::Hugetlb => filter_first(mask, "huge pages"),
        Code::DontDump if named => super::dump_it_ourselves(case.segment.kind),
        Code::FilterMapped => filter_first(mask, "files with a name"),
        Code::ReadOnlyAttach if named => filter_first(mask, "files with a name"),
        _ => "gcore -a PID".to_owned(),
    }
}

fn causes(case: &Case<'_>) -> Vec<Found> {
    let Case { target, evidence, segment, .. } = *case;
    let mut causes = Vec::new();
    for attachment in &segment.attachments {
        for mapping in telling(attachment, evidence) {
            let found = shared_mapping::causes(evidence, segment, attachment, mapping);
            // With bit 0 off it can be a read-only attach: its rights do not tell.
            let private_left_out = !target.identity().private_memory_saved && !attachment.kept();
            let named = shared_mapping::has_a_name(segment);
            if private_left_out && !named {
                causes.push(Found {
                    code: Code::ReadOnlyAttach,
                    certain: false,
                    evidence: format!(
                        "nothing of {} is saved, and the stack is not either: coredump_filter bit 0 was off, by which gdb \
                         leaves out a SHM_RDONLY attach",
                        mapping.range
                    ),
                });
            }
            causes.extend(
                found.into_iter().map(|cause| Found { certain: cause.certain && !private_left_out, ..cause }),
            );
            if named && segment.kind != Kind::Hugetlbfs && mapping.permissions.is_none() {
                causes.push(Found {
                    code: Code::ReadOnlyAttach,
                    certain: false,
                    evidence: format!(
                        "nothing of {} is saved, and its rights are not in the dump: of a file that was opened read-only gdb \
                         keeps nothing while coredump_filter bit 2 is off",
                        mapping.range
                    ),
                });
            }
        }
    }
    causes
}

/// What it keeps of `area`; gdb believes VmFlags of /proc/PID/smaps.
fn keeps(area: &Area, conditions: &Conditions<'_>) -> Kept {
    let filter = conditions.filter;
    let unless = |bit, code| match filter.has(bit) {
        true => Kept::all(area),
        false => Kept::some(0, code, Some(bit)),
    };
    match area {
        Area { device: true, .. } => Kept::some(0, Code::LeftOut, None),
        Area { dont_dump: true, .. } => Kept::some(0, Code::DontDump, None),
        Area { huge_pages: true, shared: true, .. } => unless(Filter::HUGE_SHARED, Code::Hugetlb),
        Area { huge_pages: true, .. } => unless(Filter::HUGE_PRIVATE, Code::Hugetlb),
        Area { shared: true, named: true, .. } => unless(Filter::FILE_SHARED, Code::FilterMapped),
        Area { shared: true, .. } => unless(Filter::ANONYMOUS_SHARED, Code::FilterShared),
        Area { named: true, .. } => unless(Filter::FILE_PRIVATE, Code::ReadOnlyAttach),
        // gdb counts names like /SYSV%08x as anonymous (`mapping_is_anonymous_p`).
        _ => unless(Filter::ANONYMOUS_PRIVATE, Code::ReadOnlyAttach),
    }
}
