//! What drgn's contrib/gcore.py keeps (`vma_snapshot`): as the kernel does with coredump_filter 0x33, whatever the process
//! has there. Of a read-only attach the first page, of a writable one all, huge pages too; MADV_DONTDUMP
//! counts. Out of a dump of the kernel it gets the pages that the process's page tables name, and that the dump has.

use super::{Case, Code, Found, Rules, shared_mapping};
use crate::memory::Dumped;

pub(super) const RULES: Rules = Rules {
    causes,
    fix: |_, code, mask| {
        match code {
            Code::LeftOut => "the core of another process that attaches it, which may have touched these pages; or gcore -a PID",
            Code::FilterMapped => return super::gcore::filter_first(mask, "files with a name"),
            _ => "gcore PID",
        }
        .to_owned()
    },
    forward: None,
};

fn causes(case: &Case<'_>) -> Vec<Found> {
    if shared_mapping::has_a_name(case.segment) {
        let evidence = "drgn's gcore.py keeps what 0x33 would, which leaves out shared mappings of files that have a name (bit 3)";
        return vec![Found::likely(Code::FilterMapped, evidence)];
    }
    let mappings = case.segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
    let missing = mappings.filter(|mapping| mapping.lacks(Dumped::NotSaved));
    missing
        .map(|mapping| match mapping.permissions {
            Some(permissions) if !permissions.write => Found {
                code: Code::ReadOnlyAttach,
                certain: mapping.saved() > 0,
                evidence: format!(
                    "the mapping at {} is {permissions}: drgn's gcore.py keeps the first page of what is attached read-only",
                    mapping.range
                ),
            },
            _ => Found {
                code: Code::LeftOut,
                certain: false,
                evidence: format!(
                    "{} is writable and not saved: not touched by this process, swapped, or left out of the dump of the \
                     kernel (or madvise with MADV_DONTDUMP)",
                    mapping.range
                ),
            },
        })
        .collect()
}
