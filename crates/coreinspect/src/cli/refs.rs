//! What points into segments.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::num::NonZero;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::show::number;
use super::{Context, Execute, Failure, Status};
use crate::debug_files::frames;
use crate::debug_files::symbols::Symbols;
use crate::refs::{Budget, Kind, Pace, Places, Request, Stored};
use crate::render::refs::ShownRefs;
use crate::report::{self, Dump, Names, Options, Refs, Selector};
use crate::shm::Segment;
use crate::targets::Target;

/// Finds what points into segments: registers, stacks, data, heaps, other segments.
#[derive(Args, Debug)]
pub(super) struct RefsCommand {
    /// The dump (or its program and then the dump), and which segments: a key in any spelling, @ADDRESS, or '#N'; all if
    /// none is named.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"], allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    /// Words at any address, not only at multiples of their size.
    #[arg(long)]
    unaligned: bool,
    /// Words that are listed, each kind its share; all are counted. 0: all are listed.
    #[arg(long, value_name = "N", value_parser = number, default_value = "1000")]
    limit: u64,
    /// Threads that scan; as many as there are processors if none is said.
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

impl Execute for RefsCommand {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let (path, words) = dumps::one(self.words.clone(), self.dump.dump().as_ref(), context)?;
        let selectors = words.iter().map(|word| word.parse()).collect::<Result<Vec<Selector>, _>>();
        let selectors = selectors.map_err(|error| Failure::new(error.to_string()))?;
        let options = Options { no_content: true, ..Options::default() };
        dumps::read(&path, &options, context, |read, dump, context| {
            self.refs(&selectors, read, &dump, context)
        })?
    }
}

impl RefsCommand {
    fn refs(
        &self,
        selectors: &[Selector],
        read: Option<(&dyn Target, &[Segment])>,
        dump: &Dump,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let path = &dump.path.path;
        let Some((target, segments)) = read else {
            let message = dump.nothing_found().unwrap_or_default();
            context.tell(format_args!("{path}: {message}"));
            if let Some(error) = dump.error.clone() {
                print(&Refs::failed(path, error), context)?;
            }
            return Ok(Status::Failed);
        };
        if let Some(why) = dump.nothing_found() {
            context.tell(format_args!("{path}: {why}"));
            print(&Refs::empty(path), context)?;
            return Ok(Status::Nothing);
        }
        let wanted = match selected(selectors, dump) {
            Ok(wanted) => wanted,
            Err(message) => {
                context.tell(format_args!("{path}: {message}"));
                let error = report::Error { code: "no-such-segment", message, offset: None };
                print(&Refs::failed(path, error), context)?;
                return Ok(Status::Failed);
            }
        };
        let progress = Progress::new(!context.quiet);
        let tell = |done, total| progress.tell(done, total);
        let pace = Pace { threads: self.threads, unaligned: self.unaligned, progress: &tell };
        let limit = match self.limit {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let places = Places::of(target, segments);
        let request = Request { segments, wanted: &wanted, limit, pace };
        let searched = request.references(target, &places).and_then(|found| {
            let asked = wanted.iter().filter_map(|index| Some((*index, segments.get(*index)?)));
            let mut budget = Budget::of(target);
            let stored = asked.map(|one| Stored::of(target, &places, one, limit, pace, &mut budget));
            Ok((found, stored.collect::<Result<Vec<_>, _>>()?))
        });
        progress.erase();
        let (found, stored) = searched?;
        if found.beyond > 0 && !context.quiet {
            let bytes = found.beyond;
            context.tell(format_args!(
                "{path}: warning: the program headers show the same bytes of the file at many addresses; {bytes} bytes of them are not \
                 searched again"
            ));
        }
        let symbols = Symbols::of(target, context.debug_folders());
        let folders = context.debug_folders();
        let on_stacks = found.words.iter().filter_map(|word| {
            let place = places.get(word.place).filter(|_| word.kind == Kind::Stack)?;
            let (thread, _, live) = places.thread(place, word.at)?;
            live.then_some((thread, word.at))
        });
        let frames = frames::name(target, &symbols, &folders, &on_stacks.collect::<Vec<_>>());
        let frame = |thread, address| frames.get(&(thread, address)).cloned();
        let names = Names { symbol: &|address| symbols.at(address), frame: &frame };
        let refs = Refs::of(dump, &wanted, target, segments, (&places, &found, &stored), names);
        print(&refs, context)?;
        if refs.total > 0 || refs.registers > 0 {
            return Ok(Status::Found);
        }
        let named = refs.segments.iter().map(|one| {
            one.key
                .as_ref()
                .map_or_else(|| format!("#{}", one.number), |key| format!("#{} {key}", one.number))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        context.tell(format_args!("{path}: nothing that the dump holds points into {named}"));
        Ok(Status::Nothing)
    }
}

/// The indices of the segments that are named; all if none is.
fn selected(selectors: &[Selector], dump: &Dump) -> Result<Vec<usize>, String> {
    if selectors.is_empty() {
        return Ok((0..dump.segments.len()).collect());
    }
    let found = selectors.iter().map(|selector| {
        let segment = selector.segment(dump).map_err(|error| error.to_string())?;
        Ok(segment.number.saturating_sub(1))
    });
    Ok(found.collect::<Result<BTreeSet<_>, String>>()?.into_iter().collect())
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
