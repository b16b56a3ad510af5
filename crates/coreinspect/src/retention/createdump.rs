//! What .NET's createdump keeps (dotnet/runtime src/coreclr/debug/createdump): its types mini, heap and triage leave
//! System V memory out, full keeps every readable page. Since .NET 9 it leaves out the names of segments (of all files that
//! are deleted, crashinfounix.cpp `EnumerateMemoryRegions`), also where it keeps the bytes.

use super::forecast::{Area, Kept};
use super::{Code, Found};
use crate::shm::SharedMemory;

/// What makes the next dump whole.
const FIX: &str = "take a full dump: createdump --full PID, or for the next crash DOTNET_DbgEnableMiniDump=1 with \
                   DOTNET_DbgMiniDumpType=4 (before .NET 6: COMPlus_ instead of DOTNET_)";

/// What helps where a full dump lacks pages.
const FIX_FULL: &str = "gcore PID, which reads also what the process may not (PROT_NONE)";

pub(super) fn fix(memory: &SharedMemory) -> String {
    if is_full(memory) { FIX_FULL } else { FIX }.to_owned()
}

pub(super) fn cause(memory: &SharedMemory) -> Found {
    let evidence = if is_full(memory) {
        "createdump kept other System V bytes, so it was a full dump, which leaves out only pages that it cannot read \
         (PROT_NONE)"
    } else {
        "createdump kept no System V byte: its mini, heap and triage dumps hold none where they name the segment"
    };
    Found { code: Code::DumperSkipped, certain: true, evidence: evidence.to_owned() }
}

/// Only a full dump holds bytes of a segment that is named.
fn is_full(memory: &SharedMemory) -> bool {
    memory.segments.iter().any(|segment| segment.saved() > 0)
}

/// What it keeps of `area`: every page that can be read, or nothing.
pub(super) fn keeps(area: &Area, full: bool) -> Kept {
    match full && area.readable {
        true => Kept::all(area),
        false => Kept::some(0, Code::DumperSkipped, None),
    }
}
