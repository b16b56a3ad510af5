//! What .NET's createdump keeps (dotnet/runtime src/coreclr/debug/createdump): its types mini, heap and triage leave
//! System V memory out, full keeps every readable page. (Newer ones keep some of it in a heap dump, without its name.)

use super::{Code, Found};
use crate::shm::SharedMemory;

/// What makes the next dump whole.
pub(super) const FIX: &str = "createdump --full PID, or for the next crash DOTNET_DbgEnableMiniDump=1 with \
                              DOTNET_DbgMiniDumpType=4 (before .NET 6: COMPlus_ instead of DOTNET_)";

pub(super) fn cause(memory: &SharedMemory) -> Found {
    if memory.segments.iter().any(|segment| segment.saved() > 0) {
        Found {
            code: Code::Unknown,
            certain: false,
            evidence: "createdump kept other System V bytes, so it was a full dump, which leaves out pages that cannot be \
                       read (PROT_NONE)"
                .to_owned(),
        }
    } else {
        Found {
            code: Code::DumperSkipped,
            certain: true,
            evidence: "createdump kept no System V byte: its mini, heap and triage dumps hold none where they name the \
                       segment"
                .to_owned(),
        }
    }
}
