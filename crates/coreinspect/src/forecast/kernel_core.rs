//! How the kernel would lay out its core file (Linux fs/binfmt_elf.c `elf_core_dump`), and where RLIMIT_CORE would cut it.
//!
//! The limit counts bytes that are written. Pages that a process has never touched are skipped, and count nothing.

use crate::kind::Kind;
use crate::position::Address;
use crate::proc_files::{DumpSettings, MemoryArea};
use crate::retention::forecast::Filter;

/// What the size of the notes depends on.
#[derive(Clone, Debug, Default)]
pub struct KernelCoreNotes {
    /// Bytes of the auxiliary vector (/proc/PID/auxv).
    pub auxiliary: u64,
    /// AT_MINSIGSTKSZ in it, from which the size of the processor's state follows.
    pub signal_frame: Option<u64>,
    /// Bytes of a word: 8, or 4 in a 32-bit process.
    pub word: u64,
}

/// A core as the kernel would write it.
pub(super) struct KernelCore {
    /// Each mapping's start, and how many of its bytes would reach the file; sorted.
    written: Vec<(u64, u64)>,
    size: u64,
}

impl KernelCore {
    pub(super) fn of(
        areas: &[MemoryArea<'_>],
        settings: &DumpSettings,
        filter: Filter,
        page: u64,
        notes: &KernelCoreNotes,
        starts_as_program: impl Fn(&MemoryArea<'_>) -> bool,
    ) -> Self {
        let mut written = Vec::with_capacity(areas.len());
        let headers = headers_size(areas.len() as u64, notes.word);
        let mut size = headers.saturating_add(notes_size(areas, settings.threads, notes));
        let mut rows: Vec<_> =
            areas.iter().map(|area| (area, taken(area, filter, page, &starts_as_program))).collect();
        if settings.sorted {
            rows.sort_by_key(|(_, taken)| taken.dumped);
        }
        let (mut full, mut unlimited) = (false, size);
        for (area, taken) in rows {
            unlimited = unlimited.saturating_add(taken.on_disk);
            let left = settings.limit().map_or(u64::MAX, |limit| limit.saturating_sub(size));
            // Whole pages are written, or none.
            let left = if full { 0 } else { left.checked_div(page).unwrap_or(0).saturating_mul(page) };
            full |= taken.on_disk > left;
            let fits = taken.on_disk.min(left);
            size = size.saturating_add(fits);
            // Skipped pages stand between those that are written; of a segment none is skipped.
            written.push((area.area.start, if full { fits } else { taken.dumped }));
        }
        written.sort_unstable();
        Self { written, size: unlimited }
    }

    /// How many bytes of the mapping that begins at `start` would reach the file.
    pub(super) fn written_of(&self, start: Address) -> Option<u64> {
        let at = self.written.binary_search_by_key(&start.get(), |(start, _)| *start).ok()?;
        self.written.get(at).map(|(_, bytes)| *bytes)
    }

    /// Bytes that would be written without a limit.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// What the kernel takes of a mapping: `p_filesz`, and how much of it is not skipped.
#[derive(Clone, Copy)]
struct Taken {
    dumped: u64,
    on_disk: u64,
}

/// The rules for every mapping, not segments alone: fs/coredump.c `vma_dump_size`.
fn taken(
    area: &MemoryArea<'_>,
    filter: Filter,
    page: u64,
    starts_as_program: &impl Fn(&MemoryArea<'_>) -> bool,
) -> Taken {
    let length = area.area.length();
    let name = area.area.name;
    let flag = |flag: &[u8; 2]| area.has_flag(flag).unwrap_or(false);
    let touched = area.resident().unwrap_or(length).saturating_add(area.swapped().unwrap_or(0)).min(length);
    let all = Taken { dumped: length, on_disk: length };
    let only_touched = Taken { dumped: length, on_disk: touched };
    let nothing = Taken { dumped: 0, on_disk: 0 };
    let when = |bit, taken| if filter.has(bit) { taken } else { nothing };
    if name == b"[vdso]" || name == b"[vsyscall]" {
        return all;
    }
    if name.starts_with(b"[vvar") {
        // Dumped, but none of its pages can be read.
        return Taken { dumped: length, on_disk: 0 };
    }
    let shared = flag(b"sh");
    let unlinked = name.ends_with(b" (deleted)");
    if flag(b"dd") {
        return nothing;
    }
    if flag(b"ht") {
        return when(if shared { Filter::HUGE_SHARED } else { Filter::HUGE_PRIVATE }, all);
    }
    if flag(b"io") {
        return nothing;
    }
    if shared {
        return when(if unlinked { Filter::ANONYMOUS_SHARED } else { Filter::FILE_SHARED }, all);
    }
    // A segment's inode is its shmid, and 0 is one.
    let of_a_file = area.area.inode != 0 || name.starts_with(b"/");
    let private_pages = area.bytes(b"Anonymous").unwrap_or(0) > 0 || area.swapped().unwrap_or(0) > 0;
    if private_pages && filter.has(Filter::ANONYMOUS_PRIVATE) {
        // A file's pages are read in where the process has not touched them.
        return if of_a_file { all } else { only_touched };
    }
    if !of_a_file {
        return nothing;
    }
    if filter.has(Filter::FILE_PRIVATE) {
        return all;
    }
    let first_page = Taken { dumped: page.min(length), on_disk: page.min(length) };
    let program = area.area.offset == 0
        && area.area.permissions.starts_with(b"r")
        && filter.has(Filter::ELF_HEADERS)
        && (matches!(Kind::of_name(name), Some(Kind::SystemV | Kind::Memfd | Kind::Anonymous))
            || starts_as_program(area));
    if program { first_page } else { nothing }
}

/// Header, a program header for the notes and one for each mapping; beyond 65,534 a section header too.
fn headers_size(mappings: u64, word: u64) -> u64 {
    let (header, program_header, section_header) = if word == 8 { (64, 56, 64) } else { (52, 32, 40) };
    let count = mappings.saturating_add(1);
    let size = count.saturating_mul(program_header).saturating_add(header);
    if count >= 0xffff { size.saturating_add(section_header) } else { size }
}

/// What the notes take: `write_note_info`. Of machines other than x86-64 to within a page or so for each thread.
fn notes_size(areas: &[MemoryArea<'_>], threads: u64, notes: &KernelCoreNotes) -> u64 {
    /// AT_MINSIGSTKSZ beyond the processor's state, on x86-64 (arch/x86/kernel/signal.c).
    const SIGNAL_FRAME: u64 = 944;
    /// The layout of that state, which Linux describes since 6.12.
    const STATE_LAYOUT: u64 = 64;
    let note = |size: u64| size.next_multiple_of(4).saturating_add(20);
    let state = notes.signal_frame.and_then(|size| size.checked_sub(SIGNAL_FRAME)).unwrap_or(832);
    // NT_PRSTATUS, NT_FPREGSET, NT_X86_XSTATE.
    let registers = if notes.word == 8 { (336, 512) } else { (144, 108) };
    let thread = note(registers.0).saturating_add(note(registers.1)).saturating_add(note(state));
    let words = |count: u64| count.saturating_mul(notes.word);
    // count and page size, then three words and a name for each mapping of a file.
    let file_rows = areas
        .iter()
        .filter(|area| area.area.inode != 0)
        .map(|area| words(3).saturating_add(area.area.name.len() as u64).saturating_add(1));
    let files = file_rows.fold(words(2), u64::saturating_add);
    // NT_PRPSINFO, NT_SIGINFO, NT_AUXV, NT_FILE.
    [note(136), note(128), note(notes.auxiliary), note(files), note(STATE_LAYOUT)]
        .into_iter()
        .fold(thread.saturating_mul(threads), u64::saturating_add)
}
