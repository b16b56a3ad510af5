//! What points into segments: a table for each kind of place, then what the segments point at, then what was not searched.

use std::io;

use super::canvas::{Canvas, Draw};
use super::grid::{Cell, Grid, Heading};
use super::json::Data;
use super::output::Shown;
use super::printable::Printable;
use super::style::{Style, Tone};
use super::tag::tagged;
use crate::report::{Reference, Refs, Stored, StoredPointer, Text};

/// Kinds of places, and what is written above them.
const GROUPS: &[(&str, &str)] = &[
    ("register", "registers"),
    ("stack", "stacks"),
    ("data", "data of programs and libraries"),
    ("heap", "heaps (by glibc's headers of blocks: a guess)"),
    ("mapping", "other mappings"),
    ("segment", "segments"),
];

/// Parts of segments that are told at most.
const MOST_PARTS: usize = 20;
/// Runs of missing memory that are told at most.
const MOST_UNSEARCHED: usize = 8;

const fn heading(name: &'static str, right: bool, breaks: bool) -> Heading {
    Heading { name, right, dispensable: 0, breaks }
}

/// A report of `refs`, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub struct ShownRefs<'a> {
    /// The report.
    pub refs: &'a Refs,
    /// The rows and the last line alone.
    pub quiet: bool,
}

impl Shown for ShownRefs<'_> {
    fn data(&self) -> &dyn Data {
        self.refs
    }
}

impl Draw for ShownRefs<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        match self.refs.error {
            Some(_) => Ok(()),
            None => draw(self.refs, self.quiet, canvas),
        }
    }
}

fn draw(refs: &Refs, quiet: bool, canvas: &mut dyn Canvas) -> io::Result<()> {
    let style = canvas.style();
    for (from, title) in GROUPS {
        let rows: Vec<_> = refs.references.iter().filter(|one| one.from == *from).collect();
        if rows.is_empty() {
            continue;
        }
        if !quiet {
            let all = all_of(refs, from);
            let shown = rows.len() as u64;
            let count = if shown < all { format!("{shown} of {all}") } else { all.to_string() };
            canvas.heading(&[(Tone::Name, &format!("{title}: {count}"))])?;
        }
        let first = if *from == "register" { "REGISTER" } else { "AT" };
        let headings =
            vec![heading(first, false, false), heading("TO", false, false), heading("WHERE", false, true)];
        let rows =
            rows.into_iter().map(|one| vec![at(one), Cell::new(to(one)), Cell::new(place(one, style))]);
        canvas.table(Grid { headings, rows: rows.collect(), header: !quiet })?;
        if !quiet {
            canvas.gap()?;
        }
    }
    if !quiet {
        parts(refs, canvas)?;
        for stored in &refs.stored {
            pointers(stored, canvas)?;
        }
        unsearched(refs, canvas)?;
    }
    canvas.line(0, &[(Tone::Plain, &format!("{} words, {} registers", refs.total, refs.registers))])
}

fn all_of(refs: &Refs, from: &str) -> u64 {
    match from {
        "register" => refs.registers,
        "stack" => refs.counts.stack,
        "data" => refs.counts.data,
        "heap" => refs.counts.heap,
        "mapping" => refs.counts.mapping,
        _ => refs.counts.segment,
    }
}

fn at(one: &Reference) -> Cell {
    let text = one.at.map_or_else(|| one.register.unwrap_or_default().to_owned(), |at| at.to_string());
    let dead = one.live == Some(false);
    Cell::new(text).tone(if dead { Tone::Faint } else { Tone::Plain })
}

fn to(one: &Reference) -> String {
    format!("{}+{:#x}{}", one.segment, one.offset, tagged(one.tag))
}

fn printed(text: &Text) -> String {
    Printable(text.bytes()).to_string()
}

/// The last part of a path.
fn base(text: &Text) -> String {
    let name = text.bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    Printable(name).to_string()
}

fn thread(one: &Reference) -> String {
    one.thread.map_or_else(|| "a thread".to_owned(), |id| format!("thread {id}"))
}

fn place(one: &Reference, style: Style) -> String {
    match one.from {
        "register" => thread(one),
        "stack" => on_stack(one),
        "data" if one.thread_local => format!("thread-local of {}", thread(one)),
        "data" => {
            let program = one.mapping.as_ref().map(base).unwrap_or_default();
            match (&one.symbol, one.mapping_offset) {
                (Some(symbol), _) => format!("{} in {program}", Printable(symbol.as_bytes())),
                (None, Some(offset)) => format!("{program}+{offset:#x}"),
                (None, None) => format!("{program}, beyond its file (.bss)"),
            }
        }
        "heap" => match one.block {
            Some(block) => {
                let free = if block.free { "free " } else { "" };
                let kept = block.cache.map_or_else(String::new, |cache| format!(" (in a {cache})"));
                let inside = one.at.map_or(0, |at| at.0.saturating_sub(block.address.0));
                format!("{free}block of {} bytes{kept}, +{inside}", style.size(block.size))
            }
            None => "no block is known here".to_owned(),
        },
        "segment" => {
            let holder = one.holder.map_or_else(|| "a segment".to_owned(), |holder| holder.to_string());
            let own = if one.holder == Some(one.segment) { ", the segment itself" } else { "" };
            format!("{holder}+{:#x}{own}", one.holder_offset.unwrap_or(0))
        }
        _ => match (&one.mapping, one.mapping_offset) {
            (Some(name), Some(offset)) => format!("{}+{offset:#x}", printed(name)),
            (Some(name), None) => printed(name),
            (None, _) => "memory without a name".to_owned(),
        },
    }
}

fn on_stack(one: &Reference) -> String {
    let thread = thread(one);
    let depth = match (one.depth, one.live) {
        (Some(depth), Some(true)) => format!("{thread}, sp{depth:+}"),
        (Some(depth), Some(false)) => format!("{thread}, sp{depth:+}: left over, below sp"),
        (Some(depth), None) => {
            format!("{thread}, sp{depth:+}: below sp, in memory that goes on below its stack")
        }
        (None, _) => format!("{thread}, whose stack pointer is elsewhere"),
    };
    let Some(function) = &one.function else { return depth };
    let function = Printable(function.as_bytes());
    match (&one.file, one.line) {
        (Some(file), Some(line)) => {
            let file = file.rsplit('/').next().unwrap_or_default();
            format!("{depth}, {function} at {}:{line}", Printable(file.as_bytes()))
        }
        _ => format!("{depth}, {function}"),
    }
}

/// Where in the segments most of very many words point.
fn parts(refs: &Refs, canvas: &mut dyn Canvas) -> io::Result<()> {
    if refs.parts.is_empty() {
        return Ok(());
    }
    canvas.heading(&[(Tone::Name, "all words, by the part that they point into")])?;
    let mut most: Vec<_> = refs.parts.iter().collect();
    most.sort_by_key(|part| std::cmp::Reverse(part.words));
    let more = most.len().saturating_sub(MOST_PARTS);
    most.truncate(MOST_PARTS);
    most.sort_by_key(|part| (part.segment, part.start));
    let rows = most.into_iter().map(|part| {
        let range = format!("{} {:#x}-{:#x}", part.segment, part.start, part.end);
        vec![Cell::new(part.words.to_string()), Cell::new(range)]
    });
    let headings = vec![heading("WORDS", true, false), heading("PART", false, false)];
    canvas.table(Grid { headings, rows: rows.collect(), header: true })?;
    if more > 0 {
        canvas.line(0, &[(Tone::Plain, &format!("and {more} parts with fewer; --json has all"))])?;
    }
    canvas.gap()
}

/// What the pointers in a segment mean to whoever else attaches it.
fn pointers(stored: &Stored, canvas: &mut dyn Canvas) -> io::Result<()> {
    let foreign = elsewhere(stored);
    let groups = [
        (
            "itself",
            stored.itself,
            "into itself: right only for a process that attaches it at the same address",
        ),
        (
            "segment",
            stored.other,
            "into other segments: right only where those are attached at the same addresses",
        ),
        ("private", stored.private, "into memory of this process only: in any other process they are wrong"),
        ("foreign", stored.foreign, foreign.as_str()),
        (
            "dangling",
            stored.dangling,
            "to unmapped addresses near mapped ones: possibly of memory that is gone (a guess)",
        ),
    ];
    if groups.iter().all(|(_, count, _)| *count == 0) {
        return Ok(());
    }
    let title = format!("pointers stored in {}", stored.segment);
    canvas.heading(&[(Tone::Name, &title)])?;
    for (to, count, meaning) in groups.into_iter().filter(|(_, count, _)| *count > 0) {
        canvas.prose(2, &format!("{count} {meaning}"))?;
        let told: Vec<_> = stored.pointers.iter().filter(|pointer| pointer.to == to).collect();
        for pointer in told.iter().take(MOST_POINTERS) {
            let goes = match pointer.meant {
                Some(meant) => format!(", here {}+{meant:#x}", stored.segment),
                None => whereto(pointer),
            };
            let tag = tagged(pointer.tag);
            let text = format!("+{:#x}: {}{tag}{goes}", pointer.offset, pointer.value);
            canvas.prose(4, &text)?;
        }
        let more = count.saturating_sub(told.len().min(MOST_POINTERS) as u64);
        if more > 0 {
            canvas.line(4, &[(Tone::Plain, &format!("and {more} more"))])?;
        }
    }
    canvas.gap()
}

/// What it means that words lead nowhere here, and into the segment where another process has it.
fn elsewhere(stored: &Stored) -> String {
    let base = stored.foreign_base.map_or_else(String::new, |base| base.to_string());
    let others = match stored.other_bases {
        None | Some(0) => String::new(),
        Some(1) => ", or at 1 other base".to_owned(),
        Some(others) => format!(", or at one of {others} other bases"),
    };
    format!("into itself for a process that has it at {base}{others} (a guess): here they lead nowhere")
}

/// Pointers of a kind that are told at most; the JSON has up to the limit.
const MOST_POINTERS: usize = 10;

fn whereto(pointer: &StoredPointer) -> String {
    match (pointer.kind, &pointer.symbol, &pointer.mapping) {
        (Some("stack"), ..) => ", a stack".to_owned(),
        (Some("heap"), ..) => ", a heap".to_owned(),
        (Some("segment") | None, ..) => String::new(),
        (_, Some(symbol), Some(file)) => format!(", {} in {}", Printable(symbol.as_bytes()), base(file)),
        (_, _, Some(name)) => format!(", {}", printed(name)),
        (_, _, None) => ", memory without a name".to_owned(),
    }
}

fn unsearched(refs: &Refs, canvas: &mut dyn Canvas) -> io::Result<()> {
    let style = canvas.style();
    if refs.not_searched == 0 {
        return Ok(());
    }
    let writable = match refs.not_searched_writable {
        0 => "none of them could be written to".to_owned(),
        all if all == refs.not_searched => "all of them could be written to".to_owned(),
        some => format!("{some} of them could be written to"),
    };
    let title = format!("not searched: {} bytes that the dump lacks", refs.not_searched);
    canvas.prose(0, &format!("{title}; {writable}"))?;
    let headings = vec![
        heading("START", false, false),
        heading("BYTES", true, false),
        heading("PERM", false, false),
        heading("MAPPING", false, true),
    ];
    let rows = refs.unsearched.iter().take(MOST_UNSEARCHED).map(|run| {
        let bytes = style.size(run.end.0.saturating_sub(run.start.0));
        let name = run.mapping.as_ref().map_or_else(|| "without a name".to_owned(), printed);
        let name = if run.reason == "not-saved" { name } else { format!("{name}: {}", run.reason) };
        let rights = run.permissions.clone().unwrap_or_else(|| "?".to_owned());
        vec![Cell::new(run.start.to_string()), Cell::new(bytes), Cell::new(rights), Cell::new(name)]
    });
    canvas.table(Grid { headings, rows: rows.collect(), header: true })?;
    if refs.unsearched.len() > MOST_UNSEARCHED {
        canvas.line(0, &[(Tone::Plain, "and more; --json has them")])?;
    }
    canvas.gap()
}
