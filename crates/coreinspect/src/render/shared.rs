//! What several dumps share: a line a segment, those with copies that differ first.

use std::collections::BTreeSet;
use std::io;

use super::canvas::{Canvas, Draw};
use super::grid::{Cell, Grid, Heading};
use super::printable::Printable;
use super::style::{Style, Tone};
use crate::report::{PathText, Shared, SharedCopy, SharedSegment};

/// Dumps of which each copy gets a line of its own.
const FEW: usize = 4;
/// Outliers that are named.
const NAMED: usize = 5;

/// Nothing if the dumps share nothing.
impl Draw for Shared {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        match self.shared.is_empty() {
            true => Ok(()),
            false => draw(self, canvas),
        }
    }
}

fn draw(shared: &Shared, canvas: &mut dyn Canvas) -> io::Result<()> {
    let style = canvas.style();
    let count = shared.shared.len();
    let segments = if count == 1 { "1 segment".to_owned() } else { format!("{count} segments") };
    canvas.gap()?;
    canvas.heading(&[(Tone::Plain, &format!("{} dumps share {segments}:", shared.dumps))])?;
    canvas.gap()?;
    let heading = |name, right, dispensable| Heading { name, right, dispensable, breaks: false };
    let headings = vec![
        heading("KEY", false, 0),
        heading("DUMPS", true, 0),
        heading("MAPPED", true, 2),
        heading("BASES", true, 1),
        heading("PERM", false, 3),
        Heading { name: "BYTES", right: false, dispensable: 0, breaks: true },
    ];
    let rows = shared.shared.iter().map(|segment| row(segment, style)).collect();
    canvas.table(Grid { headings, rows, header: true })?;
    if shared.dumps <= FEW {
        for segment in &shared.shared {
            copies(segment, canvas)?;
        }
    }
    if shared.dumps > 2 && !shared.outliers.is_empty() {
        canvas.gap()?;
        for outlier in shared.outliers.iter().take(NAMED) {
            let text = format!(
                "{} differs from most in {} of {} segments",
                Printable(outlier.path.path.as_bytes()),
                outlier.differing,
                outlier.shared
            );
            canvas.prose(0, &text)?;
        }
        let more = shared.outliers.len().saturating_sub(NAMED);
        if more > 0 {
            canvas.line(0, &[(Tone::Faint, &format!("{more} more dumps differ"))])?;
        }
    }
    Ok(())
}

/// The name of a dump's file.
fn name(path: &PathText) -> String {
    let name = path.path.rsplit('/').next().unwrap_or(&path.path);
    Printable(name.as_bytes()).to_string()
}

fn row(segment: &SharedSegment, style: Style) -> Vec<Cell> {
    let attachments = || segment.copies.iter().flat_map(|copy| &copy.attachments);
    let bases: BTreeSet<_> = attachments().filter_map(|attachment| attachment.base).collect();
    let rights: BTreeSet<_> =
        attachments().map(|attachment| attachment.permissions.as_deref().unwrap_or("?")).collect();
    let mapped = segment.copies.iter().map(|copy| copy.mapped).max().unwrap_or(0);
    let (text, tone) = said(segment);
    vec![
        Cell::new(Printable(segment.label().as_bytes()).to_string()).tone(Tone::Name),
        Cell::new(segment.dumps.to_string()),
        Cell::new(style.size(mapped)),
        Cell::new(bases.len().to_string()),
        Cell::new(rights.into_iter().collect::<Vec<_>>().join(" ")),
        Cell::new(text).tone(tone),
    ]
}

/// How the copies of a segment differ, in a line.
fn said(segment: &SharedSegment) -> (String, Tone) {
    let mut differing: Vec<_> = segment.copies.iter().filter(|copy| copy.same == Some(false)).collect();
    differing.sort_by_key(|copy| std::cmp::Reverse(copy.different));
    let unknown = segment.copies.iter().filter(|copy| copy.same.is_none()).count();
    let lacking = match unknown {
        0 => String::new(),
        1 => "; 1 copy could not be compared".to_owned(),
        unknown => format!("; {unknown} copies could not be compared"),
    };
    match differing.as_slice() {
        [] if unknown >= segment.copies.len().saturating_sub(1) => {
            ("not compared: no byte is in two dumps".to_owned(), Tone::Care)
        }
        [] => (format!("the same{lacking}"), Tone::Good),
        [copy] => (format!("{} differs: {}{lacking}", name(&copy.path), amount(copy)), Tone::Bad),
        [copy, others @ ..] => {
            let text = format!(
                "{} differ, most {}: {}{lacking}",
                others.len().saturating_add(1),
                name(&copy.path),
                amount(copy)
            );
            (text, Tone::Bad)
        }
    }
}

/// How many bytes of a copy differ, and where the first do.
fn amount(copy: &SharedCopy) -> String {
    match (copy.different, copy.compared, copy.first) {
        (Some(different), Some(compared), Some(first)) => {
            format!("{different} of {compared} bytes, first {:#x}-{:#x}", first.start, first.end)
        }
        _ => "not compared byte by byte".to_owned(),
    }
}

fn copies(segment: &SharedSegment, canvas: &mut dyn Canvas) -> io::Result<()> {
    let label = segment.label();
    let key = &Printable(label.as_bytes()).to_string();
    let by = match segment.shmid {
        Some(shmid) if segment.matched_by == "shmid" => format!("shmid {shmid}"),
        _ if segment.matched_by == "name" => "by its name".to_owned(),
        _ => "by its key".to_owned(),
    };
    canvas.gap()?;
    canvas.heading(&[(Tone::Name, key), (Tone::Plain, &format!(" ({by})"))])?;
    let heading = |name, right, dispensable| Heading { name, right, dispensable, breaks: false };
    let headings = vec![
        heading("DUMP", false, 0),
        heading("PID", true, 2),
        heading("COMMAND", false, 3),
        heading("#", true, 0),
        heading("BASE", false, 1),
        heading("PERM", false, 0),
        Heading { name: "BYTES", right: false, dispensable: 0, breaks: true },
    ];
    let rows = segment.copies.iter().enumerate().flat_map(|(at, copy)| {
        let bytes = match copy.same {
            _ if segment.reference == Some(at) => Cell::new(format!("{}, the reference", copy.state)),
            Some(true) => Cell::new(format!("{}, the same", copy.state)).tone(Tone::Good),
            Some(false) => Cell::new(format!("{}, differs: {}", copy.state, amount(copy))).tone(Tone::Bad),
            None => Cell::new(format!("{}, not compared", copy.state)).tone(Tone::Care),
        };
        copy.attachments.iter().enumerate().map(move |(number, attachment)| {
            let first = number == 0;
            let text = |text: String| Cell::new(if first { text } else { String::new() });
            vec![
                text(name(&copy.path)),
                text(copy.pid.map_or("-".to_owned(), |pid| pid.to_string())),
                text(
                    copy.command.as_ref().map_or("-".to_owned(), |text| Printable(text.bytes()).to_string()),
                ),
                text(copy.segment.to_string()),
                Cell::new(attachment.base.map_or("-".to_owned(), |base| base.to_string())),
                Cell::new(attachment.permissions.clone().unwrap_or_else(|| "?".to_owned())),
                if first { bytes.clone() } else { Cell::new("attached again").tone(Tone::Faint) },
            ]
        })
    });
    canvas.table(Grid { headings, rows: rows.collect(), header: true }).map(drop)
}
