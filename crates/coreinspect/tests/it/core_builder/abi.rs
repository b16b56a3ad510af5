//! Byte order, word size, and where the fields of the ELF headers stand (System V ABI, chapters 4 and 5; glibc `elf.h`).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

/// What the machine decides about the layout of its cores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abi {
    pub(crate) name: &'static str,
    /// `e_machine`.
    pub(crate) machine: u16,
    pub(crate) bits: usize,
    pub(crate) order: ByteOrder,
    pub(crate) page_size: u64,
    /// Size of `pr_uid` and `pr_gid` in `elf_prpsinfo` (`__kernel_uid_t`).
    pub(crate) uid_bytes: usize,
    /// Size of `elf_gregset_t`.
    pub(crate) registers: usize,
}

impl Abi {
    pub(crate) fn long_bytes(&self) -> usize {
        self.bits / 8
    }

    pub(super) fn is_64(&self) -> bool {
        self.bits == 64
    }

    pub(crate) fn header_bytes(&self) -> u64 {
        if self.is_64() { 64 } else { 52 }
    }

    pub(crate) fn program_header_bytes(&self) -> u64 {
        if self.is_64() { 56 } else { 32 }
    }

    pub(super) fn section_header_bytes(&self) -> u64 {
        if self.is_64() { 64 } else { 40 }
    }

    /// `value` in the target's byte order, `width` bytes wide.
    pub(crate) fn encode(&self, value: u64, width: usize) -> Vec<u8> {
        match self.order {
            ByteOrder::Little => value.to_le_bytes()[..width].to_vec(),
            ByteOrder::Big => value.to_be_bytes()[8 - width..].to_vec(),
        }
    }

    pub(crate) fn encode_long(&self, value: u64) -> Vec<u8> {
        self.encode(value, self.long_bytes())
    }
}

/// Name of a field, its offset and width in the 64-bit form, its offset and width in the 32-bit form.
pub(super) type Field = (&'static str, usize, usize, usize, usize);

pub(super) const HEADER: &[Field] = &[
    ("e_type", 16, 2, 16, 2),
    ("e_machine", 18, 2, 18, 2),
    ("e_version", 20, 4, 20, 4),
    ("e_phoff", 32, 8, 28, 4),
    ("e_shoff", 40, 8, 32, 4),
    ("e_ehsize", 52, 2, 40, 2),
    ("e_phentsize", 54, 2, 42, 2),
    ("e_phnum", 56, 2, 44, 2),
    ("e_shentsize", 58, 2, 46, 2),
    ("e_shnum", 60, 2, 48, 2),
    ("e_shstrndx", 62, 2, 50, 2),
];

pub(super) const PROGRAM_HEADER: &[Field] = &[
    ("p_type", 0, 4, 0, 4),
    ("p_flags", 4, 4, 24, 4),
    ("p_offset", 8, 8, 4, 4),
    ("p_vaddr", 16, 8, 8, 4),
    ("p_filesz", 32, 8, 16, 4),
    ("p_memsz", 40, 8, 20, 4),
    ("p_align", 48, 8, 28, 4),
];

pub(super) const SECTION_HEADER: &[Field] = &[
    ("sh_name", 0, 4, 0, 4),
    ("sh_type", 4, 4, 4, 4),
    ("sh_offset", 24, 8, 16, 4),
    ("sh_size", 32, 8, 20, 4),
    ("sh_link", 40, 4, 24, 4),
    ("sh_info", 44, 4, 28, 4),
    ("sh_addralign", 48, 8, 32, 4),
];

pub(super) fn put(abi: &Abi, record: &mut [u8], fields: &[Field], name: &str, value: u64) {
    let field = fields.iter().find(|field| field.0 == name);
    let &(_, at_64, width_64, at_32, width_32) = field.unwrap_or_else(|| panic!("no field {name}"));
    let (at, width) = if abi.is_64() { (at_64, width_64) } else { (at_32, width_32) };
    record[at..at + width].copy_from_slice(&abi.encode(value, width));
}
