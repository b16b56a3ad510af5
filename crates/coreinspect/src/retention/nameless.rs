//! Writers that do not name segments: what is found of one has its bounds by the bytes that were kept, so that bytes are
//! missing only where the writer keeps a part of a mapping.

use super::{Code, Found};
use crate::targets::Writer;

/// What makes the next dump whole, and names the segments.
pub(super) fn fix(writer: Writer) -> String {
    match writer {
        Writer::QemuUser | Writer::Valgrind => {
            format!("gcore of {writer}'s own process, which has names and bytes")
        }
        _ => "gcore PID, which has names and bytes".to_owned(),
    }
}

/// `None` for a writer that names them.
pub(super) fn cause(writer: Writer) -> Option<Found> {
    let (code, evidence) = match writer {
        // linux-user/elfload.c `vma_dump_size`.
        Writer::QemuUser => (Code::DumperSkipped, "qemu-user leaves out what the guest may not read"),
        // pkg/proc/dump.go: every mapping that can be read, and no name.
        Writer::Delve => (Code::DumperSkipped, "Delve leaves out what cannot be read"),
        // coregrind/m_coredump/coredump-elf.c `may_dump`.
        Writer::Valgrind => (Code::DumperSkipped, "valgrind leaves out what the program may not read"),
        // src/elfcore.cc `CreateElfCore`: writable or anonymous memory that is not MADV_DONTDUMP.
        Writer::GoogleCoredumper => (
            Code::ReadOnlyAttach,
            "google-coredumper keeps writable memory, and skips pages of zeroes at a mapping's start",
        ),
        // criu_coredump/coredump.py `_gen_mem_chunk`: pages of shared memory are in images that it does not read.
        Writer::Criu => (Code::DumperSkipped, "CRIU's coredump has zeroes for the bytes of segments"),
        _ => return None,
    };
    Some(Found { code, certain: false, evidence: evidence.to_owned() })
}
