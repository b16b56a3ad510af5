//! One small process, dumped the way each writer dumps it.
//!
//! What a writer does is told in the kernel's `fs/binfmt_elf.c` and `fs/coredump.c`, gdb's `gcore.c`, .NET's `createdump`,
//! qemu's `linux-user/elfload.c`, Delve's `pkg/proc/dump.go` and minicoredumper's `minicoredumper.c`, and was seen in real dumps.

use super::notes::{self, Note, Row};
use super::{Abi, ByteOrder, Content, CoreBuilder, R, Section, Segment, TablePlace, W, X};

const NT_FPREGSET: u32 = 2;

const fn abi(
    name: &'static str,
    machine: u16,
    bits: usize,
    order: ByteOrder,
    uid_bytes: usize,
    registers: usize,
) -> Abi {
    Abi { name, machine, bits, order, page_size: 4096, uid_bytes, registers }
}

pub(crate) const X86_64: Abi = abi("x86_64", 62, 64, ByteOrder::Little, 4, 27 * 8);
pub(crate) const I386: Abi = abi("i386", 3, 32, ByteOrder::Little, 2, 17 * 4);
pub(crate) const ARM: Abi = abi("arm", 40, 32, ByteOrder::Little, 2, 18 * 4);
pub(crate) const AARCH64: Abi = abi("aarch64", 183, 64, ByteOrder::Little, 4, 34 * 8);
pub(crate) const S390X: Abi = abi("s390x", 22, 64, ByteOrder::Big, 4, 27 * 8);
pub(crate) const MIPS: Abi = abi("mips", 8, 32, ByteOrder::Big, 4, 45 * 4);
/// Pages of 64 KiB, as distributions built it.
pub(crate) const PPC64: Abi = Abi { page_size: 0x10000, ..abi("ppc64", 21, 64, ByteOrder::Big, 4, 48 * 8) };
pub(crate) const ABIS: [Abi; 7] = [X86_64, I386, ARM, AARCH64, S390X, MIPS, PPC64];

pub(crate) const PID: u64 = 4711;
pub(crate) const UID: u64 = 1000;
pub(crate) const MESSAGE: &[u8] = b"Hello from writer process!";
pub(crate) const WRITER_KEY: u32 = 0x7800_c028;
pub(crate) const READER_KEY: u32 = 0x4f1d_0001;

/// A mapping of the process. Starts are multiples of 64 KiB: every machine can have them.
struct Mapping {
    start: u64,
    pages: u64,
    /// In bytes.
    offset: u64,
    flags: u32,
    name: Option<Vec<u8>>,
    /// The first bytes; the rest is zero.
    content: Vec<u8>,
}

pub(crate) fn segment_name(key: u32) -> Vec<u8> {
    format!("/SYSV{key:08x} (deleted)").into_bytes()
}

/// The mailbox of writer and reader: flag 1, then the text.
pub(crate) fn mailbox() -> Vec<u8> {
    [b"\x01", MESSAGE, b"\0"].concat()
}

/// A program of two mappings, a read-write attach, a read-only attach, an IPC_PRIVATE attach that mprotect split, a stack.
fn process() -> Vec<Mapping> {
    let mapping = |start, pages, offset, flags, name: Option<Vec<u8>>, content: &[u8]| Mapping {
        start,
        pages,
        offset,
        flags,
        name,
        content: content.to_vec(),
    };
    let program = || Some(b"/bin/writer".to_vec());
    let private = || Some(segment_name(0));
    vec![
        mapping(0x0001_0000, 1, 0, R | X, program(), b"\x7fELF"),
        mapping(0x0004_0000, 1, 0x3_0000, R | W, program(), b"data"),
        mapping(0x1000_0000, 2, 0, R | W, Some(segment_name(WRITER_KEY)), &mailbox()),
        mapping(0x2000_0000, 3, 0, R, Some(segment_name(READER_KEY)), &mailbox()),
        mapping(0x3000_0000, 1, 0, R | W, private(), b"\x02a"),
        mapping(0x3001_0000, 1, 0x1_0000, R, private(), b"b"),
        mapping(0x7ff0_0000, 1, 0, R | W, None, b"stack"),
    ]
}

impl Mapping {
    fn is_segment(&self) -> bool {
        self.name.as_ref().is_some_and(|name| name.starts_with(b"/SYSV"))
    }

    fn end(&self, abi: &Abi) -> u64 {
        self.start + self.pages * abi.page_size
    }

    fn load(&self, abi: &Abi, pages: u64, align: u64) -> Segment {
        let mut bytes = self.content.clone();
        bytes.resize((pages * abi.page_size) as usize, 0);
        let content = if pages == 0 { Content::Nothing } else { Content::Bytes(bytes) };
        Segment { align, ..Segment::load(self.start, self.pages * abi.page_size, self.flags, content) }
    }

    fn row(&self, abi: &Abi, page_size: u64) -> Option<Row> {
        let offset = self.offset / page_size;
        Some(Row { start: self.start, end: self.end(abi), offset, name: self.name.clone()? })
    }
}

pub(crate) fn rows(abi: &Abi, page_size: u64) -> Vec<Row> {
    process().iter().filter_map(|mapping| mapping.row(abi, page_size)).collect()
}

fn prpsinfo(abi: &Abi) -> Note {
    notes::prpsinfo(abi, PID, UID, b"writer", b"./writer --key x")
}

fn auxv(abi: &Abi) -> Note {
    use notes::{AT_ENTRY, AT_NULL, AT_PAGESZ, AT_PHDR, AT_UID};
    let entries =
        [(AT_PAGESZ, abi.page_size), (AT_PHDR, 0x1_0040), (AT_ENTRY, 0x1_0100), (AT_UID, UID), (AT_NULL, 0)];
    notes::auxv(abi, &entries)
}

fn kernel_notes(abi: &Abi) -> Vec<Note> {
    vec![
        notes::prstatus(abi, PID, 11),
        prpsinfo(abi),
        notes::siginfo(abi, 11, 1, 0x1234),
        auxv(abi),
        notes::file(abi, abi.page_size, &rows(abi, abi.page_size)),
        notes::prstatus(abi, PID + 1, 11),
    ]
}

/// Notes first; every mapping has a PT_LOAD; of a read-only attach the first page is saved, of the program's text too.
pub(crate) fn kernel(abi: Abi) -> CoreBuilder {
    let saved = |mapping: &Mapping| if mapping.flags & W == 0 { 1 } else { mapping.pages };
    let loads = process().iter().map(|mapping| mapping.load(&abi, saved(mapping), abi.page_size)).collect();
    let segments = [vec![Segment::notes(kernel_notes(&abi))], loads].concat();
    CoreBuilder { segments, ..CoreBuilder::new(abi) }
}

/// `kernel.core_sort_vma=1`: rows and PT_LOADs by size, not by address.
pub(crate) fn kernel_sorted(abi: Abi) -> CoreBuilder {
    let mut core = kernel(abi);
    core.segments[1..].sort_by_key(|load| load.memsz);
    let mut rows = rows(&abi, abi.page_size);
    rows.sort_by_key(|row| row.end - row.start);
    if let Content::Notes(notes, _) = &mut core.segments[0].content {
        notes[4] = notes::file(&abi, abi.page_size, &rows);
    }
    core
}

/// The count of program headers in section header 0, the notes padded to 8 and in a segment each.
pub(crate) fn extended_numbering(abi: Abi) -> CoreBuilder {
    let mut core = kernel(abi);
    let loads = core.segments.split_off(1);
    let single =
        |note| Segment { align: 8, content: Content::Notes(vec![note], 8), ..Segment::notes(vec![]) };
    let notes: Vec<Segment> = kernel_notes(&abi).into_iter().map(single).collect();
    CoreBuilder { segments: [notes, loads].concat(), extended_numbering: true, ..CoreBuilder::new(abi) }
}

/// Notes at the end of the file with offsets in bytes; PT_LOADs without alignment; section headers.
pub(crate) fn gcore(abi: Abi) -> CoreBuilder {
    let mut notes =
        vec![prpsinfo(&abi), notes::prstatus(&abi, PID, 0), notes::siginfo(&abi, 19, 0, 0), auxv(&abi)];
    notes.push(notes::file(&abi, 1, &rows(&abi, 1)));
    notes.push(Note { owner: b"GDB\0".to_vec(), kind: 0xff00_0000, desc: b"<target/>\0".to_vec() });
    let loads = process().iter().map(|mapping| mapping.load(&abi, mapping.pages, 1)).collect();
    let segments = [vec![Segment { align: 1, ..Segment::notes(notes) }], loads].concat();
    let sections = vec![Section { name: "note0", kind: 7, content: vec![] }];
    CoreBuilder { segments, sections, notes_last: true, ..CoreBuilder::new(abi) }
}

/// gdb 8 to 11: without the target description that gdb 12 began to save.
pub(crate) fn gcore_8(abi: Abi) -> CoreBuilder {
    let mut core = gcore(abi);
    if let Content::Notes(notes, _) = &mut core.segments[0].content {
        notes.retain(|note| note.owner == b"CORE\0");
    }
    core
}

/// Linux before 3.7: neither NT_SIGINFO nor NT_FILE, and the registers behind NT_AUXV.
pub(crate) fn kernel_3_6(abi: Abi) -> CoreBuilder {
    let mut core = kernel(abi);
    let notes = vec![
        notes::prstatus(&abi, PID, 11),
        prpsinfo(&abi),
        auxv(&abi),
        Note::core(NT_FPREGSET, vec![0; 512]),
        notes::prstatus(&abi, PID + 1, 11),
    ];
    core.segments[0] = Segment::notes(notes);
    core
}

/// .NET Core 3.1 without `--full`: names without ` (deleted)`, PT_LOADs without bytes at offset 0, headers at 128.
pub(crate) fn createdump_31(abi: Abi) -> CoreBuilder {
    let mut rows = rows(&abi, 4096);
    for row in &mut rows {
        row.name.truncate(13);
    }
    let notes =
        vec![prpsinfo(&abi), auxv(&abi), notes::file(&abi, 4096, &rows), notes::prstatus(&abi, PID, 6)];
    let mut segments = vec![Segment { align: 0, ..Segment::notes(notes) }];
    for mapping in process() {
        let mut load = mapping.load(&abi, mapping.pages, 4096);
        if mapping.is_segment() {
            load.content = Content::At(0, 0);
        }
        segments.push(load);
    }
    CoreBuilder { segments, table: TablePlace::At(128), ..CoreBuilder::new(abi) }
}

/// .NET 8 with `--full`: one PT_LOAD over neighbours, so that segments begin in its middle; one mapping in two of them.
pub(crate) fn createdump_8_full(abi: Abi) -> CoreBuilder {
    let page = abi.page_size;
    let rows = [0, 1, 2].map(|index: u64| {
        let start = 0x1000_0000 + (1 + index) * page;
        Row { start, end: start + page, offset: 0, name: segment_name(0x51a9_0000 + index as u32) }
    });
    let notes =
        vec![prpsinfo(&abi), auxv(&abi), notes::file(&abi, page, &rows), notes::prstatus(&abi, PID, 6)];
    let bytes = |length: u64| Content::Bytes(mailbox().into_iter().cycle().take(length as usize).collect());
    let load = |start, length| Segment { align: page, ..Segment::load(start, length, R | W, bytes(length)) };
    let half = page / 2;
    let segments = vec![
        Segment { align: 0, ..Segment::notes(notes) },
        load(0x1000_0000, 3 * page + half),
        load(0x1000_0000 + 3 * page + half, page - half),
    ];
    CoreBuilder { segments, ..CoreBuilder::new(abi) }
}

/// No NT_FILE; everything is saved.
pub(crate) fn qemu_user(abi: Abi) -> CoreBuilder {
    let notes = vec![notes::prstatus(&abi, PID, 11), prpsinfo(&abi), auxv(&abi)];
    let loads = process().iter().map(|mapping| mapping.load(&abi, mapping.pages, 4096)).collect();
    let segments = [vec![Segment { align: 0, ..Segment::notes(notes) }], loads].concat();
    CoreBuilder { segments, ..CoreBuilder::new(abi) }
}

/// As qemu writes since 8.2: NT_AUXV first, NT_PRSTATUS of each thread last.
pub(crate) fn qemu_user_8(abi: Abi) -> CoreBuilder {
    let notes =
        vec![auxv(&abi), prpsinfo(&abi), notes::prstatus(&abi, PID, 11), notes::prstatus(&abi, PID + 1, 0)];
    with_notes(qemu_user(abi), notes)
}

/// Bare registers: no NT_AUXV, no NT_FILE, no pid; every mapping whole.
pub(crate) fn valgrind(abi: Abi) -> CoreBuilder {
    let registers = || Note::core(NT_FPREGSET, vec![0; 512]);
    let who = notes::prpsinfo(&abi, 0, 0, b"writer", b"./writer");
    let threads = [notes::prstatus(&abi, 0, 11), registers(), notes::prstatus(&abi, 0, 0), registers()];
    with_notes(qemu_user(abi), [vec![who], threads.to_vec()].concat())
}

/// NT_TASKSTRUCT behind NT_PRPSINFO, no NT_FILE; a read-only attach has an empty PT_LOAD.
pub(crate) fn google_coredumper(abi: Abi) -> CoreBuilder {
    let mut core = qemu_user(abi);
    for load in &mut core.segments[1..] {
        if load.flags & W == 0 {
            load.content = Content::Nothing;
        }
    }
    let user = Note::core(4, vec![0; 928]);
    with_notes(core, vec![prpsinfo(&abi), user, auxv(&abi), notes::prstatus(&abi, PID, 0)])
}

/// NT_FILE last and without the segments; their PT_LOADs are whole and hold zeroes.
pub(crate) fn criu(abi: Abi) -> CoreBuilder {
    let mut core = qemu_user(abi);
    for (load, mapping) in core.segments[1..].iter_mut().zip(process()) {
        if mapping.is_segment() {
            load.content = Content::Bytes(vec![0; (mapping.pages * abi.page_size) as usize]);
        }
    }
    let mut rows = rows(&abi, 4096);
    rows.retain(|row| !row.name.starts_with(b"/SYSV"));
    let thread =
        [notes::prstatus(&abi, PID, 0), Note::core(NT_FPREGSET, vec![0; 512]), notes::siginfo(&abi, 0, 0, 0)];
    let rest = [auxv(&abi), notes::file(&abi, 4096, &rows)];
    with_notes(core, [vec![prpsinfo(&abi)], thread.to_vec(), rest.to_vec()].concat())
}

/// drgn's contrib/gcore.py: as the kernel's, of a process that lives: no NT_SIGINFO, every thread first, the table at the end.
pub(crate) fn drgn(abi: Abi) -> CoreBuilder {
    let mut rows = rows(&abi, 4096);
    for row in rows.iter_mut().filter(|row| row.name.starts_with(b"/SYSV")) {
        // Whatever has a `d_dname`; and pages are divided by the page size once more.
        row.name = b"[tmpfs]".to_vec();
        row.offset = 0;
    }
    let threads = [notes::prstatus(&abi, PID, 0), notes::prstatus(&abi, PID + 1, 0)];
    let rest = vec![prpsinfo(&abi), auxv(&abi), notes::file(&abi, 4096, &rows)];
    CoreBuilder { table: TablePlace::End, ..with_notes(kernel(abi), [threads.to_vec(), rest].concat()) }
}

/// The extension gcore of crash: the kernel's order without a signal, and names without ` (deleted)`.
pub(crate) fn crash(abi: Abi) -> CoreBuilder {
    let mut rows = rows(&abi, 4096);
    rows.iter_mut().for_each(|row| row.name.truncate(13));
    let registers = Note::core(NT_FPREGSET, vec![0; 512]);
    let notes = vec![
        notes::prstatus(&abi, PID, 0),
        prpsinfo(&abi),
        auxv(&abi),
        notes::file(&abi, 4096, &rows),
        registers,
    ];
    with_notes(kernel(abi), notes)
}

/// The crate elfcore 2.0.2: all registers of a thread, then SIGINT, which nobody sent; no names of segments.
pub(crate) fn elfcore(abi: Abi) -> CoreBuilder {
    let mut rows = rows(&abi, 4096);
    rows.retain(|row| !row.name.starts_with(b"/SYSV"));
    let state = Note { owner: b"LINUX\0".to_vec(), kind: 0x202, desc: vec![0; 832] };
    let thread = vec![notes::prstatus(&abi, PID, 2), Note::core(NT_FPREGSET, vec![0; 512]), state];
    let rest = vec![notes::siginfo(&abi, 2, 0, 0), auxv(&abi), notes::file(&abi, 4096, &rows)];
    with_notes(qemu_user(abi), [vec![prpsinfo(&abi)], thread, rest].concat())
}

/// Breakpad's minidump-2-core: no process id where others have it, a signal that is none, offsets in bytes.
pub(crate) fn minidump_2_core(abi: Abi) -> CoreBuilder {
    let whose = notes::prpsinfo(&abi, 0, UID, b"writer", b"./writer --key x");
    let notes =
        vec![whose, auxv(&abi), notes::file(&abi, 4096, &rows(&abi, 1)), notes::prstatus(&abi, PID, 0xffff)];
    with_notes(qemu_user(abi), notes)
}

/// createdump of .NET Core 2: offsets in bytes beside a page size of 4096.
pub(crate) fn createdump_2_full(abi: Abi) -> CoreBuilder {
    let notes = vec![
        prpsinfo(&abi),
        auxv(&abi),
        notes::file(&abi, 4096, &rows(&abi, 1)),
        notes::prstatus(&abi, PID, 6),
    ];
    CoreBuilder { table: TablePlace::At(128), ..with_notes(qemu_user(abi), notes) }
}

/// Linux before 3.7 and a thread that used no floating point: what is left of the notes is what qemu-user writes.
pub(crate) fn kernel_3_6_without_floats(abi: Abi) -> CoreBuilder {
    let auxiliary =
        [(33, 0x7ff0_0f00), (16, 1), (6, abi.page_size), (17, 100), (3, 0x1_0040), (9, 0x1_0100), (0, 0)];
    with_notes(
        kernel(abi),
        vec![notes::prstatus(&abi, PID, 11), prpsinfo(&abi), notes::auxv(&abi, &auxiliary)],
    )
}

/// createdump after dotnet/runtime#90547: NT_FILE has only files that still exist.
pub(crate) fn createdump_9_full(abi: Abi) -> CoreBuilder {
    let mut rows = rows(&abi, 4096);
    rows.retain(|row| !row.name.ends_with(b" (deleted)"));
    let notes =
        vec![prpsinfo(&abi), auxv(&abi), notes::file(&abi, 4096, &rows), notes::prstatus(&abi, PID, 6)];
    with_notes(qemu_user(abi), notes)
}

fn with_notes(mut core: CoreBuilder, notes: Vec<Note>) -> CoreBuilder {
    core.segments[0] = Segment { align: 0, ..Segment::notes(notes) };
    core
}

/// Notes in the last program header; owners are empty but for Delve's own note. The table stands at the end of the file.
pub(crate) fn delve(abi: Abi) -> CoreBuilder {
    let mut notes = vec![prpsinfo(&abi), auxv(&abi), notes::prstatus(&abi, PID, 0)];
    for note in &mut notes {
        note.owner.clear();
    }
    notes.insert(
        0,
        Note { owner: b"Delve Header\0".to_vec(), kind: 0x4472_6c76, desc: b"linux/amd64\n".to_vec() },
    );
    let mut segments: Vec<_> = process().iter().map(|mapping| mapping.load(&abi, mapping.pages, 0)).collect();
    segments.push(Segment { align: 0, ..Segment::notes(notes) });
    CoreBuilder { segments, notes_last: true, table: TablePlace::End, ..CoreBuilder::new(abi) }
}

/// As the kernel, but `p_filesz` claims every byte and most are holes; the section lists what is really there.
pub(crate) fn minicoredumper(abi: Abi) -> CoreBuilder {
    let mut core = kernel(abi);
    let saved = [(0, 0x3000), (0x1000_0000, 2 * abi.page_size), (0x7ff0_0000, abi.page_size)];
    for load in &mut core.segments[1..] {
        if !saved.iter().any(|(start, _)| *start == load.vaddr) {
            load.content = Content::Hole(load.memsz);
        }
    }
    let pairs = saved.into_iter().flat_map(|(address, length)| [address, length]);
    let desc = pairs.flat_map(|long| abi.encode(long, 8)).collect();
    let list = Note { owner: b"minicoredumper\0".to_vec(), kind: 0x50, desc };
    let content = list.encode(&abi, 4).0;
    core.sections.push(Section { name: ".note.minicoredumper.dumplist", kind: 7, content });
    core
}
