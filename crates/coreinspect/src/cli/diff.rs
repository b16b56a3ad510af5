//! The same segment in two places: two dumps, a dump and the living segment, a dump and a file of its bytes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::layout_argument::{Chosen, LayoutFlags};
use super::{Context, Execute, Failure, Status};
use crate::diff::newer::{Copy, Taken};
use crate::diff::{MatchedBy, Side};
use crate::inspection::{InspectedSegment, Inspection, PairedSegments, SegmentCopy, compare};
use crate::layout::{FileContents, SegmentContents};
use crate::position::SegmentOffset;
use crate::proc_files::{LiveSegment, live_segments};
use crate::render::diff::{BytesOf, ShownDiff};
use crate::report::{self, Called, DiffSegment, Options, Place, PlaceError};
use crate::source::Amount;
use crate::targets::Facts;
use crate::types::contents::{Contents, bytes_with_gaps};

mod other;

pub(super) use other::{Raw, taken, written};

/// Compares segments of a dump with those of another dump, with live segments, or with a file: fields, bytes, and which
/// copy is newer.
#[derive(Args, Debug)]
pub(super) struct Diff {
    /// The dump (or its program and then the dump); the other dump, unless --live or --raw names the other side; and which
    /// segment: a key in any spelling, @ADDRESS, or its number in the first dump. All if none is named.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"], allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    /// Compare with the live segments of this kernel.
    #[arg(long, conflicts_with_all = ["raw", "pair"])]
    live: bool,
    /// Compare with the bytes in a file, as `extract` writes it, except those that FILE.json lists as missing.
    #[arg(long, value_name = "FILE", conflicts_with = "pair")]
    raw: Option<PathBuf>,
    /// Compare these two segments, whatever their keys: 2=3 is 2 of the first dump and 3 of the other.
    #[arg(long, value_name = "LEFT=RIGHT")]
    pair: Vec<String>,
    /// Show the bytes that differ, side by side.
    #[arg(long)]
    hex: bool,
    /// Show at most this many fields, ranges and lines of bytes of a segment.
    #[arg(long, value_name = "N", value_parser = super::show::number, default_value = "40")]
    limit: u64,
    #[command(flatten)]
    layout: LayoutFlags,
}

/// A dump that could be read.
#[derive(Clone, Copy)]
struct Read<'a> {
    path: &'a Path,
    inspection: &'a Inspection,
}

/// The copies of a segment that is in both places.
struct Both<'a> {
    left: SegmentContents<'a>,
    right: Box<dyn Contents + 'a>,
}

impl Execute for Diff {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let (left, words) = dumps::one(self.words.clone(), self.dump.dump().as_ref(), context)?;
        let options = Options::without_content();
        let two = !self.live && self.raw.is_none();
        let typed = self.words.get(self.words.len().saturating_sub(words.len())..).unwrap_or_default();
        let (right, words) = match (two, typed.is_empty()) {
            (true, true) => {
                return Err(Failure::new("name the other dump, or --live, or --raw FILE"));
            }
            (true, false) => {
                let (right, words) = dumps::one(typed.to_vec(), None, context)?;
                (Some(right), words)
            }
            (false, _) => (None, words),
        };
        let word = match words.as_slice() {
            [] => None,
            [word] => Some(word.parse().map_err(|error: PlaceError| Failure::new(error.to_string()))?),
            _ => return Err(Failure::new("name one SEGMENT at most, or none for all")),
        };
        context.find(word.as_slice());
        let pairs = self.pair.iter().filter_map(|pair| pair.split_once('='));
        let paired = pairs.flat_map(|(one, other)| [one, other]).filter_map(|word| word.parse().ok());
        context.find(&paired.collect::<Vec<_>>());
        let chosen = self.layout.chosen(context)?;
        let inspection = dumps::inspect(&left, Amount::Segments, &options, context)?;
        let left = Read::of(&left, &inspection)?;
        match (&right, &self.raw) {
            (Some(right), _) => {
                let inspection = dumps::inspect(right, Amount::Segments, &options, context)?;
                let right = Read::of(right, &inspection)?;
                self.two_dumps(left, right, word.as_ref(), &chosen, context)
            }
            (None, Some(raw)) => self.raw(left, raw, word.as_ref(), &chosen, context),
            (None, None) => self.live(left, word.as_ref(), &chosen, context),
        }
    }
}

impl<'a> Read<'a> {
    fn of(path: &'a Path, inspection: &'a Inspection) -> Result<Self, Failure> {
        let this = Self { path, inspection };
        let dump = inspection.report();
        let Some(error) = &dump.error else { return Ok(this) };
        let mut why = dump.nothing_found().unwrap_or_default();
        if error.code == "not-a-core" {
            why.push_str("; --raw FILE compares with a file of the bytes alone");
        }
        Err(this.failure(why))
    }

    /// The dump's path, as the report has it.
    fn name(&self) -> &'a str {
        &self.inspection.report().path.path
    }

    fn failure(&self, what: impl std::fmt::Display) -> Failure {
        Failure::new(format!("{}: {what}", self.name()))
    }

    /// The segment that a place names.
    fn segment(&self, place: &Place) -> Result<InspectedSegment<'a>, Failure> {
        self.inspection.select(place).map_err(|error| self.failure(error))
    }

    fn copy<'s>(&self, segment: &'s InspectedSegment<'_>, contents: &'s dyn Contents) -> SegmentCopy<'s> {
        let taken = other::taken(self.path);
        let called = Called::of(segment.memory);
        SegmentCopy { called, number: Some(segment.number()), side: segment.side(contents), taken }
    }
}

fn alone(segment: InspectedSegment<'_>, side: Copy) -> DiffSegment {
    DiffSegment::alone(segment.memory, segment.number(), side)
}

impl Diff {
    fn two_dumps(
        &self,
        left: Read<'_>,
        right: Read<'_>,
        word: Option<&Place>,
        chosen: &Chosen,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let mut pairs = match self.pair.as_slice() {
            [] => left.inspection.pairs(right.inspection),
            named => named.iter().map(|named| pair_named(named, &left, &right)).collect::<Result<_, _>>()?,
        };
        if let Some(word) = word {
            let is = |one: &Option<InspectedSegment<'_>>, wanted: InspectedSegment<'_>| {
                one.is_some_and(|one| one.number() == wanted.number())
            };
            match (left.segment(word), right.segment(word)) {
                (Ok(wanted), _) => pairs.retain(|pair| is(&pair.left, wanted)),
                (Err(_), Ok(wanted)) => pairs.retain(|pair| is(&pair.right, wanted) && pair.left.is_none()),
                (Err(error), Err(_)) => return Err(error),
            }
        }
        let mut report = report::Diff::new(left.name(), right.name(), "dump");
        let mut copies = Vec::with_capacity(pairs.len());
        for pair in pairs {
            match (pair.left, pair.right) {
                (Some(here), Some(there)) => {
                    let both = Both { left: here.contents(), right: Box::new(there.contents()) };
                    let sides = [left.copy(&here, &both.left), right.copy(&there, both.right.as_ref())];
                    report.segments.push(self.compare(sides, pair.by, chosen)?);
                    copies.push(Some(both));
                }
                (here, there) => {
                    report.segments.extend(here.map(|here| alone(here, Copy::Left)));
                    report.segments.extend(there.map(|there| alone(there, Copy::Right)));
                    copies.push(None);
                }
            }
        }
        self.tell_unpaired(&report, &left, &right, context);
        self.end(&report, &copies, context)
    }

    fn live(
        &self,
        left: Read<'_>,
        word: Option<&Place>,
        chosen: &Chosen,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let alive = live_segments().map_err(|error| Failure::new(error.to_string()))?;
        let chosen_segment = word.map(|word| left.segment(word)).transpose()?;
        let wanted = left
            .inspection
            .segments()
            .filter(|segment| chosen_segment.is_none_or(|chosen| chosen.number() == segment.number()));
        let opened = wanted.map(|segment| {
            let Some((status, by)) = other::alive(segment.memory, &alive) else { return Ok((segment, None)) };
            let opened = LiveSegment::open(status);
            let source = opened.map_err(|error| Failure::new(format!("{}: {error}", segment.number())))?;
            Ok((segment, Some((source, by))))
        });
        let opened = opened.collect::<Result<Vec<_>, Failure>>()?;
        let mut report = report::Diff::new(left.name(), "live", "live");
        let mut copies = Vec::with_capacity(opened.len());
        for (segment, living) in &opened {
            let Some((source, by)) = living else {
                report.segments.push(alone(*segment, Copy::Left));
                copies.push(None);
                continue;
            };
            let contents = FileContents::new(source, []);
            let both = Both { left: segment.contents(), right: Box::new(contents) };
            let facts = Facts::from(source.status());
            let here = left.copy(segment, &both.left);
            let side = Side { contents: both.right.as_ref(), target: None, facts: Some(&facts), ..here.side };
            let there = SegmentCopy { called: Called::default(), number: None, side, taken: Taken::Now };
            let compared = self.compare([here, there], Some(*by), chosen)?;
            report.segments.push(DiffSegment { read: Some(source.how()), ..compared });
            copies.push(Some(both));
        }
        if report.segments.iter().any(|segment| segment.only_in.is_some()) && !context.quiet {
            context.tell("warning: a segment of the dump is not alive here, or is in another IPC namespace, or its key does not identify it");
        }
        self.end(&report, &copies, context)
    }

    fn raw(
        &self,
        left: Read<'_>,
        raw: &Path,
        word: Option<&Place>,
        chosen: &Chosen,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let all: Vec<_> = left.inspection.segments().collect();
        let segment = match (word, all.as_slice()) {
            (Some(word), _) => left.segment(word)?,
            (None, [segment]) => *segment,
            (None, segments) => {
                let count = segments.len();
                return Err(Failure::new(format!(
                    "--raw compares with one SEGMENT, and there are {count}: name it"
                )));
            }
        };
        let file = Raw::open(raw)?;
        let both = Both { left: segment.contents(), right: Box::new(file.contents()) };
        let here = left.copy(&segment, &both.left);
        let side = Side { contents: both.right.as_ref(), target: None, facts: None, ..here.side };
        let there = SegmentCopy { called: Called::default(), number: None, side, taken: other::taken(raw) };
        let mut report = report::Diff::new(left.name(), &dumps::shown(raw), "raw");
        report.segments.push(self.compare([here, there], None, chosen)?);
        self.end(&report, &[Some(both)], context)
    }

    /// How the copies of a segment differ.
    fn compare(
        &self,
        [left, right]: [SegmentCopy<'_>; 2],
        by: Option<MatchedBy>,
        chosen: &Chosen,
    ) -> Result<DiffSegment, Failure> {
        let compared = compare(left, right, by, chosen.layout.as_deref(), &chosen.layouts)?;
        match compared.problem {
            Some(problem) if self.layout.names_one() => Err(Failure::new(problem)),
            _ => Ok(compared),
        }
    }

    /// Writes the report, and says in a line why the status is not 0.
    fn end(
        &self,
        report: &report::Diff,
        copies: &[Option<Both<'_>>],
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let bytes = |index: usize, at: u64, length: usize| {
            let both = copies.get(index).and_then(Option::as_ref);
            let [left, right] =
                [both.map(|both| &both.left as &dyn Contents), both.map(|both| both.right.as_ref())];
            [left, right].map(|contents| {
                contents.map_or_else(Vec::new, |contents| {
                    bytes_with_gaps(contents, SegmentOffset::new(at), length)
                })
            })
        };
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let bytes = self.hex.then_some(&bytes as BytesOf<'_>);
        context.print(&ShownDiff { diff: report, bytes, limit, quiet: context.quiet })?;
        if report.segments.is_empty() {
            context.tell(format_args!("no {} segment to compare", context.kinds.label()));
            return Ok(Status::Nothing);
        }
        if report.differs() {
            let different = report.segments.iter().filter(|segment| segment.differs());
            let sum = different.clone().fold(0_u64, |sum, segment| sum.saturating_add(segment.different));
            let bytes = match sum {
                0 => "the same bytes are read differently".to_owned(),
                1 => "1 byte differs".to_owned(),
                sum => format!("{sum} bytes differ"),
            };
            let alone = report.segments.iter().filter(|segment| segment.only_in.is_some()).count();
            let count =
                |count: usize| if count == 1 { "1 segment".to_owned() } else { format!("{count} segments") };
            let said = match (different.count(), alone) {
                (0, alone) => format!("{} on one side only", count(alone)),
                (different, 0) => format!("{bytes}, in {}", count(different)),
                (different, alone) => {
                    format!("{bytes}, in {}; {} on one side only", count(different), count(alone))
                }
            };
            context.tell(said);
            return Ok(Status::Nothing);
        }
        if report.compared() == 0 {
            return Err(Failure::new("no byte is on both sides, so nothing could be compared"));
        }
        Ok(Status::Found)
    }

    /// Segments whose key says nothing were not paired: how they can be.
    fn tell_unpaired(
        &self,
        report: &report::Diff,
        left: &Read<'_>,
        right: &Read<'_>,
        context: &mut Context<'_>,
    ) {
        let keyless = |read: &Read<'_>, index: Option<usize>| {
            let segment = index.and_then(|number| read.inspection.segment(number));
            segment.is_some_and(|segment| segment.memory.key.is_none_or(shmcore::Key::is_private))
        };
        let alone = |side| report.segments.iter().filter(move |segment| segment.only_in == Some(side));
        let here = alone("left").find(|segment| keyless(left, segment.left));
        let there = alone("right").find(|segment| keyless(right, segment.right));
        if let (Some(here), Some(there), false) = (here, there, context.quiet)
            && let (Some(here), Some(there)) = (here.left, there.right)
        {
            context.tell(format_args!(
                "warning: IPC_PRIVATE segments are not paired, because their key identifies none; --pair {here}={there} compares two"
            ));
        }
    }
}

/// The pair that `--pair` names.
fn pair_named<'a>(named: &str, left: &Read<'a>, right: &Read<'a>) -> Result<PairedSegments<'a>, Failure> {
    let wrong = || Failure::new(format!("--pair {named:?}: write LEFT=RIGHT, as 2=3"));
    let (one, other) = named.split_once('=').ok_or_else(wrong)?;
    let [one, other] = [one, other].map(str::parse::<Place>);
    let parsed =
        |place: Result<Place, PlaceError>| place.map_err(|error| Failure::new(format!("--pair: {error}")));
    let (one, other) = (left.segment(&parsed(one)?)?, right.segment(&parsed(other)?)?);
    Ok(PairedSegments { left: Some(one), right: Some(other), by: Some(MatchedBy::Pair) })
}
