//! The shape of the file: header, program headers, notes, and the bytes page by page (elf(5)).

use std::io::{self, Write};

use crate::proc_files::VirtualMemoryArea;

/// Bytes of Elf64_Ehdr and of Elf64_Phdr.
const HEADER_SIZE: u64 = 64;
const PROGRAM_HEADER_SIZE: u64 = 56;
/// Where the bytes of a mapping may begin.
const ALIGNMENT: u64 = 4096;

/// e_machine of a 64-bit program in this machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    number: u16,
    flags: u32,
}

impl Machine {
    /// The machine of the program whose file starts with `start`.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        let data = if cfg!(target_endian = "little") { 1 } else { 2 };
        start.starts_with(&[0x7f, b'E', b'L', b'F', 2, data]).then_some(())?;
        let number = start.get(18..20)?.try_into().ok()?;
        let flags = start.get(48..52)?.try_into().ok()?;
        Some(Self { number: u16::from_ne_bytes(number), flags: u32::from_ne_bytes(flags) })
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

/// Bytes before the notes, with `loads` PT_LOADs.
pub(super) fn headers_size(loads: usize) -> u64 {
    HEADER_SIZE + PROGRAM_HEADER_SIZE * (loads as u64 + 1)
}

/// The next multiple of a page.
pub(super) fn page_aligned(at: u64) -> u64 {
    at.next_multiple_of(ALIGNMENT)
}

/// Writes header and program headers: the notes first, as the kernel has them.
pub(super) fn write_headers(
    machine: Machine,
    notes: u64,
    loads: &[Load],
    out: &mut impl Write,
) -> io::Result<()> {
    let count = u16::try_from(loads.len() + 1).ok().filter(|count| *count < 0xffff);
    let count = count.ok_or_else(|| io::Error::other("more than 65,533 mappings; use gcore"))?;
    let data = if cfg!(target_endian = "little") { 1 } else { 2 };
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // e_type ET_CORE, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, sizes and counts.
    bytes.extend(4_u16.to_ne_bytes());
    bytes.extend(machine.number.to_ne_bytes());
    bytes.extend(1_u32.to_ne_bytes());
    for long in [0, HEADER_SIZE, 0] {
        bytes.extend(long.to_ne_bytes());
    }
    bytes.extend(machine.flags.to_ne_bytes());
    for short in [64, 56, count, 0, 0, 0] {
        bytes.extend(short.to_ne_bytes());
    }
    // p_type, p_flags, then p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align.
    let mut header = |kind: u32, flags: u32, longs: [u64; 6]| {
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        longs.iter().for_each(|long| bytes.extend(long.to_ne_bytes()));
    };
    header(4, 0, [headers_size(loads.len()), 0, 0, notes, 0, 4]);
    for load in loads {
        header(1, load.flags, [load.offset, load.address, 0, load.saved, load.length, ALIGNMENT]);
    }
    out.write_all(&bytes)
}
