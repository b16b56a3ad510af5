//! The map of a segment's pages, as squares.

use std::fmt::Write;

use super::text;
use crate::page_map::PageState;
use crate::report::PageMap;

/// The picture, what stands beside its rows, and what the colours mean.
pub(super) struct Pages {
    pub(super) about: String,
    pub(super) offsets: Vec<String>,
    pub(super) svg: String,
    pub(super) legend: Vec<(&'static str, &'static str, String)>,
}

/// Cells of a row.
const IN_A_ROW: usize = 64;
/// Rows whose offset stands beside them.
const MOST_OFFSETS: usize = 16;

/// How a state is painted, and what it is called.
fn painted(state: PageState) -> (&'static str, &'static str) {
    match state {
        PageState::Data => ("p-bin", "other bytes"),
        PageState::Text => ("p-text", "text (a guess)"),
        PageState::Pointers => ("p-ptr", "pointers (a guess)"),
        PageState::Zero => ("p-zero", "zeroes"),
        PageState::Filled => ("p-filled", "filled from elsewhere"),
        PageState::Differs => ("p-differs", "differs"),
        PageState::NotSaved => ("p-gone", "not in the dump"),
        PageState::CutOff => ("p-cut", "cut off"),
        PageState::Hole => ("p-hole", "no mapping"),
    }
}

impl Pages {
    /// The picture of `map`, with the fault at this offset.
    pub(super) fn of(map: &PageMap, fault: Option<u64>) -> Option<Self> {
        let cell = map.pages.cell;
        let cells: Vec<PageState> = map.pages.cells().collect();
        if cells.is_empty() || cell == 0 {
            return None;
        }
        let columns = cells.len().min(IN_A_ROW);
        // Few pages are large, many are small.
        let side = if columns < 24 { 26_usize } else { 16 };
        let rows = cells.len().div_ceil(IN_A_ROW);
        let (width, height) = (columns.saturating_mul(side), rows.saturating_mul(side));
        let mut svg = String::new();
        let (view_width, view_height) = (width.saturating_add(1), height.saturating_add(1));
        let _ = write!(
            svg,
            r#"<svg viewBox="-.5 -.5 {view_width} {view_height}" width="{width}" role="img" aria-label="{} cells of {}">"#,
            cells.len(),
            text::size(cell)
        );
        for (row, states) in cells.chunks(IN_A_ROW).enumerate() {
            let mut column = 0_usize;
            for run in states.chunk_by(|one, next| one == next) {
                let Some(state) = run.first() else { continue };
                let (class, name) = painted(*state);
                let first = row.saturating_mul(IN_A_ROW).saturating_add(column) as u64;
                let (start, length) = (first.saturating_mul(cell), (run.len() as u64).saturating_mul(cell));
                let (x, y) = (column.saturating_mul(side), row.saturating_mul(side));
                let wide = run.len().saturating_mul(side);
                let end = start.saturating_add(length);
                let _ = write!(
                    svg,
                    r#"<rect x="{x}" y="{y}" width="{wide}" height="{side}" class="{class}"><title>{start:#x} to {end:#x}: {name}</title></rect>"#
                );
                column = column.saturating_add(run.len());
            }
        }
        lines(&mut svg, (columns, rows), side);
        let at = fault.and_then(|fault| usize::try_from(fault.checked_div(cell)?).ok());
        if let Some(at) = at.filter(|at| *at < cells.len()) {
            let (row, column) = (at.checked_div(IN_A_ROW)?, at.checked_rem(IN_A_ROW)?);
            let inset = side / 4;
            let (x, y) = (
                column.saturating_mul(side).saturating_add(inset),
                row.saturating_mul(side).saturating_add(inset),
            );
            let arm = side.saturating_sub(inset.saturating_mul(2));
            let _ = write!(
                svg,
                r#"<path d="M{x} {y}l{arm} {arm}m0 -{arm}l-{arm} {arm}" class="cross"><title>the fault</title></path>"#
            );
        }
        svg.push_str("</svg>");
        let step = rows.div_ceil(MOST_OFFSETS).max(1);
        let offset = |row: usize| (row.saturating_mul(IN_A_ROW) as u64).saturating_mul(cell);
        Some(Self {
            about: format!(
                "{}, {} a cell, {IN_A_ROW} a row.",
                text::count(cells.len(), "cell"),
                text::size(cell)
            ),
            offsets: (0..rows).step_by(step).map(|row| format!("{:#x}", offset(row))).collect(),
            svg,
            legend: legend(map),
        })
    }
}

/// Lines between the cells, and a frame.
fn lines(svg: &mut String, (columns, rows): (usize, usize), side: usize) {
    let (width, height) = (columns.saturating_mul(side), rows.saturating_mul(side));
    svg.push_str(r#"<path class="lines" d=""#);
    for column in 1..columns {
        let _ = write!(svg, "M{} 0V{height}", column.saturating_mul(side));
    }
    for row in 1..rows {
        let _ = write!(svg, "M0 {}H{width}", row.saturating_mul(side));
    }
    let _ = write!(svg, r#""/><path d="M0 0H{width}V{height}H0Z" class="frame"/>"#);
}

fn legend(map: &PageMap) -> Vec<(&'static str, &'static str, String)> {
    let states = PageState::ALL.iter().filter_map(|state| {
        let runs = map.runs.iter().filter(|run| run.state == *state);
        let bytes = runs.map(|run| run.end.saturating_sub(run.start)).fold(0, u64::saturating_add);
        let (class, name) = painted(*state);
        (bytes > 0).then(|| (class, name, text::size(bytes)))
    });
    states.collect()
}
