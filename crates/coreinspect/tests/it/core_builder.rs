//! Builds ELF core dumps byte by byte, for tests.
//!
//! It shares no constant, type or crate with the parser, so that both cannot be wrong together. Layouts: System V ABI,
//! chapters 4 and 5 (headers, notes); glibc `elf.h`; Linux `include/uapi/linux/elf.h` and `fs/binfmt_elf.c` (order of the
//! notes, `fill_extnum_info` for more than 65,534 program headers). `builder_check.rs` holds it against readelf.

mod abi;
pub(crate) mod notes;
pub(crate) mod presets;

pub(crate) use abi::{Abi, ByteOrder};
use abi::{HEADER, PROGRAM_HEADER, SECTION_HEADER, put};
use notes::Note;
use std::fs::File;
use std::os::unix::fs::FileExt;

pub(crate) const PT_LOAD: u32 = 1;
pub(crate) const PT_NOTE: u32 = 4;
pub(crate) const R: u32 = 4;
pub(crate) const W: u32 = 2;
pub(crate) const X: u32 = 1;
const PN_XNUM: u16 = 0xffff;

/// What a program header points at.
#[derive(Clone)]
pub(crate) enum Content {
    /// Notes, each padded to a multiple of the number: 4 by the kernel and gdb, 8 by the gABI for 64-bit objects.
    Notes(Vec<Note>, usize),
    Bytes(Vec<u8>),
    /// A hole in the file: bytes that read as zero and take no room on the disk.
    Hole(u64),
    /// `p_filesz` 0 at the running offset, as the kernel writes a mapping that it leaves out.
    Nothing,
    /// Another header's bytes, or none at all: `p_offset` and `p_filesz` as given.
    At(u64, u64),
}

#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) vaddr: u64,
    pub(crate) memsz: u64,
    pub(crate) align: u64,
    pub(crate) content: Content,
}

impl Segment {
    pub(crate) fn notes(notes: Vec<Note>) -> Segment {
        Segment { kind: PT_NOTE, flags: 0, vaddr: 0, memsz: 0, align: 4, content: Content::Notes(notes, 4) }
    }

    pub(crate) fn load(vaddr: u64, memsz: u64, flags: u32, content: Content) -> Segment {
        Segment { kind: PT_LOAD, flags, vaddr, memsz, align: 1, content }
    }
}

/// A section: minicoredumper's list of what it saved, or gdb's section headers, which repeat the program headers.
#[derive(Clone)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) kind: u32,
    pub(crate) content: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TablePlace {
    At(u64),
    /// After everything else, as some writers that do not know the count in advance do.
    End,
}

#[derive(Clone)]
pub(crate) struct CoreBuilder {
    pub(crate) abi: Abi,
    pub(crate) table: TablePlace,
    /// In the order of the program header table.
    pub(crate) segments: Vec<Segment>,
    /// Notes stand behind the memory in the file (gdb), not before it (kernel).
    pub(crate) notes_last: bool,
    pub(crate) sections: Vec<Section>,
    /// Count the program headers in section header 0, however few they are.
    pub(crate) extended_numbering: bool,
}

/// Where a note stands in the file.
#[derive(Clone, Debug)]
pub(crate) struct NoteMark {
    pub(crate) kind: u32,
    /// Offset of the three words before the name.
    pub(crate) header: usize,
    pub(crate) desc: std::ops::Range<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub(crate) abi: Abi,
    pub(crate) bytes: Vec<u8>,
    pub(crate) phoff: usize,
    pub(crate) phnum: usize,
    pub(crate) shoff: usize,
    pub(crate) notes: Vec<NoteMark>,
}

impl Core {
    pub(crate) fn set_header(&mut self, field: &str, value: u64) {
        put(&self.abi, &mut self.bytes, HEADER, field, value);
    }

    pub(crate) fn set_program(&mut self, index: usize, field: &str, value: u64) {
        let at = self.phoff + index * self.abi.program_header_bytes() as usize;
        put(&self.abi, &mut self.bytes[at..], PROGRAM_HEADER, field, value);
    }

    pub(crate) fn set_section(&mut self, index: usize, field: &str, value: u64) {
        let at = self.shoff + index * self.abi.section_header_bytes() as usize;
        put(&self.abi, &mut self.bytes[at..], SECTION_HEADER, field, value);
    }

    /// The first note of this type.
    pub(crate) fn note(&self, kind: u32) -> NoteMark {
        self.notes
            .iter()
            .find(|note| note.kind == kind)
            .cloned()
            .unwrap_or_else(|| panic!("no note {kind:#x}"))
    }

    pub(crate) fn set_word(&mut self, at: usize, value: u32) {
        let bytes = self.abi.encode(value.into(), 4);
        self.bytes[at..at + 4].copy_from_slice(&bytes);
    }

    pub(crate) fn set_long(&mut self, at: usize, value: u64) {
        let bytes = self.abi.encode_long(value);
        self.bytes[at..at + bytes.len()].copy_from_slice(&bytes);
    }

    /// The bytes that describe the dump, not the memory in it: header, program headers, notes, section headers.
    pub(crate) fn described(&self) -> Vec<std::ops::Range<usize>> {
        let table = self.phoff..self.phoff + self.phnum * self.abi.program_header_bytes() as usize;
        let mut ranges = vec![0..self.abi.header_bytes() as usize, table];
        ranges.extend(self.notes.iter().map(|note| note.header..note.desc.end));
        if self.shoff != 0 {
            ranges.push(self.shoff..self.bytes.len());
        }
        ranges
    }
}

/// The file in pieces: what lies between them is a hole.
#[derive(Default)]
struct Pieces {
    pieces: Vec<(u64, Vec<u8>)>,
    end: u64,
}

impl Pieces {
    fn align(&mut self, to: u64) {
        self.end = self.end.next_multiple_of(to.max(1));
    }

    fn append(&mut self, bytes: Vec<u8>) -> u64 {
        let at = self.end;
        self.end += bytes.len() as u64;
        self.pieces.push((at, bytes));
        at
    }
}

impl CoreBuilder {
    pub(crate) fn new(abi: Abi) -> CoreBuilder {
        let table = TablePlace::At(abi.header_bytes());
        CoreBuilder {
            abi,
            table,
            segments: vec![],
            notes_last: false,
            sections: vec![],
            extended_numbering: false,
        }
    }

    pub(crate) fn build(&self) -> Core {
        let (pieces, mut core) = self.lay_out();
        core.bytes = vec![0; usize::try_from(pieces.end).unwrap()];
        for (at, piece) in pieces.pieces {
            let at = at as usize;
            core.bytes[at..at + piece.len()].copy_from_slice(&piece);
        }
        core
    }

    /// Writes the core with its holes as holes.
    pub(crate) fn write_to(&self, file: &File) {
        let (pieces, _) = self.lay_out();
        for (at, piece) in &pieces.pieces {
            file.write_all_at(piece, *at).unwrap();
        }
        file.set_len(pieces.end).unwrap();
    }

    fn lay_out(&self) -> (Pieces, Core) {
        let abi = self.abi;
        let count = self.segments.len();
        let table_bytes = abi.program_header_bytes() * count as u64;
        let mut out = Pieces { pieces: vec![], end: abi.header_bytes() };
        if let TablePlace::At(at) = self.table {
            out.end = at + table_bytes;
        }

        let mut marks = vec![];
        let mut placed = vec![(0, 0); count];
        for notes_now in [!self.notes_last, self.notes_last] {
            for (segment, place) in self.segments.iter().zip(&mut placed) {
                if matches!(segment.content, Content::Notes(..)) == notes_now {
                    *place = self.append_content(segment, &mut out, &mut marks);
                }
            }
        }
        let phoff = match self.table {
            TablePlace::At(at) => at,
            TablePlace::End => {
                out.align(8);
                out.end
            }
        };
        let table = self
            .segments
            .iter()
            .zip(&placed)
            .flat_map(|(segment, place)| self.program_header(segment, *place));
        out.pieces.push((phoff, table.collect()));
        out.end = out.end.max(phoff + table_bytes);

        let extended = self.extended_numbering || count >= PN_XNUM.into();
        let (shoff, shnum) = self.append_sections(&mut out, extended.then_some(count as u64));
        out.pieces.push((
            0,
            self.header(phoff, if extended { PN_XNUM.into() } else { count as u64 }, shoff, shnum),
        ));
        let core = Core {
            abi,
            bytes: vec![],
            phoff: phoff as usize,
            phnum: count,
            shoff: shoff as usize,
            notes: marks,
        };
        (out, core)
    }

    /// Where the content went and how long it is: `p_offset` and `p_filesz`.
    fn append_content(&self, segment: &Segment, out: &mut Pieces, marks: &mut Vec<NoteMark>) -> (u64, u64) {
        match &segment.content {
            Content::Notes(notes, padding) => {
                out.align(*padding as u64);
                let start = out.end;
                for note in notes {
                    let (bytes, desc) = note.encode(&self.abi, *padding);
                    let header = out.append(bytes) as usize;
                    let desc = header + desc.start..header + desc.end;
                    marks.push(NoteMark { kind: note.kind, header, desc });
                }
                (start, out.end - start)
            }
            Content::Bytes(bytes) => {
                out.align(segment.align);
                (out.append(bytes.clone()), bytes.len() as u64)
            }
            Content::Hole(length) => {
                out.align(segment.align);
                let at = out.end;
                out.end += length;
                (at, *length)
            }
            Content::Nothing => {
                out.align(segment.align);
                (out.end, 0)
            }
            Content::At(offset, length) => (*offset, *length),
        }
    }

    fn program_header(&self, segment: &Segment, (offset, filesz): (u64, u64)) -> Vec<u8> {
        let mut record = vec![0; self.abi.program_header_bytes() as usize];
        for (name, value) in [
            ("p_type", segment.kind.into()),
            ("p_flags", segment.flags.into()),
            ("p_offset", offset),
            ("p_vaddr", segment.vaddr),
            ("p_filesz", filesz),
            ("p_memsz", segment.memsz),
            ("p_align", segment.align),
        ] {
            put(&self.abi, &mut record, PROGRAM_HEADER, name, value);
        }
        record
    }

    /// `e_shoff` and `e_shnum`. Section header 0 carries the counts that do not fit the header (`fill_extnum_info`).
    fn append_sections(&self, out: &mut Pieces, extended_count: Option<u64>) -> (u64, u64) {
        if self.sections.is_empty() && extended_count.is_none() {
            return (0, 0);
        }
        let mut sections = self.sections.clone();
        if !sections.is_empty() {
            let mut names = vec![0];
            for name in sections.iter().map(|section| section.name).chain([".shstrtab"]) {
                names.extend([name.as_bytes(), b"\0"].concat());
            }
            sections.push(Section { name: ".shstrtab", kind: 3, content: names });
        }
        let mut records = vec![vec![0; self.abi.section_header_bytes() as usize]];
        let mut name_at = 1;
        for section in &sections {
            let mut record = vec![0; self.abi.section_header_bytes() as usize];
            for (name, value) in [
                ("sh_name", name_at),
                ("sh_type", section.kind.into()),
                ("sh_offset", out.end),
                ("sh_size", section.content.len() as u64),
                ("sh_addralign", 1),
            ] {
                put(&self.abi, &mut record, SECTION_HEADER, name, value);
            }
            out.append(section.content.clone());
            name_at += section.name.len() as u64 + 1;
            records.push(record);
        }
        if let Some(count) = extended_count {
            put(&self.abi, &mut records[0], SECTION_HEADER, "sh_size", sections.len() as u64 + 1);
            put(&self.abi, &mut records[0], SECTION_HEADER, "sh_link", sections.len() as u64);
            put(&self.abi, &mut records[0], SECTION_HEADER, "sh_info", count);
        }
        out.align(8);
        (out.append(records.concat()), records.len() as u64)
    }

    fn header(&self, phoff: u64, phnum: u64, shoff: u64, shnum: u64) -> Vec<u8> {
        let mut record = vec![0; self.abi.header_bytes() as usize];
        record[..4].copy_from_slice(b"\x7fELF");
        record[4] = if self.abi.is_64() { 2 } else { 1 };
        record[5] = if self.abi.order == ByteOrder::Little { 1 } else { 2 };
        record[6] = 1;
        for (name, value) in [
            ("e_type", 4),
            ("e_machine", self.abi.machine.into()),
            ("e_version", 1),
            ("e_phoff", phoff),
            ("e_shoff", shoff),
            ("e_ehsize", self.abi.header_bytes()),
            ("e_phentsize", self.abi.program_header_bytes()),
            ("e_phnum", phnum),
            ("e_shentsize", if shnum == 0 { 0 } else { self.abi.section_header_bytes() }),
            ("e_shnum", shnum),
            ("e_shstrndx", shnum.saturating_sub(1)),
        ] {
            put(&self.abi, &mut record, HEADER, name, value);
        }
        record
    }
}
