//! Guesses that should be made, and those that should not: the bytes are made by hand, or by chance.

use super::{bytes_with, guesses, look, look_on, places, strings};
use crate::core_builder::Abi;
use crate::core_builder::presets::{AARCH64, ABIS, I386, MIPS, S390X, X86_64};
use crate::random::Random;

fn random_bytes(random: &mut Random, size: usize) -> Vec<u8> {
    (0..size).map(|_| (random.next() >> 24) as u8).collect()
}

/// Nothing but that they look random may be said of random bytes.
#[test]
fn random_bytes_earn_no_guess() {
    let mut random = Random::new(4711);
    for round in 0..24 {
        for abi in [X86_64, I386, S390X] {
            let size = [0x1000, 0x4000, 0x1_0000, 0x10_0000][round % 4];
            let look = look_on(abi, &random_bytes(&mut random, size));
            let name = format!("round {round}, {}, {size} bytes", abi.name);
            assert_eq!(look.guesses.texture, "random", "{name}: {:?}", look.entropy);
            assert!(look.entropy.unwrap() > 7.9, "{name}");
            assert_eq!((strings(&look), guesses(&look)), (vec![], vec![]), "{name}");
            assert_eq!((look.runs.shown.len(), look.strings.more), (0, 0), "{name}");
        }
    }
}

/// Random bytes among zeroes, at any place and of any length.
#[test]
fn random_pieces_earn_no_guess() {
    let mut random = Random::new(99);
    for round in 0..200 {
        let mut bytes = vec![0; 0x8000];
        for _ in 0..1 + random.below(4) {
            let length = 1 + random.below(0x1000);
            let at = random.below(bytes.len() - length);
            let piece = random_bytes(&mut random, length);
            bytes[at..at + length].copy_from_slice(&piece);
        }
        let look = look(&bytes);
        assert_eq!((strings(&look), guesses(&look)), (vec![], vec![]), "round {round}");
    }
}

/// Numbers as programs have them: no times, pointers or records are in them.
#[test]
fn numbers_at_random_earn_no_guess_but_their_size() {
    let mut random = Random::new(7);
    for round in 0..20 {
        for abi in [X86_64, I386, MIPS, S390X] {
            let mut numbers = |width: usize, number: &dyn Fn(u64) -> u64| -> Vec<u8> {
                (0..0x4000 / width).flat_map(|_| abi.encode(number(random.next()), width)).collect()
            };
            let f32_of = |bits: u64| u64::from(((bits % 1_000_000) as f32 / 777.0).to_bits());
            let f64_of = |bits: u64| ((bits % 1_000_000_000_000) as f64 / 777.0).to_bits();
            for (kind, bytes, size) in [
                ("bytes", numbers(1, &|bits| bits % 10), None),
                ("u16", numbers(2, &|bits| bits % 200), Some(2)),
                ("u32", numbers(4, &|bits| bits % 50_000), Some(4)),
                ("u64", numbers(8, &|bits| bits % 50_000), Some(8)),
                ("f32", numbers(4, &f32_of), None),
                ("f64", numbers(8, &f64_of), None),
            ] {
                let look = look_on(abi, &bytes);
                let name = format!("round {round}, {}, {kind}", abi.name);
                assert_eq!(look.guesses.word_size.as_ref().map(|word| word.size), size, "{name}");
                let beyond: Vec<_> =
                    guesses(&look).into_iter().filter(|guess| !guess.starts_with("WordGuess")).collect();
                assert_eq!((strings(&look), beyond), (vec![], vec![]), "{name}");
            }
        }
    }
}

/// An entry of a table, as a program would have it: all that can be guessed is in it.
fn entry(abi: &Abi, number: u64) -> Vec<u8> {
    let long = abi.long_bytes();
    let name = format!("worker-{}", number * 7919 % 1000);
    let mut bytes = [
        abi.encode(5000 + number, 4),
        abi.encode(1 + number % 3, 4),
        abi.encode(places(abi).base + 0x100 + number * 64, long),
        abi.encode(places(abi).heap + number * 8, long),
        abi.encode((1_790_000_000 + number * number) * 1_000_000 + number * 977, 8),
    ]
    .concat();
    bytes.resize(48, 0);
    bytes.extend_from_slice(name.as_bytes());
    bytes.resize(64, 0);
    bytes
}

#[test]
fn a_table_is_seen_on_every_machine() {
    for abi in ABIS {
        let table: Vec<u8> = (0..50).flat_map(|number| entry(&abi, number)).collect();
        let look = look_on(abi, &bytes_with(0x2000, &[(0, b"TABLE 1"), (0x100, &table)]));
        let guesses = &look.guesses;
        let name = abi.name;
        let records = guesses.records.as_ref().unwrap_or_else(|| panic!("{name}: no records"));
        assert_eq!(records.stride, 64, "{name}");
        assert!(
            (0xc0..=0x140).contains(&records.start) && (49..=51).contains(&records.count),
            "{name}: {records:?}"
        );

        let counter = &guesses.counters.shown[0];
        let place = &counter.place;
        assert_eq!(
            (place.offset, place.width, place.count, place.distance),
            (0x100, 4, 50, Some(64)),
            "{name}"
        );
        assert_eq!((counter.first, counter.last, counter.step), (5000, 5049, Some(1)), "{name}");
        assert_eq!(guesses.counters.shown.len(), 1, "{name}: {:?}", guesses.counters);

        let at = 0x108 + 2 * abi.long_bytes() as u64;
        let time = &guesses.timestamps.shown[0];
        assert_eq!((time.place.offset, time.place.count, time.unit), (at, 50, "us"), "{name}");
        // date -u -d @1790000000: 2026-09-21T14:13:20; 49 * 49 seconds and 49 * 977 microseconds later.
        assert_eq!(time.first.as_deref(), Some("2026-09-21T14:13:20Z"), "{name}");
        assert_eq!(time.last.as_deref(), Some("2026-09-21T14:53:21.047873Z"), "{name}");
        assert_eq!(guesses.timestamps.shown.len(), 1, "{name}: {:?}", guesses.timestamps);

        let pointers: Vec<_> = guesses.pointers.shown.iter().collect();
        let long = abi.long_bytes() as u64;
        let told: Vec<_> = pointers
            .iter()
            .map(|one| (one.place.offset, one.place.count, one.value.0, one.to.kind, one.to.offset))
            .collect();
        let places = places(&abi);
        assert_eq!(
            told,
            [
                (0x108, 50, places.base + 0x100, "segment", Some(0x100)),
                (0x108 + long, 50, places.heap, "memory", None)
            ],
            "{name}"
        );
        assert_eq!(look.strings.shown[0].offset, 0, "{name}");
        assert_eq!(look.strings.shown.len() as u64 + look.strings.more, 51, "{name}: {:?}", strings(&look));
    }
}

#[test]
fn an_array_that_counts_is_one_counter() {
    for (abi, width, step) in [(X86_64, 8, 3), (X86_64, 4, 1), (X86_64, 2, 1), (MIPS, 4, 1), (S390X, 8, 1000)]
    {
        let bytes: Vec<_> = (0..1000).flat_map(|number| abi.encode(7 + number * step, width)).collect();
        let look = look_on(abi, &bytes);
        let counters = &look.guesses.counters.shown;
        let name = format!("{} {width} {step}", abi.name);
        assert_eq!(counters.len(), 1, "{name}: {counters:?}");
        let place = &counters[0].place;
        assert_eq!((place.offset, place.width, place.count), (0, width as u64, 1000), "{name}");
        assert_eq!((counters[0].first, counters[0].step), (7, Some(step as i64)), "{name}");
        assert!(look.guesses.records.is_none() && look.guesses.timestamps.shown.is_empty(), "{name}");
    }
}

/// One word in a page of zeroes: what it would be is told for those that hardly are anything else.
#[test]
fn single_words_are_times_if_nothing_else_fits() {
    // Each by `date -u -d @1790000123`.
    let seconds = 1_790_000_123_u64;
    let float = (seconds as f64 + 0.25).to_bits();
    for (abi, word, unit, told) in [
        (X86_64, seconds, "s", "2026-09-21T14:15:23Z"),
        (S390X, seconds, "s", "2026-09-21T14:15:23Z"),
        (X86_64, seconds * 1000 + 7, "ms", "2026-09-21T14:15:23.007Z"),
        (AARCH64, seconds * 1_000_000 + 7, "us", "2026-09-21T14:15:23.000007Z"),
        (X86_64, float, "float-s", "2026-09-21T14:15:23.25Z"),
    ] {
        let look = look_on(abi, &bytes_with(0x1000, &[(0x40, &abi.encode(word, 8))]));
        let times = &look.guesses.timestamps.shown;
        assert_eq!(times.len(), 1, "{unit}");
        assert_eq!((times[0].place.offset, times[0].unit), (0x40, unit));
        assert_eq!(times[0].first.as_deref(), Some(told));
    }
    // A size, a round number, the float 1.0, 'abcd', a second of 4 bytes and nanoseconds without a fellow, a pair of counts.
    for word in [
        0x4000_0000,
        1_500_000_000,
        0x3f80_0000,
        0x6463_6261,
        0x6ab1_0000_0001,
        seconds * 1_000_000_000,
        0x4_d2a5_0001_0203,
    ] {
        let look = look(&bytes_with(0x1000, &[(0x40, &X86_64.encode(word, 8))]));
        assert_eq!(look.guesses.timestamps.shown.len(), 0, "{word:#x}: {:?}", look.guesses.timestamps);
    }
    // Those of 4 bytes, and nanoseconds, need fellows.
    let words: Vec<_> =
        [5, seconds + 1, 6, seconds, 7, seconds + 3].iter().flat_map(|word| I386.encode(*word, 4)).collect();
    let look = look_on(I386, &bytes_with(0x1000, &[(0x40, &words)]));
    let offsets: Vec<_> = look.guesses.timestamps.shown.iter().map(|time| time.place.offset).collect();
    assert_eq!(offsets, [0x44, 0x4c, 0x54], "{:?}", look.guesses);
}

#[test]
fn pointers_say_where_they_point() {
    let at = places(&X86_64);
    let words = [
        at.base + 0x123,
        at.base + 0x1000,
        at.file + 0x456,
        at.file - 8,
        at.heap + 0xff0,
        at.heap + 0x1000,
        0x1000,
        u64::MAX,
    ];
    let words: Vec<_> =
        words.iter().flat_map(|word| [X86_64.encode(*word, 8), vec![0; 8]].concat()).collect();
    let look = look(&bytes_with(0x1000, &[(0x80, &words)]));
    let told: Vec<_> = look
        .guesses
        .pointers
        .shown
        .iter()
        .map(|one| {
            let name = one.to.name.as_ref().map(|name| name.escaped());
            (one.place.offset, one.to.kind, name, one.to.offset)
        })
        .collect();
    // NT_FILE says that /bin/writer begins there with its third page (2 in units of 4096).
    assert_eq!(
        told,
        [
            (0x80, "segment", None, Some(0x123)),
            (0xa0, "mapping", Some("/bin/writer".to_owned()), Some(0x2456)),
            (0xc0, "memory", None, None),
        ]
    );
}
