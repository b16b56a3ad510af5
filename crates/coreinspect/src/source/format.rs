//! What a file is, by its first bytes, and what to do with one that is no ELF core.

use std::fmt;

use super::{Layer, Source};
use crate::position::{FileOffset, Interval};

/// A kind of file that is named where a dump was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// An ELF core: what is wanted.
    ElfCore,
    /// An ELF program (or a shared library: both are ET_DYN today).
    ElfProgram,
    /// An ELF object file.
    ElfObject,
    /// No byte at all.
    Empty,
    /// Nothing but zero bytes at its start.
    Zeroes,
    /// A compressed file, which [`super::open`] looks into.
    Compressed(Layer),
    /// A zip archive.
    Zip,
    /// A Breakpad, Crashpad or lldb minidump: read with the feature `minidump`.
    Minidump,
    /// A minidump of another system than Linux.
    ForeignMinidump,
    /// A Windows kernel or full dump.
    WindowsDump,
    /// A kernel dump: makedumpfile's, diskdump's or LKCD's.
    KernelDump,
    /// A core of macOS.
    MachO,
    /// A tar archive.
    Tar,
    /// An apport report.
    Apport,
    /// A script.
    Script,
    /// A text.
    Text,
    /// None of these.
    Unknown {
        /// Its first bytes, up to four.
        start: [u8; 4],
        /// How many of them there are.
        length: u8,
    },
}

/// Bytes that decide: `offset`, what stands there, what it is.
const MAGIC: &[(usize, &[u8], Format)] = &[
    (0, b"\x28\xb5\x2f\xfd", Format::Compressed(Layer::Zstandard)),
    (0, b"\x04\x22\x4d\x18", Format::Compressed(Layer::Lz4)),
    (0, b"\x02\x21\x4c\x18", Format::Compressed(Layer::Lz4)),
    (0, b"\xfd7zXZ\x00", Format::Compressed(Layer::Xz)),
    (0, b"\x1f\x8b", Format::Compressed(Layer::Gzip)),
    (0, b"BZh", Format::Compressed(Layer::Bzip2)),
    (0, b"PK\x03\x04", Format::Zip),
    (0, b"MDMP", Format::Minidump),
    (0, b"PMDM", Format::Minidump),
    (0, b"PAGEDU", Format::WindowsDump),
    (0, b"KDUMP   ", Format::KernelDump),
    (0, b"DISKDUMP", Format::KernelDump),
    (0, b"makedumpfile", Format::KernelDump),
    (0, b"\xcf\xfa\xed\xfe", Format::MachO),
    (0, b"\xce\xfa\xed\xfe", Format::MachO),
    (0, b"\xca\xfe\xba\xbe", Format::MachO),
    (257, b"ustar", Format::Tar),
    (0, b"ProblemType:", Format::Apport),
    (0, b"#!", Format::Script),
];

impl Format {
    /// What `source` is, by its first bytes.
    ///
    /// # Errors
    /// What reading said.
    pub fn of(source: &dyn Source) -> std::io::Result<Self> {
        let start = source.bytes(Interval::clamped(FileOffset::new(0), 512))?;
        Ok(Self::of_start(&start))
    }

    /// What a file is whose first (up to 512) bytes are `start`.
    pub fn of_start(start: &[u8]) -> Self {
        if let Some(elf) = start.strip_prefix(b"\x7fELF") {
            // e_type, 16 bytes into the header; e_ident[EI_DATA] says its byte order.
            let kind = match (elf.get(1), elf.get(12), elf.get(13)) {
                (Some(2), Some(0), Some(kind)) | (Some(_), Some(kind), Some(_)) => *kind,
                _ => 4,
            };
            return match kind {
                1 => Self::ElfObject,
                2 | 3 => Self::ElfProgram,
                _ => Self::ElfCore,
            };
        }
        let known =
            MAGIC.iter().find(|(at, magic, _)| start.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
        match (known, start) {
            (Some((_, _, format)), _) => *format,
            (None, []) => Self::Empty,
            _ if start.iter().all(|byte| *byte == 0) => Self::Zeroes,
            _ if is_text(start) => Self::Text,
            (None, start) => {
                let mut first = [0; 4];
                first.iter_mut().zip(start).for_each(|(to, from)| *to = *from);
                Self::Unknown { start: first, length: u8::try_from(start.len().min(4)).unwrap_or(4) }
            }
        }
    }

    /// What to do with it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::ElfCore => "take a new dump",
            Self::ElfProgram => {
                "name its core: `coreinspect PROGRAM -c CORE`, or `gcore PID` makes one of a running process"
            }
            Self::ElfObject => "name a core: `gcore PID` makes one of a running process",
            Self::Empty => {
                "nothing was written: was the disk full, or RLIMIT_CORE 0 (`ulimit -c unlimited` before the program starts)?"
            }
            Self::Zeroes => "the dump was never written, or its start was lost: take a new one",
            Self::Compressed(_) | Self::Apport => "source::open looks into it",
            Self::Zip => "take the core out of it first: `unzip -p FILE > core`",
            Self::Minidump => "this program was built without the feature `minidump`: `lldb -c` reads it",
            Self::ForeignMinidump => {
                "System V segments are Linux's here: WinDbg, `lldb -c` or minidump-stackwalk reads it"
            }
            Self::WindowsDump => "it is no dump of a Linux process: WinDbg reads it",
            Self::KernelDump => {
                "it is a dump of a whole kernel: `crash vmlinux DUMP`, then `ipcs`, shows its segments"
            }
            Self::MachO => "it is no dump of a Linux process: lldb reads it",
            Self::Tar => "take the core out of it first: `tar -xf`",
            Self::Script | Self::Text | Self::Unknown { .. } => {
                "name a core that the kernel (core(5)) or gcore wrote; `file` may know more"
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ElfCore => f.write_str("an ELF core"),
            Self::ElfProgram => f.write_str("an ELF program or library, not a core"),
            Self::ElfObject => f.write_str("an ELF object file, not a core"),
            Self::Empty => f.write_str("an empty file"),
            Self::Zeroes => f.write_str("a file that starts with nothing but zero bytes"),
            Self::Compressed(layer) => write!(f, "a compressed file ({layer})"),
            Self::Zip => f.write_str("a zip archive"),
            Self::Minidump => f.write_str("a minidump, not an ELF core"),
            Self::ForeignMinidump => f.write_str("a minidump of another system than Linux"),
            Self::WindowsDump => f.write_str("a Windows crash dump"),
            Self::KernelDump => f.write_str("a kernel dump (vmcore)"),
            Self::MachO => f.write_str("a Mach-O file"),
            Self::Tar => f.write_str("a tar archive"),
            Self::Apport => f.write_str("an apport report"),
            Self::Script => f.write_str("a script, not a core"),
            Self::Text => f.write_str("a text file, not a core"),
            Self::Unknown { start, length } => {
                let bytes: Vec<_> =
                    start.iter().take(usize::from(*length)).map(|byte| format!("{byte:02x}")).collect();
                write!(f, "no ELF file (it starts with {})", bytes.join(" "))
            }
        }
    }
}

/// UTF-8 (perhaps cut inside its last character) without control characters but white space.
fn is_text(start: &[u8]) -> bool {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            start.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or("\0")
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}
