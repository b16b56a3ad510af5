//! The machine that a dumped process ran on: e_machine, class and byte order of the ELF header.

use std::fmt;

/// Bits of a target's `long` and pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// ELFCLASS32.
    Bits32,
    /// ELFCLASS64.
    Bits64,
}

impl Class {
    /// Bytes of a `long`.
    pub fn long(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }

    /// 32 or 64.
    pub fn bits(self) -> u8 {
        match self {
            Self::Bits32 => 32,
            Self::Bits64 => 64,
        }
    }
}

/// Which byte of a number stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The lowest (ELFDATA2LSB).
    Little,
    /// The highest (ELFDATA2MSB).
    Big,
}

impl ByteOrder {
    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Big => "big",
        }
    }
}

/// A target's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    /// `e_machine` (elf.h, EM_*).
    pub number: u16,
    /// 32 or 64 bit.
    pub class: Class,
    /// Little or big endian.
    pub byte_order: ByteOrder,
}

const EM_386: u16 = 3;
const EM_M68K: u16 = 4;
const EM_MIPS: u16 = 8;
const EM_S390: u16 = 22;
const EM_X86_64: u16 = 62;

/// How a machine's Linux numbers the signals beyond those that all number alike (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalNumbering {
    /// Most machines.
    Generic,
    /// MIPS.
    Mips,
    /// Alpha and SPARC.
    Sparc,
    /// PA-RISC.
    Parisc,
}

impl SignalNumbering {
    /// SIGBUS.
    pub fn bus(self) -> u32 {
        match self {
            Self::Generic => 7,
            Self::Mips | Self::Sparc | Self::Parisc => 10,
        }
    }

    /// SIGSTOP.
    pub fn stop(self) -> u32 {
        match self {
            Self::Generic => 19,
            Self::Mips => 23,
            Self::Sparc => 17,
            Self::Parisc => 24,
        }
    }
}

impl Machine {
    /// The smallest huge page that SHM_HUGETLB can mean, bytes (shmget(2), "Huge pages"; Linux arch/*/mm).
    pub fn smallest_huge_page(self) -> u64 {
        match self.number {
            EM_386 | EM_X86_64 => 2 << 20,
            EM_S390 => 1 << 20,
            // aarch64 has contiguous pages of 64 KiB; no other is known to have smaller ones.
            _ => 64 << 10,
        }
    }

    /// The machine that this program runs on (elf.h, EM_*; 0 where its number is not known here).
    pub const HOST: Self = Self {
        number: if cfg!(target_arch = "x86_64") {
            62
        } else if cfg!(target_arch = "aarch64") {
            183
        } else if cfg!(target_arch = "x86") {
            3
        } else if cfg!(target_arch = "arm") {
            40
        } else if cfg!(target_arch = "riscv64") || cfg!(target_arch = "riscv32") {
            243
        } else if cfg!(target_arch = "s390x") {
            22
        } else if cfg!(target_arch = "powerpc64") {
            21
        } else {
            0
        },
        class: if cfg!(target_pointer_width = "32") { Class::Bits32 } else { Class::Bits64 },
        byte_order: if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little },
    };

    /// How its signals are numbered.
    pub fn signals(self) -> SignalNumbering {
        const SPARC: [u16; 3] = [2, 18, 43];
        const PARISC: u16 = 15;
        const ALPHA: u16 = 0x9026;
        match self.number {
            EM_MIPS => SignalNumbering::Mips,
            PARISC => SignalNumbering::Parisc,
            ALPHA => SignalNumbering::Sparc,
            number if SPARC.contains(&number) => SignalNumbering::Sparc,
            _ => SignalNumbering::Generic,
        }
    }

    /// Bytes of which a `long` in a structure stands at a multiple: its size, but for m68k, where 2 are enough (gcc,
    /// BIGGEST_ALIGNMENT).
    pub fn long_alignment(self) -> usize {
        match self.number {
            EM_M68K => 2,
            _ => self.class.long(),
        }
    }

    /// Whether `siginfo_t` has si_code before si_errno (Linux arch/mips/include/uapi/asm/siginfo.h,
    /// __ARCH_HAS_SWAPPED_SIGINFO).
    pub fn swaps_siginfo(self) -> bool {
        self.number == EM_MIPS
    }
}

/// The name that uname(1) and debuggers use; `em_N` for a machine without one here.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.number, self.class, self.byte_order) {
            (2, ..) => "sparc",
            (3, ..) => "i386",
            (EM_M68K, ..) => "m68k",
            (EM_MIPS, Class::Bits32, _) => "mips",
            (EM_MIPS, Class::Bits64, _) => "mips64",
            (15, ..) => "parisc",
            (20, ..) => "ppc",
            (21, _, ByteOrder::Big) => "ppc64",
            (21, _, ByteOrder::Little) => "ppc64le",
            (22, Class::Bits32, _) => "s390",
            (22, Class::Bits64, _) => "s390x",
            (40, ..) => "arm",
            (42, ..) => "sh",
            (43, ..) => "sparc64",
            (50, ..) => "ia64",
            (62, Class::Bits32, _) => "x32",
            (62, Class::Bits64, _) => "x86_64",
            (92, ..) => "or1k",
            (93 | 195, ..) => "arc",
            (94, ..) => "xtensa",
            (113, ..) => "nios2",
            (164, ..) => "hexagon",
            (183, ..) => "aarch64",
            (189, ..) => "microblaze",
            (243, Class::Bits32, _) => "riscv32",
            (243, Class::Bits64, _) => "riscv64",
            (252, ..) => "csky",
            (258, ..) => "loongarch64",
            (0x9026, ..) => "alpha",
            (number, ..) => return write!(f, "em_{number}"),
        };
        f.write_str(name)
    }
}
