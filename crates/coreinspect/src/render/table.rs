//! The listing of a dump: a line about the process, a row for each attachment, and what is missing, why, and what to do.

use std::io;

use super::canvas::{Canvas, Draw};
use super::grid::{Cell, Grid, Heading};
use super::printable::Printable;
use super::style::{Style, Tone};
use super::{about, filled, look, missing, times, unnamed, value};
use crate::kind::Kind;
use crate::layout::Confidence;
use crate::report::{Attachment, Dump, Moment, Segment, State};

/// A column of the listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column(usize);

/// What a row is made from: an attachment of a segment, and whether it is the segment's first.
struct Row<'a> {
    segment: &'a Segment,
    attachment: &'a Attachment,
    first: bool,
    /// Whether the fields of what is known are told, not the sentence.
    verbose: bool,
}

type CellOf = fn(&Row<'_>, Style) -> Cell;

/// Every column: its heading, and how it is filled.
const COLUMNS: &[(Heading, CellOf)] = &[
    (heading("#", true, 0), |row, _| Cell::new(row.segment.number.to_string())),
    (heading("KEY", false, 0), |row, _| {
        Cell::new(row.segment.key.as_deref().unwrap_or("-")).tone(Tone::Name)
    }),
    (heading("NAME", false, 0), |row, style| Cell::new(short(&row.segment.label(), style)).tone(Tone::Name)),
    (heading("KIND", false, 2), |row, _| Cell::new(unknown(row.segment.kind))),
    (heading("BASE", false, 1), |row, _| {
        Cell::new(row.attachment.base.map_or("-".to_owned(), |base| base.to_string()))
    }),
    (heading("SHMID", true, 3), |row, _| Cell::new(unknown(row.segment.shmid))),
    (heading("OWNER", false, 6), |row, _| Cell::new(unknown(row.segment.owner))),
    (heading("PERMS", false, 6), |row, _| Cell::new(unknown(row.segment.perms.as_deref()))),
    (heading("SIZE", true, 4), |row, style| {
        Cell::new(unknown(row.segment.size.map(|bytes| style.size(bytes))))
    }),
    (heading("NATTCH", true, 5), |row, _| Cell::new(unknown(row.segment.nattch))),
    (heading("MAPPED", true, 4), |row, style| Cell::new(style.size(row.attachment.mapped))),
    (heading("SAVED", true, 2), |row, style| Cell::new(style.size(row.attachment.saved))),
    (heading("PERM", false, 3), |row, _| Cell::new(permissions(row.attachment))),
    (heading("STATE", false, 0), |row, _| {
        Cell::new(row.attachment.state.name()).tone(state_tone(row.attachment.state))
    }),
    (Heading { name: "CONTENT", right: false, dispensable: 0, breaks: true }, |row, style| {
        if row.first {
            content(row.segment, row.verbose, style)
        } else {
            Cell::new(format!("{} attached again", row.segment.number)).tone(Tone::Faint)
        }
    }),
];

/// Whether a dump has something for a column: of what only the kernel knows, most dumps have nothing.
fn is_known(segment: &Segment, column: &str) -> bool {
    match column {
        "SHMID" => segment.shmid.is_some(),
        "OWNER" => segment.owner.is_some(),
        "PERMS" => segment.perms.is_some(),
        "SIZE" => segment.size.is_some(),
        "NATTCH" => segment.nattch.is_some(),
        _ => true,
    }
}

/// A name that leaves room for other columns: its end tells more than its start.
fn short(name: &str, style: Style) -> String {
    const MOST: usize = 32;
    let name = Printable(name.as_bytes()).to_string();
    let count = name.chars().count();
    match style.width {
        Some(_) if count > MOST => {
            let end: String = name.chars().skip(count.saturating_sub(MOST)).collect();
            format!("{}{end}", style.ellipsis())
        }
        _ => name,
    }
}

fn unknown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| value.to_string())
}

const fn heading(name: &'static str, right: bool, dispensable: u8) -> Heading {
    Heading { name, right, dispensable, breaks: false }
}

impl Column {
    /// The columns that a listing has unless others are asked for: of a dump those for which it has something, of a running
    /// process all but those that say the same of each (all of it is there).
    pub fn usual(dump: &Dump) -> Vec<Self> {
        let running = dump.kind == Some("process");
        let names =
            dump.segments.iter().any(|segment| segment.kind.is_some_and(|kind| kind != Kind::SystemV));
        let left_out = |name| match name {
            "KEY" => names,
            "NAME" | "KIND" => !names,
            _ if running => ["MAPPED", "SAVED"].contains(&name),
            _ => !dump.segments.iter().any(|segment| is_known(segment, name)),
        };
        let columns = (0_usize..).zip(Self::names()).filter(|(_, name)| !left_out(*name));
        columns.map(|(at, _)| Self(at)).collect()
    }

    /// The names of all columns, as `--columns` takes them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        COLUMNS.iter().map(|(heading, _)| heading.name)
    }

    /// The column of a name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::names().position(|known| known.eq_ignore_ascii_case(name)).map(Self)
    }
}

/// What the listing shows.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The columns that the user named, in order: then none is left out, however narrow the place. None: the usual ones.
    pub columns: Vec<Column>,
    /// Whether headings are printed, and with them all that is no row.
    pub header: bool,
    /// More about the process.
    pub verbose: bool,
    /// Rows alone.
    pub quiet: bool,
}

/// A dump, and how it is listed.
#[derive(Clone, Copy, Debug)]
pub struct ListedDump<'a> {
    /// What is listed.
    pub dump: &'a Dump,
    /// What is shown of it.
    pub listing: &'a Listing,
    /// What could have made the keys of its segments: a number and a line.
    pub makers: &'a [(usize, String)],
    /// What is known of times.
    pub moments: &'a [Moment],
    /// Whether another listing stands before it.
    pub follows: bool,
}

impl<'a> ListedDump<'a> {
    /// A listing that stands alone.
    pub fn new(dump: &'a Dump, listing: &'a Listing) -> Self {
        Self { dump, listing, makers: &[], moments: &[], follows: false }
    }
}

impl Draw for ListedDump<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let Self { dump, listing, .. } = *self;
        if dump.error.is_none() {
            // An error is told on standard error, where a person sees it once.
            if self.follows && listing.prose() {
                canvas.gap()?;
            }
            listing.draw(dump, canvas)?;
            if listing.prose() {
                times::draw(self.moments, canvas)?;
            }
        }
        for (number, maker) in self.makers {
            canvas.gap()?;
            canvas.prose(0, &format!("{number} key: {maker}"))?;
        }
        Ok(())
    }
}

impl Listing {
    /// Whether nothing but the usual is asked for: no columns, no rows alone.
    pub fn is_usual(&self) -> bool {
        self.columns.is_empty() && self.prose()
    }

    /// Whether there is more than rows.
    fn prose(&self) -> bool {
        self.header && !self.quiet
    }

    fn draw(&self, dump: &Dump, canvas: &mut dyn Canvas) -> io::Result<()> {
        let prose = self.prose();
        if prose {
            about::draw(dump, self.verbose, canvas)?;
        }
        if dump.segments.is_empty() {
            return Ok(());
        }
        if prose {
            canvas.gap()?;
        }
        let style = canvas.style();
        let columns = if self.columns.is_empty() { Column::usual(dump) } else { self.columns.clone() };
        let chosen: Vec<_> = columns.iter().filter_map(|column| COLUMNS.get(column.0)).collect();
        let rows = dump.segments.iter().flat_map(|segment| {
            (0..).zip(&segment.attachments).map(move |(at, attachment)| Row {
                segment,
                attachment,
                first: at == 0,
                verbose: self.verbose,
            })
        });
        let grid = Grid {
            headings: chosen
                .iter()
                .map(|(heading, _)| if self.columns.is_empty() { *heading } else { heading.kept() })
                .collect(),
            rows: rows.map(|row| chosen.iter().map(|(_, cell)| cell(&row, style)).collect()).collect(),
            header: self.header,
        };
        let left_out = canvas.table(grid)?;
        if !prose {
            return Ok(());
        }
        unnamed::draw(dump, canvas)?;
        missing::draw(dump, canvas)?;
        filled::draw(dump, canvas)?;
        for (number, foreign) in
            dump.segments.iter().filter_map(|one| Some((one.number, one.foreign.as_ref()?)))
        {
            canvas.gap()?;
            canvas.prose(0, &foreign.sentence(number))?;
        }
        no_room(&left_out, canvas)?;
        if style.interactive {
            canvas.gap()?;
            canvas.line(0, &[(Tone::Faint, &format!("next: {}", next_step(dump)))])?;
        }
        Ok(())
    }
}

/// The rights of all of an attachment's mappings; with a `?` where the dump does not say them of each.
fn permissions(attachment: &Attachment) -> String {
    let mut known = attachment.mappings.iter().filter_map(|mapping| mapping.permissions.as_deref());
    let all_known = attachment.mappings.iter().all(|mapping| mapping.permissions.is_some());
    match known.next() {
        Some(first) if !known.all(|other| other == first) => "mixed".to_owned(),
        Some(first) if all_known => first.to_owned(),
        Some(first) => format!("{first}?"),
        None => "?".to_owned(),
    }
}

/// Which columns were left out of the table above.
pub(super) fn no_room(left_out: &[&str], canvas: &mut dyn Canvas) -> io::Result<()> {
    if left_out.is_empty() {
        return Ok(());
    }
    canvas.gap()?;
    canvas.line(0, &[(Tone::Faint, &format!("(no room for {})", left_out.join(", ")))])
}

/// The tone of a state.
pub(super) fn state_tone(state: State) -> Tone {
    match state {
        State::Whole => Tone::Good,
        State::Partial => Tone::Care,
        State::Absent | State::CutOff => Tone::Bad,
    }
}

/// The command that helps most with what this dump is about: the place of its fault, a segment that nobody can read yet, one that
/// is not whole, the fields of one that is known.
fn next_step(dump: &Dump) -> String {
    let path = Printable(dump.path.path.as_bytes());
    let show = |number: usize| {
        // A number that is a key of this dump, too, needs its mark, and the mark quotes.
        let segment = dump.segments.iter().find(|segment| segment.number == number);
        let word = segment.map_or_else(String::new, |segment| segment.word(dump));
        let word = if word.starts_with('#') { format!("'{word}'") } else { word };
        format!("coreinspect show {path} {word}")
    };
    let first = |wanted: &dyn Fn(&Segment) -> bool| {
        dump.segments.iter().find(|segment| wanted(segment)).map(|segment| segment.number)
    };
    let fault = dump.fault.as_ref().filter(|fault| fault.relation == "inside");
    if let Some((number, offset)) = fault.and_then(|fault| fault.segment.zip(fault.offset)) {
        return format!("{} --hex --at {:#x} --length 64", show(number), offset & !15);
    }
    let unknown = |segment: &Segment| {
        let content = segment.content.as_ref();
        segment.saved > 0 && content.is_some_and(|content| content.look.is_some())
    };
    if let Some(number) = first(&unknown) {
        return format!("{} --layout FILE.h:'struct NAME'", show(number));
    }
    match first(&|segment| segment.saved < segment.mapped) {
        Some(number) => format!("{} --map", show(number)),
        None => show(first(&|_| true).unwrap_or(1)),
    }
}

/// What a segment says, in a line: the sentence of its layout, or its fields.
fn content(segment: &Segment, verbose: bool, style: Style) -> Cell {
    let Some(content) = &segment.content else {
        return match segment.saved {
            0 => Cell::new("not in the dump").tone(Tone::Bad),
            _ => Cell::new(""),
        };
    };
    let sentence = content.summary.as_ref().filter(|_| !verbose && content.findings.is_empty());
    if let Some(sentence) = sentence {
        let sure = if content.confidence == Confidence::Likely { " (likely)" } else { "" };
        return Cell::new(format!("{}{sure}", Printable(sentence.as_bytes())));
    }
    match value::summary(content, style) {
        Some((text, tone)) => Cell::new(text).tone(tone),
        None => match &content.look {
            Some(look) => Cell::new(look::summary(look)).tone(Tone::Faint),
            None => Cell::new("no known layout").tone(Tone::Faint),
        },
    }
}
