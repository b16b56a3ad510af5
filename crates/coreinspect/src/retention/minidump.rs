//! What the writers of minidumps keep: stacks, and what registers and a program point out. Only lldb can keep more.
//!
//! lldb (lldb/source/Target/Process.cpp, `SaveCoreStyle`): `stack`, the default, keeps stacks; `modified-memory` every
//! writable mapping; `full` all that can be read. lldb 15 and 16 know `stack` alone. Breakpad
//! (`client/linux/minidump_writer`), Crashpad and minidump-writer keep stacks, and what a program registered.

use super::{Code, Found};
use crate::memory::Dumped;
use crate::shm::{Segment, SharedMemory};
use crate::targets::Writer;

/// What makes the next dump whole.
pub(super) fn fix(writer: Option<Writer>) -> String {
    let in_the_program = match writer {
        Some(Writer::Lldb) => {
            return "process save-core --style full FILE (lldb 19 or newer), or gcore PID".to_owned();
        }
        Some(Writer::Breakpad) => "ExceptionHandler::RegisterAppMemory(address, length)",
        Some(Writer::Crashpad) => "CrashpadInfo::set_extra_memory_ranges",
        Some(Writer::MinidumpWriter) => "MinidumpWriterConfig::set_app_memory",
        _ => return "gcore PID: a core has segments whole".to_owned(),
    };
    format!(
        "gcore PID takes a core instead; or have the program name the segment to its handler: {in_the_program}"
    )
}

pub(super) fn cause(memory: &SharedMemory, segment: &Segment, writer: Option<Writer>) -> Found {
    let others = memory.segments.iter().any(|other| other.saved() > 0);
    let readable_only =
        !segment.attachments.iter().flat_map(|attachment| &attachment.mappings).any(|mapping| {
            mapping.lacks(Dumped::NotSaved) && mapping.permissions.is_none_or(|permissions| permissions.write)
        });
    let evidence = match (writer, others) {
        (Some(Writer::Lldb), true) if readable_only => {
            "lldb kept the writable segments and not this read-only attach: `--style modified-memory` keeps what is writable"
        }
        (Some(Writer::Lldb), false) => {
            "lldb kept no System V byte: `--style stack`, its default, keeps stacks, and segments only in name"
        }
        (_, false) => {
            "this kind of minidump holds stacks, and what the program registered with its handler: segments only in name"
        }
        (_, true) => "of this segment the minidump holds only what its writer was asked for",
    };
    Found { code: Code::DumperSkipped, certain: true, evidence: evidence.to_owned() }
}
