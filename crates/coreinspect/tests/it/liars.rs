//! F6: hand-made lies, each with what the analyzer must say of it, and what it may cost.
//!
//! The truth of each row is the builder's: which field lies, and where it stands. Costs: a mebibyte of memory at most; the
//! time is printed, as a gate on it would fail on a busy machine.

use crate::allocations;
use crate::core_builder::notes::{self, NT_AUXV, NT_FILE, NT_PRPSINFO, NT_PRSTATUS, NT_SIGINFO, Note, Row};
use crate::core_builder::presets::{self, MIPS, WRITER_KEY, X86_64};
use crate::core_builder::{Abi, Content, Core, CoreBuilder, R, Segment, TablePlace, W};
use crate::pipeline;
use coreinspect::report::Dump;
use coreinspect::source::Bytes;
use std::time::Instant;

const MOST_MEMORY: i64 = 1 << 20;

/// What must come of a lie.
enum Expected {
    /// Nothing can be read: the code, and the offset of the field that lies.
    Error(&'static str, u64),
    /// So many segments are still found, and a warning with this code, holding these words, says what is lost.
    Warned(usize, &'static str, &'static str),
    /// So many segments are found, and nothing is wrong.
    Read(usize),
}

use Expected::{Error, Read, Warned};

struct Liar {
    lie: &'static str,
    bytes: Vec<u8>,
    expected: Expected,
}

impl Liar {
    fn check(&self) {
        let source = Bytes::new(self.bytes.clone());
        let before = Instant::now();
        let (dump, usage) = allocations::measure(|| pipeline::run(&source));
        println!("{:>9.3?} {:>7} B  {}", before.elapsed(), usage.peak, self.lie);
        assert_eq!(pipeline::inspect(&self.bytes).complaint(), None, "{}", self.lie);
        let Dump { error, warnings, segments, .. } = &dump;
        // Where a lie takes the names away, the bytes are found all the same, and called candidates.
        let segments = segments.iter().filter(|segment| segment.found_by.name() != "content").count();
        let found = format!("{}: error {error:?}, {segments} segments, warnings {warnings:#?}", self.lie);
        match &self.expected {
            Error(code, offset) => {
                let error = error.as_ref().unwrap_or_else(|| panic!("no error; {found}"));
                assert_eq!((error.code, error.offset), (*code, Some(*offset)), "{found}");
                assert!(!error.message.is_empty() && segments == 0, "{found}");
            }
            Warned(count, code, words) => {
                assert!(error.is_none() && segments == *count, "{found}");
                let said =
                    warnings.iter().any(|warning| warning.code == *code && warning.message.contains(words));
                assert!(said, "no {code} {words:?}; {found}");
            }
            Read(count) => assert!(error.is_none() && segments == *count && warnings.is_empty(), "{found}"),
        }
        assert!(usage.peak <= MOST_MEMORY, "{} bytes; {found}", usage.peak);
    }
}

/// A core as the kernel writes it, changed by `lie`.
fn lie(abi: Abi, lie: &'static str, expected: Expected, change: impl FnOnce(&mut Core)) -> Liar {
    changed(&presets::kernel(abi), lie, expected, change)
}

fn changed(
    builder: &CoreBuilder,
    lie: &'static str,
    expected: Expected,
    change: impl FnOnce(&mut Core),
) -> Liar {
    let mut core = builder.build();
    change(&mut core);
    Liar { lie, bytes: core.bytes, expected }
}

/// Index of the program header of the writer's segment in `presets::kernel`.
const WRITER_LOAD: usize = 3;

/// A file that ends where its headers and notes end; whatever lies there is no memory.
fn small(mut core: Core) -> Core {
    let end = core.described().iter().map(|range| range.end).max().unwrap();
    core.bytes.truncate(end);
    core
}

#[test]
fn headers() {
    let size = presets::kernel(X86_64).build().bytes.len() as u64;
    let size_mips = presets::kernel(MIPS).build().bytes.len() as u64;
    let liars = [
        lie(X86_64, "e_ident: class 3", Error("bad-header", 4), |core| core.bytes[4] = 3),
        lie(X86_64, "e_ident: byte order 0", Error("bad-header", 5), |core| core.bytes[5] = 0),
        lie(X86_64, "e_type: a program", Error("not-a-core", 0), |core| core.set_header("e_type", 2)),
        lie(X86_64, "e_version: 2^32-1", Read(3), |core| core.set_header("e_version", u32::MAX.into())),
        lie(X86_64, "e_phnum: 0", Error("bad-header", 56), |core| core.set_header("e_phnum", 0)),
        lie(MIPS, "e_phnum: 0, 32 bits", Error("bad-header", 44), |core| core.set_header("e_phnum", 0)),
        lie(X86_64, "e_phentsize: 0", Error("bad-header", 54), |core| core.set_header("e_phentsize", 0)),
        lie(X86_64, "e_phentsize: 1", Error("bad-header", 54), |core| core.set_header("e_phentsize", 1)),
        lie(X86_64, "e_phentsize: 55", Error("bad-header", 54), |core| core.set_header("e_phentsize", 55)),
        lie(MIPS, "e_phentsize: 31, 32 bits", Error("bad-header", 42), |core| {
            core.set_header("e_phentsize", 31)
        }),
        lie(X86_64, "e_phentsize: 65535", Warned(3, "program-headers", "only "), |core| {
            core.set_header("e_phentsize", 0xffff);
        }),
        lie(X86_64, "e_phoff: past the end", Error("cut-off", size), |core| {
            core.set_header("e_phoff", 1 << 40)
        }),
        lie(MIPS, "e_phoff: past the end, 32 bits", Error("cut-off", size_mips), |core| {
            core.set_header("e_phoff", 1 << 31);
        }),
        lie(X86_64, "e_phoff: overflows", Error("bad-header", 32), |core| {
            core.set_header("e_phoff", u64::MAX - 8)
        }),
        lie(
            X86_64,
            "e_phnum: 65534 in a short file",
            Warned(3, "program-headers", "of the 65534 "),
            |core| {
                core.set_header("e_phnum", 65_534);
            },
        ),
        Liar { lie: "nothing", bytes: vec![], expected: Error("not-a-core", 0) },
        Liar { lie: "the magic number alone", bytes: b"\x7fELF".to_vec(), expected: Error("cut-off", 4) },
        Liar { lie: "zeroes", bytes: vec![0; 4096], expected: Error("not-a-core", 0) },
    ];
    liars.iter().for_each(Liar::check);
}

#[test]
fn extended_numbering() {
    let at_end = CoreBuilder { table: TablePlace::End, ..presets::extended_numbering(X86_64) };
    let liars = [
        changed(&at_end, "sh_info: the truth", Read(3), |_| ()),
        changed(&at_end, "sh_info: 2^32-1", Warned(3, "program-headers", "of the 4294967295 "), |core| {
            core.set_section(0, "sh_info", u32::MAX.into());
        }),
        changed(&at_end, "sh_info: 0", Warned(3, "program-header-count", "section header 0"), |core| {
            core.set_section(0, "sh_info", 0);
        }),
        changed(
            &at_end,
            "e_shoff: past the end",
            Warned(3, "program-header-count", "section header 0"),
            |core| {
                core.set_header("e_shoff", 1 << 40);
            },
        ),
        changed(
            &at_end,
            "e_shoff: overflows",
            Warned(3, "program-header-count", "section header 0"),
            |core| {
                core.set_header("e_shoff", u64::MAX);
            },
        ),
        lie(X86_64, "PN_XNUM without section headers", Warned(3, "program-header-count", "0x38"), |core| {
            core.set_header("e_phnum", 0xffff);
        }),
    ];
    liars.iter().for_each(Liar::check);
}

#[test]
fn memory() {
    let overlapping = {
        let mut core = presets::kernel(X86_64);
        let row = |_| Segment::load(0x1000_0000, 0x2000, R | W, Content::At(0x1000, 0x1000));
        core.segments.extend((0..5_000).map(row));
        core
    };
    let liars = [
        lie(X86_64, "p_offset + p_filesz overflows", Warned(3, "program-headers", "1 PT_LOAD"), |core| {
            core.set_program(WRITER_LOAD, "p_offset", u64::MAX - 0xfff);
        }),
        lie(X86_64, "p_vaddr + p_memsz overflows", Warned(3, "program-headers", "1 PT_LOAD"), |core| {
            core.set_program(WRITER_LOAD, "p_vaddr", u64::MAX - 0xfff);
        }),
        lie(X86_64, "p_filesz: 2^60", Read(3), |core| core.set_program(WRITER_LOAD, "p_filesz", 1 << 60)),
        lie(X86_64, "p_memsz and p_filesz: 2^62", Warned(3, "truncated", ""), |core| {
            core.set_program(WRITER_LOAD, "p_memsz", 1 << 62);
            core.set_program(WRITER_LOAD, "p_filesz", 1 << 62);
        }),
        lie(X86_64, "p_align: 2^64-1", Read(3), |core| core.set_program(WRITER_LOAD, "p_align", u64::MAX)),
        changed(&overlapping, "5,000 overlapping PT_LOADs", Warned(3, "overlapping-loads", ""), |_| ()),
    ];
    liars.iter().for_each(Liar::check);
}

fn in_nt_file(change: impl FnOnce(&mut Core, usize)) -> impl FnOnce(&mut Core) {
    |core| {
        let at = core.note(NT_FILE).desc.start;
        change(core, at);
    }
}

/// Where row `index` of NT_FILE stands in a 64-bit core: start, end, offset.
fn row(index: usize) -> usize {
    16 + 24 * index
}

#[test]
fn nt_file() {
    let count = |count: u64| in_nt_file(move |core, at| core.set_long(at, count));
    let page_size = |size: u64| in_nt_file(move |core, at| core.set_long(at + 8, size));
    let last_nul = |core: &mut Core| {
        let end = core.note(NT_FILE).desc.end;
        core.bytes[end - 1] = b'x';
    };
    let liars = [
        lie(X86_64, "NT_FILE: 2^61 rows", Warned(0, "nt-file", "2305843009213693952"), count(1 << 61)),
        lie(X86_64, "NT_FILE: 2^64-1 rows", Warned(0, "nt-file", "18446744073709551615"), count(u64::MAX)),
        lie(
            X86_64,
            "NT_FILE: count x row overflows to 8",
            Warned(0, "nt-file", ""),
            count(u64::MAX / 24 + 1),
        ),
        lie(MIPS, "NT_FILE: 2^32-1 rows, 32 bits", Warned(0, "nt-file", "4294967295"), count(0xffff_ffff)),
        lie(X86_64, "NT_FILE: no rows", Read(0), count(0)),
        lie(X86_64, "NT_FILE: the last name has no NUL", Warned(3, "nt-file", ""), last_nul),
        lie(X86_64, "NT_FILE: page_size 0", Warned(3, "nt-file", ""), page_size(0)),
        lie(
            X86_64,
            "NT_FILE: page_size 2^63",
            Warned(3, "nt-file-unit", "9223372036854775808"),
            page_size(1 << 63),
        ),
        lie(
            X86_64,
            "NT_FILE: a row that ends before it starts",
            Warned(2, "nt-file", ""),
            in_nt_file(|core, at| core.set_long(at + row(2) + 8, 0x0fff_0000)),
        ),
        lie(
            X86_64,
            "NT_FILE: an offset above the address",
            Read(3),
            in_nt_file(|core, at| core.set_long(at + row(2) + 16, 1 << 40)),
        ),
        lie(
            X86_64,
            "NT_FILE: a row of 2^64-1 bytes",
            Warned(1, "mappings", "over another"),
            in_nt_file(|core, at| {
                core.set_long(at + row(2), 0);
                core.set_long(at + row(2) + 8, u64::MAX);
            }),
        ),
    ];
    liars.iter().for_each(Liar::check);
}

#[test]
fn notes() {
    let size = presets::kernel(X86_64).build().bytes.len() as u64;
    let liars = [
        lie(X86_64, "a PT_NOTE of 4 GiB", Warned(3, "truncated", ""), |core| {
            core.set_program(0, "p_filesz", 1 << 32)
        }),
        lie(X86_64, "a PT_NOTE of 4 GiB in 4 KiB", Warned(3, "truncated", ""), |core| {
            *core = small(core.clone());
            core.set_program(0, "p_filesz", 1 << 32);
        }),
        lie(X86_64, "a PT_NOTE past the end", Warned(0, "no-nt-file", ""), |core| {
            core.set_program(0, "p_offset", size + 1);
        }),
        lie(X86_64, "a PT_NOTE whose end overflows", Warned(0, "no-nt-file", ""), |core| {
            core.set_program(0, "p_offset", u64::MAX - 8);
        }),
        lie(X86_64, "namesz: 2^32-1", Warned(0, "notes", "4294967295"), |core| {
            core.set_word(core.note(NT_FILE).header, u32::MAX);
        }),
        lie(X86_64, "descsz: 2^32-1", Warned(0, "notes", "4294967295"), |core| {
            core.set_word(core.note(NT_FILE).header + 4, u32::MAX);
        }),
        lie(X86_64, "a note past its PT_NOTE", Warned(0, "notes", ""), |core| {
            let start = core.notes[0].header;
            let cut = core.note(NT_FILE).desc.start + 40 - start;
            core.set_program(0, "p_filesz", cut as u64);
        }),
        Liar {
            lie: "NT_PRPSINFO: 20 bytes",
            bytes: shortened(NT_PRPSINFO, 20),
            expected: Warned(3, "notes", "NT_PRPSINFO"),
        },
        Liar {
            lie: "NT_PRPSINFO: no bytes",
            bytes: shortened(NT_PRPSINFO, 0),
            expected: Warned(3, "notes", "NT_PRPSINFO"),
        },
        Liar {
            lie: "NT_SIGINFO: 11 bytes",
            bytes: shortened(NT_SIGINFO, 11),
            expected: Warned(3, "notes", "NT_SIGINFO"),
        },
        Liar {
            lie: "NT_PRSTATUS: 35 bytes",
            bytes: shortened(NT_PRSTATUS, 35),
            expected: Warned(3, "notes", "NT_PRSTATUS"),
        },
        Liar { lie: "NT_AUXV: a pair and a half", bytes: shortened(NT_AUXV, 24), expected: Read(3) },
        Liar {
            lie: "NT_FILE: 15 bytes",
            bytes: shortened(NT_FILE, 15),
            expected: Warned(0, "nt-file", "15 bytes"),
        },
    ];
    liars.iter().for_each(Liar::check);
}

/// A kernel core whose first note of this type has only its first `length` bytes.
fn shortened(kind: u32, length: usize) -> Vec<u8> {
    let mut builder = presets::kernel(X86_64);
    if let Content::Notes(notes, _) = &mut builder.segments[0].content {
        notes.iter_mut().find(|note| note.kind == kind).unwrap().desc.truncate(length);
    }
    builder.build().bytes
}

#[test]
fn minicoredumper_list() {
    let with_list = |lie, expected, pairs: &[(u64, u64)]| {
        let mut builder = presets::minicoredumper(X86_64);
        let desc: Vec<u8> =
            pairs.iter().flat_map(|pair| [pair.0, pair.1]).flat_map(u64::to_le_bytes).collect();
        let mut note = [15_u32, desc.len() as u32, 0x50].map(u32::to_le_bytes).concat();
        note.extend(b"minicoredumper\0\0");
        note.extend(desc);
        builder.sections[0].content = note;
        changed(&builder, lie, expected, |_| ())
    };
    let many: Vec<_> = (0..2_000).map(|index| (index * 0x1000, 0x1800)).collect();
    let mini = presets::minicoredumper(X86_64);
    let liars = [
        with_list("the list: a length that overflows", Read(3), &[(0x1000_0000, u64::MAX)]),
        with_list("the list: 2,000 overlapping runs", Read(3), &many),
        with_list("the list: empty", Read(3), &[]),
        changed(&mini, "the list's section: sh_size 2^64-1", Read(3), |core| {
            core.set_section(1, "sh_size", u64::MAX)
        }),
        changed(&mini, "the list's section: sh_offset 2^64-1", Read(3), |core| {
            core.set_section(1, "sh_offset", u64::MAX);
        }),
        changed(&mini, "the list's section: sh_name 2^32-1", Read(3), |core| {
            core.set_section(1, "sh_name", u32::MAX.into());
        }),
        changed(&mini, "e_shnum and e_shstrndx: 65535", Warned(3, "truncated", ""), |core| {
            core.set_header("e_shnum", 0xffff);
            core.set_header("e_shstrndx", 0xffff);
        }),
        changed(&mini, "e_shentsize: 1", Read(3), |core| core.set_header("e_shentsize", 1)),
    ];
    liars.iter().for_each(Liar::check);
}

/// A core of as many notes as `bytes` hold, each damaged: a warning for each must not multiply the memory.
#[test]
fn a_flood_of_damaged_notes_is_summed_up() {
    let note = Note { owner: b"CORE\0".to_vec(), kind: NT_PRSTATUS, desc: vec![0; 4] };
    let notes = vec![note; 20_000];
    let builder = CoreBuilder { segments: vec![Segment::notes(notes)], ..CoreBuilder::new(X86_64) };
    changed(&builder, "20,000 damaged notes", Warned(0, "notes", "NT_PRSTATUS"), |_| ()).check();
}

#[test]
fn a_flood_of_note_segments_is_summed_up() {
    let mut builder = presets::kernel(X86_64);
    let repeated = Segment { content: Content::At(0x240, 0x400), ..Segment::notes(vec![]) };
    builder.segments.extend(vec![repeated; 10_000]);
    changed(&builder, "10,000 PT_NOTEs at one place", Warned(3, "notes", "overlaps"), |_| ()).check();
}

/// A million rows that all claim the same addresses and key are one attachment, not a million.
#[test]
fn rows_of_one_attachment_are_not_multiplied() {
    let name = presets::segment_name(WRITER_KEY);
    let rows = vec![Row { start: 0x1000_0000, end: 0x1000_2000, offset: 0, name }; 1_000];
    let notes = vec![notes::file(&X86_64, 4096, &rows)];
    let builder = CoreBuilder { segments: vec![Segment::notes(notes)], ..CoreBuilder::new(X86_64) };
    let dump = pipeline::inspect(&builder.build().bytes).dump;
    assert_eq!(dump.segments.len(), 1);
    assert_eq!(dump.segments[0].attachments.len(), 1);
    assert_eq!(dump.segments[0].mapped, 0x2000);
}
