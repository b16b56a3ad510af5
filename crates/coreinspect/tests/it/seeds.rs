//! The cores that are mutated: one of each writer and machine that the builder knows, and the real ones of testdata, trimmed.

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, AARCH64, ABIS, ARM, I386, MIPS, PPC64, S390X, X86_64};
use crate::core_builder::{
    Abi, ByteOrder, Content, Core, CoreBuilder, NoteMark, PT_LOAD, PT_NOTE, R, Segment, W,
};
use crate::honest;
use std::io::Read;
use std::path::Path;

pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) core: Core,
}

/// Bytes of each PT_LOAD that a trimmed core keeps.
const KEPT: usize = 1024;

/// A dump of each writer on machines that it knows, with pages of `page_size` bytes.
pub(crate) fn writers(page_size: u64) -> Vec<(&'static str, CoreBuilder)> {
    let [x86_64, i386, arm, aarch64, s390x, mips, ppc64] =
        [X86_64, I386, ARM, AARCH64, S390X, MIPS, PPC64].map(|abi| Abi { page_size, ..abi });
    let mut cores = vec![
        ("gcore", presets::gcore(x86_64)),
        ("gcore", presets::gcore(i386)),
        ("gcore", presets::gcore(aarch64)),
        ("gcore", presets::gcore(s390x)),
        ("kernel, sorted", presets::kernel_sorted(x86_64)),
        ("kernel, many headers", presets::extended_numbering(x86_64)),
        ("kernel, many headers", presets::extended_numbering(mips)),
        ("createdump 3.1", presets::createdump_31(x86_64)),
        ("createdump 8", presets::createdump_8_full(x86_64)),
        ("createdump 8", presets::createdump_8_full(aarch64)),
        ("qemu-user", presets::qemu_user(mips)),
        ("qemu-user", presets::qemu_user(ppc64)),
        ("qemu-user 8", presets::qemu_user_8(aarch64)),
        ("createdump 9", presets::createdump_9_full(x86_64)),
        ("delve", presets::delve(x86_64)),
        ("criu", presets::criu(x86_64)),
        ("google-coredumper", presets::google_coredumper(x86_64)),
        ("valgrind", presets::valgrind(i386)),
        ("drgn", presets::drgn(x86_64)),
        ("minicoredumper", presets::minicoredumper(x86_64)),
        ("minicoredumper", presets::minicoredumper(arm)),
    ];
    cores.extend(ABIS.map(|abi| ("kernel", presets::kernel(Abi { page_size, ..abi }))));
    cores
}

pub(crate) fn built() -> Vec<Seed> {
    let whole = writers(4096).into_iter().map(|(writer, builder)| (writer, builder.build()));
    let cut = [X86_64, I386].map(|abi| {
        let mut core = presets::kernel(abi).build();
        core.bytes.truncate(core.bytes.len() / 2);
        ("truncated", core)
    });
    let filled = [X86_64, MIPS].map(|abi| ("filled", filled(abi)));
    let whole = whole.chain(filled);
    let named = |(writer, core): (&str, Core)| Seed { name: format!("{writer} {}", core.abi.name), core };
    whole.chain(cut).map(named).collect()
}

/// A core of segments with honest contents, and where those stand in the file.
pub(crate) struct Planted {
    pub(crate) seed: Seed,
    pub(crate) contents: std::ops::Range<usize>,
}

/// For each built-in layout a core with one segment of its program, and one with three that share their bytes.
pub(crate) fn planted() -> Vec<Planted> {
    let all = [1, 3].map(|count| honest::segments().into_iter().map(move |honest| plant(&honest, count)));
    all.into_iter().flatten().collect()
}

fn plant(honest: &honest::Honest, count: u64) -> Planted {
    let size = honest.bytes.len().next_multiple_of(4096);
    let mut bytes = honest.bytes.clone();
    bytes.resize(size, 0);
    let start = |index: u64| 0x1000_0000 + index * 0x10_0000;
    let row = |index: u64| {
        // The layouts that ask for a key have it more than once; the others do not care.
        let key =
            if honest.key == 0 || index.is_multiple_of(2) { honest.key } else { honest.key + index as u32 };
        Row {
            start: start(index),
            end: start(index) + size as u64,
            offset: 0,
            name: presets::segment_name(key),
        }
    };
    let rows: Vec<_> = (0..count).map(row).collect();
    let mut builder = CoreBuilder::new(X86_64);
    builder.segments =
        vec![Segment::notes(vec![notes::prstatus(&X86_64, 1, 11), notes::file(&X86_64, 4096, &rows)])];
    let load = |index: u64, content| Segment::load(start(index), size as u64, R | W, content);
    builder.segments.push(load(0, Content::Bytes(bytes)));
    builder.segments.extend((1..count).map(|index| load(index, Content::At(0, size as u64))));
    let mut core = builder.build();
    // p_offset is the second long of a 64-bit program header, behind its type and flags.
    let field = core.phoff + X86_64.program_header_bytes() as usize + 8;
    let offset = u64::from_le_bytes(core.bytes[field..field + 8].try_into().unwrap());
    (2..core.phnum).for_each(|index| core.set_program(index, "p_offset", offset));
    let contents = offset as usize..offset as usize + size;
    Planted { seed: Seed { name: format!("{count} segments of {}", honest.name), core }, contents }
}

/// A kernel's core with the second page of its read-only attach behind its end, and a note that says so: docs/fill.md.
fn filled(abi: Abi) -> Core {
    let mut core = presets::kernel(abi).build();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let header = hex(&core.bytes[..abi.header_bytes() as usize]);
    let size = core.bytes.len();
    let name = presets::segment_name(presets::READER_KEY);
    let row = presets::rows(&abi, 1).into_iter().find(|row| row.name == name).unwrap();
    let at = size.next_multiple_of(4096);
    core.bytes.resize(at, 0);
    core.bytes.resize(at + abi.page_size as usize, b'F');
    let source = r#"{"kind":"dump","name":"w","pid":7,"command":"w","time":9,"time_of":"file"}"#;
    let (start, end) = (row.start + abi.page_size, row.start + 2 * abi.page_size);
    let json = format!(
        r#"{{"format":"coreinspect-fill/1","core":{{"size":{size},"header":"{header}"}},"sources":[{source}],"fills":[{{"start":"{start:#x}","end":"{end:#x}","at":{at},"source":0}}]}}"#
    );
    let note_at = core.bytes.len();
    for word in [12, json.len() as u64, 0x5348_4d03] {
        core.bytes.extend(abi.encode(word, 4));
    }
    core.bytes.extend(b"coreinspect\0");
    let desc = core.bytes.len()..core.bytes.len() + json.len();
    core.bytes.extend(json.as_bytes());
    core.bytes.resize(core.bytes.len().next_multiple_of(8), 0);
    let note_size = (core.bytes.len() - note_at) as u64;
    let row_size = abi.program_header_bytes() as usize;
    let rows = core.bytes[core.phoff..core.phoff + core.phnum * row_size].to_vec();
    core.phoff = core.bytes.len();
    core.bytes.extend(rows);
    core.bytes.resize(core.bytes.len() + row_size, 0);
    for (field, value) in
        [("p_type", 4), ("p_offset", note_at as u64), ("p_filesz", note_size), ("p_align", 4)]
    {
        core.set_program(core.phnum, field, value);
    }
    core.phnum += 1;
    core.set_header("e_phoff", core.phoff as u64);
    core.set_header("e_phnum", core.phnum as u64);
    core.notes.push(NoteMark { kind: 0x5348_4d03, header: note_at, desc });
    core
}

/// The real cores of testdata, trimmed to headers, notes and the first bytes of each PT_LOAD.
pub(crate) fn real() -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let mut seeds = vec![];
    for entry in walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".core.zst") {
            seeds.push(Seed { name: name.to_owned(), core: trim(&unpack(entry.path())) });
        }
    }
    seeds
}

fn unpack(path: &Path) -> Vec<u8> {
    let packed = std::fs::File::open(path).unwrap();
    let mut core = vec![];
    ruzstd::decoding::StreamingDecoder::new(packed).unwrap().read_to_end(&mut core).unwrap();
    core
}

/// Reads a well-formed core by itself, as the parser under test must not be trusted with it.
struct Cursor<'a> {
    abi: Abi,
    bytes: &'a [u8],
}

impl Cursor<'_> {
    fn number(&self, at: usize, width: usize) -> usize {
        let bytes = &self.bytes[at..at + width];
        let digits: Vec<u8> = match self.abi.order {
            ByteOrder::Big => bytes.to_vec(),
            ByteOrder::Little => bytes.iter().rev().copied().collect(),
        };
        digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit))
    }

    /// A field whose place and width differ between the classes: `(at, width)` for 64 bits, for 32 bits.
    fn field(&self, of_64: (usize, usize), of_32: (usize, usize)) -> usize {
        let (at, width) = if self.abi.bits == 64 { of_64 } else { of_32 };
        self.number(at, width)
    }
}

fn trim(bytes: &[u8]) -> Core {
    let bits = if bytes[4] == 2 { 64 } else { 32 };
    let order = if bytes[5] == 1 { ByteOrder::Little } else { ByteOrder::Big };
    let cursor = Cursor { abi: Abi { name: "real", bits, order, ..X86_64 }, bytes };
    let abi = Abi { machine: cursor.number(18, 2) as u16, ..cursor.abi };
    let phoff = cursor.field((32, 8), (28, 4));
    let phnum = cursor.field((56, 2), (44, 2));
    let table_end = phoff + phnum * abi.program_header_bytes() as usize;
    let mut core = Core { abi, bytes: bytes[..table_end].to_vec(), phoff, phnum, shoff: 0, notes: vec![] };
    core.set_header("e_shoff", 0);
    core.set_header("e_shnum", 0);
    for index in 0..phnum {
        let header = phoff + index * abi.program_header_bytes() as usize;
        let at = |of_64: usize, of_32: usize| cursor.field((header + of_64, 8), (header + of_32, 4));
        let (offset, size) = (at(8, 4), at(32, 16));
        let present = &bytes[offset.min(bytes.len())..(offset + size).min(bytes.len())];
        let start = core.bytes.len().next_multiple_of(8);
        core.bytes.resize(start, 0);
        match u32::try_from(cursor.number(header, 4)).unwrap() {
            PT_NOTE => {
                core.bytes.extend(present);
                core.notes.extend(notes(&cursor, offset, size, start));
            }
            PT_LOAD if !present.is_empty() => {
                core.bytes.extend(&present[..KEPT.min(present.len())]);
                core.set_program(index, "p_filesz", KEPT.min(size) as u64);
            }
            _ => continue,
        }
        core.set_program(index, "p_offset", start as u64);
    }
    core
}

/// The notes from `offset` on, as they stand from `start` on in the trimmed core.
fn notes(cursor: &Cursor<'_>, offset: usize, size: usize, start: usize) -> Vec<NoteMark> {
    let (mut marks, mut at) = (vec![], offset);
    while at + 12 <= offset + size {
        let [name, length, kind] = [0, 4, 8].map(|word| cursor.number(at + word, 4));
        let desc = at + 12 + name.next_multiple_of(4);
        let moved = |place: usize| place - offset + start;
        marks.push(NoteMark {
            kind: kind as u32,
            header: moved(at),
            desc: moved(desc)..moved(desc + length),
        });
        at = desc + length.next_multiple_of(4);
    }
    marks
}

#[test]
fn there_are_enough_and_they_are_small() {
    let seeds: Vec<_> = built().into_iter().chain(real()).collect();
    assert!(seeds.len() >= 20);
    for seed in &seeds {
        assert!(seed.core.bytes.len() < 128 << 10, "{}: {} bytes", seed.name, seed.core.bytes.len());
        let described = seed.core.described();
        let truncated = seed.name.starts_with("truncated");
        assert!(
            truncated || described.iter().all(|range| range.end <= seed.core.bytes.len()),
            "{}",
            seed.name
        );
    }
}
