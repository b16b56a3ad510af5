//! What .NET's createdump keeps (dotnet/runtime src/coreclr/debug/createdump): its types mini, heap and triage leave
//! System V memory out, full keeps every readable page. Since .NET 9 it leaves out the names of segments (of all files that
//! are deleted, crashinfounix.cpp `EnumerateMemoryRegions`), also where it keeps the bytes.

use super::forecast::{Conditions, Forward, Kept, Lost};
use super::{Case, Code, Found, Rules, bytes_of};
use crate::shm::SharedMemory;

pub(super) const RULES: Rules = Rules {
    causes: |case| vec![cause(case)],
    fix,
    forward: Some(Forward {
        heading: "CREATEDUMP",
        dumps: runs_dotnet,
        refusal: "is none of .NET: createdump of .NET 5 and later would not dump it; that of .NET Core 2.x and 3.1 dumps any \
                  process, and with --full keeps what can be read",
        keeps: |area, conditions| match asks_for_all(conditions.environment) && area.readable {
            true => Kept::all(area),
            false => Kept::some(0, Code::LeftOut, None),
        },
        left_out: Some(
            "createdump keeps System V memory in full dumps alone, and its environment asks for none",
        ),
        fix: |lost, next| match lost {
            Lost { code: Code::LeftOut, .. } => format!(
                "DOTNET_DbgEnableMiniDump=1 DOTNET_DbgMiniDumpType=4 before it starts, or createdump --full {}",
                next.pid
            ),
            _ => next.elsewhere.clone(),
        },
    }),
};

fn fix(case: &Case<'_>, _: Code, _: u32) -> String {
    if is_full(case.memory) {
        "gcore PID, which reads also what the process may not (PROT_NONE)"
    } else {
        "take a full dump: createdump --full PID, or for the next crash DOTNET_DbgEnableMiniDump=1 with \
         DOTNET_DbgMiniDumpType=4 (before .NET 6: COMPlus_ instead of DOTNET_)"
    }
    .to_owned()
}

fn cause(case: &Case<'_>) -> Found {
    let bytes = bytes_of(case.segment.kind);
    let evidence = if is_full(case.memory) {
        format!(
            "createdump kept other {bytes}s, so it was a full dump, which leaves out only pages that it cannot read (PROT_NONE)"
        )
    } else {
        format!(
            "createdump kept no {bytes}: its mini, heap and triage dumps hold none where they name the segment"
        )
    };
    Found { code: Code::LeftOut, certain: true, evidence }
}

/// Only a full dump holds bytes of a segment that is named.
fn is_full(memory: &SharedMemory) -> bool {
    memory.segments.iter().any(|segment| segment.saved() > 0)
}

/// Whether .NET's runtime is mapped.
fn runs_dotnet(conditions: &Conditions<'_>) -> bool {
    let file = |name: &[u8]| name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
    conditions.names.iter().any(|name| file(name).starts_with(b"libcoreclr.so"))
}

/// Whether `environment` (proc_pid_environ(5)) asks for a dump of each crash, and for a full one.
fn asks_for_all(environment: &[u8]) -> bool {
    let value = |name: &[u8]| {
        let mut variables = environment.split(|byte| *byte == 0);
        variables.find_map(|variable| {
            let of_dotnet =
                variable.strip_prefix(b"DOTNET_").or_else(|| variable.strip_prefix(b"COMPlus_"))?;
            of_dotnet.strip_prefix(name)?.strip_prefix(b"=")
        })
    };
    value(b"DbgEnableMiniDump") == Some(b"1") && value(b"DbgMiniDumpType") == Some(b"4")
}
