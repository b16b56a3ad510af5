//! What bytes, however bad, may cost and may make of the output.

use std::sync::Arc;
use std::time::Instant;

use coreinspect::internals::look::{Budget, Surroundings};
use coreinspect::render::look::summary;
use coreinspect::render::terminal::Terminal;
use coreinspect::render::{Draw, Style};
use coreinspect::report::Look;
use coreinspect::shm::SharedMemory;
use coreinspect::source::{Bytes, MappedFile};
use coreinspect::targets::CoreTarget;

use super::{core, places};
use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, I386, X86_64};
use crate::core_builder::{Abi, Content, CoreBuilder, R, Segment, W};
use crate::random::Random;
use crate::{allocations, harmless};

const MIB: usize = 1 << 20;

/// Whether what is told keeps its promises: order, bounds, and nothing that harms a terminal.
fn check(look: &Look, size: u64, budget: Budget, name: &str) {
    let guesses = &look.guesses;
    let offsets = [
        look.strings.shown.iter().map(|one| (one.offset, one.length)).collect::<Vec<_>>(),
        look.runs.shown.iter().map(|one| (one.start, one.end - one.start)).collect(),
        guesses.counters.shown.iter().map(|one| (one.place.offset, one.place.width)).collect(),
        guesses.timestamps.shown.iter().map(|one| (one.place.offset, one.place.width)).collect(),
        guesses.pointers.shown.iter().map(|one| (one.place.offset, one.place.width)).collect(),
    ];
    for (kind, offsets) in offsets.iter().enumerate() {
        assert!(offsets.is_sorted() && offsets.len() <= budget.shown, "{name}: {kind}: {offsets:?}");
        assert!(offsets.iter().all(|(at, length)| at + length <= size), "{name}: {kind}: {offsets:?}");
    }
    assert!(look.zero <= look.examined && look.examined <= look.saved, "{name}");
    assert!(look.entropy.is_none_or(|entropy| (0.0..=8.0).contains(&entropy)), "{name}: {:?}", look.entropy);
    let mut out = format!("{}\n", summary(look)).into_bytes();
    let style = Style { width: Some(80), ..Style::default() };
    look.draw(&mut Terminal { style, out: &mut out }).unwrap();
    assert_eq!(harmless::complaint(&out, false), None, "{name}");
    assert!(serde_json::to_string(look).unwrap().len() < 200 * 1024, "{name}");
}

fn measured(abi: Abi, bytes: &[u8], budget: Budget, name: &str) -> Look {
    let source = Bytes::new(core(abi, bytes).build().bytes);
    let target = CoreTarget::read(Arc::new(source)).unwrap();
    let memory = SharedMemory::of(&target);
    let surroundings = Surroundings::of(&target);
    let before = Instant::now();
    let looking = || Look::of(&target, &surroundings, &memory.segments[0], budget).unwrap();
    let (look, usage) = allocations::measure(looking);
    println!("{name}: {} bytes in {:?}, {} bytes of memory", look.examined, before.elapsed(), usage.peak);
    let most = if budget == Budget::SHOW { 512 << 10 } else { 128 << 10 };
    assert!(usage.peak <= most, "{name}: {} bytes", usage.peak);
    check(&look, bytes.len() as u64, budget, name);
    look
}

#[test]
fn the_cost_has_a_bound() {
    let mut random = Random::new(3);
    let at = places(&X86_64);
    let words = |word: &mut dyn FnMut() -> u64| -> Vec<u8> {
        (0..MIB / 8).flat_map(|_| word().to_le_bytes()).collect()
    };
    let strings: Vec<u8> = (0..MIB).map(|at| if at % 7 == 6 { 0 } else { b"gRaZyX"[at % 7] }).collect();
    let contents = [
        ("alternating", (0..MIB).map(|at| [b'a', b' '][at % 2]).collect()),
        ("strings", strings),
        ("runs", (0..MIB).map(|at| (at / 64 % 251) as u8).collect()),
        ("escapes", "\u{1b}[2Jabc\u{202e}defgh\u{9b}0;\n".bytes().cycle().take(MIB).collect()),
        ("half characters", [0xe2, 0x82, b'a'].into_iter().cycle().take(MIB).collect()),
        ("pointers", words(&mut || at.base + random.next() % MIB as u64)),
        (
            "pointers to all",
            words(&mut || [at.base, at.file, at.heap][random.below(3)] + random.next() % 4096),
        ),
        ("times", words(&mut || 1_700_000_000 + random.next() % 100_000_000)),
        (
            "times of all units",
            words(&mut || 1_700_000_000 * [1, 1000, 1_000_000][random.below(3)] + random.next() % 99),
        ),
    ];
    for (name, bytes) in &contents {
        let shown = measured(X86_64, bytes, Budget::SHOW, name);
        assert_eq!(shown.examined, MIB as u64);
        let listed = measured(X86_64, bytes, Budget::LISTING, name);
        assert_eq!(listed.examined, 32 << 10);
        measured(I386, bytes, Budget::SHOW, name);
    }
    let strings = measured(X86_64, &contents[1].1, Budget::SHOW, "strings").strings;
    assert_eq!((strings.shown.len(), strings.more), (32, (MIB / 7) as u64 - 32));
}

/// Of a segment of a tebibyte, one hole in a file, a head and a few blocks are read.
#[test]
fn a_huge_segment_is_sampled() {
    let size = 1_u64 << 40;
    let row =
        Row { start: 1 << 32, end: (1 << 32) + size, offset: 0, name: presets::segment_name(0x5e60_0002) };
    let notes = vec![notes::file(&X86_64, 4096, std::slice::from_ref(&row))];
    let segments = vec![Segment::notes(notes), Segment::load(row.start, size, R | W, Content::Hole(size))];
    let file = tempfile::NamedTempFile::new().unwrap();
    CoreBuilder { segments, ..CoreBuilder::new(X86_64) }.write_to(file.as_file());
    let source = MappedFile::open(file.path()).unwrap();
    let target = CoreTarget::read(Arc::new(source)).unwrap();
    let memory = SharedMemory::of(&target);
    let surroundings = Surroundings::of(&target);
    for (budget, most) in [(Budget::SHOW, (1 << 20) + (64 << 12)), (Budget::LISTING, (16 << 10) + (4 << 12))]
    {
        let look = Look::of(&target, &surroundings, &memory.segments[0], budget).unwrap();
        assert_eq!((look.saved, look.examined), (size, most));
        check(&look, size, budget, "hole");
        assert!(summary(&look).starts_with("zero in the part that was examined ("), "{}", summary(&look));
    }
}

/// Bytes of every kind in pieces of every length, some of them missing: nothing panics, and nothing is out of bounds.
#[test]
fn pieces_of_everything() {
    let mut random = Random::new(17);
    for round in 0..300 {
        let abi = *random.pick(&[X86_64, I386, presets::S390X, presets::MIPS]);
        let mut bytes = vec![];
        while bytes.len() < 0x6000 {
            let length = 1 + random.below(700);
            match random.below(7) {
                0 => bytes.resize(bytes.len() + length, 0),
                1 => bytes.resize(bytes.len() + length, random.next() as u8),
                2 => bytes.extend((0..length).map(|_| random.next() as u8)),
                3 => bytes.extend((0..length).map(|at| b"The quick br\xc3\xb6wn fox\0"[at % 21])),
                4 => bytes.extend((0..length as u64).flat_map(|at| abi.encode(at * 3, 4))),
                5 => {
                    let at = places(&abi);
                    bytes.extend(
                        (0..length as u64).flat_map(|step| abi.encode(at.base + step * 16, abi.long_bytes())),
                    );
                }
                _ => {
                    bytes.extend((0..length as u64).flat_map(|step| abi.encode(1_700_000_000 + step * 7, 8)))
                }
            }
        }
        bytes.truncate(0x6000);
        let mut core = core(abi, &bytes);
        let base = core.segments[1].vaddr;
        let mut loads = vec![];
        let mut at = 0;
        while at < bytes.len() {
            let length = (1 + random.below(5000)).min(bytes.len() - at);
            let content = if random.below(4) == 0 {
                Content::Nothing
            } else {
                Content::Bytes(bytes[at..at + length].to_vec())
            };
            loads.push(Segment::load(base + at as u64, length as u64, R | W, content));
            at += length;
        }
        core.segments.splice(1..2, loads);
        let source = Bytes::new(core.build().bytes);
        let target = CoreTarget::read(Arc::new(source)).unwrap();
        let memory = SharedMemory::of(&target);
        let surroundings = Surroundings::of(&target);
        for budget in [Budget::SHOW, Budget::LISTING] {
            let look = Look::of(&target, &surroundings, &memory.segments[0], budget).unwrap();
            check(&look, bytes.len() as u64, budget, &format!("round {round}"));
        }
    }
}
