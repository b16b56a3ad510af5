//! An ELF file of filled ranges alone, a section each at its own address: for add-symbol-file of gdb, which reads its core first
//! and asks the sections of other files for what lies in a mapping whose file it could not open.

use goblin::elf::header::ET_EXEC;
use goblin::elf::section_header::{SHF_ALLOC, SHF_WRITE, SHT_PROGBITS, SHT_STRTAB, SectionHeader};

use super::FillError;
use super::elf::{self, Headers};
use crate::position::{Address, Interval, Position};

/// Sections that a file can have, SHN_LORESERVE, without those that are no range.
const MOST_SECTIONS: usize = 65_000;
const PAGE: u64 = 4096;

/// The file, but for the bytes of its ranges.
pub(super) struct Layout {
    /// What stands before these.
    pub(super) head: Vec<u8>,
    /// Where each range stands.
    pub(super) places: Vec<u64>,
    /// Bytes of the file.
    pub(super) size: u64,
}

impl Layout {
    /// The file for `ranges`, by address, of the core with these headers. Ranges that abut are one section.
    pub(super) fn new(headers: &Headers, ranges: &[Interval<Address>]) -> Result<Self, FillError> {
        let machine = headers.machine;
        let mut merged = Vec::<Interval<Address>>::new();
        for range in ranges {
            match merged.last_mut().filter(|last| last.end() == range.start()) {
                Some(last) => *last = Interval::new(last.start(), range.end()).unwrap_or(*last),
                None => merged.push(*range),
            }
        }
        if merged.len() > MOST_SECTIONS {
            return Err(FillError::TooMany { count: merged.len() });
        }
        let mut names = b"\0.shstrtab\0".to_vec();
        let mut sections = vec![SectionHeader::default()];
        let count = merged.len().saturating_add(2);
        let header_size = elf::header_size(machine.class);
        let table = u64::from(elf::section_size(machine.class)).saturating_mul(count as u64);
        let starts: Vec<_> = merged.iter().map(|range| format!(".shm{:x}\0", range.start().get())).collect();
        let names_size =
            starts.iter().fold(names.len() as u64, |sum, name| sum.saturating_add(name.len() as u64));
        let names_at = header_size.saturating_add(table);
        let mut at = names_at.saturating_add(names_size);
        let (mut places, mut parts) = (Vec::with_capacity(ranges.len()), ranges.iter().peekable());
        for (range, name) in merged.iter().zip(starts) {
            let address = range.start().get();
            let place = at.next_multiple_of(PAGE).saturating_add(address & PAGE.saturating_sub(1));
            sections.push(SectionHeader {
                sh_name: names.len(),
                sh_type: SHT_PROGBITS,
                sh_flags: u64::from(SHF_ALLOC | SHF_WRITE),
                sh_addr: address,
                sh_offset: place,
                sh_size: range.length(),
                sh_addralign: 1,
                ..SectionHeader::default()
            });
            names.extend(name.into_bytes());
            while let Some(part) = parts.next_if(|part| part.end() <= range.end()) {
                places.push(place.saturating_add(part.start().offset_from(range.start()).unwrap_or(0)));
            }
            at = place.saturating_add(range.length());
        }
        sections.push(SectionHeader {
            sh_name: 1,
            sh_type: SHT_STRTAB,
            sh_offset: names_at,
            sh_size: names.len() as u64,
            sh_addralign: 1,
            ..SectionHeader::default()
        });
        let mut header = headers.header;
        (header.e_type, header.e_entry, header.e_phoff, header.e_phnum) = (ET_EXEC, 0, 0, 0);
        header.e_shoff = header_size;
        header.e_shentsize = elf::section_size(machine.class);
        header.e_shnum = u16::try_from(sections.len()).unwrap_or(u16::MAX);
        header.e_shstrndx = header.e_shnum.saturating_sub(1);
        let mut head = elf::header_bytes(header, machine)?;
        for section in sections {
            head.extend(elf::section_bytes(section, machine)?);
        }
        head.extend(names);
        super::write::reaches(machine, at)?;
        Ok(Self { head, places, size: at })
    }
}
