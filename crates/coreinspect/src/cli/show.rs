//! One or more segments in full.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::inspect::ContentFlags;
use super::output::Format;
use super::records::Stream;
use super::{Context, Execute, Failure, Status};
use crate::debug_files::symbols::Symbols;
use crate::layout::Layout;
use crate::look::{Budget, Surroundings};
use crate::memory::Dumped;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::render::hex::HexDump;
use crate::render::json::{self, Document};
use crate::render::segment::Shown;
use crate::render::style::Tone;
use crate::render::value::{BytesAt, leaves};
use crate::render::{self, Style};
use crate::report::{Dump, Look, Options, Selector};
use crate::shm::Segment;
use crate::source::Amount;
use crate::targets::Target;

/// Shows segments in full: every mapping, every missing range and why, the decoded content, and the bytes.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The dump (or its program and then the dump), and which segments: a key in any spelling, @ADDRESS, or '#N'; all if
    /// none is named.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"], allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    #[command(flatten)]
    content: ContentFlags,
    /// The bytes too, as `hexdump -C` prints them.
    #[arg(long)]
    hex: bool,
    /// The offset in the segment where the bytes of --hex, or the value of --layout, begin (0x.. or decimal). Without it the
    /// bytes of --hex begin at the address of an @ADDRESS, else at the segment's start.
    #[arg(long, value_name = "OFFSET", value_parser = number)]
    at: Option<u64>,
    /// Decode so many values of --layout, one behind the other.
    #[arg(long, value_name = "N", value_parser = number, requires = "layout")]
    count: Option<u64>,
    /// How many bytes (0x.. or decimal).
    #[arg(long, value_name = "BYTES", value_parser = number, requires = "hex")]
    length: Option<u64>,
    /// Write each element of the value (an array, or --count of any) as a line of JSON; memory does not grow with them.
    #[arg(long, requires = "layout", conflicts_with_all = ["hex", "full"])]
    records: bool,
    /// Do not start a pager.
    #[arg(long)]
    no_pager: bool,
}

/// A part of a segment: `--at` and `--length`.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Window {
    /// The first offset (0x.. or decimal).
    #[arg(long, value_name = "OFFSET", value_parser = number)]
    pub(super) at: Option<u64>,
    /// How many bytes (0x.. or decimal).
    #[arg(long, value_name = "BYTES", value_parser = number)]
    pub(super) length: Option<u64>,
}

pub(super) fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| format!("{error}; write bytes as 4096 or 0x1000"))
}

impl Window {
    /// The part of `segment` that is asked for: up to its last mapped byte unless `--length` says less.
    pub(super) fn of(self, segment: &Segment) -> Result<Interval<SegmentOffset>, Failure> {
        if self.length == Some(0) {
            let end = segment.end();
            return Err(Failure::new(format!(
                "--length 0 asks for no byte of the segment, which ends at {end}"
            )));
        }
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
        if self.hex && context.format != Format::Table {
            return Err(Failure::new(
                "--hex is for people; `coreinspect extract` writes the bytes for machines",
            ));
        }
        let forced = self.content.names_a_layout();
        if self.at.is_some() && !self.hex && !forced {
            return Err(Failure::new("--at says where --hex or --layout begins; name one of them"));
        }
        let at = self.at.filter(|_| forced).unwrap_or(0);
        // A stream decodes on its own, and what it needs of the report is which segments there are.
        let (path, words) = dumps::one(self.words.clone(), self.dump.dump().as_ref(), context)?;
        let asked = self.content.options(context)?;
        let no_content = asked.no_content || self.records;
        let options = Options { at, count: self.count, no_content, ..asked };
        let selectors = words.iter().map(|word| word.parse()).collect::<Result<Vec<Selector>, _>>();
        let selectors = selectors.map_err(|error| Failure::new(error.to_string()))?;
        let layout = options.layout.clone();
        dumps::read_some(&path, Amount::Segments, &options, context, |read, dump, context| {
            if let Some(problem) = self.content.undescribed(&options, &dump) {
                return Err(Failure::new(problem));
            }
            self.show(&selectors, layout.as_deref(), read, dump, context)
        })?
    }
}

impl Show {
    fn show(
        &self,
        selectors: &[Selector],
        layout: Option<&dyn Layout>,
        read: Option<(&dyn Target, &[Segment])>,
        mut dump: Dump,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        if let (Some(why), true) = (dump.nothing_found(), selectors.is_empty() || dump.error.is_some()) {
            context.tell(format_args!("{}: {why}", dump.path.path));
            print(&dump, context)?;
            return Ok(if dump.error.is_some() { Status::Failed } else { Status::Nothing });
        }
        if !selectors.is_empty() {
            let found =
                selectors.iter().map(|selector| selector.segment(&dump).map(|segment| segment.number));
            match found.collect::<Result<BTreeSet<_>, _>>() {
                Ok(chosen) => dump.segments.retain(|segment| chosen.contains(&segment.number)),
                Err(error) => {
                    context.tell(format_args!("{}: {error}", dump.path.path));
                    print(&dump.without_segments("no-such-segment", error.to_string()), context)?;
                    return Ok(Status::Failed);
                }
            }
        }
        // JSON is the document of the main job, also to the look.
        if let Some((target, segments)) = read.filter(|_| context.format == Format::Table) {
            look_closely(&mut dump, target, segments)?;
        }
        if let (true, Some(layout), Some((target, segments))) = (self.records, layout, read) {
            return self.stream(layout, target, segments, &dump, context);
        }
        if let Some((target, _)) = read {
            // The programs are opened when the first pointer leads into one.
            let symbols = LazyCell::new(|| Symbols::of(target, context.debug_folders()));
            dump.name_pointers(|address| Some(symbols.at(Address::new(address))?.to_string()));
        }
        let status = self.content.judge(&dump, context);
        if context.format != Format::Table {
            print(&dump, context)?;
            return Ok(status);
        }
        let bytes = match read.filter(|_| self.hex) {
            Some((target, segments)) => Some((target, self.windows(selectors, &dump, segments)?)),
            None => None,
        };
        let style = context.style;
        if self.no_pager {
            context.out.pages = false;
        } else if bytes.is_some() {
            context.out.pages = style.interactive;
        }
        let makers = match read.filter(|_| !context.quiet) {
            Some((target, segments)) => super::key::makers(target, segments),
            None => Vec::new(),
        };
        let out = &mut context.out;
        for (at, segment) in dump.segments.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            let window = bytes.as_ref().and_then(|(target, windows)| Some((*target, *windows.get(at)?)));
            let beside = |offset, length| match window {
                Some((target, (segment, _))) => bytes_at(target, segment, offset, length),
                None => Vec::new(),
            };
            let bytes = window.is_some().then_some(&beside as BytesAt<'_>);
            let makers: Vec<_> = makers.iter().filter(|(number, _)| *number == segment.number).collect();
            let makers: Vec<_> = makers.into_iter().map(|(_, line)| line.clone()).collect();
            let shown = Shown { bytes, full: self.content.full(), makers: &makers };
            render::segment::write(segment, &shown, style, out)?;
            if let Some((target, (dumped, window))) = window {
                writeln!(out)?;
                let value = segment.content.as_ref().and_then(|content| content.value.as_ref());
                let fields = value.map(|value| leaves(&value.0)).unwrap_or_default();
                hex(target, dumped, window, fields, style, out)?;
            } else if segment.content.as_ref().is_some_and(|content| content.look.is_some()) {
                excerpt(read, segment.number, style, out)?;
            }
        }
        Ok(status)
    }

    /// The records of the one segment of `dump`.
    fn stream(
        &self,
        layout: &dyn Layout,
        target: &dyn Target,
        segments: &[Segment],
        dump: &Dump,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let [segment] = dump.segments.as_slice() else {
            let count = dump.segments.len();
            return Err(Failure::new(format!(
                "--records streams one segment, not {count}: name it, as '#1'"
            )));
        };
        let Some(segment) = segment.number.checked_sub(1).and_then(|index| segments.get(index)) else {
            return Ok(Status::Nothing);
        };
        let stream = Stream { layout, at: self.at.unwrap_or(0), count: self.count };
        stream.write(target, segment, self.content.strict(), context)
    }

    /// The part of each segment of `dump` whose bytes are shown: from --at on, else from the place that a selector names.
    fn windows<'s>(
        &self,
        selectors: &[Selector],
        dump: &Dump,
        segments: &'s [Segment],
    ) -> Result<Vec<(&'s Segment, Interval<SegmentOffset>)>, Failure> {
        let chosen = dump.segments.iter().filter_map(|reported| {
            let segment = segments.get(reported.number.checked_sub(1)?)?;
            let place = selectors.iter().filter_map(|selector| selector.offset(reported)).min();
            Some((segment, Window { at: self.at.or(place), length: self.length }))
        });
        chosen.map(|(segment, window)| Ok((segment, window.of(segment)?))).collect()
    }
}

fn print(dump: &Dump, context: &mut Context<'_>) -> Result<(), Failure> {
    match context.format {
        Format::Table => {}
        Format::Json => {
            let mut document = Document::default();
            document.dump(dump, &mut context.out)?;
            document.end(&mut context.out)?;
        }
        Format::Jsonl => json::line(dump, &mut context.out)?,
    }
    Ok(())
}

/// The bytes of `window`, those that are missing shown as missing. Offsets that no attachment covers are missing too.
fn hex(
    target: &dyn Target,
    segment: &Segment,
    window: Interval<SegmentOffset>,
    fields: Vec<(u64, u64)>,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut dump = HexDump::new(window.start().get(), style, out).fields(fields);
    for tile in segment.tiles(window) {
        match tile.missing() {
            Some(_) => dump.missing(tile.offsets.length())?,
            None => segment.read_tile(target, &tile, |bytes| dump.bytes(bytes).map_err(Failure::from))?,
        }
    }
    dump.end()?;
    Ok(())
}

/// A closer look than a listing's at what no layout is sure of, now that it is shown in full.
fn look_closely(dump: &mut Dump, target: &dyn Target, segments: &[Segment]) -> Result<(), Failure> {
    let mut surroundings = None;
    for segment in &mut dump.segments {
        let dumped = segment.number.checked_sub(1).and_then(|index| segments.get(index));
        let unsure = segment.content.as_mut().filter(|content| content.confidence == "none");
        let dumped = dumped.filter(|dumped| dumped.saved() > 0);
        if let (Some(dumped), Some(content)) = (dumped, unsure) {
            let surroundings = surroundings.get_or_insert_with(|| Surroundings::of(target));
            content.look = Some(Look::of(target, surroundings, dumped, Budget::SHOW)?);
        }
    }
    Ok(())
}

/// The first bytes of a segment that no layout fits.
fn excerpt(
    read: Option<(&dyn Target, &[Segment])>,
    number: usize,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    const BYTES: u64 = 256;
    let Some((target, segments)) = read else { return Ok(()) };
    let dumped = number.checked_sub(1).and_then(|index| segments.get(index));
    let Some(segment) = dumped.filter(|segment| segment.saved() > 0) else { return Ok(()) };
    let saved = segment.pieces().iter().find(|piece| piece.dumped == Dumped::Saved);
    let start = saved.map_or(SegmentOffset::new(0), |piece| piece.offsets.start());
    let end = start.checked_add(BYTES).map_or(segment.end(), |end| end.min(segment.end()));
    let Some(window) = Interval::new(start, end) else { return Ok(()) };
    writeln!(out)?;
    hex(target, segment, window, Vec::new(), style, out)?;
    if end < segment.end() {
        let hint = format!("  the first {BYTES} of {} saved bytes; --hex shows all", segment.saved());
        writeln!(out, "{}", style.paint(Tone::Faint, hint))?;
    }
    Ok(())
}

/// Bytes beside a field; `None` for one that is missing.
fn bytes_at(target: &dyn Target, segment: &Segment, offset: u64, length: usize) -> Vec<Option<u8>> {
    let mut bytes = Vec::with_capacity(length.min(64));
    while bytes.len() < length.min(64) {
        let mut byte = [0];
        let at = SegmentOffset::new(offset.saturating_add(bytes.len() as u64));
        let there = segment.read(target, at, &mut byte).is_ok_and(|count| count == 1);
        bytes.push(there.then_some(byte[0]));
    }
    bytes
}
