//! NT_FILE: which file each mapping was of.
//!
//! Linux fs/binfmt_elf.c `fill_files_note`: count and page size as longs; count times start, end and file offset
//! (in pages), as longs; then count NUL-ended names. gdb writes page size 1, so its offsets are bytes.
//!
//! What the two counts say is held against the rows. .NET Core 2's createdump and Breakpad's minidump-2-core write the page
//! size and offsets in bytes; a count that is too large would give each row a later name.

use super::reader::Reader;
use crate::machine::Machine;
use crate::position::{Address, Interval};
use crate::source::Table;

/// The note's bytes, checked: as many rows as it has whole.
#[derive(Clone, Debug)]
pub struct FileTable {
    descriptor: Table,
    machine: Machine,
    rows: usize,
    page_size: u64,
    flaws: Vec<String>,
    doubtful_unit: Option<String>,
    row_size: usize,
    header: usize,
    /// What stands behind the rows.
    names: Names,
}

/// Where the names end: they are looked for once, and not again for each that asks for the rows.
#[derive(Clone, Debug, Default)]
struct Names {
    /// The offset behind the start of the names of each one's NUL: of the first [`MOST_ENDS`], what a note claims is not believed
    /// with memory.
    ends: Vec<u32>,
    /// How many a NUL ends.
    ended: usize,
    /// How many of them are not empty.
    filled: usize,
}

/// Bytes of a name: no path that the kernel writes has more (PATH_MAX, linux/limits.h).
const LONGEST_NAME: usize = 4096;

/// Sixteen times the mappings that the kernel lets a process have by default.
const MOST_ENDS: usize = 1 << 20;

/// One mapping of a file.
#[derive(Clone, Copy, Debug)]
pub struct FileRow<'a> {
    /// Its addresses.
    pub range: Interval<Address>,
    /// Where in the file it begins, in bytes; `None` where the claimed page passes the end of every file.
    pub offset: Option<u64>,
    /// The file's name: bytes, not always UTF-8.
    pub name: &'a [u8],
}

impl FileTable {
    /// Reads the two counts and holds them against the bytes that are there. `true_page_size` is AT_PAGESZ, for a
    /// note that claims pages of 0 bytes.
    ///
    /// # Errors
    /// What is wrong, in words: the table is lost. A table whose names are cut off is read as far as they go.
    pub fn read(
        descriptor: Table,
        machine: Machine,
        cut_off: bool,
        true_page_size: Option<u64>,
    ) -> Result<Self, String> {
        let mut reader = Reader::new(&descriptor, machine);
        let (Some(count), Some(page_size)) = (reader.long(), reader.long()) else {
            return Err(format!("it has {} bytes, too few for its two counts", descriptor.len()));
        };
        let row_size = machine.class.long().saturating_mul(3);
        let left = reader.rest().len();
        // A row is three longs and a name of at least its NUL.
        let fitting = left.checked_div(row_size.saturating_add(1)).unwrap_or(0);
        let rows = match usize::try_from(count) {
            Ok(rows) if rows <= fitting => rows,
            Ok(rows) if cut_off && rows.saturating_mul(row_size) <= left => rows,
            _ if cut_off => return Err(format!("the file ends before the names of its {count} rows")),
            _ => {
                return Err(format!(
                    "it claims {count} rows; its {} bytes hold at most {fitting}",
                    descriptor.len()
                ));
            }
        };
        let header = machine.class.long().saturating_mul(2);
        let claimed = page_size;
        let page_size = if claimed == 0 { true_page_size.ok_or("its page size is 0")? } else { claimed };
        let mut this = Self {
            descriptor,
            machine,
            rows,
            page_size,
            flaws: Vec::new(),
            doubtful_unit: None,
            row_size,
            header,
            names: Names::default(),
        };
        this.names = this.count_names();
        if claimed == 0 {
            this.flaws.push(format!("its page size is 0; that of AT_PAGESZ, {page_size}, is used"));
        }
        if !cut_off {
            this.hold_count()?;
        }
        this.hold_unit(true_page_size);
        Ok(this)
    }

    /// Holds the count against the names. Where it is too large, text is taken for rows, and every row for that of a later
    /// name: then it is the rows before the first that cannot be one, if there are just as many names behind them.
    fn hold_count(&mut self) -> Result<(), String> {
        /// Every page of Linux has this many bytes, or a multiple.
        const PAGE: u64 = 4096;
        if self.names.filled >= self.rows {
            return Ok(());
        }
        let mut numbers = self.numbers();
        let odd =
            numbers.position(|(start, end, _)| !(start.is_multiple_of(PAGE) && end.is_multiple_of(PAGE)));
        drop(numbers);
        let Some(rows) = odd else { return Ok(()) };
        let claimed = std::mem::replace(&mut self.rows, rows);
        self.names = self.count_names();
        if self.names.filled != rows {
            return Err(format!("it claims {claimed} rows, and fewer have names: which is whose is lost"));
        }
        self.flaws.push(format!("it claims {claimed} rows; {rows} are there, and as many names"));
        Ok(())
    }

    /// How many names stand behind the rows.
    fn count_names(&self) -> Names {
        let names = self.descriptor.get(self.start_of_names()..).unwrap_or_default();
        let (mut count, mut start) = (Names::default(), 0);
        for end in memchr::memchr_iter(0, names) {
            if let Some(end) = u32::try_from(end).ok().filter(|_| count.ends.len() < MOST_ENDS) {
                count.ends.push(end);
            }
            count.ended = count.ended.saturating_add(1);
            count.filled = count.filled.saturating_add(usize::from(end > start));
            start = end.saturating_add(1);
        }
        count
    }

    /// Holds the unit of the offsets against rows of one file that are parts of one mapping: their offsets differ by as
    /// much as their addresses.
    fn hold_unit(&mut self, true_page_size: Option<u64>) {
        /// Every program has such rows, and they come early.
        const ROWS: usize = 1024;
        let units = [self.page_size, 1, true_page_size.unwrap_or(1)];
        let mut fits = [0_usize; 3];
        let mut last: Option<(&[u8], u64, u64)> = None;
        for (row, page) in self.pages().take(ROWS) {
            let start = row.range.start().get();
            if let Some((name, before, page_before)) = last
                && name == row.name
                && page != page_before
            {
                let apart = start.wrapping_sub(before);
                let pages = page.wrapping_sub(page_before);
                for (fits, unit) in fits.iter_mut().zip(units) {
                    *fits = fits.saturating_add(usize::from(pages.wrapping_mul(unit) == apart));
                }
            }
            last = Some((row.name, start, page));
        }
        let [claimed, rest @ ..] = fits;
        let better = rest.iter().zip(units.iter().skip(1)).find(|(fits, _)| claimed == 0 && **fits > 0);
        if let Some((_, unit)) = better {
            self.doubtful_unit = Some(format!(
                "its offsets are said to count {} bytes; the rows of one file differ as if they counted {unit}, which is \
                 believed",
                self.page_size
            ));
            self.page_size = *unit;
        }
    }

    /// The unit of the file offsets, bytes: the page size, or 1 from gdb.
    pub fn page_size(&self) -> u64 {
        self.page_size
    }

    /// The rows in the note's order, as far as they have a name. A row that does not end behind its start is left out.
    pub fn rows(&self) -> impl Iterator<Item = FileRow<'_>> + '_ {
        self.pages().map(|(row, _)| row)
    }

    /// The same rows, each with its offset as it stands in the note.
    fn pages(&self) -> impl Iterator<Item = (FileRow<'_>, u64)> + '_ {
        let names = self.descriptor.get(self.start_of_names()..).unwrap_or_default();
        let (mut ends, mut start) = (self.names.ends.iter(), 0_usize);
        let names = std::iter::from_fn(move || {
            let rest = names.get(start..)?;
            let length = match ends.next() {
                Some(end) => usize::try_from(*end).ok()?.checked_sub(start)?,
                None => memchr::memchr(0, rest)?,
            };
            start = start.saturating_add(length).saturating_add(1);
            rest.get(..length)
        });
        self.numbers().zip(names).filter_map(|((start, end, page), name)| {
            let range = Interval::new(Address::new(start), Address::new(end))?;
            // Hundreds of rows that say where a pointer leads each have the name.
            let name = name.get(..LONGEST_NAME).unwrap_or(name);
            let row = FileRow { range, offset: page.checked_mul(self.page_size), name };
            (!range.is_empty()).then_some((row, page))
        })
    }

    /// Their addresses alone, in the note's order.
    pub fn ranges(&self) -> impl Iterator<Item = Interval<Address>> + '_ {
        let ranges = self.numbers().take(self.names.ended);
        ranges
            .filter_map(|(start, end, _)| Interval::new(Address::new(start), Address::new(end)))
            .filter(|range| !range.is_empty())
    }

    /// Why the unit that the note names is not believed, in words.
    pub fn doubtful_unit(&self) -> Option<&str> {
        self.doubtful_unit.as_deref()
    }

    /// What is wrong with the table, in words; `cut_off`: the file ends inside it.
    pub fn flaws(&self, cut_off: bool) -> Vec<String> {
        let mut flaws = self.flaws.clone();
        let empty = self.numbers().filter(|(start, end, _)| start >= end).count();
        if empty > 0 {
            flaws.push(format!(
                "{empty} of its {} mappings do not end behind their start; they are left out",
                self.rows
            ));
        }
        let nameless = self.rows.saturating_sub(self.names.ended);
        if nameless > 0 {
            let why = if cut_off { "the file ends inside it" } else { "its names end too early" };
            flaws.push(format!("{why}: {nameless} of {} mappings have no name and are left out", self.rows));
        }
        flaws
    }

    /// Start, end and page of each row.
    fn numbers(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        let rows = self.descriptor.get(self.header..).unwrap_or_default();
        rows.chunks_exact(self.row_size).take(self.rows).map_while(|row| {
            let mut row = Reader::new(row, self.machine);
            Some((row.long()?, row.long()?, row.long()?))
        })
    }

    fn start_of_names(&self) -> usize {
        self.header.saturating_add(self.rows.saturating_mul(self.row_size))
    }
}
