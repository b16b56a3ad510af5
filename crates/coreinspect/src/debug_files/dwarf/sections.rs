//! The sections of a file that say what types it has.

use gimli::{EndianSlice, RunTimeEndian, SectionId};

use crate::debug_files::elf_file::{ElfFile, Section};
use crate::machine::ByteOrder;

/// Bytes of a section, in the file's byte order.
pub(super) type Slice<'d> = EndianSlice<'d, RunTimeEndian>;

/// Those that types are in. Addresses, lines and locations are left packed where they are.
const WANTED: [SectionId; 6] = [
    SectionId::DebugInfo,
    SectionId::DebugAbbrev,
    SectionId::DebugStr,
    SectionId::DebugLineStr,
    SectionId::DebugStrOffsets,
    SectionId::DebugTypes,
];

/// A file, and where its sections are.
#[derive(Debug)]
pub(super) struct Sections {
    file: ElfFile,
    found: Vec<(SectionId, Section)>,
}

impl Sections {
    /// Finds and unpacks the sections of `file`.
    pub(super) fn of(file: ElfFile) -> Result<Self, String> {
        let mut found = Vec::new();
        for id in WANTED {
            found.extend(file.section(id.name())?.map(|section| (id, section)));
        }
        Ok(Self { file, found })
    }

    pub(super) fn file(&self) -> &ElfFile {
        &self.file
    }

    /// Whether it has types at all.
    pub(super) fn has_types(&self) -> bool {
        self.found.iter().any(|(id, _)| *id == SectionId::DebugInfo)
    }

    /// The section, empty if there is none.
    pub(super) fn get(&self, wanted: SectionId) -> Slice<'_> {
        let endian = match self.file.machine().byte_order {
            ByteOrder::Little => RunTimeEndian::Little,
            ByteOrder::Big => RunTimeEndian::Big,
        };
        let found = self.found.iter().find(|(id, _)| *id == wanted);
        EndianSlice::new(found.map_or(&[], |(_, section)| self.file.bytes_of(section)), endian)
    }
}
