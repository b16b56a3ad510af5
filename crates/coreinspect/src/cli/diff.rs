//! The same segment in two places: two dumps, a dump and the living segment, a dump and a file of its bytes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::layout_argument::{Chosen, LayoutFlags};
use super::{Context, Execute, Failure, Status};
use crate::diff::newer::{self, Copy, Taken};
use crate::diff::{self, Differing, MatchedBy, Pair, Side, compare, fields};
use crate::layout::{FileContents, SegmentContents};
use crate::position::SegmentOffset;
use crate::proc_files::{LiveSegment, live_segments};
use crate::render::diff::{BytesOf, ShownDiff};
use crate::report::{self, DiffSegment, Dump, Options, Selector, SelectorError};
use crate::shm::Segment;
use crate::source::Amount;
use crate::targets::{Facts, Target};
use crate::types::contents::Contents;

mod other;

use other::Raw;

/// Compares segments of a dump with those of another, with the living ones, or with a file: fields, bytes, and which copy is
/// newer.
#[derive(Args, Debug)]
pub(super) struct Diff {
    /// The dump (or its program and then the dump); the other dump, unless --live or --raw names the other side; and which
    /// segment: a key in any spelling, @ADDRESS, or '#N', its number in the first dump. All if none is named.
    #[arg(value_name = "DUMP", required_unless_present_any = ["core", "pid"], allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    /// Compare with the segments that are alive in this kernel.
    #[arg(long, conflicts_with_all = ["raw", "pair"])]
    live: bool,
    /// Compare with the bytes in a file, as `extract` writes it; what FILE.json names as missing is not compared.
    #[arg(long, value_name = "FILE", conflicts_with = "pair")]
    raw: Option<PathBuf>,
    /// Compare these two segments, whatever their keys: '#2=#3' is #2 of the first dump and #3 of the other.
    #[arg(long, value_name = "LEFT=RIGHT")]
    pair: Vec<String>,
    /// Show the bytes that differ, side by side.
    #[arg(long)]
    hex: bool,
    /// Fields, ranges and lines of bytes that are shown of a segment.
    #[arg(long, value_name = "N", value_parser = super::show::number, default_value = "40")]
    limit: u64,
    #[command(flatten)]
    layout: LayoutFlags,
}

/// Runs of differing bytes that JSON lists of a segment.
const MOST_RANGES: usize = 1_000_000;

/// A dump that was read, and its report.
#[derive(Clone, Copy)]
struct Read<'a> {
    path: &'a Path,
    dump: &'a Dump,
    target: &'a dyn Target,
    segments: &'a [Segment],
}

/// The copies of a segment that is in both places.
struct Both<'a> {
    left: SegmentContents<'a>,
    right: Box<dyn Contents + 'a>,
}

impl Execute for Diff {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let (left, words) = dumps::one(self.words.clone(), self.dump.dump().as_ref(), context)?;
        let chosen = self.layout.chosen(context)?;
        let options = Options { no_content: true, ..Options::default() };
        let two = !self.live && self.raw.is_none();
        let typed = self.words.get(self.words.len().saturating_sub(words.len())..).unwrap_or_default();
        let right = match (two, typed.first()) {
            (true, None) => {
                return Err(Failure::new("name the other dump, or --live, or --raw FILE"));
            }
            (true, Some(right)) => Some(PathBuf::from(right)),
            (false, _) => None,
        };
        let word = match words.get(usize::from(two)..).unwrap_or_default() {
            [] => None,
            [word] => Some(word.parse().map_err(|error: SelectorError| Failure::new(error.to_string()))?),
            _ => return Err(Failure::new("name one SEGMENT at most, or none for all")),
        };
        dumps::read_some(&left, Amount::Segments, &options, context, |read, dump, context| {
            let left = Read::of(&left, read, &dump)?;
            match (&right, &self.raw) {
                (Some(right), _) => {
                    dumps::read_some(right, Amount::Segments, &options, context, |read, dump, context| {
                        let right = Read::of(right, read, &dump)?;
                        self.two_dumps(left, right, word.as_ref(), &chosen, context)
                    })?
                }
                (None, Some(raw)) => self.raw(left, raw, word.as_ref(), &chosen, context),
                (None, None) => self.live(left, word.as_ref(), &chosen, context),
            }
        })?
    }
}

impl<'a> Read<'a> {
    fn of(
        path: &'a Path,
        read: Option<(&'a dyn Target, &'a [Segment])>,
        dump: &'a Dump,
    ) -> Result<Self, Failure> {
        match read {
            Some((target, segments)) => Ok(Self { path, dump, target, segments }),
            None => {
                let mut why = dump.nothing_found().unwrap_or_default();
                if dump.error.as_ref().is_some_and(|error| error.code == "not-a-core") {
                    why.push_str("; --raw FILE compares with a file of the bytes alone");
                }
                Err(Failure::new(format!("{}: {why}", dump.path.path)))
            }
        }
    }

    /// The index of the segment that a selector names.
    fn index(&self, selector: &Selector) -> Result<usize, Failure> {
        let named = selector.segment(self.dump);
        let named = named.map_err(|error| Failure::new(format!("{}: {error}", self.dump.path.path)))?;
        Ok(named.number.saturating_sub(1))
    }

    fn segment(&self, index: usize) -> Result<&'a Segment, Failure> {
        self.segments
            .get(index)
            .ok_or_else(|| Failure::new(format!("{}: the segment is gone", self.dump.path.path)))
    }

    fn contents(&self, index: usize) -> Result<SegmentContents<'a>, Failure> {
        Ok(SegmentContents { target: self.target, segment: self.segment(index)? })
    }

    fn side<'s>(&'s self, contents: &'s dyn Contents, segment: &'s Segment) -> Side<'s> {
        Side {
            contents,
            key: segment.key,
            machine: self.target.identity().machine,
            target: Some(self.target),
            facts: Some(&segment.facts),
        }
    }
}

fn key(segment: &Segment) -> Option<String> {
    segment.key.map(|key| key.to_string())
}

impl Diff {
    fn two_dumps(
        &self,
        left: Read<'_>,
        right: Read<'_>,
        word: Option<&Selector>,
        chosen: &Chosen,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let mut pairs = match self.pair.as_slice() {
            [] => diff::pair(left.segments, right.segments, same_process(&left, &right)),
            named => named.iter().map(|named| self.named(named, &left, &right)).collect::<Result<_, _>>()?,
        };
        if let Some(word) = word {
            match (left.index(word), right.index(word)) {
                (Ok(index), _) => pairs.retain(|pair| pair.left == Some(index)),
                (Err(_), Ok(index)) => pairs.retain(|pair| pair.right == Some(index) && pair.left.is_none()),
                (Err(error), Err(_)) => return Err(error),
            }
        }
        let mut report = report::Diff::new(&left.dump.path.path, &right.dump.path.path, "dump");
        let mut copies = Vec::with_capacity(pairs.len());
        for Pair { left: here, right: there, by } in pairs {
            let (Some(here), Some(there)) = (here, there) else {
                let (read, index, side) = match (here, there) {
                    (Some(here), _) => (&left, here, Copy::Left),
                    (None, there) => (&right, there.unwrap_or(0), Copy::Right),
                };
                let key = key(read.segment(index)?);
                report.segments.push(DiffSegment::alone(key, index.saturating_add(1), side));
                copies.push(None);
                continue;
            };
            let both = Both { left: left.contents(here)?, right: Box::new(right.contents(there)?) };
            let [one, other] = [left.segment(here)?, right.segment(there)?];
            let sides = [left.side(&both.left, one), right.side(both.right.as_ref(), other)];
            let numbers = [Some(here.saturating_add(1)), Some(there.saturating_add(1))];
            let taken = [other::taken(left.path), other::taken(right.path)];
            report.segments.push(self.segment(sides, numbers, by, taken, chosen)?);
            copies.push(Some(both));
        }
        self.tell_unpaired(&report, &left, &right, context);
        self.end(&report, &copies, context)
    }

    /// The pair that `--pair` names.
    fn named(&self, named: &str, left: &Read<'_>, right: &Read<'_>) -> Result<Pair, Failure> {
        let wrong = || Failure::new(format!("--pair {named:?}: write LEFT=RIGHT, as '#2=#3'"));
        let (one, other) = named.split_once('=').ok_or_else(wrong)?;
        let [one, other] = [one, other].map(str::parse::<Selector>);
        let parsed = |selector: Result<Selector, SelectorError>| {
            selector.map_err(|error| Failure::new(format!("--pair: {error}")))
        };
        let (left, right) = (left.index(&parsed(one)?)?, right.index(&parsed(other)?)?);
        Ok(Pair { left: Some(left), right: Some(right), by: Some(MatchedBy::Pair) })
    }

    fn live(
        &self,
        left: Read<'_>,
        word: Option<&Selector>,
        chosen: &Chosen,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let alive = live_segments().map_err(|error| Failure::new(error.to_string()))?;
        let chosen_index = word.map(|word| left.index(word)).transpose()?;
        let mut report = report::Diff::new(&left.dump.path.path, "live", "live");
        let mut sources = Vec::new();
        for (index, segment) in left.segments.iter().enumerate() {
            if chosen_index.is_some_and(|chosen| chosen != index) {
                continue;
            }
            let number = index.saturating_add(1);
            let found = other::alive(segment, &alive);
            let Some((status, by)) = found else {
                report.segments.push(DiffSegment::alone(key(segment), number, Copy::Left));
                sources.push(None);
                continue;
            };
            let opened = LiveSegment::open(status);
            let source = opened.map_err(|error| Failure::new(format!("#{number}: {error}")))?;
            sources.push(Some((index, source, by)));
            report.segments.push(DiffSegment::alone(key(segment), number, Copy::Left));
        }
        let mut copies = Vec::with_capacity(sources.len());
        for (place, source) in report.segments.iter_mut().zip(&sources) {
            let Some((index, source, by)) = source else {
                copies.push(None);
                continue;
            };
            let segment = left.segment(*index)?;
            let contents = FileContents::new(source, []);
            let both = Both { left: left.contents(*index)?, right: Box::new(contents) };
            let facts = Facts::from(source.status());
            let here = left.side(&both.left, segment);
            let there = Side { contents: both.right.as_ref(), target: None, facts: Some(&facts), ..here };
            let taken = [other::taken(left.path), Taken::Now];
            *place = self.segment([here, there], [place.left, None], Some(*by), taken, chosen)?;
            place.read = Some(source.how());
            copies.push(Some(both));
        }
        if report.segments.iter().any(|segment| segment.only_in.is_some()) && !context.quiet {
            context.tell("warning: a segment of the dump is not alive here, or has another IPC namespace, or its key does not tell which it is");
        }
        self.end(&report, &copies, context)
    }

    fn raw(
        &self,
        left: Read<'_>,
        raw: &Path,
        word: Option<&Selector>,
        chosen: &Chosen,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let index = match (word, left.segments) {
            (Some(word), _) => left.index(word)?,
            (None, [_]) => 0,
            (None, segments) => {
                let count = segments.len();
                return Err(Failure::new(format!(
                    "--raw is compared with one SEGMENT, and there are {count}: name it"
                )));
            }
        };
        let file = Raw::open(raw)?;
        let segment = left.segment(index)?;
        let both = Both { left: left.contents(index)?, right: Box::new(file.contents()) };
        let here = left.side(&both.left, segment);
        let there = Side { contents: both.right.as_ref(), target: None, facts: None, ..here };
        let mut report = report::Diff::new(&left.dump.path.path, &dumps::shown(raw), "raw");
        let number = index.saturating_add(1);
        let taken = [other::taken(left.path), other::taken(raw)];
        report.segments.push(self.segment([here, there], [Some(number), None], None, taken, chosen)?);
        self.end(&report, &[Some(both)], context)
    }

    /// How the copies of a segment differ.
    fn segment(
        &self,
        [left, right]: [Side<'_>; 2],
        [number, other]: [Option<usize>; 2],
        by: Option<MatchedBy>,
        [taken, taken_other]: [Taken; 2],
        chosen: &Chosen,
    ) -> Result<DiffSegment, Failure> {
        let compared = compare(left.contents, right.contents, MOST_RANGES)?;
        let differing = match compared.ranges.as_slice() {
            [] => Differing::default(),
            ranges => fields(&left, &right, ranges, chosen.layout.as_deref(), &chosen.layouts)?,
        };
        let mut evidence = Vec::new();
        if compared.different > 0 {
            evidence.extend(newer::of_times(taken, taken_other));
            evidence.extend(newer::of_facts(left.facts, right.facts));
            evidence.extend(newer::of_fields(&differing.fields));
        }
        if let (Some(problem), true) = (&differing.problem, self.layout.names_one()) {
            return Err(Failure::new(problem));
        }
        let key = left.key.or(right.key).map(|key| key.to_string());
        Ok(DiffSegment::of(key, number, other, by, &compared, differing, &evidence))
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
            [left, right]
                .map(|contents| contents.map_or_else(Vec::new, |contents| other::bytes(contents, at, length)))
        };
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let bytes = self.hex.then_some(&bytes as BytesOf<'_>);
        context.print(&ShownDiff { diff: report, bytes, limit, quiet: context.quiet })?;
        if report.segments.is_empty() {
            context.tell("no System V segment to compare");
            return Ok(Status::Nothing);
        }
        if report.differs() {
            let different = report.segments.iter().filter(|segment| segment.different > 0);
            let sum = different.clone().fold(0_u64, |sum, segment| sum.saturating_add(segment.different));
            let bytes = if sum == 1 { "1 byte differs".to_owned() } else { format!("{sum} bytes differ") };
            let alone = report.segments.iter().filter(|segment| segment.only_in.is_some()).count();
            let count =
                |count: usize| if count == 1 { "1 segment".to_owned() } else { format!("{count} segments") };
            let said = match (different.count(), alone) {
                (0, alone) => format!("{} on one side alone", count(alone)),
                (different, 0) => format!("{bytes}, in {}", count(different)),
                (different, alone) => {
                    format!("{bytes}, in {}; {} on one side alone", count(different), count(alone))
                }
            };
            context.tell(said);
            return Ok(Status::Nothing);
        }
        if report.compared() == 0 {
            return Err(Failure::new("no byte is there on both sides: nothing could be compared"));
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
            let segment = index.and_then(|number| read.segments.get(number.checked_sub(1)?));
            segment.is_some_and(|segment| segment.key.is_none_or(shmcore::Key::is_private))
        };
        let alone = |side| report.segments.iter().filter(move |segment| segment.only_in == Some(side));
        let here = alone("left").find(|segment| keyless(left, segment.left));
        let there = alone("right").find(|segment| keyless(right, segment.right));
        if let (Some(here), Some(there), false) = (here, there, context.quiet)
            && let (Some(here), Some(there)) = (here.left, there.right)
        {
            context.tell(format_args!(
                "warning: IPC_PRIVATE segments are not paired, because their key says nothing; --pair '#{here}=#{there}' compares two"
            ));
        }
    }
}

/// Whether both dumps seem to be of one process, taken one after the other.
fn same_process(left: &Read<'_>, right: &Read<'_>) -> bool {
    let (one, other) = (left.target.process(), right.target.process());
    one.pid.is_some() && (one.pid, &one.command) == (other.pid, &other.command)
}

/// The offset `at` as the library counts it.
fn offset(at: u64) -> SegmentOffset {
    SegmentOffset::new(at)
}
