//! The ELF header, and where it says that the two tables are (elf(5); gABI chapter 4).

use goblin::elf::header::{ET_CORE, Header as ElfHeader};
use goblin::elf::program_header::{PT_LOAD, PT_NOTE};
use goblin::elf::section_header::SectionHeader;
use scroll::Pread;

use super::foreign;
use super::loads::Loads;
use super::reader::{Reader, goblin_context};
use crate::error::{Error, Warnings};
use crate::machine::{ByteOrder, Class, Machine};
use crate::position::{FileOffset, Interval, Position};
use crate::source::{Format, Source};

/// `e_phnum` when the count stands in section header 0 (elf(5), PN_XNUM).
const PN_XNUM: u16 = 0xffff;

/// Rows that are read at most: sixteen times the mappings that vm.max_map_count lets anybody have in practice. A
/// claim beyond it would only make us read a sparse file's zeroes for minutes.
const MOST_ROWS: u64 = 1 << 24;

/// A table in the file: rows of equal size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    at: FileOffset,
    rows: u64,
    row_size: u64,
}

/// The parts of the ELF header that say how to read the rest.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// Machine, class, byte order.
    pub machine: Machine,
    /// The program headers.
    pub program_headers: Table,
    /// The section headers; most cores have none.
    pub section_headers: Table,
    /// e_shstrndx: which section holds the sections' names.
    pub section_names: u64,
}

/// The program headers that matter: PT_LOAD and PT_NOTE.
#[derive(Debug, Default)]
pub(crate) struct ProgramHeaders {
    /// The PT_LOADs.
    pub loads: Loads,
    /// PT_NOTE, in the file's order.
    pub notes: Vec<NoteSegment>,
    /// Whether the first PT_NOTE stands before the first PT_LOAD, in the table.
    pub notes_first: bool,
    /// p_align of the PT_LOADs, where all agree.
    pub load_align: Option<u64>,
    /// The highest p_offset of a PT_LOAD with bytes.
    pub last_memory: Option<u64>,
}

/// One PT_LOAD: a run of memory, and where its bytes stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// p_vaddr.
    pub address: u64,
    /// p_memsz, bytes.
    pub memory_size: u64,
    /// p_offset.
    pub offset: u64,
    /// p_filesz, bytes.
    pub file_size: u64,
    /// p_flags: PF_R, PF_W, PF_X.
    pub flags: u32,
}

/// A row of the table, whatever it is of.
struct ProgramHeader {
    /// p_type.
    kind: u32,
    /// p_align.
    align: u64,
    load: Load,
}

impl ProgramHeader {
    /// Elf32_Phdr or Elf64_Phdr (elf(5)), read in place: a dump can have 65,536 and more. `None`: the row is cut off.
    fn read(mut row: Reader<'_>, class: Class) -> Option<Self> {
        let kind = row.u32()?;
        let flags_first = if class == Class::Bits64 { row.u32()? } else { 0 };
        let (offset, address, _physical) = (row.long()?, row.long()?, row.long()?);
        let (file_size, memory_size) = (row.long()?, row.long()?);
        let flags = if class == Class::Bits64 { flags_first } else { row.u32()? };
        let load = Load { address, memory_size, offset, file_size, flags };
        Some(Self { kind, align: row.long()?, load })
    }
}

/// One PT_NOTE: where its notes stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoteSegment {
    /// Its place in the file, as claimed.
    pub range: Interval<FileOffset>,
    /// p_align.
    pub align: u64,
}

impl Header {
    /// Reads the header, and section header 0 where the count of program headers stands there.
    ///
    /// # Errors
    /// [`Error::NotACore`], [`Error::CutOff`] inside the header, [`Error::BadHeader`].
    pub(crate) fn read(source: &dyn Source, warnings: &mut Warnings) -> Result<Self, Error> {
        // Enough to tell what it is, if it is something else.
        let start = source
            .bytes(Interval::clamped(FileOffset::new(0), 512))
            .map_err(|source| Error::Read { what: "the ELF header", at: FileOffset::new(0), source })?;
        let bad = |what: String, at: u64| Error::BadHeader { what, at: FileOffset::new(at) };
        match Format::of_start(&start) {
            Format::ElfCore => {}
            format => return Err(Error::NotACore { format }),
        }
        if let Some(format) = start.get(7).and_then(|os_abi| foreign::of_system(*os_abi)) {
            return Err(Error::NotACore { format });
        }
        let wanted = if start.get(4) == Some(&1) { 52 } else { 64 };
        if start.len() < wanted {
            return Err(Error::CutOff {
                what: "inside the ELF header",
                at: FileOffset::new(start.len() as u64),
            });
        }
        let class = match start.get(4) {
            Some(1) => Class::Bits32,
            Some(2) => Class::Bits64,
            other => {
                return Err(bad(
                    format!("class {} is neither 1 (32-bit) nor 2 (64-bit)", other.copied().unwrap_or(0)),
                    4,
                ));
            }
        };
        let byte_order = match start.get(5) {
            Some(1) => ByteOrder::Little,
            Some(2) => ByteOrder::Big,
            other => {
                return Err(bad(
                    format!("byte order {} is neither 1 (little) nor 2 (big)", other.copied().unwrap_or(0)),
                    5,
                ));
            }
        };
        let mut whole = [0; 64];
        whole.iter_mut().zip(start.iter()).for_each(|(to, from)| *to = *from);
        let header: ElfHeader = goblin::elf::Elf::parse_header(&whole)
            .map_err(|error| bad(format!("the ELF header: {error}"), 0))?;
        if header.e_type != ET_CORE {
            return Err(bad(format!("e_type {} is not 4 (core)", header.e_type), 16));
        }
        let machine = Machine { number: header.e_machine, class, byte_order };
        let (row_size, section_row_size) = match class {
            Class::Bits32 => (32, 40),
            Class::Bits64 => (56, 64),
        };
        let (size_field, count_field) = if class == Class::Bits32 { (42, 44) } else { (54, 56) };
        if header.e_phnum == 0 {
            return Err(bad("it has no program headers, so no memory".to_owned(), count_field));
        }
        if u64::from(header.e_phentsize) < row_size {
            let what = format!("program headers of {} bytes; {row_size} are needed", header.e_phentsize);
            return Err(bad(what, size_field));
        }
        let section_headers = Table {
            at: FileOffset::new(header.e_shoff),
            rows: if header.e_shoff == 0 { 0 } else { u64::from(header.e_shnum) },
            row_size: u64::from(header.e_shentsize).max(section_row_size),
        };
        let mut this = Self {
            machine,
            program_headers: Table {
                at: FileOffset::new(header.e_phoff),
                rows: u64::from(header.e_phnum),
                row_size: u64::from(header.e_phentsize),
            },
            section_headers,
            section_names: u64::from(header.e_shstrndx),
        };
        if header.e_phnum == PN_XNUM {
            this.program_headers.rows = this.extended_count(source, header.e_shoff, count_field, warnings);
        }
        Ok(this)
    }

    /// With PN_XNUM: sh_info of section header 0. Without that header the table is read as far as 65,535 rows.
    fn extended_count(&self, source: &dyn Source, at: u64, field: u64, warnings: &mut Warnings) -> u64 {
        let first = Table { rows: 1, ..self.section_headers };
        let count = (at != 0).then(|| first.section_header(source, self.machine, 0)).flatten();
        match count {
            Some(header) if header.sh_info != 0 => u64::from(header.sh_info),
            _ => {
                warnings.push("program-header-count", || format!(
                        "e_phnum at offset {field:#x} says that section header 0 (at {at:#x}) has the count of program \
                         headers, but it does not: the first 65535 are read"
                    ));
                u64::from(PN_XNUM)
            }
        }
    }

    /// Reads the table of program headers as far as the file goes.
    ///
    /// # Errors
    /// [`Error::CutOff`] if not one row is there; [`Error::BadHeader`] if the table lies outside every file.
    pub(crate) fn program_headers(
        &self,
        source: &dyn Source,
        warnings: &mut Warnings,
    ) -> Result<ProgramHeaders, Error> {
        let table = self.program_headers;
        let rows = table.rows.min(MOST_ROWS);
        let range = table.range(rows).ok_or_else(|| Error::BadHeader {
            what: format!("the table of program headers is said to stand at {}", table.at),
            at: FileOffset::new(if self.machine.class == Class::Bits32 { 28 } else { 32 }),
        })?;
        let bytes = source.bytes(range).map_err(|source| Error::Read {
            what: "the program headers",
            at: table.at,
            source,
        })?;
        let row_size = usize::try_from(table.row_size).unwrap_or(usize::MAX);
        let mut headers = ProgramHeaders::default();
        let mut any_load = false;
        let mut read = 0_u64;
        // Of rows that are there: mostly all are PT_LOADs.
        headers.loads.reserve(bytes.len().checked_div(row_size).unwrap_or(0));
        for row in bytes.chunks(row_size) {
            let Some(header) = ProgramHeader::read(Reader::new(row, self.machine), self.machine.class) else {
                break;
            };
            read = read.saturating_add(1);
            match header.kind {
                PT_LOAD => {
                    let align = Some(header.align);
                    headers.load_align = align.filter(|_| !any_load || headers.load_align == align);
                    any_load = true;
                    if header.load.file_size > 0 {
                        headers.last_memory = headers.last_memory.max(Some(header.load.offset));
                    }
                    headers.loads.add(&header.load);
                }
                PT_NOTE => {
                    headers.notes_first |= !any_load;
                    headers.notes.push(NoteSegment {
                        range: Interval::clamped(FileOffset::new(header.load.offset), header.load.file_size),
                        align: header.align,
                    });
                }
                _ => {}
            }
        }
        if read == 0 {
            let what = if table.at.get() > source.size() {
                "before its program headers"
            } else {
                "inside its first program header"
            };
            return Err(Error::CutOff { what, at: FileOffset::new(source.size()) });
        }
        if read < table.rows {
            let why =
                if rows < table.rows && read == rows { "more are not read" } else { "the file ends there" };
            warnings.push("program-headers", || {
                format!("only {read} of the {} program headers at {} are known: {why}", table.rows, table.at)
            });
        }
        headers.loads.finish(warnings);
        Ok(headers)
    }
}

impl Table {
    fn range(self, rows: u64) -> Option<Interval<FileOffset>> {
        Interval::with_length(self.at, rows.checked_mul(self.row_size)?)
    }

    /// Where it is said to stand.
    pub(crate) fn start(self) -> FileOffset {
        self.at
    }

    /// Where it is said to stand.
    pub(crate) fn at(self) -> FileOffset {
        self.at
    }

    /// Where it is said to end; 0 if it has no rows.
    pub fn end(self) -> FileOffset {
        let range = (self.rows > 0).then(|| self.range(self.rows)).flatten();
        range.map_or(FileOffset::new(0), Interval::end)
    }

    /// How many rows it is said to have.
    pub(crate) fn rows(self) -> u64 {
        self.rows
    }

    /// Section header `index`, if the file holds it.
    pub(crate) fn section_header(
        self,
        source: &dyn Source,
        machine: Machine,
        index: u64,
    ) -> Option<SectionHeader> {
        let at = self.at.checked_add(index.checked_mul(self.row_size)?)?;
        let bytes = source.bytes(Interval::with_length(at, self.row_size)?).ok()?;
        bytes.pread_with(0, goblin_context(machine)).ok()
    }
}
