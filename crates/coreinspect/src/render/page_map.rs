//! The map of a segment's pages: a cell a page, or a power of two of them.

use std::io::{self, Write};

use super::canvas::Canvas;
use super::printable::Printable;
use super::style::{Style, Tone};
use crate::page_map::PageState;
use crate::report::PageMap;
use crate::types::value::{Kind, Value};

/// Cells of a row at most.
const MOST_IN_A_ROW: usize = 64;
const INDENT: usize = 2;
/// Ranges that are looked at for names.
const MOST_NAMES: usize = 4096;

/// A map, and what is marked on it.
pub(super) struct ShownMap<'a> {
    pub(super) map: &'a PageMap,
    /// The value whose parts are named above the cells.
    pub(super) value: Option<&'a Value>,
    /// The offset of the access that killed the process.
    pub(super) fault: Option<u64>,
}

impl ShownMap<'_> {
    /// Draws it: what a cell is, the rows, and a legend with counts.
    pub(super) fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let style = canvas.style();
        let cell = self.map.pages.cell;
        canvas
            .line(INDENT, &[(Tone::Plain, &format!("map: a cell is {} of the segment", style.size(cell)))])?;
        canvas.preformatted(&mut |style, out| self.rows(style, out))?;
        let mut counts = [0_u64; PageState::ALL.len()];
        for run in &self.map.runs {
            let at = PageState::ALL.iter().position(|state| *state == run.state);
            if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
                *count = count.saturating_add(run.end.saturating_sub(run.start));
            }
        }
        let told = PageState::ALL.iter().zip(counts).filter(|(_, bytes)| *bytes > 0);
        let mut told: Vec<_> = told
            .map(|(state, bytes)| format!("{} {} {}", sign(*state, style), name(*state), style.size(bytes)))
            .collect();
        told.extend(self.fault.map(|at| format!("{} fault at {at:#x}", fault_sign(style))));
        canvas.prose(INDENT, &told.join("   "))
    }

    fn rows(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        let cell = self.map.pages.cell;
        let end = self.map.pages.end().get();
        let cells: Vec<PageState> = self.map.pages.cells().collect();
        let label = format!("{end:#x}").len();
        let room =
            style.width.map_or(MOST_IN_A_ROW, |width| width.saturating_sub(INDENT + 2).saturating_sub(label));
        let in_a_row = (0..=6).rev().map(|power| 1_usize << power).find(|cells| *cells <= room).unwrap_or(1);
        let row_bytes = cell.saturating_mul(in_a_row as u64);
        let names = self.names(cell);
        let starts = (0_u64..).map(|row| row.saturating_mul(row_bytes));
        for (row, start) in cells.chunks(in_a_row).zip(starts) {
            let above = strip(&names, start, cell, row.len());
            if !above.is_empty() {
                writeln!(out, "{:INDENT$}{:label$}  {}", "", "", style.paint(Tone::Faint, above))?;
            }
            write!(out, "{:INDENT$}{:>label$}  ", "", format!("{start:#x}"))?;
            let mut cells = row.iter().peekable();
            while let Some(state) = cells.next() {
                let mut run = sign(*state, style).to_owned();
                while cells.next_if(|next| *next == state).is_some() {
                    run.push_str(sign(*state, style));
                }
                write!(out, "{}", style.paint(tone(*state), run))?;
            }
            writeln!(out)?;
            let inside = self.fault.and_then(|at| at.checked_sub(start)).filter(|inside| *inside < row_bytes);
            if let Some(inside) = inside {
                let column =
                    inside.checked_div(cell).and_then(|column| usize::try_from(column).ok()).unwrap_or(0);
                let sign = style.paint(Tone::Bad, fault_sign(style));
                writeln!(out, "{:INDENT$}{:label$}  {:column$}{sign}", "", "", "")?;
            }
        }
        Ok(())
    }

    /// Parts of the value with a name that fill a cell at least, the largest first: where they begin.
    fn names(&self, cell: u64) -> Vec<(u64, String)> {
        let mut found = Vec::new();
        let mut left: Vec<(String, &Value)> =
            self.value.map(|value| (String::new(), value)).into_iter().collect();
        while let Some((name, value)) = left.pop() {
            let (start, length) = (value.offsets.start().get(), value.offsets.length());
            if length >= cell && !name.is_empty() {
                found.push((length, start, name));
            }
            if let (Kind::Struct(members), true) = (&value.kind, found.len() < MOST_NAMES) {
                let names = members
                    .iter()
                    .map(|member| (Printable(member.name.as_bytes()).to_string(), &member.value));
                left.extend(names);
            }
        }
        found.sort_by_key(|(length, start, _)| (std::cmp::Reverse(*length), *start));
        found.into_iter().map(|(_, start, name)| (start, name)).collect()
    }
}

/// The names of what begins in a row of `cells` cells, each above its cell, as far as they have room.
fn strip(names: &[(u64, String)], start: u64, cell: u64, cells: usize) -> String {
    let mut line: Vec<Option<char>> = vec![None; cells];
    for (at, name) in names {
        let Some(column) = at.checked_sub(start).and_then(|at| at.checked_div(cell)) else { continue };
        let Some(column) = usize::try_from(column).ok().filter(|column| *column < cells) else { continue };
        let length = name.chars().count();
        let before = column.saturating_sub(1);
        let Some(room) = line.get_mut(before..column.saturating_add(length).saturating_add(1).min(cells))
        else {
            continue;
        };
        let fits = column.saturating_add(length) <= cells && room.iter().all(Option::is_none);
        if let (true, Some(place)) = (fits, line.get_mut(column..column.saturating_add(length))) {
            place.iter_mut().zip(name.chars()).for_each(|(place, char)| *place = Some(char));
        }
    }
    let line: String = line.into_iter().map(|char| char.unwrap_or(' ')).collect();
    line.trim_end().to_owned()
}

/// One column for a cell.
fn sign(state: PageState, style: Style) -> &'static str {
    let (unicode, ascii) = match state {
        PageState::Data => ("█", "#"),
        PageState::Text => ("T", "T"),
        PageState::Pointers => ("P", "P"),
        PageState::Zero => ("·", "."),
        PageState::Filled => ("▓", "+"),
        PageState::Differs => ("≠", "!"),
        PageState::NotSaved => ("╳", "x"),
        PageState::CutOff => ("▒", "/"),
        PageState::Hole => ("░", "_"),
    };
    if style.unicode { unicode } else { ascii }
}

fn fault_sign(style: Style) -> &'static str {
    if style.unicode { "▲" } else { "^" }
}

fn name(state: PageState) -> &'static str {
    match state {
        PageState::NotSaved => "not saved",
        PageState::CutOff => "cut off",
        PageState::Hole => "hole (not mapped)",
        PageState::Zero => "zero",
        state => state.word(),
    }
}

fn tone(state: PageState) -> Tone {
    match state {
        PageState::Data => Tone::Plain,
        PageState::Text | PageState::Pointers => Tone::Good,
        PageState::Zero | PageState::Hole => Tone::Faint,
        PageState::Filled | PageState::Differs => Tone::Care,
        PageState::NotSaved | PageState::CutOff => Tone::Bad,
    }
}
