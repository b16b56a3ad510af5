//! Running processes: the report of each.

use clap::Args;

use super::dumps::{Named, path_of_process, process_id};
use super::inspect::ReportFlags;
use super::{Context, Execute, Failure, Status};
use crate::target::LiveTarget;

/// Looks at running processes: the same report as of a dump, with what only the kernel knows (shmid, exact size, owner, who
/// attached last).
///
/// It stops nothing and writes nothing into the process, so bytes that the process changes meanwhile may be torn.
#[derive(Args, Debug)]
pub(super) struct Live {
    /// The processes.
    #[arg(value_name = "PID", value_parser = process_id, required = true)]
    pids: Vec<u32>,
    /// Hold the processes still, all at once, while their segments are copied, and say for how long: a consistent picture.
    #[arg(long)]
    stop: bool,
    #[command(flatten)]
    reports: ReportFlags,
}

impl Execute for Live {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let named = self.pids.iter().map(|pid| Named { dump: path_of_process(*pid), program: None });
        let named: Vec<_> = named.collect();
        if self.stop {
            context.pictures = LiveTarget::pictures(&self.pids)?.0.into();
        }
        self.reports.write(&named, context)
    }
}
