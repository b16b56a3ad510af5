//! Locks in shared memory: who holds them, who waits.

use std::path::PathBuf;

use clap::Args;

use super::dumps::{self, Named, path_of_process, process_id};
use super::layout_argument::LayoutFlags;
use super::{Context, Execute, Failure, Status};
use crate::inspection::{Inspection, LockPicture, LockSearch};
use crate::render::locks::ShownLocks;
use crate::report::Options;
use crate::source::Amount;

/// Tells who holds the locks in shared memory and who waits for them; threads that wait for each other first. Several dumps and
/// running processes are one picture.
#[derive(Args, Debug)]
pub(super) struct LocksCommand {
    /// The dumps. You can name its program before each dump.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"])]
    dumps: Vec<PathBuf>,
    /// A dump, by the same flag as in gdb and drgn.
    #[arg(short, long, value_name = "DUMP")]
    core: Option<PathBuf>,
    /// A running process; you can repeat it.
    #[arg(short, long, value_name = "PID", value_parser = process_id)]
    pid: Vec<u32>,
    /// Only locks in this segment, or at this place (SEGMENT+OFFSET, @ADDRESS); you can repeat it.
    #[arg(long, value_name = "SEGMENT")]
    segment: Vec<String>,
    /// List unlocked mutexes too that are found by their bytes: those of the same kind as one that is proven.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    layout: LayoutFlags,
}

impl Execute for LocksCommand {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        context.looks_at_all_kinds();
        let places = self.segment.iter().map(|word| dumps::place(word)).collect::<Result<Vec<_>, _>>()?;
        let chosen = self.layout.chosen(context)?;
        let mut named = dumps::pair(&self.dumps, self.core.as_ref())?;
        named.extend(self.pid.iter().map(|pid| Named { dump: path_of_process(*pid), program: None }));
        context.programs.extend(named.iter().cloned());
        let (mut picture, mut seen, mut failed) = (LockPicture::default(), Vec::new(), false);
        for one in &named {
            let mut inspection = inspect(one, context)?;
            let chosen_places = match (&inspection.report().error, inspection.report().path.path.clone()) {
                (Some(error), path) => {
                    context.tell(format_args!("{path}: {}", error.message));
                    failed = true;
                    Vec::new()
                }
                (None, path) => match inspection.choose(&places) {
                    Ok(chosen) => chosen,
                    Err(error) => {
                        context.tell(format_args!("{path}: {error}"));
                        failed = true;
                        continue;
                    }
                },
            };
            let search = LockSearch {
                layout: chosen.layout.as_deref(),
                layouts: &chosen.layouts,
                places: &chosen_places,
                all: self.all,
            };
            picture.add(&inspection, search)?;
            seen.push(one);
        }
        let report = picture.finish(|index| match seen.get(index) {
            Some(one) if !dumps::is_read_once(&one.dump) => {
                // What it warns of was told when it was read first.
                let told = std::mem::replace(&mut context.quiet, true);
                let inspection = inspect(one, context);
                context.quiet = told;
                inspection.map(Some)
            }
            _ => Ok(None),
        })?;
        context.out.pages &= !report.is_empty();
        context.print(&ShownLocks { locks: &report, quiet: context.quiet })?;
        if failed {
            return Ok(Status::Failed);
        }
        if report.is_empty() {
            context.tell(nothing(
                &report.looked_at.iter().map(|one| one.path.path.as_str()).collect::<Vec<_>>(),
            ));
            return Ok(Status::Nothing);
        }
        Ok(Status::Found)
    }
}

fn nothing(paths: &[&str]) -> String {
    let dumps = match paths {
        [path] => (*path).to_owned(),
        paths => format!("{} dumps", paths.len()),
    };
    format!(
        "{dumps}: no thread waits for a lock in shared memory, and no layout names one; --layout says what a segment holds"
    )
}

fn inspect(one: &Named, context: &mut Context<'_>) -> Result<Inspection, Failure> {
    dumps::inspect(&one.dump, Amount::Everything, &Options::without_content(), context)
}
