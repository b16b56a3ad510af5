//! What is said of bytes of which no layout is sure. A wrong guess is worse than none: what chance makes must earn none.

mod guesses;
mod hostile;
mod program;

use std::sync::Arc;

use coreinspect::internals::look::{Budget, Surroundings};
use coreinspect::render::look::summary;
use coreinspect::render::terminal::Terminal;
use coreinspect::render::{Draw, Style};
use coreinspect::report::Look;
use coreinspect::shm::SharedMemory;
use coreinspect::source::Bytes;
use coreinspect::targets::CoreTarget;

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, S390X, X86_64};
use crate::core_builder::{Abi, ByteOrder, Content, CoreBuilder, R, Segment, W};
use crate::pipeline;
use crate::testdata::{self, Core};

/// Where the segment is attached, what else is mapped, and what else is saved.
struct Places {
    base: u64,
    file: u64,
    heap: u64,
}

fn places(abi: &Abi) -> Places {
    if abi.long_bytes() == 8 {
        Places { base: 0x7f12_3450_0000, file: 0x5566_1c80_0000, heap: 0x5566_1d70_0000 }
    } else {
        Places { base: 0xf7a0_0000, file: 0x5660_0000, heap: 0x5770_0000 }
    }
}

/// A core of one segment that holds `bytes`, of a program of one page and a heap of one page.
fn core(abi: Abi, bytes: &[u8]) -> CoreBuilder {
    let size = (bytes.len() as u64).next_multiple_of(abi.page_size);
    let at = places(&abi);
    let row =
        |start: u64, size: u64, offset: u64, name: Vec<u8>| Row { start, end: start + size, offset, name };
    let rows = [
        row(at.file, abi.page_size, 2, b"/bin/writer".to_vec()),
        row(at.base, size, 0, presets::segment_name(0x5e60_0001)),
    ];
    let mut content = bytes.to_vec();
    content.resize(size as usize, 0);
    CoreBuilder {
        segments: vec![
            Segment::notes(vec![notes::file(&abi, abi.page_size, &rows)]),
            Segment::load(at.base, size, R | W, Content::Bytes(content)),
            Segment::load(at.heap, abi.page_size, R | W, Content::Bytes(vec![1; abi.page_size as usize])),
        ],
        ..CoreBuilder::new(abi)
    }
}

/// The look at the first segment of the core in `source`.
fn look_at(source: &Bytes, budget: Budget) -> Look {
    let target = CoreTarget::read(Arc::new(source.clone())).unwrap();
    let memory = SharedMemory::of(&target);
    Look::of(&target, &Surroundings::of(&target), &memory.segments[0], budget).unwrap()
}

fn look_on(abi: Abi, bytes: &[u8]) -> Look {
    look_at(&Bytes::new(core(abi, bytes).build().bytes), Budget::SHOW)
}

fn look(bytes: &[u8]) -> Look {
    look_on(X86_64, bytes)
}

/// `size` bytes that are zero but for the pieces.
fn bytes_with(size: usize, pieces: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; size];
    for (at, piece) in pieces {
        bytes[*at..at + piece.len()].copy_from_slice(piece);
    }
    bytes
}

/// Offset, length, text and whether a NUL ends it, of each string that is told.
fn strings(look: &Look) -> Vec<(u64, u64, String, bool)> {
    let strings = look.strings.shown.iter();
    strings.map(|one| (one.offset, one.length, one.text.clone(), one.terminated)).collect()
}

/// What is guessed beyond the texture.
fn guesses(look: &Look) -> Vec<String> {
    let guesses = &look.guesses;
    let mut all = vec![];
    all.extend(guesses.word_size.iter().map(|guess| format!("{guess:?}")));
    all.extend(guesses.records.iter().map(|guess| format!("{guess:?}")));
    all.extend(guesses.counters.shown.iter().map(|guess| format!("{guess:?}")));
    all.extend(guesses.timestamps.shown.iter().map(|guess| format!("{guess:?}")));
    all.extend(guesses.pointers.shown.iter().map(|guess| format!("{guess:?}")));
    all
}

const NONE: &[String] = &[];

#[test]
fn zeroes_say_nothing() {
    for (size, budget, said) in [
        (0x5000, Budget::SHOW, "all zero"),
        (0x5000, Budget::LISTING, "all zero"),
        (0x10_0000, Budget::SHOW, "all zero"),
        (0x10_0000, Budget::LISTING, "zero in the part that was examined (32768 of 1048576 bytes)"),
    ] {
        let look = look_at(&Bytes::new(core(X86_64, &vec![0; size]).build().bytes), budget);
        assert_eq!((look.guesses.texture, look.zero, look.entropy), ("zero", look.examined, None));
        assert_eq!(summary(&look), said);
        assert_eq!((strings(&look), guesses(&look).as_slice()), (vec![], NONE));
    }
    let look = look(&[0; 0x5000]);
    assert_eq!((look.runs.shown[0].start, look.runs.shown[0].end, look.runs.shown[0].byte), (0, 0x5000, 0));
}

#[test]
fn one_byte_alone_is_told() {
    let look = look(&[0xa5; 0x3000]);
    assert_eq!((look.guesses.texture, look.runs.shown.len()), ("one-byte", 1));
    assert_eq!(summary(&look), "only the byte 0xa5");
    assert_eq!((strings(&look), guesses(&look).as_slice()), (vec![], NONE));
}

#[test]
fn strings_are_found_where_they_stand() {
    // At the ends of chunks (256), of blocks (16 KiB) and of the segment.
    let bytes = bytes_with(
        0x8000,
        &[
            (0, b"Hello"),
            (0x40, b"first second"),
            (0xfe, "Grüße, Welt".as_bytes()),
            (0x3ffd, b"over the edge"),
            (0x5000, "日本語文字列".as_bytes()),
            (0x6001, b"a\tb\nc\r\"quoted\"\\"),
            (0x7000, &"Wide Text".bytes().flat_map(|byte| [byte, 0]).collect::<Vec<_>>()),
            (0x7ff8, b"the end."),
        ],
    );
    let told = |offset, length, text: &str, terminated| (offset, length, text.to_owned(), terminated);
    let look = look(&bytes);
    assert_eq!(
        strings(&look),
        [
            told(0, 5, "Hello", true),
            told(0x40, 12, "first second", true),
            told(0xfe, 13, "Grüße, Welt", true),
            told(0x3ffd, 13, "over the edge", true),
            told(0x5000, 18, "日本語文字列", true),
            told(0x6001, 15, "a\tb\nc\r\"quoted\"\\", true),
            told(0x7000, 18, "Wide Text", true),
            told(0x7ff8, 8, "the end.", false),
        ]
    );
    assert_eq!(look.strings.shown[6].encoding, "utf-16");
    let mut out = vec![];
    let style = Style { width: Some(80), ..Style::default() };
    look.draw(&mut Terminal { style, out: &mut out }).unwrap();
    assert_eq!(crate::harmless::complaint(&out, false), None);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(r#"0x6001  "a\tb\nc\r\"quoted\"\\" (15 bytes)"#), "{text}");
    assert!(text.contains("0x7000  \"Wide Text\" (18 bytes, UTF-16)"), "{text}");
    assert!(text.contains("0x7ff8  \"the end.\" (8 bytes, not ended by a NUL)"), "{text}");
    assert_eq!(summary(&look), "mostly zero; 8 strings, first \"Hello\" at 0x0");
}

#[test]
fn what_is_no_text_is_no_string() {
    let pieces: &[(usize, &[u8])] = &[
        (0x10, b"abc"),
        (0x20, b"\x01ab12\x02"),
        (0x40, b"aaaaaaaaaa"),
        (0x60, b"        "),
        (0x80, b" !\"#$%&'()*+,-./0123456789"),
        (0xc0, b"\xc3\x28\xa0\xa1\xe2\x28\xa1"),
        (0xe0, &[b'0', 0, b'1', 0, b'2', 0, b'3', 0, b'4', 0, b'5', 0, b'6', 0]),
    ];
    assert_eq!(strings(&look(&bytes_with(0x1000, pieces))), vec![]);
}

/// UTF-16 in the byte order of the target alone.
#[test]
fn wide_strings_have_the_byte_order_of_the_target() {
    let wide = |first: bool| {
        let units = "Hello wide".bytes().flat_map(|byte| if first { [byte, 0] } else { [0, byte] });
        bytes_with(0x1000, &[(0x80, &units.collect::<Vec<_>>())])
    };
    for (abi, low_first) in [(X86_64, true), (S390X, false)] {
        assert_eq!(abi.order == ByteOrder::Little, low_first);
        assert_eq!(strings(&look_on(abi, &wide(low_first)))[0].2, "Hello wide");
        assert_ne!(strings(&look_on(abi, &wide(!low_first))).first().map(|one| one.0), Some(0x80));
    }
}

#[test]
fn text_is_text() {
    let text = include_str!("../../../../ARCHITECTURE.md");
    let look = look(text.as_bytes());
    assert_eq!(look.guesses.texture, "text");
    assert_eq!((look.strings.shown.len(), look.strings.shown[0].length), (1, text.len() as u64));
    assert_eq!(guesses(&look).as_slice(), NONE);
    assert!(summary(&look).starts_with("text; string \"# The map of coreinspect\\n"), "{}", summary(&look));
}

#[test]
fn runs_of_64_equal_bytes_are_told() {
    let mut bytes: Vec<u8> = (0..0x4000).map(|at| [3, 200, 9, 77][at % 4]).collect();
    let wanted =
        [(5, 69, 0), (0x100, 0x13f, 0), (0x1fe0, 0x2020, 0xff), (0x3000, 0x3800, 0), (0x3fc0, 0x4000, 7)];
    for (start, end, byte) in wanted {
        bytes[start..end].fill(byte);
    }
    let runs = look(&bytes).runs;
    let found: Vec<_> =
        runs.shown.iter().map(|run| (run.start as usize, run.end as usize, run.byte)).collect();
    let long = wanted.into_iter().filter(|(start, end, _)| end - start >= 64);
    assert_eq!(found, long.collect::<Vec<_>>());
    assert_eq!(runs.more, 0);
}

/// A page that is not saved is no zero, and ends what stands before it.
#[test]
fn what_is_missing_is_not_looked_at() {
    let mut bytes = vec![0; 0x3000];
    bytes[0xff8..0x1008].copy_from_slice(b"cut here and not");
    let mut core = core(X86_64, &bytes);
    let at = places(&X86_64).base;
    core.segments[1] = Segment::load(at, 0x1000, R | W, Content::Bytes(bytes[..0x1000].to_vec()));
    core.segments.push(Segment::load(at + 0x1000, 0x1000, R | W, Content::Nothing));
    core.segments.push(Segment::load(at + 0x2000, 0x1000, R | W, Content::Bytes(bytes[0x2000..].to_vec())));
    let look = look_at(&Bytes::new(core.build().bytes), Budget::SHOW);
    assert_eq!((look.saved, look.examined, look.zero), (0x2000, 0x2000, 0x2000 - 8));
    assert_eq!(strings(&look), [(0xff8, 8, "cut here".to_owned(), false)]);
    let runs: Vec<_> = look.runs.shown.iter().map(|run| (run.start, run.end)).collect();
    assert_eq!(runs, [(0, 0xff8), (0x2000, 0x3000)]);

    core.segments.truncate(1);
    core.segments.push(Segment::load(at, 0x3000, R | W, Content::Nothing));
    let look = look_at(&Bytes::new(core.build().bytes), Budget::SHOW);
    assert_eq!((look.examined, look.guesses.texture), (0, "nothing"));
    assert_eq!(summary(&look), "not in the dump");
}

/// The message that each process of testdata wrote is found in its dump, behind the flag.
#[test]
fn the_messages_of_testdata_are_found() {
    let mut found = 0;
    for name in testdata::names() {
        let core = Core::unpack(&name);
        let source = Bytes::new(core.bytes());
        let Ok(target) = CoreTarget::read(Arc::new(source)) else { continue };
        let surroundings = Surroundings::of(&target);
        for segment in &SharedMemory::of(&target).segments {
            let look = Look::of(&target, &surroundings, segment, Budget::LISTING).unwrap();
            let base = segment.attachments[0].base.unwrap().to_string();
            let expected =
                core.segments().iter().find(|expected| expected["attachments"][0]["base"] == base.as_str());
            let Some(message) = expected.and_then(|expected| expected["mailbox"]["message"]["text"].as_str())
            else {
                continue;
            };
            if look.examined == 0 || message.len() < 6 {
                continue;
            }
            let told = strings(&look);
            let start: String = message.chars().take(20).collect();
            assert!(
                told.first().is_some_and(|one| one.0 == 1 && one.2.starts_with(&start)),
                "{name}: {told:?}"
            );
            found += 1;
        }
    }
    assert!(found >= 10, "{found}");
}

/// A letter is no flag: text that begins at byte 0 is looked at, not cut in two.
#[test]
fn text_from_the_first_byte_on_is_no_mailbox() {
    for (bytes, layout) in
        [(b"private text\0".as_slice(), false), (b"\x01rivate text\0", true), (b"\x07rivate text\0", false)]
    {
        let dump = pipeline::report_of(core(X86_64, bytes).build().bytes);
        let content = dump.segments[0].content.as_ref().unwrap();
        assert_eq!(content.layout.is_some(), layout, "{bytes:?}: {content:?}");
        assert_eq!(content.look.is_some(), !layout);
    }
}
