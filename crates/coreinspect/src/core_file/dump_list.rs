//! minicoredumper's own list of what it saved.
//!
//! Its program headers claim every byte (`p_filesz == p_memsz`), but what was not chosen is a hole in the file and
//! reads as zeroes. The truth is the section `.note.minicoredumper.dumplist`: a note of owner `minicoredumper`, type
//! 0x50, whose descriptor is pairs of address and length, each 8 bytes (minicoredumper 2.0.3, corestripper.c).

use super::header::Header;
use super::reader::Reader;
use crate::position::{Address, Coverage, FileOffset, Interval, Position};
use crate::source::Source;

const SECTION: &[u8] = b".note.minicoredumper.dumplist";
/// Sections that are looked at; minicoredumper writes four.
const MOST_SECTIONS: u64 = 64;
const SHT_NOTE: u32 = 7;

/// The memory that minicoredumper saved; `None` for any other dump.
pub(crate) fn read(source: &dyn Source, header: &Header) -> Option<Coverage<Address>> {
    let table = header.section_headers;
    let names = table.section_header(source, header.machine, header.section_names)?;
    let section = (1..table.rows().min(MOST_SECTIONS))
        .filter_map(|index| table.section_header(source, header.machine, index))
        .filter(|section| section.sh_type == SHT_NOTE)
        .find(|section| {
            let at = FileOffset::new(names.sh_offset).checked_add(section.sh_name as u64);
            let name = at.and_then(|at| source.bytes(Interval::clamped(at, SECTION.len() as u64)).ok());
            name.is_some_and(|name| *name == *SECTION)
        })?;
    let bytes = source.bytes(Interval::clamped(FileOffset::new(section.sh_offset), section.sh_size)).ok()?;
    let mut note = Reader::new(&bytes, header.machine);
    let (name_size, size, _kind) = (note.u32()?, note.u32()?, note.u32()?);
    note.skip(usize::try_from(name_size).ok()?.checked_next_multiple_of(4)?)?;
    let length = usize::try_from(size).ok()?.min(note.rest().len());
    let mut list = note.over(note.rest().get(..length)?);
    let mut saved = Coverage::default();
    while let (Some(address), Some(length)) = (list.u64(), list.u64()) {
        saved.add(Interval::clamped(Address::new(address), length), |_| ());
    }
    Some(saved)
}
