//! Where bytes, text and numbers stand in segments.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::Args;

use super::dumps::{self, DumpFlags};
use super::layout_argument::{Chosen, LayoutFlags};
use super::show::{Window, number};
use super::{Context, Execute, Failure, Status};
use crate::inspection::{Inspection, Selected, Sought};
use crate::kind::Kinds;
use crate::render::search::ShownSearch;
use crate::report::{self, Dump, Options, Segment};
use crate::search::{Pattern, Reading};
use crate::source::Amount;

/// Finds bytes, text or numbers in segments, and the field of the layout that holds each hit.
#[derive(Args, Debug)]
pub(super) struct Search {
    /// The dump (or its program and then the dump); the segment, or `all`: a key in any spelling, @ADDRESS, or its number
    /// (@ADDRESS, and +OFFSET behind one, are places: the search begins there); and one pattern or more: text, or u32:5, i64:-1, f64:1.5, long:, ptr:0x7f.., hex:de ad ?? ef, utf16:text,
    /// text:u32:5 (u32be: and u32le: set the byte order). Without a segment, all segments are searched.
    #[arg(value_name = "DUMP", required = true, allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    /// Ignore the case of ASCII letters.
    #[arg(short, long)]
    ignore_case: bool,
    /// Search text as UTF-16.
    #[arg(long)]
    utf16: bool,
    /// Find numbers only at multiples of their size.
    #[arg(long)]
    aligned: bool,
    /// List at most this many hits of a segment; all are counted.
    #[arg(long, value_name = "N", value_parser = number, default_value = "100")]
    limit: u64,
    /// Show this many bytes on both sides of a hit.
    #[arg(long, value_name = "BYTES", value_parser = number, default_value = "0")]
    context: u64,
    #[command(flatten)]
    window: Window,
    #[command(flatten)]
    layout: LayoutFlags,
}

/// Bytes of context that are shown at most.
const MOST_CONTEXT: u64 = 4096;

impl Execute for Search {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let (path, words) = dumps::one(self.words.clone(), self.dump.dump().as_ref(), context)?;
        let chosen = self.layout.chosen(context)?;
        // The words as they were typed: a pattern may hold what no terminal is shown.
        let typed = self.words.get(self.words.len().saturating_sub(words.len())..).unwrap_or_default();
        let typed: Vec<&[u8]> = typed.iter().map(|word| word.as_bytes()).collect();
        let listed = context.kinds.clone();
        if let [first, _, ..] = words.as_slice() {
            // What is wrong with it is said later.
            context.find(&first.parse().into_iter().collect::<Vec<_>>());
        }
        let inspection = dumps::inspect(&path, Amount::Segments, &Options::without_content(), context)?;
        context.kinds = listed;
        self.search(&typed, &words, &chosen, &inspection, context)
    }
}

impl Search {
    fn search(
        &self,
        typed: &[&[u8]],
        words: &[String],
        chosen: &Chosen,
        inspection: &Inspection,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let dump = inspection.report();
        let of_dump = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", dump.path.path));
        let Some(target) = inspection.target() else {
            return Err(of_dump(&dump.nothing_found().unwrap_or_default()));
        };
        let (selected, patterns) = match dump.segments.is_empty() {
            // Nothing can be named in it: the first of two words was to be a segment.
            true => (Vec::new(), typed.get(usize::from(typed.len() > 1)..).unwrap_or_default().to_vec()),
            false => self.asked(typed, words, dump, &context.kinds).map_err(|error| match error {
                Failure::Message(message) => of_dump(&message),
                other => other,
            })?,
        };
        let machine = target.identity().machine;
        let reading =
            Reading { machine, utf16: self.utf16, ignore_case: self.ignore_case, aligned: self.aligned };
        let patterns = patterns.iter().map(|pattern| Pattern::read(pattern, reading));
        let patterns = patterns.collect::<Result<Vec<_>, _>>().map_err(|error| of_dump(&error))?;
        let mut report = report::Search::of(&dump.path.path, &patterns);
        let sought = Sought {
            patterns: &patterns,
            limit: usize::try_from(self.limit).unwrap_or(usize::MAX),
            context: self.context.min(MOST_CONTEXT),
            layout: chosen.layout.as_deref(),
            layouts: &chosen.layouts,
        };
        for Selected { number, offset } in selected {
            let Some(segment) = inspection.segment(number) else { continue };
            let (searched, problem) =
                segment.search(self.window.from(offset).of(segment.memory)?, &sought)?;
            match problem {
                Some(problem) if self.layout.names_one() => return Err(Failure::new(problem)),
                Some(problem) => {
                    context.tell(format_args!("warning: the hits have no fields: {problem}"));
                }
                None => {}
            }
            report.add(searched);
        }
        context.out.pages &= report.total > 0;
        context.print(&ShownSearch { search: &report, quiet: context.quiet })?;
        if report.total > 0 {
            return Ok(Status::Found);
        }
        match dump.nothing_found().filter(|_| dump.segments.is_empty()) {
            Some(why) => context.tell(format_args!("{}: {why}", dump.path.path)),
            None => self.tell_nothing(&report, context),
        }
        Ok(Status::Nothing)
    }

    /// What is searched, and the patterns.
    fn asked<'t>(
        &self,
        typed: &[&'t [u8]],
        words: &[String],
        dump: &Dump,
        listed: &Kinds,
    ) -> Result<(Vec<Selected>, Vec<&'t [u8]>), Failure> {
        let whole = |segment: &Segment| Selected { number: segment.number, offset: None };
        let is_listed = |segment: &&Segment| segment.kind.is_none_or(|kind| listed.list(kind));
        let all = || dump.segments.iter().filter(is_listed).map(whole).collect();
        let (first, rest) = words.split_first().zip(typed.get(1..)).map_or(
            Err(Failure::new("name a SEGMENT and a PATTERN after the dump")),
            |((first, _), rest)| Ok((first, rest)),
        )?;
        let selected = || -> Result<Selected, Failure> {
            let place = dumps::place(first)?;
            Ok(place.locate(dump).map_err(|error| Failure::new(error.to_string()))?.into())
        };
        match rest {
            [] if first == "all" || selected().is_ok() => {
                Err(Failure::new(format!("name a PATTERN to search for in {first}")))
            }
            [] => Ok((all(), typed.to_vec())),
            patterns if first == "all" => Ok((all(), patterns.to_vec())),
            patterns => Ok((vec![selected()?], patterns.to_vec())),
        }
    }

    fn tell_nothing(&self, report: &report::Search, context: &mut Context<'_>) {
        let searched: u64 = report.segments.iter().map(|segment| segment.searched).sum();
        let lacking = match report.not_searched() {
            0 => String::new(),
            bytes => format!("; {bytes} bytes are not in the dump and were not searched"),
        };
        // Who writes a bare number seeks its text.
        let number = report.patterns.iter().find(|sought| {
            let text = sought.pattern.as_ref().map(|text| text.escaped()).unwrap_or_default();
            let digits = text.strip_prefix("0x").unwrap_or(&text);
            sought.kind == "text" && u64::from_str_radix(digits, 16).is_ok()
        });
        let hint = match number.and_then(|sought| sought.pattern.as_ref()) {
            Some(text) => {
                format!("; coreinspect searched for {0} as text, u32:{0} is the number", text.escaped())
            }
            None => String::new(),
        };
        context.tell(format_args!("no hit in {searched} bytes{lacking}{hint}"));
    }
}
