//! The rules read forwards: what a writer would keep of a mapping of a running process.

use super::{Code, RULES, kernel};
use crate::kind::{Kind, without_deleted};
use crate::proc_files::{FileStatus, MemoryArea};
use crate::writer::Writer;

/// A mapping of shared memory, as far as a writer's rules ask about it (proc_pid_smaps(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    /// Bytes.
    pub length: u64,
    /// Whether it begins at offset 0 of the segment.
    pub from_start: bool,
    /// PROT_READ.
    pub readable: bool,
    /// VmFlags `sh`: shared to the kernel, which a SHM_RDONLY attach is not, nor what was opened read-only.
    pub shared: bool,
    /// A name leads to its file (i_nlink is not 0): none does to a System V segment, a memfd, or what is unlinked.
    pub named: bool,
    /// Its file may be a program to the kernel: it is executable, or begins as one.
    pub program: bool,
    /// VmFlags `ht`: huge pages.
    pub huge_pages: bool,
    /// VmFlags `dd`: madvise(2) with MADV_DONTDUMP.
    pub dont_dump: bool,
    /// VmFlags `io`: a device's memory.
    pub device: bool,
}

impl Area {
    /// Of `area`, whose file has this `status`; without it its name must do.
    pub(crate) fn of(area: &MemoryArea<'_>, status: Option<FileStatus>) -> Self {
        let flag = |flag: &[u8; 2]| area.has_flag(flag);
        let name = area.area.name;
        let of_the_kernel =
            matches!(Kind::of_name(name), Some(Kind::SystemV | Kind::Memfd | Kind::Anonymous));
        Self {
            named: status.map_or(!of_the_kernel && !without_deleted(name).1, |status| status.links > 0),
            program: status.map_or(of_the_kernel, |status| status.mode & 0o111 != 0),
            length: area.area.length(),
            from_start: area.area.offset == 0,
            readable: area.area.permissions.starts_with(b"r"),
            // Without VmFlags (before Linux 3.8) a mapping that cannot be written counts as private.
            shared: flag(b"sh").unwrap_or_else(|| area.area.permissions.get(1) == Some(&b'w')),
            huge_pages: flag(b"ht").unwrap_or(false),
            dont_dump: flag(b"dd").unwrap_or(false),
            device: flag(b"io").unwrap_or(false),
        }
    }
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

/// What a writer would keep of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Bytes, from the area's start.
    pub bytes: u64,
    /// Why not all of it.
    pub lost_by: Option<Lost>,
}

/// The rule that leaves bytes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
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

/// What decides beside the mapping.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    /// The process's coredump_filter.
    pub filter: Filter,
    /// Bytes of a page.
    pub page: u64,
    /// Its environment, each variable NUL-ended (proc_pid_environ(5)).
    pub environment: &'a [u8],
    /// The names of its mappings.
    pub names: &'a [&'a [u8]],
}

/// What a fix can name.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    /// The process's number.
    pub pid: String,
    /// The command that sets the coredump_filter that keeps all that bits can keep.
    pub filter: String,
    /// What keeps the bytes whatever the rules are.
    pub elsewhere: String,
}

/// The rules of a writer whose choice can be foretold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forward {
    /// Above its column.
    pub heading: &'static str,
    /// Whether it would dump the process at all.
    pub dumps: fn(&Conditions<'_>) -> bool,
    /// Why it would not: the end of a sentence that begins with the process.
    pub refusal: &'static str,
    /// What it would keep of an area.
    pub keeps: fn(&Area, &Conditions<'_>) -> Kept,
    /// Why it leaves out what [`Code::LeftOut`] says, where that is known.
    pub left_out: Option<&'static str>,
    /// What keeps what was lost.
    pub fix: fn(Lost, &Next) -> String,
}

impl Forward {
    /// The writers that have such rules, the kernel first.
    pub(crate) fn all() -> impl Iterator<Item = (Writer, &'static Self)> {
        RULES.iter().filter_map(|(writer, rules)| Some((*writer, rules.forward.as_ref()?)))
    }

    /// The rules of `writer`.
    pub(crate) fn of(writer: Writer) -> Option<&'static Self> {
        Self::all().find_map(|(other, rules)| (other == writer).then_some(rules))
    }
}

/// What the kernel would keep of `area`: it is the kernel that pipes a core to a handler.
pub(crate) fn kept_by_the_kernel(area: &Area, conditions: &Conditions<'_>) -> Kept {
    kernel::keeps(area, conditions)
}
