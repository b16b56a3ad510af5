//! Which program wrote a core, by evidence in the file. `None` where the evidence fits none, or several.

use crate::writer::Writer;

/// What a core shows of its writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traits {
    /// The types of the first notes of owner `CORE` (or without one), in the file's order.
    pub core_notes: Vec<u32>,
    /// Notes of owner `GDB`: the target description that gdb saves since version 12.
    pub gdb_note: bool,
    /// A note of owner `Delve Header`.
    pub delve_note: bool,
    /// A note of owner `coreinspect`.
    pub coreinspect_note: bool,
    /// The section `.note.minicoredumper.dumplist`.
    pub dump_list: bool,
    /// Whether the first PT_NOTE stands before the first PT_LOAD in the table.
    pub notes_first: bool,
    /// Whether the notes stand behind the memory in the file.
    pub notes_behind_memory: bool,
    /// Whether the table of program headers stands behind the memory in the file.
    pub table_behind_memory: bool,
    /// Whether NT_SIGINFO, NT_AUXV and NT_FILE are anywhere among the notes.
    pub has: Present,
    /// p_align of the PT_LOADs, where all agree.
    pub load_align: Option<u64>,
    /// Whether AT_HWCAP stands before AT_PHDR: what the kernel gives every program does.
    pub hardware_first: bool,
    /// Whether a note of owner `LINUX`, a machine's registers, stands before NT_SIGINFO.
    pub state_before_signal: bool,
    /// Whether there are section headers beyond the one of PN_XNUM.
    pub sections: bool,
}

/// Which notes are there, wherever they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Present {
    /// NT_SIGINFO.
    pub signal: bool,
    /// NT_AUXV.
    pub auxiliary: bool,
    /// NT_FILE.
    pub files: bool,
    /// A process id in NT_PRPSINFO.
    pub process_id: bool,
}

/// How many leading notes of owner CORE decide.
pub(crate) const LEADING_NOTES: usize = 5;

const PRSTATUS: u32 = 1;
const FPREGSET: u32 = 2;
const PRPSINFO: u32 = 3;
/// NT_TASKSTRUCT; google-coredumper calls it NT_PRXREG and puts a `struct user` there.
const TASKSTRUCT: u32 = 4;
const AUXV: u32 = 6;
const FILE: u32 = 0x4649_4c45;
const SIGINFO: u32 = 0x5349_4749;

impl Traits {
    /// Takes a note of owner `LINUX`.
    pub fn take_linux(&mut self, kind: u32) {
        /// NT_ARM_VFP, which stands for NT_FPREGSET there.
        const ARM_VFP: u32 = 0x400;
        self.state_before_signal |= kind != ARM_VFP && !self.has.signal;
    }

    /// The writer that leaves these, as measured on dumps of each.
    pub(crate) fn writer(&self) -> Option<Writer> {
        let by_own_mark = [
            (self.coreinspect_note, Writer::Coreinspect),
            (self.dump_list, Writer::Minicoredumper),
            (self.delve_note, Writer::Delve),
        ];
        if let Some((_, writer)) = by_own_mark.into_iter().find(|(marked, _)| *marked) {
            return Some(writer);
        }
        let page_aligned = self.load_align.is_some_and(|align| align >= 4096);
        match self.core_notes.as_slice() {
            // gdb: bfd writes section headers, p_align 1, and the notes last (which a cut file has lost).
            [PRPSINFO | PRSTATUS, ..] | []
                if self.notes_behind_memory
                    && (self.gdb_note || self.sections && self.load_align == Some(1)) =>
            {
                Some(Writer::Gcore)
            }
            _ if !page_aligned || !self.notes_first || self.sections => None,
            // contrib/gcore.py writes the table last; every thread has an NT_PRSTATUS before the rest.
            [PRSTATUS, ..] if self.table_behind_memory && self.has.files && !self.has.signal => {
                Some(Writer::Drgn)
            }
            _ if self.table_behind_memory => None,
            // Breakpad's minidump-2-core writes these too; createdump knows whom it dumps.
            [PRPSINFO, AUXV, FILE, ..] if self.has.process_id => Some(Writer::Createdump),
            [PRPSINFO, TASKSTRUCT, AUXV, ..] => Some(Writer::GoogleCoredumper),
            // src/coredump.rs: the registers of every thread, all kinds of them, and then what is known of the signal.
            [PRPSINFO, PRSTATUS, FPREGSET, SIGINFO | PRSTATUS, ..]
                if self.state_before_signal && self.has.signal && self.has.auxiliary =>
            {
                Some(Writer::Elfcore)
            }
            // criu_coredump/coredump.py puts NT_SIGINFO before what else is known of a thread; on 32-bit arm there is no NT_FPREGSET.
            [PRPSINFO, PRSTATUS, FPREGSET, SIGINFO, ..] | [PRPSINFO, PRSTATUS, SIGINFO, ..]
                if !self.state_before_signal =>
            {
                Some(Writer::Criu)
            }
            // coregrind/m_coredump: who, and the registers of each thread, is all that there is.
            [PRPSINFO, PRSTATUS, FPREGSET, ..]
                if !(self.has.signal || self.has.auxiliary || self.has.files) =>
            {
                Some(Writer::Valgrind)
            }
            // Linux since 3.7 writes SIGINFO (and FILE); before that the registers followed AUXV.
            [PRSTATUS, PRPSINFO, SIGINFO, AUXV, ..] | [PRSTATUS, PRPSINFO, AUXV, FPREGSET, ..] => {
                Some(Writer::Kernel)
            }
            // src/libgcore/gcore_coredump.c: the kernel's order, without a signal.
            [PRSTATUS, PRPSINFO, AUXV, FILE, ..] if !self.has.signal => Some(Writer::Crash),
            // A thread that used no floating point has no NT_FPREGSET.
            [PRSTATUS, PRPSINFO, AUXV] | [PRSTATUS, PRPSINFO, AUXV, PRSTATUS, ..] if self.hardware_first => {
                Some(Writer::Kernel)
            }
            // linux-user/elfload.c; since 8.2 NT_AUXV comes first. No file names, no floating point registers.
            [PRSTATUS, PRPSINFO, AUXV] | [PRSTATUS, PRPSINFO, AUXV, PRSTATUS, ..] => Some(Writer::QemuUser),
            [AUXV, PRPSINFO, PRSTATUS, ..] if !self.has.files && !self.has.signal => Some(Writer::QemuUser),
            _ => None,
        }
    }
}
