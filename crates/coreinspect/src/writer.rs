//! The programs that write dumps, and what each habitually does: one row each in [`Writer::habits`].
//!
//! How a writer is recognised stands in `core_file/writer.rs` and `targets/minidump`, which bytes it keeps in
//! `retention`. All others ask here, and know no writer by name.

use std::fmt;

/// A program that writes dumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Writer {
    /// Linux (fs/coredump.c), when a signal killed the process.
    Kernel,
    /// gdb's `gcore` or `generate-core-file`.
    Gcore,
    /// .NET's createdump.
    Createdump,
    /// minicoredumper, a core_pattern handler that thins the kernel's core.
    Minicoredumper,
    /// qemu-user, for the guest program that it runs.
    QemuUser,
    /// The `dump` command of Delve, the Go debugger.
    Delve,
    /// CRIU's `coredump`, which makes cores of the images of a checkpoint.
    Criu,
    /// google-coredumper, a library by which a program dumps itself.
    GoogleCoredumper,
    /// `contrib/gcore.py` of drgn, which reads a process out of the kernel's memory.
    Drgn,
    /// The extension `gcore` of crash, which reads a process out of a dump of the kernel's memory.
    Crash,
    /// The crate elfcore.
    Elfcore,
    /// valgrind, for the program that it runs.
    Valgrind,
    /// lldb's `process save-core`, a minidump on Linux.
    Lldb,
    /// Breakpad's client library: a minidump.
    Breakpad,
    /// Crashpad's handler: a minidump.
    Crashpad,
    /// The crate minidump-writer, Breakpad's successor in Rust (Firefox): a minidump.
    MinidumpWriter,
    /// coreinspect itself.
    Coreinspect,
}

/// What a writer does, as far as an analysis depends on it. Of a writer that is not known: [`Habits::UNKNOWN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// The word of the JSON contract.
    pub word: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// Which attaches it names.
    pub names: Names,
    /// What it does to the names of segments: the end of a sentence that says that none has a name.
    pub hides: &'static str,
    /// Names that it writes instead for shared memory of several kinds, System V among them.
    pub veils: &'static [&'static [u8]],
    /// Whether it can leave ` (deleted)` out of every name.
    pub drops_deleted: bool,
    /// Mappings from which on it writes no names at all.
    pub most_named: Option<usize>,
    /// What the signal of its first thread means.
    pub signal: WrittenSignal,
    /// What a run of memory in its dumps is.
    pub runs: Runs,
    /// Whether the kernel's rules show in what it keeps: of a private mapping of a file, which a read-only attach is to
    /// the kernel, the first page; of a writable attach all or nothing.
    pub first_pages: bool,
    /// Whether it leaves a hole for a page of private memory that was never written, and none in a segment.
    pub holes: bool,
    /// Whether it calls memory readable that has no rights.
    pub all_readable: bool,
    /// Whether the program ran in an emulator, which writes tables of its own into the memory of an x86 guest, and
    /// pr_uid of a guest of the other byte order wrongly.
    pub emulator: bool,
    /// What must speak for a candidate without a name.
    pub bar: Bar,
    /// Whether RLIMIT_CORE, and what else core(5) names, decide over its file.
    pub limited: bool,
}

/// Which attaches a writer names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Every one.
    All,
    /// Every one but those of the segment with shmid 0, which is one at most.
    AllButOne,
    /// Every one, or (another version) none.
    AllOrNone,
    /// None.
    None,
    /// It is not known.
    Unknown,
}

/// What the signal means that stands in a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenSignal {
    /// It ended the process.
    Ended,
    /// The process lives on; a stop or a breakpoint is the writer's own doing, another signal what it was sent last.
    Stopped,
    /// Nothing: every dump has one, whatever happened to the process.
    Nothing,
    /// Some versions write SIGABRT into every thread of every dump, and no NT_SIGINFO.
    AbortAlways,
}

/// What a run of memory (a PT_LOAD) is to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// A mapping: where two of equal rights touch, the kernel did not join them.
    Mappings,
    /// A mapping; but it dumps programs whose runtime maps side by side what is one, so that a border says nothing.
    MappingsOfARuntime,
    /// Several mappings, where they lie side by side with equal rights.
    Joined,
    /// One mapping, or several.
    Unknown,
}

/// What must speak for a candidate without a name, in the weights of `unnamed/evidence.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// If nobody asked for it.
    pub sure: i32,
    /// If segments without a name are looked for.
    pub asked: i32,
}

impl Runs {
    /// Whether a run can hold several mappings.
    pub fn can_be_several(self) -> bool {
        matches!(self, Self::Joined | Self::Unknown)
    }
}

impl Habits {
    /// Those that are assumed of a writer that is not known.
    pub const UNKNOWN: Self = Self::named("unknown");

    /// Those of a writer called `word` that does nothing special.
    const fn named(word: &'static str) -> Self {
        Self {
            word,
            label: word,
            names: Names::Unknown,
            hides: "",
            veils: &[],
            drops_deleted: false,
            most_named: None,
            signal: WrittenSignal::Ended,
            runs: Runs::Unknown,
            first_pages: false,
            holes: false,
            all_readable: false,
            emulator: false,
            // As measured: what ordinary programs reach in dumps of each kind (tests/it/unnamed).
            bar: Bar { sure: 50, asked: 20 },
            limited: false,
        }
    }

    /// Those of `writer`; `None` is one that is not known.
    pub fn of(writer: Option<Writer>) -> Self {
        writer.map_or(Self::UNKNOWN, Writer::habits)
    }
}

impl Writer {
    /// What it does.
    pub const fn habits(self) -> Habits {
        match self {
            Self::Kernel => Habits {
                label: "the kernel",
                names: Names::All,
                // kernel.core_file_note_size_limit (4 MiB) over the 64 bytes that the kernel estimates for each
                // (fs/binfmt_elf.c `fill_files_note`).
                most_named: Some(65_535),
                runs: Runs::Mappings,
                first_pages: true,
                holes: true,
                limited: true,
                ..Habits::named("kernel")
            },
            Self::Gcore => Habits {
                names: Names::AllButOne,
                hides: "; if there was one with shmid 0, the first of a container, gcore has left out its name",
                signal: WrittenSignal::Stopped,
                runs: Runs::Mappings,
                all_readable: true,
                ..Habits::named("gcore")
            },
            Self::Createdump => Habits {
                names: Names::AllOrNone,
                hides: "; createdump leaves out the names of segments since .NET 9, and its mini, heap and triage dumps also \
                        the bytes: gcore PID has both",
                // .NET Core 3.1.
                drops_deleted: true,
                signal: WrittenSignal::AbortAlways,
                runs: Runs::Joined,
                ..Habits::named("createdump")
            },
            Self::Minicoredumper => Habits { names: Names::All, ..Habits::named("minicoredumper") },
            Self::QemuUser => Habits {
                names: Names::None,
                hides: "; the kernel's own core of the emulator, often beside it, has names and bytes",
                runs: Runs::Joined,
                emulator: true,
                // Its guests have little memory that is not of programs.
                bar: Bar { sure: 30, asked: 10 },
                ..Habits::named("qemu-user")
            },
            Self::Delve => Habits {
                names: Names::None,
                hides: "; Delve saves the bytes of segments without their names: gcore PID has both",
                runs: Runs::MappingsOfARuntime,
                ..Habits::named("delve")
            },
            Self::Criu => Habits {
                names: Names::None,
                hides: "; CRIU's coredump leaves out the names of segments and writes zeroes for their bytes: gcore PID has \
                        both",
                ..Habits::named("criu")
            },
            Self::GoogleCoredumper => Habits {
                names: Names::None,
                hides: "; google-coredumper saves the bytes of writable segments, and no names: gcore PID has both",
                ..Habits::named("google-coredumper")
            },
            Self::Drgn => Habits {
                names: Names::None,
                hides: "; drgn's gcore.py writes [tmpfs] or [hugetlbfs] for the names of segments: gcore PID has them",
                veils: &[b"[tmpfs]", b"[hugetlbfs]"],
                runs: Runs::Joined,
                ..Habits::named("drgn")
            },
            // `d_path` of crash knows nothing of unlinked files.
            Self::Crash => Habits { names: Names::All, drops_deleted: true, ..Habits::named("crash") },
            Self::Elfcore => Habits {
                names: Names::None,
                hides: "; the crate elfcore saves the bytes of segments without their names: gcore PID has both",
                signal: WrittenSignal::Nothing,
                runs: Runs::Mappings,
                ..Habits::named("elfcore")
            },
            Self::Valgrind => Habits {
                names: Names::None,
                hides: "; valgrind saves the bytes of segments without their names: gcore of valgrind's own process has both",
                ..Habits::named("valgrind")
            },
            Self::Lldb => {
                Habits { names: Names::All, signal: WrittenSignal::Stopped, ..Habits::named("lldb") }
            }
            Self::Breakpad => Habits { names: Names::All, ..Habits::named("breakpad") },
            Self::Crashpad => Habits {
                names: Names::None,
                hides: "; Crashpad writes no names of mappings: gcore PID has names and bytes",
                ..Habits::named("crashpad")
            },
            Self::MinidumpWriter => Habits { names: Names::All, ..Habits::named("minidump-writer") },
            Self::Coreinspect => Habits { names: Names::All, ..Habits::named("coreinspect") },
        }
    }

    /// The word of the JSON contract.
    pub const fn word(self) -> &'static str {
        self.habits().word
    }
}

/// The word of the JSON contract.
impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
