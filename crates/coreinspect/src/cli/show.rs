//! One or more segments in full.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::inspect::ContentFlags;
use super::{Context, Execute, Failure, Status, diff, records};
use crate::inspection::{InspectedSegment, Inspection, RecordStream, Selected};
use crate::layout::Layout;
use crate::position::{Interval, Position, SegmentOffset, bytes};
use crate::render::segment::{MOST_RUNS_LISTED, ShownSegment, ShownSegments};
use crate::report::{Fault, Options, Place, Segment};
use crate::shm;
use crate::source::Amount;

/// Shows segments in full: every mapping, every missing range and why, the decoded content, and the bytes.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The dump (or its program and then the dump), and which segments: a key in any spelling, @ADDRESS, or its number; all if
    /// none is named. +OFFSET behind one is a place in it.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"], allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    #[command(flatten)]
    content: ContentFlags,
    /// Print the bytes too, as `hexdump -C` does.
    #[arg(long)]
    hex: bool,
    /// The offset in the segment where the bytes of --hex, or the value of --layout, begin (0x.. or decimal). Without it they
    /// begin at the place that is named (@ADDRESS, SEGMENT+OFFSET), else at the segment's start.
    #[arg(long, value_name = "OFFSET", value_parser = number)]
    at: Option<u64>,
    /// Decode this many values of --layout, one after the other.
    #[arg(long, value_name = "N", value_parser = number, requires = "layout")]
    count: Option<u64>,
    /// How many bytes (0x.. or decimal).
    #[arg(long, value_name = "BYTES", value_parser = number, requires = "hex")]
    length: Option<u64>,
    /// Write each element of the value (of an array, or of --count) as a line of JSON, in constant memory.
    #[arg(long, requires = "layout", conflicts_with_all = ["hex", "full"])]
    records: bool,
    /// Draw the segment as a map: a cell a page, or more of a large one. JSON has the runs.
    #[arg(long, conflicts_with = "records")]
    map: bool,
    /// Do not start a pager.
    #[arg(long)]
    no_pager: bool,
}

/// Parts of records that are missing, or findings, that are told one by one.
const MOST_TOLD: usize = 10;

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
    bytes(text).map_err(|error| format!("{error}; write bytes as 4096 or 0x1000"))
}

impl Window {
    /// The same; it begins at `place` where no offset was given.
    pub(super) fn from(self, place: Option<SegmentOffset>) -> Self {
        Self { at: self.at.or(place.map(SegmentOffset::get)), ..self }
    }

    /// The part of `segment` that is asked for: up to its last mapped byte unless `--length` says less.
    pub(super) fn of(self, segment: &shm::Segment) -> Result<Interval<SegmentOffset>, Failure> {
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
            Failure::new(format!("offset {start} is outside the segment, which ends at {}", segment.end()))
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
        let (path, words) = dumps::one(self.words.clone(), self.dump.dump().as_ref(), context)?;
        let asked = self.content.options(context)?;
        // A stream decodes on its own, and what it needs of the report is which segments there are.
        let no_content = asked.no_content || self.records;
        let places = words.iter().map(|word| dumps::place(word)).collect::<Result<Vec<_>, _>>()?;
        context.find(&places);
        let starts = if self.at.is_none() && forced { places.clone() } else { Vec::new() };
        let options = Options { at, places: starts, count: self.count, no_content, closely: true, ..asked };
        let mut inspection = dumps::inspect(&path, Amount::Segments, &options, context)?;
        if let Some(problem) = self.content.undescribed(&options, inspection.report()) {
            return Err(Failure::new(problem));
        }
        let selected = match choose(&mut inspection, &places, context)? {
            Choice::Shown(selected) => selected,
            Choice::Nothing(status) => return Ok(status),
        };
        let starts = match self.at {
            None if self.hex || forced => starts_of(&selected)?,
            _ => BTreeMap::new(),
        };
        if let (true, Some(layout)) = (self.records, options.layout.as_deref()) {
            return self.stream(layout, &starts, &inspection, context);
        }
        // JSON is the document of the main job, also to the look.
        if context.output.for_people {
            inspection.look_closely()?;
        }
        let many = |segment: &Segment| segment.missing_runs() > MOST_RUNS_LISTED;
        let for_people = context.output.for_people;
        inspection.map_pages(|segment| self.map || for_people && many(segment))?;
        inspection.name_pointers();
        let status = self.content.judge(inspection.report(), context);
        context.out.pages = match (self.no_pager, self.hex) {
            (true, _) => false,
            (false, true) => context.style.interactive,
            (false, false) => context.out.pages,
        };
        let wanted = context.output.for_people && !context.quiet;
        let makers = if wanted { super::key::makers(&inspection) } else { Vec::new() };
        let fault = inspection.report().fault.as_ref();
        let shown = inspection.segments().map(|segment| self.shown(&starts, segment, &makers, fault));
        let moments = if wanted { inspection.report().moments(diff::written(&path)) } else { Vec::new() };
        let segments = shown.collect::<Result<_, _>>()?;
        let shown = ShownSegments { segments, full: self.content.full(), moments };
        context.print_dump(inspection.report(), &shown)?;
        Ok(status)
    }
}

/// What is shown of a dump.
enum Choice {
    /// What was named; the other segments are gone.
    Shown(Vec<Selected>),
    /// Nothing, and the status that this earns; why is told.
    Nothing(Status),
}

/// Leaves the segments that are named.
fn choose(
    inspection: &mut Inspection,
    places: &[Place],
    context: &mut Context<'_>,
) -> Result<Choice, Failure> {
    let dump = inspection.report();
    let path = &dump.path.path;
    if let (Some(why), true) = (dump.nothing_found(), places.is_empty() || dump.error.is_some()) {
        context.tell(format_args!("{path}: {why}"));
        context.print_dump(dump, &())?;
        return Ok(Choice::Nothing(if dump.error.is_some() { Status::Failed } else { Status::Nothing }));
    }
    let error = match inspection.choose(places) {
        Ok(selected) => return Ok(Choice::Shown(selected)),
        Err(error) => error,
    };
    let dump = inspection.report();
    context.tell(format_args!("{}: {error}", dump.path.path));
    context.print_dump(&dump.clone().without_segments("no-such-segment", error.to_string()), &())?;
    Ok(Choice::Nothing(Status::Failed))
}

/// The place in each segment, by its number, where its bytes or its value begin.
fn starts_of(selected: &[Selected]) -> Result<BTreeMap<usize, SegmentOffset>, Failure> {
    let mut starts = BTreeMap::new();
    for Selected { number, offset } in selected {
        let Some(offset) = *offset else { continue };
        match starts.insert(*number, offset) {
            Some(other) if other != offset => {
                return Err(Failure::new(format!(
                    "{number}+{other} and {number}+{offset} are places of one segment; show one at a time"
                )));
            }
            _ => {}
        }
    }
    Ok(starts)
}

impl Show {
    /// What is shown of a segment.
    fn shown<'s>(
        &self,
        starts: &BTreeMap<usize, SegmentOffset>,
        segment: InspectedSegment<'s>,
        makers: &'s [(usize, String)],
        fault: Option<&Fault>,
    ) -> Result<ShownSegment<'s>, Failure> {
        let makers = makers.iter().filter(|(number, _)| *number == segment.number());
        let window = Window { at: self.at, length: self.length };
        let window = window.from(starts.get(&segment.number()).copied());
        let hex = self.hex.then(|| window.of(segment.memory)).transpose()?;
        let makers = makers.map(|(_, line)| line.as_str()).collect();
        let memory = Some((segment.target, segment.memory));
        let fault =
            fault.filter(|fault| fault.segment == Some(segment.number()) && fault.relation == "inside");
        let fault = fault.and_then(|fault| fault.offset);
        Ok(ShownSegment { segment: segment.report, makers, memory, fault, hex })
    }

    /// The records of the one segment of `inspection`.
    fn stream(
        &self,
        layout: &dyn Layout,
        starts: &BTreeMap<usize, SegmentOffset>,
        inspection: &Inspection,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let segments: Vec<_> = inspection.segments().collect();
        let [segment] = segments.as_slice() else {
            let count = segments.len();
            return Err(Failure::new(format!("--records streams one segment, not {count}: name it, as 1")));
        };
        let place = starts.get(&segment.number()).map(|offset| offset.get());
        let at = self.at.or(place).unwrap_or(0);
        let stream = RecordStream { layout, at, count: self.count, told: MOST_TOLD };
        records::write(*segment, &stream, self.content.strict(), context)
    }
}
