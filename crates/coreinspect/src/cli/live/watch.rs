//! Processes as they change: a screen that is drawn again, or in a pipe a line of JSON for each change.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::terminal::{Key, Terminal};
use crate::cli::inspect::ReportFlags;
use crate::cli::output;
use crate::cli::{Context, Failure, Status};
use crate::inspection::Inspection;
use crate::proc_files::ProcessFolder;
use crate::render::style::Tone;
use crate::render::table::ListedDump;
use crate::report::{Dump, Options};
use crate::targets::LiveTarget;

/// A process that is watched.
struct Watched {
    /// The process itself, whoever has its number later.
    folder: ProcessFolder,
    /// What was shown of it last.
    last: Option<(Vec<u8>, Dump)>,
}

/// Looks at `pids` every `interval` until all have ended, or the user has seen enough.
pub(super) fn watch(
    pids: &[u32],
    interval: Duration,
    reports: &ReportFlags,
    context: &mut Context<'_>,
) -> Result<Status, Failure> {
    let options = reports.options(context)?;
    let opened = pids.iter().map(|pid| Ok(Watched { folder: ProcessFolder::open(*pid)?, last: None }));
    let mut watched = opened.collect::<Result<Vec<_>, crate::Error>>()?;
    let mut terminal = match context.style.interactive && context.output.for_people {
        true => Some(Terminal::take(&mut context.out)?),
        false => None,
    };
    let mut ended = Vec::new();
    let result = loop {
        let mut changed = false;
        for one in &mut watched {
            changed |= one.look(&options, terminal.is_none().then_some(reports), context)?;
        }
        let before = watched.len();
        watched.retain(|one| {
            let runs = one.folder.is_running();
            ended.extend((!runs).then(|| one.folder.pid()));
            runs
        });
        if let (Some(terminal), true) = (&mut terminal, changed || watched.len() != before) {
            terminal.clear(&mut context.out)?;
            draw(&watched, interval, reports, context)?;
        }
        if watched.is_empty() {
            break Ok(Status::Found);
        }
        match &mut terminal {
            Some(terminal) => match terminal.wait(interval) {
                Key::None => {}
                Key::Redraw => watched.iter_mut().for_each(|one| one.last = None),
                Key::Quit => break Ok(Status::Found),
                Key::Signal(signal) => break Err(signal),
            },
            None => std::thread::sleep(interval),
        }
    };
    if let Some(terminal) = terminal {
        terminal.give_back(&mut context.out)?;
        // What was seen last stays.
        show(&watched, reports, context)?;
    }
    if !context.quiet {
        for pid in ended {
            context.tell(format_args!("process {pid} has ended"));
        }
    }
    match result {
        Ok(status) => Ok(status),
        Err(signal) => {
            context.out.flush()?;
            // As if it had not been caught: whoever started us sees the signal.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            Ok(Status::Failed)
        }
    }
}

impl Watched {
    /// Looks again; answers whether what its segments hold has changed, and prints it as `printed` says then.
    fn look(
        &mut self,
        options: &Options,
        printed: Option<&ReportFlags>,
        context: &mut Context<'_>,
    ) -> Result<bool, Failure> {
        let Ok(target) = LiveTarget::open(self.folder.pid(), &context.kinds) else { return Ok(false) };
        let dump = Inspection::of_running(Arc::new(target), options).into_report();
        // Until here the number was this process's, if it still runs.
        if dump.error.is_some() || !self.folder.is_running() {
            return Ok(false);
        }
        let said = output::as_json(&dump.segments)?;
        if self.last.as_ref().is_some_and(|(before, _)| *before == said) {
            return Ok(false);
        }
        if let Some(reports) = printed {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let (now, listing) = (now.as_millis() as f64 / 1000.0, reports.listing(context));
            let listed = ListedDump::new(&dump, &listing);
            context.document().changed(now, &dump, &listed, &mut context.out)?;
            context.out.flush()?;
        }
        self.last = Some((said, dump));
        Ok(true)
    }
}

/// A screen.
fn draw(
    watched: &[Watched],
    interval: Duration,
    reports: &ReportFlags,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let title = format!("every {interval:?}, redrawn when something changes; q quits");
    writeln!(context.out, "{}\n", context.style.paint(Tone::Faint, title))?;
    show(watched, reports, context)
}

fn show(watched: &[Watched], reports: &ReportFlags, context: &mut Context<'_>) -> Result<(), Failure> {
    for (number, (_, dump)) in watched.iter().filter_map(|one| one.last.as_ref()).enumerate() {
        if number > 0 {
            writeln!(context.out)?;
        }
        let listing = reports.listing(context);
        context.document().dump(dump, &ListedDump::new(dump, &listing), &mut context.out)?;
        if dump.segments.is_empty() {
            writeln!(context.out, "no System V segment")?;
        }
    }
    context.out.flush()?;
    Ok(())
}
