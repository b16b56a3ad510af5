//! The rules read forwards: what a dumper would keep of a mapping of a running process.

use super::{Code, createdump, gcore, kernel};

/// A mapping of a System V segment, as far as a dumper's rules ask about it (proc_pid_smaps(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Bytes.
    pub length: u64,
    /// Whether it begins at offset 0 of the segment.
    pub from_start: bool,
    /// PROT_READ.
    pub readable: bool,
    /// VmFlags `sh`: shared to the kernel, which a SHM_RDONLY attach is not.
    pub shared: bool,
    /// VmFlags `ht`: huge pages.
    pub huge_pages: bool,
    /// VmFlags `dd`: madvise(2) with MADV_DONTDUMP.
    pub dont_dump: bool,
    /// VmFlags `io`: a device's memory.
    pub device: bool,
}

/// A coredump_filter (core(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter(pub u32);

impl Filter {
    /// Private anonymous memory.
    pub const ANONYMOUS_PRIVATE: u32 = 0;
    /// Shared anonymous memory, System V segments among it.
    pub const ANONYMOUS_SHARED: u32 = 1;
    /// Private mappings of files.
    pub const FILE_PRIVATE: u32 = 2;
    /// Shared mappings of files.
    pub const FILE_SHARED: u32 = 3;
    /// What a process has unless somebody changed it.
    pub const DEFAULT: Self = Self(0x33);
    /// The first pages of programs.
    pub const ELF_HEADERS: u32 = 4;
    /// Private huge pages.
    pub const HUGE_PRIVATE: u32 = 5;
    /// Shared huge pages.
    pub const HUGE_SHARED: u32 = 6;

    /// Whether `bit` is on.
    pub fn has(self, bit: u32) -> bool {
        self.0.checked_shr(bit).is_some_and(|bits| bits & 1 != 0)
    }

    /// The same with `bit` on.
    pub fn with(self, bit: u32) -> Self {
        Self(self.0 | 1_u32.checked_shl(bit).unwrap_or(0))
    }
}

/// What a dumper would keep of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Bytes, from the area's start.
    pub bytes: u64,
    /// Why not all of it.
    pub lost_by: Option<Lost>,
}

/// The rule that leaves bytes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The rule.
    pub code: Code,
    /// The bit of coredump_filter that would keep them; `None` if none does.
    pub bit: Option<u32>,
}

impl Kept {
    /// All of `area`.
    pub(super) fn all(area: &Area) -> Self {
        Self { bytes: area.length, lost_by: None }
    }

    /// `bytes` of it, the rest left out by the rule `code`, unless `bit` were on.
    pub(super) fn some(bytes: u64, code: Code, bit: Option<u32>) -> Self {
        Self { bytes, lost_by: Some(Lost { code, bit }) }
    }
}

/// A dumper whose choice can be foretold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dumper {
    /// Linux, when a signal kills the process.
    Kernel,
    /// gdb's gcore.
    Gcore,
    /// .NET's createdump: whether it writes a full dump.
    Createdump {
        /// Type 4, or `--full`.
        full: bool,
    },
}

impl Dumper {
    /// What it keeps of `area` with `filter`, on a machine with pages of `page` bytes.
    pub fn keeps(self, area: &Area, filter: Filter, page: u64) -> Kept {
        match self {
            Self::Kernel => kernel::keeps(area, filter, page),
            Self::Gcore => gcore::keeps(area, filter),
            Self::Createdump { full } => createdump::keeps(area, full),
        }
    }
}
