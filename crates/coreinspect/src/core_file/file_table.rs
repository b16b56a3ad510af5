//! NT_FILE: which file each mapping was of.
//!
//! Linux fs/binfmt_elf.c `fill_files_note`: count and page size as longs; count times start, end and file offset
//! (in pages), as longs; then count NUL-ended names. gdb writes page size 1, so its offsets are bytes.

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
    claims_no_page: bool,
    row_size: usize,
    header: usize,
}

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
        let claims_no_page = page_size == 0;
        let page_size = if claims_no_page { true_page_size.ok_or("its page size is 0")? } else { page_size };
        Ok(Self { descriptor, machine, rows, page_size, claims_no_page, row_size, header })
    }

    /// The unit of the file offsets, bytes: the page size, or 1 from gdb.
    pub fn page_size(&self) -> u64 {
        self.page_size
    }

    /// The rows in the note's order, as far as they have a name. A row that does not end behind its start is left out.
    pub fn rows(&self) -> impl Iterator<Item = FileRow<'_>> + '_ {
        let mut names = self.reader_at(self.start_of_names());
        self.numbers().map_while(move |row| Some((row, names.c_string()?))).filter_map(
            |((start, end, page), name)| {
                Some(FileRow {
                    range: Interval::new(Address::new(start), Address::new(end))
                        .filter(|range| !range.is_empty())?,
                    offset: page.checked_mul(self.page_size),
                    name,
                })
            },
        )
    }

    /// What is wrong with the table, in words; `cut_off`: the file ends inside it.
    pub fn flaws(&self, cut_off: bool) -> Vec<String> {
        let mut flaws = Vec::new();
        if self.claims_no_page {
            flaws.push(format!("its page size is 0; that of AT_PAGESZ, {}, is used", self.page_size));
        }
        let empty = self.numbers().filter(|(start, end, _)| start >= end).count();
        if empty > 0 {
            flaws.push(format!(
                "{empty} of its {} mappings do not end behind their start; they are left out",
                self.rows
            ));
        }
        let names = self.descriptor.get(self.start_of_names()..).unwrap_or_default();
        let nameless = self.rows.saturating_sub(memchr::memchr_iter(0, names).count());
        if nameless > 0 {
            let why = if cut_off { "the file ends inside it" } else { "its names end too early" };
            flaws.push(format!("{why}: {nameless} of {} mappings have no name and are left out", self.rows));
        }
        flaws
    }

    /// Start, end and page of each row.
    fn numbers(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        let mut rows = self.reader_at(self.header);
        std::iter::from_fn(move || Some((rows.long()?, rows.long()?, rows.long()?))).take(self.rows)
    }

    fn start_of_names(&self) -> usize {
        self.header.saturating_add(self.rows.saturating_mul(self.row_size))
    }

    fn reader_at(&self, at: usize) -> Reader<'_> {
        Reader::new(self.descriptor.get(at..).unwrap_or_default(), self.machine)
    }
}
