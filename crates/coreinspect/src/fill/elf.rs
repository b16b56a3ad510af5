//! The headers of a core, read and written as they are: elf(5), in either class and byte order.

use goblin::elf::header::Header;
use goblin::elf::program_header::ProgramHeader;
use goblin::elf::section_header::SectionHeader;
use scroll::{Pread, Pwrite};

use super::FillError;
use crate::core_file::goblin_context;
use crate::machine::{ByteOrder, Class, Machine};
use crate::position::{FileOffset, Interval};
use crate::source::Source;

/// PN_XNUM: "the count stands in sh_info of section header 0" (elf.h).
pub(super) const PN_XNUM: u16 = 0xffff;

/// The headers of a core.
pub(super) struct Headers {
    pub(super) machine: Machine,
    /// The ELF header's own bytes.
    pub(super) bytes: Vec<u8>,
    pub(super) header: Header,
    pub(super) rows: Vec<ProgramHeader>,
}

impl Headers {
    /// Those of the core in `source`.
    pub(super) fn read(source: &dyn Source, machine: Machine) -> Result<Self, FillError> {
        let wrong = |error: goblin::error::Error| FillError::Headers(error.to_string());
        let size = header_size(machine.class);
        let bytes = source.bytes(Interval::clamped(FileOffset::new(0), size))?.to_vec();
        let mut whole = [0; 64];
        whole.iter_mut().zip(&bytes).for_each(|(to, from)| *to = *from);
        let header = goblin::elf::Elf::parse_header(&whole).map_err(wrong)?;
        let mut this = Self { machine, bytes, header, rows: Vec::new() };
        let count = match header.e_phnum {
            PN_XNUM => this.section(source, 0).map_or(u64::from(PN_XNUM), |first| first.sh_info.into()),
            count => count.into(),
        };
        let row_size = u64::from(header.e_phentsize);
        let table = Interval::clamped(FileOffset::new(header.e_phoff), count.saturating_mul(row_size));
        let table = source.bytes(table)?;
        let row_size = usize::from(header.e_phentsize).max(1);
        let rows = table.chunks(row_size).map_while(|row| row.pread_with(0, goblin_context(machine)).ok());
        this.rows = rows.collect();
        Ok(this)
    }

    /// Section header `index`, if the file has it.
    fn section(&self, source: &dyn Source, index: u64) -> Option<SectionHeader> {
        let size = u64::from(self.header.e_shentsize);
        let at = self.header.e_shoff.checked_add(index.checked_mul(size)?)?;
        let bytes = source.bytes(Interval::clamped(FileOffset::new(at), size)).ok()?;
        (self.header.e_shoff != 0).then(|| bytes.pread_with(0, goblin_context(self.machine)).ok()).flatten()
    }

    /// The section headers as bytes, without those that the file lost.
    pub(super) fn sections(&self, source: &dyn Source) -> Result<Vec<u8>, FillError> {
        let size = u64::from(self.header.e_shentsize).saturating_mul(self.header.e_shnum.into());
        let bytes = source.bytes(Interval::clamped(FileOffset::new(self.header.e_shoff), size))?;
        let whole = bytes.len() as u64 == size && self.header.e_shoff != 0;
        Ok(if whole { bytes.to_vec() } else { Vec::new() })
    }
}

/// Bytes of an ELF header.
pub(super) fn header_size(class: Class) -> u64 {
    match class {
        Class::Bits32 => 52,
        Class::Bits64 => 64,
    }
}

/// Bytes of a program header.
pub(super) fn row_size(class: Class) -> u16 {
    match class {
        Class::Bits32 => 32,
        Class::Bits64 => 56,
    }
}

/// Bytes of a section header.
pub(super) fn section_size(class: Class) -> u16 {
    match class {
        Class::Bits32 => 40,
        Class::Bits64 => 64,
    }
}

/// The bytes of an ELF header.
pub(super) fn header_bytes(header: Header, machine: Machine) -> Result<Vec<u8>, FillError> {
    let mut bytes = vec![0; usize::try_from(header_size(machine.class)).unwrap_or(64)];
    let order = match machine.byte_order {
        ByteOrder::Little => scroll::Endian::Little,
        ByteOrder::Big => scroll::Endian::Big,
    };
    bytes
        .pwrite_with(header, 0, order)
        .map_err(|error: goblin::error::Error| FillError::Headers(error.to_string()))?;
    Ok(bytes)
}

/// The bytes of a table of program headers.
pub(super) fn rows_bytes(rows: &[ProgramHeader], machine: Machine) -> Result<Vec<u8>, FillError> {
    let mut bytes = Vec::new();
    for row in rows {
        let mut one = [0; 56];
        one.pwrite_with(row.clone(), 0, goblin_context(machine))
            .map_err(|error: goblin::error::Error| FillError::Headers(error.to_string()))?;
        bytes.extend(one.get(..usize::from(row_size(machine.class))).unwrap_or_default());
    }
    Ok(bytes)
}

/// The bytes of a section header.
pub(super) fn section_bytes(section: SectionHeader, machine: Machine) -> Result<Vec<u8>, FillError> {
    let mut one = vec![0; usize::from(section_size(machine.class))];
    one.pwrite_with(section, 0, goblin_context(machine))
        .map_err(|error: goblin::error::Error| FillError::Headers(error.to_string()))?;
    Ok(one)
}

/// A word of 4 bytes as the machine writes it.
pub(super) fn word(value: u32, machine: Machine) -> [u8; 4] {
    match machine.byte_order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => value.to_be_bytes(),
    }
}
