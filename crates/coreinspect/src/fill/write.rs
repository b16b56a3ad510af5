//! Writes the filled core.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use goblin::elf::program_header::{PT_NOTE, ProgramHeader};
use goblin::elf::section_header::SectionHeader;

use super::elf::{self, Headers, PN_XNUM};
use super::table::{Placed, Table};
use super::{Copy, FillError, Plan, overlay};
use crate::layout::SegmentContents;
use crate::machine::{Class, Machine};
use crate::position::{FileOffset, Interval, Position, SegmentOffset};
use crate::shm::Segment;
use crate::sidecar::{FILL, FillNote, FillSource, FilledCore, FilledRange};
use crate::source::Source;
use crate::targets::Target;
use crate::types::contents::Contents;

/// The owner of what coreinspect alone writes.
const OURS: &[u8; 12] = b"coreinspect\0";
/// Its note "SHM" 3: what was filled, as a [`FillNote`].
const FILLED: u32 = 0x5348_4d03;
/// A page, or a divisor of it: an offset in the file and the address that it holds are equal in what is less.
const PAGE: u64 = 4096;
/// Bytes that are copied at once.
const BLOCK: usize = 256 << 10;

/// A core that is filled.
pub struct Filling<'f> {
    /// The core.
    pub core: &'f dyn Target,
    /// Its file.
    pub source: &'f dyn Source,
    /// Its segments.
    pub segments: &'f [Segment],
    /// Copies of these.
    pub copies: &'f [Copy<'f>],
    /// What is filled from which.
    pub plan: &'f Plan,
    /// The sources of the copies. The last is the core itself.
    pub sources: &'f [FillSource],
    /// Whether PT_LOADs end where the bytes do that are there, so that debuggers answer an error for missing ones.
    pub honest: bool,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub size: u64,
    /// Bytes that were added to those of the core.
    pub added: u64,
}

impl Filling<'_> {
    /// Writes the filled core to `file`, which is empty.
    ///
    /// # Errors
    /// See [`FillError`].
    pub fn write(&self, file: &mut File) -> Result<Written, FillError> {
        let machine = self.core.identity().machine;
        let headers = Headers::read(self.source, machine)?;
        let size = self.source.size();
        self.source.copy(Interval::clamped(FileOffset::new(0), size), file)?;
        let (placed, end) = self.copy(file, size)?;
        let note = note(&self.note(&headers, size, &placed)?, machine);
        let table = Table { core: self.core, size, filled: &placed, honest: self.honest };
        let mut rows = table.rows(&headers.rows);
        let notes_at = end.next_multiple_of(8);
        rows.push(ProgramHeader {
            p_type: PT_NOTE,
            p_flags: 0,
            p_offset: notes_at,
            p_filesz: note.len() as u64,
            p_align: 4,
            ..ProgramHeader::new()
        });
        let rows_at = notes_at.saturating_add(note.len() as u64).next_multiple_of(8);
        let mut tail = note;
        tail.resize(usize::try_from(rows_at.saturating_sub(notes_at)).unwrap_or(0), 0);
        tail.extend(elf::rows_bytes(&rows, machine)?);
        let header = self.header(&headers, (rows_at, rows.len()), notes_at, &mut tail)?;
        let whole = notes_at.saturating_add(tail.len() as u64);
        reaches(machine, whole)?;
        file.seek(SeekFrom::Start(notes_at))?;
        file.write_all(&tail)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        file.set_len(whole)?;
        Ok(Written { size: whole, added: whole.saturating_sub(size) })
    }

    /// Writes an ELF file of what is filled alone.
    ///
    /// # Errors
    /// See [`FillError`].
    pub fn write_overlay(&self, file: &mut File) -> Result<Written, FillError> {
        let machine = self.core.identity().machine;
        let headers = Headers::read(self.source, machine)?;
        let ranges: Vec<_> = self.plan.parts.iter().map(|part| part.range).collect();
        let layout = overlay::Layout::new(&headers, &ranges)?;
        for (part, at) in self.plan.parts.iter().zip(&layout.places) {
            self.copy_part(part.segment, part.copy, part.offsets, *at, file)?;
        }
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&layout.head)?;
        file.set_len(layout.size)?;
        Ok(Written { size: layout.size, added: layout.size })
    }

    /// Copies what is filled behind `size`, and answers where it stands, by address, and where it ends.
    fn copy(&self, file: &mut File, size: u64) -> Result<(Vec<Placed>, u64), FillError> {
        let mut at = size;
        let mut placed = Vec::with_capacity(self.plan.parts.len());
        // A segment that is attached twice is filled once.
        let mut known = HashMap::new();
        for part in &self.plan.parts {
            let inside = part.range.start().get() & PAGE.saturating_sub(1);
            let same = (part.segment, part.copy, part.offsets.start(), part.offsets.end(), inside);
            let place = match known.get(&same) {
                Some(place) => *place,
                None => {
                    let place = at.next_multiple_of(PAGE).saturating_add(inside);
                    self.copy_part(part.segment, part.copy, part.offsets, place, file)?;
                    at = place.saturating_add(part.range.length());
                    known.insert(same, place);
                    place
                }
            };
            placed.push(Placed { range: part.range, at: place });
        }
        Ok((placed, at))
    }

    /// Copies the bytes at `offsets` of a segment to `at`. What is zero is left as a hole.
    fn copy_part(
        &self,
        segment: usize,
        copy: Option<usize>,
        offsets: Interval<SegmentOffset>,
        at: u64,
        file: &mut File,
    ) -> Result<(), FillError> {
        let own = self.segments.get(segment).map(|segment| SegmentContents { target: self.core, segment });
        let contents: Option<&dyn Contents> = match copy {
            Some(copy) => self.copies.get(copy).map(|copy| &*copy.contents),
            None => own.as_ref().map(|own| own as &dyn Contents),
        };
        let Some(contents) = contents else { return Ok(()) };
        let mut block = vec![0; usize::try_from(offsets.length()).unwrap_or(BLOCK).min(BLOCK)];
        let mut from = offsets.start();
        while let Some(left) = offsets.end().offset_from(from).filter(|left| *left > 0) {
            let wanted = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            let count = contents.read(from, block.get_mut(..wanted).unwrap_or_default())?;
            let Some(bytes) = block.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return Err(FillError::Gone { name: self.source_of(copy).1.name.clone() });
            };
            if bytes.iter().any(|byte| *byte != 0) {
                let behind = from.offset_from(offsets.start()).unwrap_or(0);
                file.seek(SeekFrom::Start(at.saturating_add(behind)))?;
                file.write_all(bytes)?;
            }
            let Some(next) = from.checked_add(count as u64) else { break };
            from = next;
        }
        Ok(())
    }

    /// The source of a copy, with its index.
    fn source_of(&self, copy: Option<usize>) -> (usize, FillSource) {
        let last = self.sources.len().saturating_sub(1);
        let index = copy.and_then(|copy| self.copies.get(copy)).map_or(last, |copy| copy.source);
        (index, self.sources.get(index).cloned().unwrap_or_default())
    }

    /// What is said of all that was filled.
    fn note(&self, headers: &Headers, size: u64, placed: &[Placed]) -> Result<Vec<u8>, FillError> {
        let fills = self.plan.parts.iter().zip(placed).map(|(part, placed)| FilledRange {
            start: format!("{:#x}", part.range.start().get()),
            end: format!("{:#x}", part.range.end().get()),
            at: placed.at,
            source: self.source_of(part.copy).0,
        });
        let header = headers.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let note = FillNote {
            format: FILL.to_owned(),
            core: FilledCore { size, header },
            sources: self.sources.to_vec(),
            fills: fills.collect(),
        };
        serde_json::to_vec(&note).map_err(|error| FillError::Headers(error.to_string()))
    }

    /// The ELF header that names `count` rows at `rows_at`. Where their count needs a section header, that is added to `tail`,
    /// which begins at `tail_at`.
    fn header(
        &self,
        headers: &Headers,
        (rows_at, count): (u64, usize),
        tail_at: u64,
        tail: &mut Vec<u8>,
    ) -> Result<Vec<u8>, FillError> {
        let machine = headers.machine;
        let mut header = headers.header;
        header.e_phoff = rows_at;
        header.e_phentsize = elf::row_size(machine.class);
        let mut sections = headers.sections(self.source)?;
        if sections.is_empty() {
            (header.e_shoff, header.e_shnum, header.e_shstrndx) = (0, 0, 0);
        }
        match u16::try_from(count).ok().filter(|count| *count < PN_XNUM) {
            Some(count) => header.e_phnum = count,
            None => {
                let many = u32::try_from(count).map_err(|_| FillError::TooLarge)?;
                header.e_phnum = PN_XNUM;
                let mut first = SectionHeader { sh_info: many, ..SectionHeader::default() };
                if sections.is_empty() {
                    (header.e_shnum, header.e_shentsize) = (1, elf::section_size(machine.class));
                    // As fs/binfmt_elf.c has it: the number of sections.
                    first.sh_size = 1;
                }
                let first = elf::section_bytes(first, machine)?;
                if sections.is_empty() {
                    sections = first;
                } else {
                    sections.iter_mut().zip(first).for_each(|(to, from)| *to = from);
                }
                tail.resize(tail.len().next_multiple_of(8), 0);
                header.e_shoff = tail_at.saturating_add(tail.len() as u64);
                tail.extend(sections);
            }
        }
        elf::header_bytes(header, machine)
    }
}

/// Whether a file of this class can say where a byte at `end` stands.
pub(super) fn reaches(machine: Machine, end: u64) -> Result<(), FillError> {
    match machine.class == Class::Bits64 || u32::try_from(end).is_ok() {
        true => Ok(()),
        false => Err(FillError::TooLarge),
    }
}

/// The note with this descriptor: three words, the owner and the descriptor, each padded to 4 bytes (elf(5)).
fn note(descriptor: &[u8], machine: Machine) -> Vec<u8> {
    let mut note = Vec::new();
    let [owner, length] =
        [OURS.len(), descriptor.len()].map(|length| u32::try_from(length).unwrap_or(u32::MAX));
    for value in [owner, length, FILLED] {
        note.extend(elf::word(value, machine));
    }
    note.extend(OURS);
    note.extend(descriptor);
    note.resize(note.len().next_multiple_of(4), 0);
    note
}
