//! One or more segments in full.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::inspect::ContentFlags;
use super::records::Stream;
use super::{Context, Execute, Failure, Status};
use crate::debug_files::symbols::Symbols;
use crate::layout::Layout;
use crate::look::{Budget, Surroundings};
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::render::segment::{ShownSegment, ShownSegments};
use crate::report::{self, Dump, Look, Options, Selector};
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
        if self.hex && !context.output.for_people {
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
            context.print_dump(&dump, &())?;
            return Ok(if dump.error.is_some() { Status::Failed } else { Status::Nothing });
        }
        if !selectors.is_empty() {
            let found =
                selectors.iter().map(|selector| selector.segment(&dump).map(|segment| segment.number));
            match found.collect::<Result<BTreeSet<_>, _>>() {
                Ok(chosen) => dump.segments.retain(|segment| chosen.contains(&segment.number)),
                Err(error) => {
                    context.tell(format_args!("{}: {error}", dump.path.path));
                    let dump = dump.without_segments("no-such-segment", error.to_string());
                    context.print_dump(&dump, &())?;
                    return Ok(Status::Failed);
                }
            }
        }
        // JSON is the document of the main job, also to the look.
        if let Some((target, segments)) = read.filter(|_| context.output.for_people) {
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
        context.out.pages = match (self.no_pager, self.hex) {
            (true, _) => false,
            (false, true) => context.style.interactive,
            (false, false) => context.out.pages,
        };
        let makers = match read.filter(|_| context.output.for_people && !context.quiet) {
            Some((target, segments)) => super::key::makers(target, segments),
            None => Vec::new(),
        };
        let shown = dump.segments.iter().map(|segment| self.shown(selectors, segment, &makers, read));
        let shown = ShownSegments { segments: shown.collect::<Result<_, _>>()?, full: self.content.full() };
        context.print_dump(&dump, &shown)?;
        Ok(status)
    }

    /// What is shown of a segment.
    fn shown<'s>(
        &self,
        selectors: &[Selector],
        segment: &'s report::Segment,
        makers: &'s [(usize, String)],
        read: Option<(&'s dyn Target, &'s [Segment])>,
    ) -> Result<ShownSegment<'s>, Failure> {
        let makers = makers.iter().filter(|(number, _)| *number == segment.number);
        let memory =
            read.and_then(|(target, segments)| Some((target, segments.get(segment.number.checked_sub(1)?)?)));
        // From --at on, else from the place that a selector names.
        let place = selectors.iter().filter_map(|selector| selector.offset(segment)).min();
        let window = Window { at: self.at.or(place), length: self.length };
        let hex = memory.filter(|_| self.hex).map(|(_, segment)| window.of(segment)).transpose()?;
        Ok(ShownSegment { segment, makers: makers.map(|(_, line)| line.as_str()).collect(), memory, hex })
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
