//! One page to hand on: what dumps say, as HTML that needs no script and asks nothing of a network.
//!
//! The templates are files of HTML (`templates/`), which escape what they are given; what a dump says is printable before
//! that. Each picture (SVG) has a file here. A page has a most in bytes, whatever the dumps hold: sections beyond it are
//! left out, and the page says so.

mod dump;
mod held;
mod loupe;
mod pages;
mod paint;
mod redact;
mod references;
mod says;
mod segment;
mod shared;
mod strip;
mod text;
mod verdict;

use askama::Template;

use crate::error::Error;
use crate::inspection::Inspection;
use crate::report::Shared;
use held::Held;
pub(crate) use redact::Redaction;

/// Bytes of a page at most.
const MOST: usize = 2_000_000;
/// Bytes that are kept for the head, the table of dumps and the foot.
const AROUND: usize = 400_000;
/// Rows of the table of dumps at most.
const MOST_ROWS: usize = 800;

/// The style of every page, and the hash by which its policy admits it (Content Security Policy Level 3, 2.3.1).
const STYLE: &str = include_str!("../../templates/page.css");
const STYLE_HASH: &str = "sha256-Dq6W94FNgoeh3Kcz/O9ojk6AdSSlVEMIr88B+c0zzmU=";

/// A page in the making. Dumps are added one by one and need not stay in memory.
#[derive(Debug, Default)]
pub(crate) struct Page {
    redaction: Redaction,
    rows: Vec<Row>,
    rows_left_out: usize,
    sections: Vec<String>,
    shared: Vec<String>,
    length: usize,
    dumps: usize,
    unreadable: usize,
    segments: Held,
}

/// A row of the table of dumps.
#[derive(Debug)]
struct Row {
    link: Option<usize>,
    dump: String,
    process: String,
    ended_by: String,
    segment: String,
    bar: String,
    saved: String,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Whole<'a> {
    title: String,
    style: &'static str,
    style_hash: &'static str,
    version: &'static str,
    privacy: &'static str,
    rows: &'a [Row],
    rows_left_out: usize,
    shared: &'a [String],
    sections: &'a [String],
    removed: Vec<String>,
}

impl Page {
    /// A page that shows what `redaction` leaves.
    pub(crate) fn new(redaction: Redaction) -> Self {
        Self { redaction, ..Self::default() }
    }

    /// Adds what `inspection` shows: a row, and a section.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn add(&mut self, inspection: &mut Inspection) -> Result<(), Error> {
        self.dumps = self.dumps.saturating_add(1);
        self.unreadable = self.unreadable.saturating_add(usize::from(inspection.report().error.is_some()));
        let room = MOST.saturating_sub(AROUND).saturating_sub(self.length);
        let section = dump::section(inspection, self.dumps, room, &self.redaction)?;
        let linked = section.is_some();
        if let Some(section) = section {
            self.length = self.length.saturating_add(section.len());
            self.sections.push(section);
        }
        self.count(inspection, linked);
        Ok(())
    }

    fn count(&mut self, inspection: &Inspection, linked: bool) {
        self.segments.add(&inspection.report().segments);
        match self.rows.len() < MOST_ROWS {
            true => self.rows.push(dump::row(inspection.report(), linked.then_some(self.dumps))),
            false => self.rows_left_out = self.rows_left_out.saturating_add(1),
        }
    }

    /// Adds what the dumps share.
    pub(crate) fn compare(&mut self, shared: &Shared) {
        self.shared.extend(shared::section(shared));
    }

    /// A text of the contents that was removed and that `outside` would still show.
    pub(crate) fn shown_by(&self, outside: &str) -> Option<String> {
        self.redaction.shown_by(outside)
    }

    /// The page.
    pub(crate) fn finish(self) -> String {
        let whole = Whole {
            title: self.title(),
            style: STYLE,
            style_hash: STYLE_HASH,
            version: env!("CARGO_PKG_VERSION"),
            privacy: match self.redaction.on() {
                true => "What the segments hold was removed; structure, sizes and addresses stayed.",
                false => {
                    "It holds bytes of the dumps: whoever has it reads what the processes had in shared memory."
                }
            },
            rows: &self.rows,
            rows_left_out: self.rows_left_out,
            shared: &self.shared,
            sections: &self.sections,
            removed: self.redaction.removed(),
        };
        // A template that is given text alone does not fail.
        whole.render().unwrap_or_default()
    }

    fn title(&self) -> String {
        let dumps = text::count(self.dumps, "dump");
        let unreadable = match self.unreadable {
            0 => String::new(),
            unread => format!("; {unread} could not be read"),
        };
        match self.segments.words() {
            None => format!("{dumps}, no segment{unreadable}"),
            Some(segments) => format!("{dumps}, {segments}{unreadable}"),
        }
    }
}
