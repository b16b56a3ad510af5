//! One or more segments in full.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::inspect::{ContentFlags, guard};
use super::output::Format;
use super::pager::Pager;
use super::{Context, Execute, Failure, Status, dumps};
use crate::memory::Dumped;
use crate::position::{Interval, Position, SegmentOffset};
use crate::render::hex::HexDump;
use crate::render::json::{self, Document};
use crate::render::{self, Style};
use crate::report;
use crate::report::{Dump, Selector};
use crate::shm::{Segment, SharedMemory};
use crate::source::Source;
use crate::target::{CoreTarget, Target};

/// Shows segments in full: every mapping, every missing range and why, the decoded content, and the bytes.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The dump.
    #[arg(value_name = "DUMP")]
    dump: PathBuf,
    /// Which segments: a key in any spelling, @ADDRESS, or '#N'; all if none is named.
    #[arg(value_name = "SEGMENT", allow_negative_numbers = true)]
    segments: Vec<Selector>,
    #[command(flatten)]
    content: ContentFlags,
    /// The bytes too, as `hexdump -C` prints them.
    #[arg(long)]
    hex: bool,
    #[command(flatten)]
    window: Window,
    /// Do not start a pager.
    #[arg(long)]
    no_pager: bool,
}

/// A part of a segment: `--at` and `--length`.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Window {
    /// The first offset (0x.. or decimal).
    #[arg(long, value_name = "OFFSET", value_parser = number)]
    at: Option<u64>,
    /// How many bytes (0x.. or decimal).
    #[arg(long, value_name = "BYTES", value_parser = number)]
    length: Option<u64>,
}

fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| format!("{error}; write bytes as 4096 or 0x1000"))
}

impl Window {
    /// The part of `segment` that is asked for: up to its last mapped byte unless `--length` says less.
    pub(super) fn of(self, segment: &Segment) -> Result<Interval<SegmentOffset>, Failure> {
        let start = SegmentOffset::new(self.at.unwrap_or(0));
        let end = match self.length {
            Some(length) => start.checked_add(length).map_or(segment.end(), |end| end.min(segment.end())),
            None => segment.end(),
        };
        Interval::new(start, end).filter(|window| !window.is_empty()).ok_or_else(|| {
            Failure::new(format!("offset {start} lies outside the segment, which ends at {}", segment.end()))
        })
    }
}

impl Execute for Show {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        guard(&self.dump)?;
        let path = &self.dump;
        let source = match dumps::open(path) {
            Ok(source) => source,
            Err(error) => return unreadable(Dump::unreadable(path, None, &error), context),
        };
        let read = CoreTarget::read(&source).and_then(|target| {
            let memory = SharedMemory::of(&target);
            let dump = Dump::of(path, &target, &memory, &self.content.options())?;
            Ok((target, memory, dump))
        });
        let (target, memory, mut dump) = match read {
            Ok(read) => read,
            Err(error) => return unreadable(Dump::unreadable(path, Some(source.size()), &error), context),
        };
        if let Some(why) = dump.nothing_found() {
            context.tell(format_args!("{}: {why}", dumps::shown(path)));
            print(&dump, context)?;
            return Ok(if self.segments.is_empty() { Status::Nothing } else { Status::Failed });
        }
        let chosen = numbers(&self.segments, &dump)?;
        dump.segments.retain(|segment| chosen.contains(&segment.number));
        if context.format != Format::Table {
            print(&dump, context)?;
            return Ok(Status::Found);
        }
        let mut pager =
            (self.hex && !self.no_pager && context.style.interactive).then(Pager::start).flatten();
        let style = context.style;
        let out: &mut dyn Write = match &mut pager {
            Some(pager) => pager,
            None => &mut *context.out,
        };
        for (at, segment) in dump.segments.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            render::segment::write(segment, style, out)?;
            let found = segment.number.checked_sub(1).and_then(|index| memory.segments.get(index));
            if let (true, Some(segment)) = (self.hex, found) {
                writeln!(out)?;
                hex(&target, segment, self.window.of(segment)?, style, out)?;
            }
        }
        if let Some(pager) = pager {
            pager.finish()?;
        }
        Ok(Status::Found)
    }
}

/// The numbers of the segments that `selectors` name; all if there are none.
fn numbers(selectors: &[Selector], dump: &Dump) -> Result<Vec<usize>, Failure> {
    if selectors.is_empty() {
        return Ok(dump.segments.iter().map(|segment| segment.number).collect());
    }
    let found = selectors.iter().map(|selector| selector.segment(dump).map(|segment| segment.number));
    found.collect::<Result<_, _>>().map_err(|error| Failure::new(error.to_string()))
}

fn unreadable(dump: Dump, context: &mut Context<'_>) -> Result<Status, Failure> {
    let why = dump.error.as_ref().map_or("", |error| error.message.as_str());
    context.tell(format_args!("{}: {why}", dump.path.path));
    print(&dump, context)?;
    Ok(Status::Failed)
}

fn print(dump: &report::Dump, context: &mut Context<'_>) -> Result<(), Failure> {
    match context.format {
        Format::Table => {}
        Format::Json => {
            let mut document = Document::default();
            document.dump(dump, context.out)?;
            document.end(context.out)?;
        }
        Format::Jsonl => json::line(dump, context.out)?,
    }
    Ok(())
}

/// The bytes of `window`, those that are missing shown as missing. Offsets that no attachment covers are missing too.
fn hex(
    target: &dyn Target,
    segment: &Segment,
    window: Interval<SegmentOffset>,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut dump = HexDump::new(window.start().get(), style, out);
    let mut block = vec![0; 64 << 10];
    let mut at = window.start();
    let pieces =
        segment.pieces().iter().filter_map(|piece| Some((piece, piece.offsets.intersection(window)?)));
    for (piece, part) in pieces {
        dump.missing(part.start().offset_from(at).unwrap_or(0))?;
        at = part.start();
        while piece.dumped == Dumped::Saved && at < part.end() {
            let left = usize::try_from(part.end().offset_from(at).unwrap_or(0)).unwrap_or(usize::MAX);
            let wanted = block.len().min(left);
            let Some(into) = block.get_mut(..wanted) else { break };
            let count = segment.read(target, at, into).map_err(|error| Failure::new(error.to_string()))?;
            let Some(bytes) = into.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            dump.bytes(bytes)?;
            at = at.checked_add(count as u64).unwrap_or(part.end());
        }
        dump.missing(part.end().offset_from(at).unwrap_or(0))?;
        at = part.end();
    }
    dump.missing(window.end().offset_from(at).unwrap_or(0))?;
    dump.end()?;
    Ok(())
}
