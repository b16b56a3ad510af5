//! What a dump would keep, for `check`.

use std::io;

use super::canvas::{Canvas, Draw, FACTS, Margin};
use super::grid::{Cell, Grid, Heading};
use super::json::Data;
use super::output::Shown;
use super::printable::Printable;
use super::size::about;
use super::style::{Style, Tone};
use super::table::state_tone;
use crate::kind::Kind;
use crate::report::State;
use crate::report::check::{Check, CheckedSegment, LimitValue, LossCause};
use crate::retention::forecast::Forward;

/// A report of `check`, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub struct ShownCheck<'a> {
    /// The report.
    pub check: &'a Check,
    /// The table alone.
    pub quiet: bool,
}

impl Shown for ShownCheck<'_> {
    fn data(&self) -> &dyn Data {
        self.check
    }
}

impl Draw for ShownCheck<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        match self.check.segments.is_empty() {
            true => Ok(()),
            false => draw(self.check, self.quiet, canvas),
        }
    }
}

const SETTINGS: Margin = Margin { indent: 0, name: 12 };
const CAUSE: Margin = Margin { indent: 2, name: 5 };

/// The table, the causes, the settings, and what to change.
fn draw(check: &Check, quiet: bool, canvas: &mut dyn Canvas) -> io::Result<()> {
    let pid = check.process.pid.map_or_else(|| "process".to_owned(), |pid| format!("process {pid}"));
    let command = check
        .process
        .command
        .as_ref()
        .map_or_else(String::new, |command| format!(", {}", Printable(command.bytes())));
    if !quiet {
        let rest = format!("{command}: what a dump made now would keep");
        canvas.heading(&[(Tone::Name, &pid), (Tone::Plain, &rest)])?;
        canvas.gap()?;
    }
    table(check, canvas)?;
    if quiet {
        return Ok(());
    }
    for segment in &check.segments {
        for cause in &segment.causes {
            canvas.gap()?;
            draw_cause(segment, cause, canvas)?;
        }
    }
    canvas.gap()?;
    for (name, text) in settings(check) {
        canvas.fact(SETTINGS, name, &text)?;
    }
    if !check.remedies.is_empty() {
        canvas.gap()?;
        let title = "to keep all of it in the kernel's core, where the process comes from:";
        canvas.line(0, &[(Tone::Plain, title)])?;
        for remedy in &check.remedies {
            canvas.fact(FACTS, remedy.place, &remedy.text)?;
        }
    }
    Ok(())
}

fn table(check: &Check, canvas: &mut dyn Canvas) -> io::Result<()> {
    let style = canvas.style();
    let heading = |name, right, dispensable| Heading { name, right, dispensable, breaks: false };
    let names = check.segments.iter().any(|segment| segment.kind != Some(Kind::SystemV));
    let mut headings = vec![
        heading("#", true, 0),
        heading(if names { "NAME" } else { "KEY" }, false, 0),
        heading("SHMID", true, 3),
        heading("SIZE", true, 2),
        heading("IN MEMORY", true, 4),
    ];
    // A writer that would not dump the process has no column.
    let writers = check.segments.first().into_iter().flat_map(|segment| &segment.kept.0);
    let writers = writers.filter(|(_, kept)| kept.is_some());
    let rules = writers.filter_map(|(writer, _)| Forward::of(*writer));
    headings.extend(rules.map(|rules| heading(rules.heading, false, 0)));
    let unknown = || "-".to_owned();
    let rows = check.segments.iter().map(|segment| {
        let bytes = |bytes: Option<u64>| bytes.map_or_else(unknown, |bytes| style.size(bytes));
        let mut row = vec![
            Cell::new(segment.number.to_string()),
            Cell::new(Printable(segment.label().as_bytes()).to_string()).tone(Tone::Name),
            Cell::new(segment.shmid.map_or_else(unknown, |id| id.to_string())),
            Cell::new(bytes(segment.size.or(Some(segment.mapped)))),
            Cell::new(bytes(segment.resident)),
        ];
        let of_writers = segment.kept.0.iter().filter_map(|(_, bytes)| *bytes);
        row.extend(of_writers.map(|bytes| kept(segment, bytes, style)));
        row
    });
    canvas.table(Grid { headings, rows: rows.collect(), header: true }).map(drop)
}

fn kept(segment: &CheckedSegment, bytes: u64, style: Style) -> Cell {
    let state = segment.state(bytes);
    let text = match state {
        State::Partial => format!("{} of {}", style.size(bytes), style.size(segment.mapped)),
        State::Absent => "nothing".to_owned(),
        state => state.name().to_owned(),
    };
    Cell::new(text).tone(state_tone(state))
}

fn draw_cause(segment: &CheckedSegment, cause: &LossCause, canvas: &mut dyn Canvas) -> io::Result<()> {
    let head = format!("{} {}: {}", segment.number, cause.writer, cause.code.name());
    canvas.heading(&[(Tone::Bad, &head)])?;
    canvas.fact(Margin { indent: 2, name: 0 }, "", &cause.evidence)?;
    canvas.fact(CAUSE, "fix:", &cause.fix)
}

/// A line each for what decides beside the mappings.
fn settings(check: &Check) -> Vec<(&'static str, String)> {
    let settings = &check.settings;
    let unknown = || "unknown".to_owned();
    let limit = |limit: Option<LimitValue>| match limit {
        Some(LimitValue::Bytes(bytes)) => bytes.to_string(),
        Some(LimitValue::Unlimited(word)) => word.to_owned(),
        None => unknown(),
    };
    let pattern = settings
        .core_pattern
        .as_ref()
        .map_or_else(unknown, |pattern| format!("{:?}", Printable(pattern.bytes()).to_string()));
    let goes = match settings.destination {
        Some("file") => {
            let folder = settings.folder.as_ref().map_or_else(
                || "a folder that depends on its name".to_owned(),
                |folder| Printable(folder.as_bytes()).to_string(),
            );
            let free = settings.free.map_or_else(String::new, |free| format!(", {} free", about(free)));
            format!("a file in {folder}{free}; the core would take about {}", about(settings.core_size))
        }
        Some("program" | "socket") => {
            let waits = match settings.core_pipe_limit {
                Some(0) => "; core_pipe_limit is 0, so the kernel does not wait for it, and the process may end before it has looked"
                    .to_owned(),
                _ => String::new(),
            };
            format!("what is named there gets all of it, and may keep less{waits}")
        }
        Some(_) => "nowhere".to_owned(),
        None => unknown(),
    };
    let filter = settings.coredump_filter.clone().unwrap_or_else(unknown);
    let mut lines = vec![
        ("filter", format!("coredump_filter {filter}")),
        (
            "limit",
            format!(
                "RLIMIT_CORE {} (hard: {})",
                limit(settings.rlimit_core.soft),
                limit(settings.rlimit_core.hard)
            ),
        ),
        ("pattern", format!("core_pattern {pattern}: {goes}")),
    ];
    let more = check.segments.iter().filter_map(|segment| segment.made_resident).fold(0, u64::saturating_add);
    if more > 0 {
        let text = format!(
            "a dump reads what it keeps, so {} of the segments that nobody has touched become resident (`coreinspect dump` does not touch them)",
            about(more)
        );
        lines.push(("memory", text));
    }
    if settings.dumpable == Some(false) {
        let setting = settings.suid_dumpable.map_or_else(unknown, |value| value.to_string());
        lines.push(("dumpable", format!("no (PR_SET_DUMPABLE); fs.suid_dumpable {setting}")));
    }
    lines
}
