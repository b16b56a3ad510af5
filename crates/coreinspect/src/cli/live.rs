//! Running processes: the report of each, once or as it changes; without any, the segments of the IPC namespace.

mod terminal;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::dumps::{self, Named, path_of_process, process_id};
use super::inspect::ReportFlags;
use super::{Context, Execute, Failure, Status};
use crate::namespace;
use crate::render::namespace::ListedNamespace;
use crate::render::output::Beside;
use crate::report::{Dump, Namespace};
use crate::source::Amount;
use crate::targets::LiveTarget;

/// Reports on running processes as on dumps, with what only the kernel knows (shmid, exact size, owner, who attached
/// last). Without a PID: every segment of this IPC namespace, who attaches it, and which nobody will ever remove.
///
/// It stops nothing and writes nothing into a process, so bytes that change meanwhile may be torn.
#[derive(Args, Debug)]
pub(super) struct Live {
    /// The processes.
    #[arg(value_name = "PID", value_parser = process_id)]
    pids: Vec<u32>,
    /// Stop all the processes while their segments are copied, for a consistent picture, and say for how long.
    #[arg(long, requires = "pids", conflicts_with = "watch")]
    stop: bool,
    /// Look again and again, and show what changes, until q or Ctrl-C; in a pipe a line of JSON for each change.
    #[arg(long, requires = "pids")]
    watch: bool,
    /// How often --watch looks (500ms, 2s, 1m).
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = interval, default_value = "500ms")]
    interval: Duration,
    #[command(flatten)]
    reports: ReportFlags,
}

fn interval(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("", 1.0)];
    let parsed = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let seconds = parsed.and_then(|(number, seconds)| Some(number.parse::<f64>().ok()? * seconds));
    let seconds = seconds.filter(|seconds| (0.01..=86_400.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "write a time from 10ms to a day, as 500ms, 2s or 1m".to_owned())
}

impl Execute for Live {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        if self.pids.is_empty() {
            return self.whole_namespace(context);
        }
        if self.watch {
            return watch::watch(&self.pids, self.interval, &self.reports, context);
        }
        if self.stop {
            match LiveTarget::pictures(&self.pids, &context.kinds) {
                Ok((targets, _)) => context.pictures = targets.into_iter().map(Arc::new).collect(),
                // The error of each is told by looking at it, and the document is printed.
                Err(error @ crate::Error::Process { .. }) if !context.output.for_people => {
                    return self.failed(&error, context);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.reports.write(&named(&self.pids), context)
    }
}

fn named(pids: &[u32]) -> Vec<Named> {
    pids.iter().map(|pid| Named { dump: path_of_process(*pid), program: None }).collect()
}

impl Live {
    /// The document of what could not be looked at.
    fn failed(&self, error: &crate::Error, context: &mut Context<'_>) -> Result<Status, Failure> {
        let mut document = context.document();
        for named in named(&self.pids) {
            let dump = Dump::unreadable(&named.dump, None, error);
            document.dump(&dump, &(), &mut context.out)?;
        }
        document.end(Beside::Nothing, &mut context.out)?;
        context.tell(error);
        Ok(Status::Failed)
    }

    /// Every segment of this namespace and who attaches it; in JSON, and with -v, also what each of these processes has.
    fn whole_namespace(&self, context: &mut Context<'_>) -> Result<Status, Failure> {
        if self.reports.expects_or_copies() {
            return Err(Failure::new("--expect, --also-json and --columns need processes: name them"));
        }
        let found = namespace::Namespace::own(&context.kinds);
        let found = found.map_err(|error| Failure::new(format!("cannot read /proc/sysvipc/shm: {error}")))?;
        let namespace = Namespace::from(&found);
        let for_people = context.output.for_people;
        let tells = for_people && !context.quiet;
        let processes = match namespace.unreadable_processes {
            1 => "1 process".to_owned(),
            count => format!("{count} processes"),
        };
        if tells && namespace.unreadable_processes > 0 {
            context.tell(format_args!(
                "warning: {processes} could not be read, so attaching processes may be missing; root sees most"
            ));
        }
        if tells && namespace.lost_rows > 0 {
            let count = namespace.lost_rows;
            context.tell(format_args!("warning: {count} rows of /proc/sysvipc/shm are not understood"));
        }
        let attaching = namespace.segments.iter().flat_map(|segment| &segment.attached_by);
        let pids: Vec<_> =
            attaching.copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        let mut document = context.document();
        if !for_people {
            let options = self.reports.options(context)?;
            for pid in &pids {
                let path = path_of_process(*pid);
                let dump = dumps::inspect(&path, Amount::Starts, &options, context)?.into_report();
                // It has ended since.
                if dump.error.is_none() {
                    document.dump(&dump, &(), &mut context.out)?;
                }
            }
        }
        let header = self.reports.header();
        let listed = ListedNamespace { namespace: &namespace, header, prose: header && !context.quiet };
        document.end(Beside::Namespace(&listed), &mut context.out)?;
        if for_people && context.verbose && !pids.is_empty() {
            std::io::Write::write_all(&mut context.out, b"\n")?;
            self.reports.write(&named(&pids), context)?;
        }
        if namespace.segments.is_empty() {
            match context.kinds.is_system_v_alone() {
                true => context.tell("no System V segment in this IPC namespace"),
                false => context.tell(format_args!("no {} segment here", context.kinds.label())),
            }
            return Ok(Status::Nothing);
        }
        Ok(Status::Found)
    }
}
