//! What points into segments.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::num::NonZero;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::show::number;
use super::{Context, Execute, Failure, Status};
use crate::inspection::{Inspection, Selected};
use crate::position::{Interval, SegmentOffset};
use crate::refs::Pace;
use crate::render::refs::ShownRefs;
use crate::report::{self, Options, Refs};
use crate::source::Amount;

/// Finds what points into segments: registers, stacks, data, heaps, other segments.
#[derive(Args, Debug)]
pub(super) struct RefsCommand {
    /// The dump (or its program and then the dump), and which segments: a key in any spelling, @ADDRESS, or its number; all if
    /// none is named. @ADDRESS, and +OFFSET behind one, are places: what points there is found.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"], allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    /// Of a place that is named (@ADDRESS, SEGMENT+OFFSET), find what points into this many bytes (0x.. or decimal); without it,
    /// what points at the place itself.
    #[arg(long, value_name = "BYTES", value_parser = number)]
    length: Option<u64>,
    /// Find words at any address, not only at multiples of their size.
    #[arg(long)]
    unaligned: bool,
    /// List at most this many words, each kind its share; all are counted. 0 lists all.
    #[arg(long, value_name = "N", value_parser = number, default_value = "1000")]
    limit: u64,
    /// Scan with this many threads; one for each processor by default.
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

impl Execute for RefsCommand {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let (path, words) = dumps::one(self.words.clone(), self.dump.dump().as_ref(), context)?;
        let places = words.iter().map(|word| dumps::place(word)).collect::<Result<Vec<_>, _>>()?;
        context.find(&places);
        let mut inspection = dumps::inspect(&path, Amount::Everything, &Options::without_content(), context)?;
        let dump = inspection.report();
        let path = dump.path.path.clone();
        if let Some(why) = dump.nothing_found() {
            context.tell(format_args!("{path}: {why}"));
            let failed = dump.error.clone().map(|error| Refs::failed(&path, error));
            let status = if failed.is_some() { Status::Failed } else { Status::Nothing };
            print(&failed.unwrap_or_else(|| Refs::empty(&path)), context)?;
            return Ok(status);
        }
        let selected = match inspection.choose(&places) {
            Ok(selected) => selected,
            Err(error) => {
                let message = error.to_string();
                context.tell(format_args!("{path}: {message}"));
                let error = report::Error { code: "no-such-segment", message, offset: None };
                print(&Refs::failed(&path, error), context)?;
                return Ok(Status::Failed);
            }
        };
        let refs = self.references(&inspection, &self.parts(&selected)?, context)?;
        print(&refs, context)?;
        if refs.total > 0 || refs.registers > 0 {
            return Ok(Status::Found);
        }
        let named = refs.segments.iter().map(asked).collect::<Vec<_>>().join(", ");
        let narrow = refs.segments.iter().any(|one| !one.places.is_empty());
        let hint = if narrow { "; --length BYTES asks for more than the place itself" } else { "" };
        context.tell(format_args!("{path}: nothing in the dump points into {named}{hint}"));
        Ok(Status::Nothing)
    }
}

/// What was asked for, in the words of the command line.
fn asked(one: &report::Asked) -> String {
    let places = one.places.iter().map(|place| match place.end.saturating_sub(place.start) {
        1 => format!("{}+{:#x}", one.number, place.start),
        length => format!("the {length} bytes at {}+{:#x}", one.number, place.start),
    });
    match one.places.as_slice() {
        [] if one.key.is_some() || one.name.is_some() => format!("{} {}", one.number, one.label()),
        [] => one.number.to_string(),
        _ => places.collect::<Vec<_>>().join(", "),
    }
}

impl RefsCommand {
    /// The places that are named, by the number of their segment; none in a segment that is named itself too.
    fn parts(&self, selected: &[Selected]) -> Result<Vec<(usize, Interval<SegmentOffset>)>, Failure> {
        if self.length == Some(0) {
            return Err(Failure::new("--length 0 leaves no byte that could be pointed at"));
        }
        let whole = |number| selected.iter().any(|one| one.number == number && one.offset.is_none());
        let parts = selected
            .iter()
            .filter(|one| !whole(one.number))
            .filter_map(|one| Some((one.number, Interval::clamped(one.offset?, self.length.unwrap_or(1)))));
        let parts: Vec<_> = parts.collect();
        if self.length.is_some() && parts.is_empty() {
            return Err(Failure::new("--length is of a place; name one, as 2+0x88 or @ADDRESS"));
        }
        Ok(parts)
    }

    /// What points into `parts` of the segments of `inspection`, and a warning of what was not searched.
    fn references(
        &self,
        inspection: &Inspection,
        parts: &[(usize, Interval<SegmentOffset>)],
        context: &mut Context<'_>,
    ) -> Result<Refs, Failure> {
        let progress = Progress::new(!context.quiet);
        let tell = |done, total| progress.tell(done, total);
        let pace = Pace { threads: self.threads, unaligned: self.unaligned, progress: &tell };
        let limit = match self.limit {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let refs = inspection.references(parts, limit, pace);
        progress.erase();
        let refs = refs?;
        if refs.repeated > 0 && !context.quiet {
            context.tell(format_args!(
                "{}: warning: the program headers map the same bytes of the file at many addresses; coreinspect searched {} bytes of them only once",
                inspection.report().path.path,
                refs.repeated
            ));
        }
        Ok(refs)
    }
}

fn print(refs: &Refs, context: &mut Context<'_>) -> Result<(), Failure> {
    context.print(&ShownRefs { refs, quiet: context.quiet })
}

/// A line on a terminal that says how far a scan is, if it takes longer than a moment.
struct Progress {
    /// When the next line is due; `None` where nobody reads it.
    due: Option<Mutex<Instant>>,
    began: Instant,
}

impl Progress {
    const FIRST: Duration = Duration::from_secs(1);
    const THEN: Duration = Duration::from_millis(200);

    fn new(wanted: bool) -> Self {
        let began = Instant::now();
        let due = (wanted && std::io::stderr().is_terminal()).then(|| Mutex::new(began + Self::FIRST));
        Self { due, began }
    }

    fn tell(&self, done: u64, total: u64) {
        let Some(Ok(mut due)) = self.due.as_ref().map(Mutex::try_lock) else { return };
        if Instant::now() < *due {
            return;
        }
        *due = Instant::now() + Self::THEN;
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        // It is for whoever looks on; that it cannot be written must not end the scan.
        let _ =
            write!(std::io::stderr(), "\rscanned {} of {} MiB ({percent} %)\x1b[K", done >> 20, total >> 20);
    }

    fn erase(&self) {
        if self.due.is_some() && self.began.elapsed() >= Self::FIRST {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
