//! What keeps everything of the next dump, for each place where a process's settings come from.

use super::super::LossCode;
use super::{CheckedSegment, Remedy};
use crate::proc_files::{DumpSettings, NoCore};
use crate::retention::Code;
use crate::retention::forecast::Filter;

/// What to change so that the kernel keeps all of `segments`; nothing if it does, or if no setting helps.
pub(super) fn of(
    pid: Option<u32>,
    settings: &DumpSettings,
    needed: Filter,
    segments: &[CheckedSegment],
) -> Vec<Remedy> {
    let causes =
        segments.iter().flat_map(|segment| &segment.causes).filter(|cause| cause.writer.habits().limited);
    let limit = matches!(settings.no_core(), Some(NoCore::Limit(_)))
        || causes.clone().any(|cause| cause.code == LossCode::Rule(Code::Truncated));
    let by_filter =
        [Code::ReadOnlyAttach, Code::FilterShared, Code::FilterMapped, Code::Hugetlb].map(LossCode::Rule);
    let filter = causes.clone().any(|cause| by_filter.contains(&cause.code))
        // A core that is not written shows nothing of its filter.
        || settings.filter.is_some_and(|set| Filter(set) != needed);
    if !limit && !filter {
        return Vec::new();
    }
    let Filter(mask) = needed;
    let pid = pid.map_or_else(|| "PID".to_owned(), |pid| pid.to_string());
    let chosen = |with_filter: String, with_limit: String, between: &str| {
        let parts = [(filter, with_filter), (limit, with_limit)];
        let parts: Vec<_> = parts.into_iter().filter(|(wanted, _)| *wanted).map(|(_, part)| part).collect();
        parts.join(between)
    };
    let run = format!("sh -c 'echo {mask:#x} > /proc/self/coredump_filter; exec PROGRAM'");
    let remedy = |place, text| Remedy { place, text };
    vec![
        remedy(
            "process",
            chosen(
                format!("echo {mask:#x} > /proc/{pid}/coredump_filter"),
                format!("prlimit --pid {pid} --core=unlimited"),
                "; ",
            ),
        ),
        remedy(
            "systemd",
            format!(
                "[Service] {}",
                chosen(format!("CoredumpFilter={mask:#x}"), "LimitCORE=infinity".to_owned(), " ")
            ),
        ),
        remedy(
            "container",
            format!(
                "docker run {}IMAGE{}",
                if limit { "--ulimit core=-1 " } else { "" },
                if filter { format!(" {run}") } else { String::new() }
            ),
        ),
        remedy(
            "kubernetes",
            chosen(
                format!(
                    "command: [sh, -c, \"echo {mask:#x} > /proc/self/coredump_filter; exec PROGRAM\"] in the pod"
                ),
                "LimitCORE=infinity for the node's container runtime (a pod cannot set it)".to_owned(),
                "; ",
            ),
        ),
    ]
}
