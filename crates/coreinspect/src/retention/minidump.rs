//! What the writers of minidumps keep: stacks, and what registers and a program point out. Only lldb can keep more.
//!
//! lldb (lldb/source/Target/Process.cpp, `SaveCoreStyle`): `stack`, the default, keeps stacks; `modified-memory` every
//! writable mapping; `full` all that can be read. lldb 15 and 16 know `stack` alone. Breakpad
//! (`client/linux/minidump_writer`), Crashpad and minidump-writer keep stacks, and what a program registered.

use super::{Case, Code, Found, Rules, bytes_of};
use crate::memory::Dumped;

pub(super) const LLDB: Rules = Rules {
    causes: |case| vec![of_lldb(case).unwrap_or_else(|| of_stacks(case))],
    fix: |_, _, _| "process save-core --style full FILE (lldb 19 or newer), or gcore PID".to_owned(),
    forward: None,
};
pub(super) const BREAKPAD: Rules =
    with_fix(|_, _, _| registered("ExceptionHandler::RegisterAppMemory(address, length)"));
pub(super) const CRASHPAD: Rules = with_fix(|_, _, _| registered("CrashpadInfo::set_extra_memory_ranges"));
pub(super) const MINIDUMP_WRITER: Rules =
    with_fix(|_, _, _| registered("MinidumpWriterConfig::set_app_memory"));
/// Of a minidump whose writer is not known.
pub(super) const OTHER: Rules = with_fix(|_, _, _| "gcore PID: a core has segments whole".to_owned());

const fn with_fix(fix: fn(&Case<'_>, Code, u32) -> String) -> Rules {
    Rules { causes: |case| vec![of_stacks(case)], fix, forward: None }
}

fn registered(how: &str) -> String {
    format!("gcore PID takes a core instead; or have the program name the segment to its handler: {how}")
}

fn of_lldb(case: &Case<'_>) -> Option<Found> {
    let mut mappings = case.segment.attachments.iter().flat_map(|attachment| &attachment.mappings);
    let writable = mappings.any(|mapping| {
        mapping.lacks(Dumped::NotSaved) && mapping.permissions.is_none_or(|permissions| permissions.write)
    });
    let bytes = bytes_of(case.segment.kind);
    Some(certain(&match (any_is_saved(case), writable) {
        (true, true) => return None,
        (true, false) => {
            "lldb kept the writable segments and not this read-only attach: `--style modified-memory` keeps what is writable".to_owned()
        }
        (false, _) => {
            format!("lldb kept no {bytes}: `--style stack`, its default, keeps stacks, and segments only in name")
        }
    }))
}

fn of_stacks(case: &Case<'_>) -> Found {
    certain(if any_is_saved(case) {
        "of this segment the minidump holds only what its writer was asked for"
    } else {
        "this kind of minidump holds stacks, and what the program registered with its handler: segments only in name"
    })
}

fn any_is_saved(case: &Case<'_>) -> bool {
    case.memory.segments.iter().any(|other| other.saved() > 0)
}

fn certain(evidence: &str) -> Found {
    Found { code: Code::LeftOut, certain: true, evidence: evidence.to_owned() }
}
