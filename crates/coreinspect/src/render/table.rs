//! The listing of a dump: a line about the process, a row for each attachment, and what is missing, why, and what to do.

use std::io;

use super::canvas::{Canvas, Draw};
use super::grid::{Cell, Grid, Heading};
use super::printable::Printable;
use super::style::{Style, Tone};
use super::{about, filled, look, missing, times, unnamed, value};
use crate::kind::Kind;
use crate::report::{Attachment, Dump, Moment, Segment, State};

/// A column of the listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column(usize);

/// What a row is made from: an attachment of a segment, and whether it is the segment's first.
struct Row<'a> {
    segment: &'a Segment,
    attachment: &'a Attachment,
    first: bool,
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
            content(row.segment, style)
        } else {
            Cell::new(format!("{} attached again", row.segment.number)).tone(Tone::Faint)
        }
    }),
];

/// The columns of what only the kernel knows: most dumps have nothing for them.
const OF_THE_KERNEL: [&str; 5] = ["SHMID", "OWNER", "PERMS", "SIZE", "NATTCH"];

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
    /// The columns that a listing has unless others are asked for: of a dump those for which dumps have something, of a running
    /// process all but those that say the same of each (all of it is there).
    pub fn usual(dump: &Dump) -> Vec<Self> {
        let running = dump.kind == Some("process");
        let names =
            dump.segments.iter().any(|segment| segment.kind.is_some_and(|kind| kind != Kind::SystemV));
        let left_out = |name| match name {
            "KEY" => names,
            "NAME" | "KIND" => !names,
            _ if running => ["MAPPED", "SAVED"].contains(&name),
            _ => OF_THE_KERNEL.contains(&name),
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
        if !left_out.is_empty() {
            canvas.gap()?;
            canvas.line(0, &[(Tone::Faint, &format!("(no room for {})", left_out.join(", ")))])?;
        }
        if style.interactive {
            let path = Printable(dump.path.path.as_bytes());
            let first = dump.segments.first().map_or_else(String::new, |segment| segment.word(dump));
            let first = if first.starts_with('#') { format!("'{first}'") } else { first };
            let hint = format!("next: coreinspect show {path} {first} --hex");
            canvas.gap()?;
            canvas.line(0, &[(Tone::Faint, &hint)])?;
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

/// The tone of a state.
pub(super) fn state_tone(state: State) -> Tone {
    match state {
        State::Whole => Tone::Good,
        State::Partial => Tone::Care,
        State::Absent | State::CutOff => Tone::Bad,
    }
}

/// What a segment says, in a line.
fn content(segment: &Segment, style: Style) -> Cell {
    let Some(content) = &segment.content else {
        return match segment.saved {
            0 => Cell::new("not in the dump").tone(Tone::Bad),
            _ => Cell::new(""),
        };
    };
    match value::summary(content, style) {
        Some((text, tone)) => Cell::new(text).tone(tone),
        None => match &content.look {
            Some(look) => Cell::new(look::summary(look)).tone(Tone::Faint),
            None => Cell::new("no known layout").tone(Tone::Faint),
        },
    }
}
