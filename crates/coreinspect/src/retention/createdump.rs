//! What .NET's createdump keeps (dotnet/runtime src/coreclr/debug/createdump): its types mini, heap and triage leave
//! System V memory out, full keeps every readable page.

use super::{Cause, Code};
use crate::shm::SharedMemory;

pub(super) fn cause(memory: &SharedMemory) -> Cause {
    let any_saved = memory.segments.iter().any(|segment| segment.saved() > 0);
    if any_saved {
        Cause {
            code: Code::Unknown,
            certain: false,
            evidence: "createdump kept other System V bytes, so it was a full dump, which leaves out pages that cannot be \
                       read (PROT_NONE)"
                .to_owned(),
            fix: "gcore -a PID".to_owned(),
        }
    } else {
        Cause {
            code: Code::DumperSkipped,
            certain: true,
            evidence: "createdump kept no System V byte: its mini, heap and triage dumps never hold any"
                .to_owned(),
            fix: "createdump --full PID (or DOTNET_DbgMiniDumpType=4, dotnet-dump collect --type Full)"
                .to_owned(),
        }
    }
}
