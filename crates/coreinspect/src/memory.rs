//! What a dump says of a run of memory: its rights, and whether its bytes are there.

use std::fmt;

use crate::position::{Address, Interval};

/// What is known of a run of bytes. No variant means "zero".
///
/// core(5); Linux fs/coredump.c `vma_dump_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dumped {
    /// The dump holds the bytes.
    Saved,
    /// The writer left them out: `p_filesz` is short, or no PT_LOAD covers them.
    NotSaved,
    /// The writer wrote them, but the file ends before them.
    CutOff,
    /// A live process did not let us read them.
    NotReadable,
}

impl Dumped {
    /// The word of the JSON contract for bytes that are missing; `None` for saved ones.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Saved => None,
            Self::NotSaved => Some("not-saved"),
            Self::CutOff => Some("cut-off"),
            Self::NotReadable => Some("not-readable"),
        }
    }
}

/// A run of memory of which one thing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where it lies.
    pub range: Interval<Address>,
    /// Whether the dump saved its bytes.
    pub dumped: Dumped,
    /// Where its bytes are from that the dump lacks and `coreinspect fill` added: an index of
    /// [`Target::filled_from`](crate::targets::Target::filled_from).
    pub filled: Option<usize>,
}

impl Extent {
    /// Whether its bytes can be read: saved, or filled.
    pub fn is_there(&self) -> bool {
        self.dumped == Dumped::Saved || self.filled.is_some()
    }
}

/// What a mapping allows: read, write, execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permissions {
    /// PROT_READ.
    pub read: bool,
    /// PROT_WRITE.
    pub write: bool,
    /// PROT_EXEC.
    pub execute: bool,
}

impl Permissions {
    /// From `p_flags` of a program header (elf(5): PF_X 1, PF_W 2, PF_R 4).
    pub fn from_program_header(flags: u32) -> Self {
        Self { read: flags & 4 != 0, write: flags & 2 != 0, execute: flags & 1 != 0 }
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |allowed, letter| if allowed { letter } else { '-' };
        write!(f, "{}{}{}", letter(self.read, 'r'), letter(self.write, 'w'), letter(self.execute, 'x'))
    }
}
