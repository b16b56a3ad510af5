//! The shape of the file: header, program headers, and the one section header that counts them (elf(5)).

use crate::proc_files::VirtualMemoryArea;

/// Where the bytes of a mapping may begin.
const ALIGNMENT: u64 = 4096;

/// PN_XNUM: "the count stands in sh_info of section header 0" (elf.h).
const PN_XNUM: u16 = 0xffff;

/// Class and machine of a program in this machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// ELFCLASS64, not ELFCLASS32.
    pub(super) is_64_bit: bool,
    /// e_machine.
    pub(super) number: u16,
    flags: u32,
}

/// EM_386.
pub(super) const I386: u16 = 3;
/// EM_X86_64; of class 32 it is x32.
pub(super) const X86_64: u16 = 62;

impl Machine {
    /// The machine of the program whose file starts with `start`.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        let data = if cfg!(target_endian = "little") { 1 } else { 2 };
        let is_64_bit = match start.get(..6)? {
            [0x7f, b'E', b'L', b'F', class @ (1 | 2), order] if *order == data => *class == 2,
            _ => return None,
        };
        // e_flags stands behind three words of the class.
        let flags_at = if is_64_bit { 48 } else { 36 };
        let number = start.get(18..20)?.try_into().ok()?;
        let flags = start.get(flags_at..)?.first_chunk()?;
        Some(Self { is_64_bit, number: u16::from_ne_bytes(number), flags: u32::from_ne_bytes(*flags) })
    }

    /// Bytes of the ELF header, of a program header and of a section header.
    fn sizes(self) -> [u16; 3] {
        if self.is_64_bit { [64, 56, 64] } else { [52, 32, 40] }
    }

    /// Adds a `long` to `bytes`. What does not fit a 32-bit target's is cut, as its own kernel does.
    pub(super) fn long(self, value: u64, bytes: &mut Vec<u8>) {
        match self.is_64_bit {
            true => bytes.extend(value.to_ne_bytes()),
            false => bytes.extend(u32::try_from(value).unwrap_or(u32::MAX).to_ne_bytes()),
        }
    }

    /// Whether a file of this class can say where a byte at `offset` stands.
    pub(super) fn reaches(self, offset: u64) -> bool {
        self.is_64_bit || u32::try_from(offset).is_ok()
    }
}

/// A PT_LOAD.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    address: u64,
    length: u64,
    flags: u32,
    /// Where its bytes stand in the file.
    pub(super) offset: u64,
    /// How many of them are saved.
    pub(super) saved: u64,
}

impl Load {
    /// The mapping described, nothing of it saved yet.
    pub(super) fn of(area: &VirtualMemoryArea<'_>) -> Self {
        let allowed = |letter, flag| if area.permissions.contains(&letter) { flag } else { 0 };
        Self {
            address: area.start,
            length: area.length(),
            flags: allowed(b'r', 4) | allowed(b'w', 2) | allowed(b'x', 1),
            offset: 0,
            saved: 0,
        }
    }
}

/// What stands before the notes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Headers {
    machine: Machine,
    /// PT_LOADs.
    loads: usize,
}

impl Headers {
    pub(super) fn new(machine: Machine, loads: usize) -> Self {
        Self { machine, loads }
    }

    /// Program headers: the PT_NOTE and the PT_LOADs.
    fn count(self) -> usize {
        self.loads.saturating_add(1)
    }

    /// e_phnum; `None` where it does not fit, and section header 0 has it.
    fn short_count(self) -> Option<u16> {
        u16::try_from(self.count()).ok().filter(|count| *count < PN_XNUM)
    }

    fn section_headers_at(self) -> u64 {
        let [header, program_header, _] = self.machine.sizes().map(u64::from);
        header.saturating_add(program_header.saturating_mul(self.count() as u64))
    }

    /// Bytes before the notes.
    pub(super) fn size(self) -> u64 {
        let section_header = if self.short_count().is_none() { self.machine.sizes()[2] } else { 0 };
        self.section_headers_at().saturating_add(section_header.into())
    }

    /// The bytes, with `notes` bytes of notes behind them: the notes first, as the kernel has them.
    pub(super) fn bytes(self, notes: u64, loads: &[Load]) -> Vec<u8> {
        let machine = self.machine;
        let (class, data) =
            (if machine.is_64_bit { 2 } else { 1 }, if cfg!(target_endian = "little") { 1 } else { 2 });
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        // e_type ET_CORE, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, sizes and counts.
        bytes.extend(4_u16.to_ne_bytes());
        bytes.extend(machine.number.to_ne_bytes());
        bytes.extend(1_u32.to_ne_bytes());
        let [header_size, program_header_size, section_header_size] = machine.sizes();
        let (sections_at, section_size, sections) = match self.short_count() {
            Some(_) => (0, 0, 0),
            None => (self.section_headers_at(), section_header_size, 1),
        };
        for long in [0, header_size.into(), sections_at] {
            machine.long(long, &mut bytes);
        }
        bytes.extend(machine.flags.to_ne_bytes());
        let count = self.short_count().unwrap_or(PN_XNUM);
        for short in [header_size, program_header_size, count, section_size, sections, 0] {
            bytes.extend(short.to_ne_bytes());
        }
        self.program_header(4, 0, [self.size(), 0, notes, 0, 4], &mut bytes);
        for load in loads {
            let longs = [load.offset, load.address, load.saved, load.length, ALIGNMENT];
            self.program_header(1, load.flags, longs, &mut bytes);
        }
        if sections == 1 {
            self.section_header(&mut bytes);
        }
        bytes
    }

    /// p_offset, p_vaddr, p_filesz, p_memsz and p_align in `longs`. p_flags moved when the class grew.
    fn program_header(self, kind: u32, flags: u32, longs: [u64; 5], bytes: &mut Vec<u8>) {
        let [offset, address, saved, length, alignment] = longs;
        bytes.extend(kind.to_ne_bytes());
        let is_64_bit = self.machine.is_64_bit;
        if is_64_bit {
            bytes.extend(flags.to_ne_bytes());
        }
        for long in [offset, address, 0, saved, length] {
            self.machine.long(long, bytes);
        }
        if !is_64_bit {
            bytes.extend(flags.to_ne_bytes());
        }
        self.machine.long(alignment, bytes);
    }

    /// SHT_NULL with the number of program headers in sh_info, as fs/binfmt_elf.c writes it (`fill_extnum_info`).
    fn section_header(self, bytes: &mut Vec<u8>) {
        bytes.extend([0; 8]);
        // sh_flags, sh_addr, sh_offset, and in sh_size the number of sections.
        for long in [0, 0, 0, 1] {
            self.machine.long(long, bytes);
        }
        bytes.extend(0_u32.to_ne_bytes());
        bytes.extend(u32::try_from(self.count()).unwrap_or(u32::MAX).to_ne_bytes());
        for long in [0, 0] {
            self.machine.long(long, bytes);
        }
    }
}

/// The next multiple of a page.
pub(super) fn page_aligned(at: u64) -> u64 {
    at.checked_next_multiple_of(ALIGNMENT).unwrap_or(u64::MAX)
}
