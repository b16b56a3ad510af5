//! What to keep of a core that is read forward ([`Stream`]), told as soon as each part of the file allows.
//!
//! The program headers come first in every core. What lies in no PT_LOAD (notes, section headers, strings) is always
//! kept. The kernel and createdump write the notes next: NT_FILE is then known before any memory comes, and of that only
//! segments are kept. gcore and others write them last: until then any PT_LOAD may be a segment. Of a file only their
//! starts are kept, because it can be read once more; a pipe cannot, so they are kept whole.

use super::file_table::FileTable;
use super::header::{Header, ProgramHeaders};
use super::loads::Loads;
use crate::position::{Coverage, FileOffset, Interval, Position, SegmentOffset};
use crate::source::{Amount, Sampling, Stream};
use crate::writer::{Habits, Names, Writer};

/// Bytes at the start of what may be a segment that are kept until the notes tell: most layouts read no more.
const START_OF_A_LOAD: u64 = 64 << 10;
/// Bytes at the start of a segment that are kept for a listing.
const START_OF_A_SEGMENT: u64 = 1 << 20;
/// Bytes at the start of a mapped program that are kept: its headers and its build-id.
const HEAD_OF_A_PROGRAM: u64 = 8 << 10;
/// Bytes between and behind PT_LOADs that are kept of each gap.
const MOST_OF_A_GAP: u64 = 64 << 20;
/// How much further than to the last segment is read to see whether the dump is complete: bytes.
const TO_THE_END: u64 = 64 << 20;

/// The plan for one stream.
pub(crate) struct Plan<'a> {
    stream: &'a Stream,
    amount: Amount,
}

impl<'a> Plan<'a> {
    /// Begins: until the program headers are read nobody knows what will be needed.
    ///
    /// # Errors
    /// A limit of the stream is passed.
    pub(crate) fn new(stream: &'a Stream) -> std::io::Result<Self> {
        let amount = stream.amount();
        if stream.can_go_back() && amount != Amount::Everything {
            stream.keep(&Coverage::default(), None)?;
        }
        Ok(Self { stream, amount })
    }

    /// Between the program headers and the notes.
    ///
    /// # Errors
    /// A limit of the stream is passed.
    pub(crate) fn before_notes(&self, header: &Header, headers: &ProgramHeaders) -> std::io::Result<()> {
        if self.amount == Amount::Everything {
            return Ok(());
        }
        let mut wanted = gaps(&headers.loads);
        for notes in &headers.notes {
            wanted.add(notes.range, |_| ());
        }
        let first_memory = headers.loads.places().map(Interval::start).min();
        let before_memory = |place: FileOffset| first_memory.is_none_or(|memory| place < memory);
        // minicoredumper's notes come first, but the section that says what it saved stands behind the memory.
        let sections_last = header.section_headers.rows() > 1 && !before_memory(header.section_headers.at());
        let notes_first = !sections_last
            && !headers.notes.is_empty()
            && headers.notes.iter().all(|notes| before_memory(notes.range.start()));
        if !notes_first {
            let most = if self.stream.can_go_back() { START_OF_A_LOAD } else { u64::MAX };
            for load in headers.loads.places() {
                want_start(&mut wanted, load, most);
            }
        }
        self.stream.keep(&wanted, None)
    }

    /// When the notes are read: names the segments, and reads on as far as it takes to know what is there of them.
    ///
    /// # Errors
    /// A limit of the stream is passed.
    pub(crate) fn after_notes(
        &self,
        loads: &Loads,
        files: Option<&FileTable>,
        writer: Option<Writer>,
    ) -> std::io::Result<()> {
        let names = Habits::of(writer).names;
        // A table that has all others can lack the names of segments.
        let files = files.filter(|files| {
            names != Names::AllOrNone || files.rows().any(|row| row.name.starts_with(b"/SYSV"))
        });
        let everything = FileOffset::new(u64::MAX);
        if self.amount == Amount::Everything {
            return self.stream.reach(everything);
        }
        let starts_only = self.amount == Amount::Starts && self.stream.can_go_back();
        let most = if starts_only { START_OF_A_SEGMENT } else { u64::MAX };
        let mut wanted = gaps(loads);
        let mut whole = wanted.clone();
        let mut end = FileOffset::new(0);
        let mut want = |run: Interval<FileOffset>| {
            want_start(&mut wanted, run, most);
            whole.add(run, |_| ());
            end = end.max(run.end());
        };
        // Others leave out names of segments, which are then looked for by content: a file can be read once more for that.
        match files.filter(|_| names == Names::All || self.stream.can_go_back()) {
            Some(files) => {
                let segments = files.rows().filter(|row| self.stream.may_want(row.name));
                segments.flat_map(|row| loads.runs_of(row.range)).for_each(&mut want);
                for row in files.rows().filter(|row| row.offset == Some(0)) {
                    if let Some(run) = loads.runs_of(row.range).next() {
                        let head = Interval::clamped(run.start(), run.length().min(HEAD_OF_A_PROGRAM));
                        wanted.add(head, |_| ());
                        whole.add(head, |_| ());
                    }
                }
            }
            // Nobody knows which they are.
            None => loads.places().for_each(want),
        }
        self.stream.keep(&wanted, starts_only.then_some(&whole))?;
        if self.amount > Amount::Starts || !self.stream.size_is_known() {
            self.stream.reach(end)?;
        }
        if !self.stream.size_is_known() {
            let close = loads.promised_end().checked_sub(TO_THE_END).is_none_or(|near| near <= end);
            if close {
                self.stream.reach(loads.promised_end().checked_add(TO_THE_END).unwrap_or(everything))?;
            }
        }
        Ok(())
    }
}

/// Wants the first `most` bytes of `run`, and those behind them that a listing looks at.
fn want_start(wanted: &mut Coverage<FileOffset>, run: Interval<FileOffset>, most: u64) {
    let start = Interval::clamped(run.start(), run.length().min(most));
    wanted.add(start, |_| ());
    if start.length() < run.length() {
        // Places in a segment are multiples of a page, and so is where its run stands in it; not where that stands in the file.
        let offsets = Interval::clamped(SegmentOffset::new(0), run.length());
        for place in Sampling::LISTING.places(offsets) {
            if let Some(at) = run.start().checked_add(place.start().get()) {
                wanted.add(Interval::clamped(at, place.length()), |_| ());
            }
        }
    }
}

/// What lies in no PT_LOAD.
fn gaps(loads: &Loads) -> Coverage<FileOffset> {
    let mut covered = Coverage::default();
    loads.places().for_each(|load| covered.add(load, |_| ()));
    let mut gaps = Coverage::default();
    let mut at = FileOffset::new(0);
    for load in covered.intervals() {
        let gap = load.start().offset_from(at).unwrap_or(0);
        gaps.add(Interval::clamped(at, gap.min(MOST_OF_A_GAP)), |_| ());
        at = load.end();
    }
    gaps.add(Interval::clamped(at, MOST_OF_A_GAP), |_| ());
    gaps
}
