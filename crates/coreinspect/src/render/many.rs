//! Many dumps in one run: how they ended, a row a dump, and which fields they differ in. Of a dump nothing is kept but its row.

use std::collections::BTreeMap;
use std::io;

use super::canvas::{Canvas, Draw};
use super::grid::{Cell, Grid, Heading};
use super::json::Data;
use super::output::Shown;
use super::printable::Printable;
use super::style::{Style, Tone};
use super::value::scalar;
use crate::report::{Dump, Shared};
use crate::types::value::{Kind, Value};

/// Fields of a dump that are held against those of others.
const MOST_FIELDS: usize = 2_000;
/// Fields that are kept of all dumps.
const MOST_KEPT: usize = 20_000;
/// Values of a field that are told; a field with more differs in nearly every dump.
const MOST_VALUES: usize = 4;
/// Fields that are told.
const MOST_TOLD: usize = 40;
/// Dumps that are named at once.
const MOST_NAMED: usize = 3;

/// What is kept of dumps as they come.
#[derive(Debug, Default)]
pub struct ManyDumps {
    rows: Vec<Row>,
    /// By segment and field: each value, and the dumps that have it.
    fields: BTreeMap<(String, String), BTreeMap<String, Vec<usize>>>,
    shared: Shared,
}

#[derive(Debug)]
struct Row {
    name: String,
    pid: String,
    command: String,
    ended: String,
    segments: String,
    missing: u64,
    /// Bytes that differ from what most dumps have; `None` where nothing was compared.
    different: Option<u64>,
}

impl ManyDumps {
    /// Adds the next dump.
    pub fn add(&mut self, dump: &Dump) {
        let index = self.rows.len();
        self.rows.push(Row::of(dump));
        for segment in &dump.segments {
            let value = segment.content.as_ref().and_then(|content| content.value.as_ref());
            // IPC_PRIVATE is the key of any segment.
            let Some(value) = value.filter(|_| segment.private != Some(true)) else { continue };
            let name = segment.key.clone().unwrap_or_else(|| format!("segment {}", segment.number));
            for (path, value) in scalars(&value.0) {
                let full = self.fields.len() >= MOST_KEPT;
                let key = (name.clone(), path);
                if full && !self.fields.contains_key(&key) {
                    continue;
                }
                self.fields.entry(key).or_default().entry(value).or_default().push(index);
            }
        }
    }

    /// Adds what the dumps share, once all of them were read.
    pub fn share(&mut self, shared: Shared) {
        for copy in shared.shared.iter().flat_map(|segment| &segment.copies) {
            let told = copy.different.or((copy.same == Some(true)).then_some(0));
            if let (Some(bytes), Some(row)) = (told, self.rows.get_mut(copy.dump)) {
                row.different = Some(row.different.unwrap_or(0).saturating_add(bytes));
            }
        }
        self.shared = shared;
    }

    fn name(&self, index: usize) -> &str {
        self.rows.get(index).map_or("?", |row| &row.name)
    }

    /// The first few of these dumps by name.
    fn names(&self, dumps: &[usize]) -> String {
        let mut named: Vec<_> =
            dumps.iter().take(MOST_NAMED).map(|index| self.name(*index).to_owned()).collect();
        let more = dumps.len().saturating_sub(MOST_NAMED);
        named.extend((more > 0).then(|| format!("{more} more")));
        named.join(", ")
    }
}

impl Row {
    fn of(dump: &Dump) -> Self {
        let name = dump.path.path.rsplit('/').find(|name| !name.is_empty()).unwrap_or(&dump.path.path);
        let process = &dump.process;
        let unknown = || "-".to_owned();
        let missing = dump.segments.iter().map(|segment| segment.mapped.saturating_sub(segment.saved));
        Self {
            name: Printable(name.as_bytes()).to_string(),
            pid: process.pid.map_or_else(unknown, |pid| pid.to_string()),
            command: process
                .command
                .as_ref()
                .map_or_else(unknown, |name| Printable(name.bytes()).to_string()),
            ended: ended(dump),
            segments: if dump.error.is_some() { unknown() } else { dump.segments.len().to_string() },
            missing: missing.fold(0, u64::saturating_add),
            different: None,
        }
    }
}

/// How a process ended, so that those that ended alike read alike.
fn ended(dump: &Dump) -> String {
    if dump.error.is_some() {
        return "could not be read".to_owned();
    }
    let signal = dump.process.signal.map(|signal| match signal.name {
        Some(name) => name.to_owned(),
        None => format!("signal {}", signal.number),
    });
    let signal = signal.unwrap_or_else(|| "alive".to_owned());
    let fault = dump.fault.as_ref().and_then(|fault| {
        let segment =
            fault.segment.and_then(|number| dump.segments.iter().find(|one| one.number == number))?;
        let name = segment.key.clone().unwrap_or_else(|| format!("segment {}", segment.number));
        Some(match (fault.relation, fault.offset) {
            ("inside", Some(offset)) => format!(" in {name} at offset {offset:#x}"),
            ("past-end", _) => format!(" past the end of {name}"),
            ("before-start", _) => format!(" before the start of {name}"),
            _ => format!(" in {name}"),
        })
    });
    signal + &fault.unwrap_or_default()
}

/// The paths and values of what has no parts.
fn scalars(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![(String::new(), value)];
    while let Some((path, value)) = left.pop() {
        match &value.kind {
            Kind::Struct(members) => left.extend(members.iter().rev().map(|member| {
                let name = Printable(member.name.as_bytes());
                (if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }, &member.value)
            })),
            Kind::Array(elements, _) => left.extend(
                elements.iter().enumerate().rev().map(|(at, element)| (format!("{path}[{at}]"), element)),
            ),
            _ => found.push((path, scalar(value, Style::default()))),
        }
        if found.len() >= MOST_FIELDS {
            break;
        }
    }
    found
}

impl Shown for ManyDumps {
    fn data(&self) -> &dyn Data {
        &self.shared
    }
}

const fn heading(name: &'static str, right: bool, dispensable: u8) -> Heading {
    Heading { name, right, dispensable, breaks: false }
}

const fn last(name: &'static str) -> Heading {
    Heading { name, right: false, dispensable: 0, breaks: true }
}

impl Draw for ManyDumps {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        self.endings(canvas)?;
        self.dumps(canvas)?;
        self.differing(canvas)?;
        self.shared.draw(canvas)?;
        canvas.gap()?;
        canvas.line(0, &[(Tone::Faint, "(--each lists the segments of every dump)")])
    }
}

impl ManyDumps {
    /// Dumps that ended alike, the most common end first.
    fn endings(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let mut alike = BTreeMap::<&str, Vec<usize>>::new();
        for (index, row) in self.rows.iter().enumerate() {
            alike.entry(&row.ended).or_default().push(index);
        }
        let mut alike: Vec<_> = alike.into_iter().collect();
        alike.sort_by_key(|(_, dumps)| std::cmp::Reverse(dumps.len()));
        canvas.heading(&[(
            Tone::Plain,
            &format!("{} dumps, by how their processes ended:", self.rows.len()),
        )])?;
        canvas.gap()?;
        let rows = alike.iter().map(|(ended, dumps)| {
            vec![Cell::new(dumps.len().to_string()), Cell::new(*ended), Cell::new(self.names(dumps))]
        });
        let headings = vec![heading("COUNT", true, 0), heading("ENDED BY", false, 0), last("DUMPS")];
        canvas.table(Grid { headings, rows: rows.collect(), header: true }).map(drop)
    }

    /// A row a dump, those that differ most from the others first.
    fn dumps(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let style = canvas.style();
        let mut order: Vec<_> = self.rows.iter().collect();
        // Stable: those that differ alike stay in the order in which they were named.
        order.sort_by_key(|row| std::cmp::Reverse(row.different.unwrap_or(0)));
        let rows = order.into_iter().map(|row| {
            let differs = row.different;
            let tone = if differs.is_some_and(|bytes| bytes > 0) { Tone::Care } else { Tone::Plain };
            let missing = if row.missing > 0 { Tone::Bad } else { Tone::Plain };
            vec![
                Cell::new(row.name.clone()).tone(Tone::Name),
                Cell::new(row.pid.clone()),
                Cell::new(row.command.clone()),
                Cell::new(row.segments.clone()),
                Cell::new(style.size(row.missing)).tone(missing),
                Cell::new(differs.map_or_else(|| "?".to_owned(), |bytes| bytes.to_string())).tone(tone),
                Cell::new(row.ended.clone()),
            ]
        });
        let headings = vec![
            heading("DUMP", false, 0),
            heading("PID", true, 2),
            heading("COMMAND", false, 3),
            heading("SEGMENTS", true, 4),
            heading("MISSING", true, 1),
            heading("DIFFERS", true, 0),
            last("ENDED BY"),
        ];
        canvas.gap()?;
        canvas.table(Grid { headings, rows: rows.collect(), header: true }).map(drop)
    }

    /// Fields in which some dumps differ from the others; those in which nearly all do are named alone.
    fn differing(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let differing = || self.fields.iter().filter(|(_, values)| values.len() > 1);
        let few = |values: &BTreeMap<String, Vec<usize>>| values.len() <= MOST_VALUES;
        let told: Vec<_> = differing().filter(|(_, values)| few(values)).collect();
        let everywhere: Vec<_> =
            differing().filter(|(_, values)| !few(values)).map(|((_, path), _)| path.as_str()).collect();
        if !told.is_empty() {
            let rows = told.iter().take(MOST_TOLD).map(|((segment, path), values)| {
                let mut values: Vec<_> = values.iter().collect();
                values.sort_by_key(|(_, dumps)| std::cmp::Reverse(dumps.len()));
                let mut text = Vec::new();
                for (at, (value, dumps)) in values.into_iter().enumerate() {
                    text.push(match at {
                        0 => format!("{value} in {}", dumps.len()),
                        _ => format!("{value} in {} ({})", dumps.len(), self.names(dumps)),
                    });
                }
                vec![
                    Cell::new(segment.clone()).tone(Tone::Name),
                    Cell::new(path.clone()),
                    Cell::new(text.join("; ")),
                ]
            });
            let headings = vec![heading("SEGMENT", false, 1), heading("FIELD", false, 0), last("VALUES")];
            canvas.gap()?;
            canvas.table(Grid { headings, rows: rows.collect(), header: true })?;
            let more = told.len().saturating_sub(MOST_TOLD);
            if more > 0 {
                canvas.line(0, &[(Tone::Faint, &format!("{more} more fields differ"))])?;
            }
        }
        if !everywhere.is_empty() {
            let more = everywhere.len().saturating_sub(MOST_TOLD);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            let named = everywhere.iter().take(MOST_TOLD).copied().collect::<Vec<_>>().join(", ");
            canvas.gap()?;
            canvas.prose(0, &format!("differ in nearly every dump: {named}{more}"))?;
        }
        Ok(())
    }
}
