//! What a file is, by its first bytes, and what to do with one that is no ELF core.

use std::borrow::Cow;
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
    /// A compressed file, which `super::open` looks into.
    Compressed(Layer),
    /// A compressed file or an archive of a kind that its own program must unpack.
    Packed {
        /// What it is, with its article.
        what: &'static str,
        /// The command that unpacks it; FILE is the file.
        command: &'static str,
    },
    /// A Breakpad, Crashpad or lldb minidump: read with the feature `minidump`.
    Minidump,
    /// A minidump of another system than Linux.
    ForeignMinidump,
    /// A Windows kernel or full dump.
    WindowsDump,
    /// A kernel dump: makedumpfile's, diskdump's or LKCD's.
    KernelDump,
    /// QEMU's dump of a virtual machine's memory, as an ELF core.
    MachineMemory,
    /// A virtual machine that QEMU or libvirt saved.
    SavedMachine,
    /// A core of another system than Linux: its name.
    ForeignCore(&'static str),
    /// A core of macOS.
    MachO,
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
    (0, b"PK\x03\x04", packed("a zip archive", "unzip -p FILE > core")),
    (0, b"7z\xbc\xaf\x27\x1c", packed("a 7z archive", "7z x -so FILE > core")),
    (0, b"LZIP", packed("a file of lzip", "lzip -dc FILE | coreinspect -")),
    (0, b"\x89LZO\0\r\n\x1a\n", packed("a file of lzop", "lzop -dc FILE | coreinspect -")),
    (0, b"\x1f\x9d", packed("a file of compress (.Z)", "gzip -dc FILE | coreinspect -")),
    (0, b"Rar!\x1a\x07", packed("a RAR archive", "unrar p -inul FILE > core")),
    (0, b"!<arch>\n", packed("an ar archive", "ar p FILE > core")),
    (0, b"070701", packed("a cpio archive", "cpio -id < FILE")),
    (257, b"ustar", packed("a tar archive", "tar -xf FILE")),
    (0, b"MDMP", Format::Minidump),
    (0, b"PMDM", Format::Minidump),
    (0, b"PAGEDU", Format::WindowsDump),
    (0, b"KDUMP   ", Format::KernelDump),
    (0, b"DISKDUMP", Format::KernelDump),
    (0, b"makedumpfile", Format::KernelDump),
    // FreeBSD's minidumps of its kernel; LiME, which dumps a machine's memory.
    (0, b"minidump FreeBSD/", Format::KernelDump),
    (0, b"EMiL", Format::KernelDump),
    (0, b"QEVM", Format::SavedMachine),
    (0, b"LibvirtQemudSave", Format::SavedMachine),
    (0, b"\xcf\xfa\xed\xfe", Format::MachO),
    (0, b"\xce\xfa\xed\xfe", Format::MachO),
    (0, b"\xca\xfe\xba\xbe", Format::MachO),
    (0, b"ProblemType:", Format::Apport),
    (0, b"#!", Format::Script),
];

const fn packed(what: &'static str, command: &'static str) -> Format {
    Format::Packed { what, command }
}

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
            (None, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) => Self::Compressed(Layer::Skippable),
            (None, []) => Self::Empty,
            _ if is_lzma_alone(start) => {
                packed("a file of lzma (.lzma)", "xz -dc --format=lzma FILE | coreinspect -")
            }
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
    pub fn advice(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Packed { command, .. } => {
                return format!("take the core out of it first: `{command}`").into();
            }
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
            Self::Minidump => "this program was built without the feature `minidump`: `lldb -c` reads it",
            Self::ForeignMinidump => {
                "System V segments are Linux's here: WinDbg, `lldb -c` or minidump-stackwalk reads it"
            }
            Self::WindowsDump => "it is no dump of a Linux process: WinDbg reads it",
            Self::KernelDump => {
                "it is a dump of a whole kernel: `crash vmlinux DUMP`, then `ipcs`, shows its segments"
            }
            Self::MachineMemory => {
                "it holds a whole kernel, not one process: `crash vmlinux DUMP`, then `ipcs`, shows its segments"
            }
            Self::SavedMachine => {
                "it is no dump of a process: restore the machine and dump the process in it, or its memory with `virsh dump \
                 --memory-only` for crash"
            }
            Self::ForeignCore(_) => {
                "System V segments are Linux's here: a gdb or lldb made for that system reads it"
            }
            Self::MachO => "it is no dump of a Linux process: lldb reads it",
            Self::Script | Self::Text | Self::Unknown { .. } => {
                "name a core that the kernel (core(5)) or gcore wrote; `file` may know more"
            }
        })
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
            Self::Packed { what, .. } => f.write_str(what),
            Self::Minidump => f.write_str("a minidump, not an ELF core"),
            Self::ForeignMinidump => f.write_str("a minidump of another system than Linux"),
            Self::WindowsDump => f.write_str("a Windows crash dump"),
            Self::KernelDump => f.write_str("a kernel dump (vmcore)"),
            Self::MachineMemory => f.write_str("a dump of a virtual machine's memory (QEMU, virsh dump)"),
            Self::SavedMachine => f.write_str("a virtual machine that QEMU or libvirt saved"),
            Self::ForeignCore(system) => write!(f, "an ELF core of {system}"),
            Self::MachO => f.write_str("a Mach-O file"),
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

/// Whether a file that starts with `start` is of the old format of lzma(1), which has no magic number: xz's own test of its
/// header (src/liblzma/common/alone_decoder.c, "picky"), and the first byte of the compressed data, which is always 0.
fn is_lzma_alone(start: &[u8]) -> bool {
    let [properties, d0, d1, d2, d3, s0, s1, s2, s3, s4, s5, s6, s7, 0, _, ..] = *start else { return false };
    // lc + lp of at most 4, pb of at most 4: (pb * 5 + lp) * 9 + lc.
    let (literals, rest) = (properties % 9, properties / 9);
    let dictionary = u32::from_le_bytes([d0, d1, d2, d3]);
    let size = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
    let is_usual = dictionary >= 4096
        && (dictionary == u32::MAX || matches!(dictionary >> dictionary.trailing_zeros(), 1 | 3));
    properties < 225
        && literals.saturating_add(rest % 5) <= 4
        && is_usual
        && (size == u64::MAX || size < 1 << 38)
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
