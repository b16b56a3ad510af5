//! Bytes that pretend to be a program's segment: every built-in layout ends, and says something.

use coreinspect::layout::{BUILTIN, Subject};
use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::types::Budget;
use coreinspect::types::contents::Window;
use coreinspect::types::decode::{Limits, decode};
use shmcore::Key;

use crate::random::Random;

/// What the layouts' segments begin with.
const MAGICS: &[&[u8]] = &[
    b"PHP_SM\0\0",
    b"\x0e\x75\x85\x28",
    b"\x28\x85\x75\x0e",
    b"\x0d\x75\x85\x28",
    b"IPC::Shareable",
    b"J9SC\0",
    b"GDSDYNUNX03\0",
    b"PERL",
    b"LREP",
    b"\x01\0\0\0\x06\0\0\0",
    b"\0\0\0\x64",
    b"",
];
const KEYS: &[u32] = &[0, 0x4e54_5030, 0x4750_5344, 0x4841_4c32, 0x1234_5678];

fn machines() -> Vec<Machine> {
    let pairs = [
        (Class::Bits64, ByteOrder::Little),
        (Class::Bits32, ByteOrder::Little),
        (Class::Bits64, ByteOrder::Big),
    ];
    pairs.into_iter().map(|(class, byte_order)| Machine { number: 62, class, byte_order }).collect()
}

/// Mostly small numbers and the greatest, as counts, offsets and lengths that lie.
fn word(random: &mut Random, size: usize) -> u64 {
    match random.below(7) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << 63,
        3 => size as u64,
        4 => random.next() % 64,
        5 => u64::MAX - random.next() % 64,
        _ => random.next() % (size as u64 + 1),
    }
}

#[test]
fn hostile_bytes_end_with_an_answer() {
    let mut random = Random::new(4);
    for round in 0..3000 {
        let machine = *random.pick(&machines());
        let magic = *random.pick(MAGICS);
        let size = [8, 40, 96, 512, 4096, 24576, 40960][random.below(7)];
        let mut bytes = vec![0; size];
        let long = machine.class.long();
        let words = random.below(size / long) + 1;
        for chunk in bytes.chunks_exact_mut(long).take(words) {
            let word = word(&mut random, size);
            let both = match machine.byte_order {
                ByteOrder::Little => word.to_le_bytes()[..long].to_vec(),
                ByteOrder::Big => word.to_be_bytes()[8 - long..].to_vec(),
            };
            chunk.copy_from_slice(&both);
        }
        let magic = &magic[..magic.len().min(size)];
        bytes[..magic.len()].copy_from_slice(magic);
        let contents = bytes.as_slice();
        let key = Some(Key::from_bits(*random.pick(KEYS)));
        for layout in BUILTIN {
            let budget = Budget::unlimited();
            let subject = Subject::new(&contents, key, machine, None, &budget);
            let verdict = layout.recognise(&subject);
            let Ok(kind) = layout.describe(&subject) else { continue };
            drop(subject);
            let limits = Limits { nodes: 2000, ..Limits::default() };
            let decoded = decode(&kind, 0, &mut Window::new(&contents), machine, limits, &budget);
            assert!(decoded.is_ok(), "{} in round {round}: {verdict:?}", layout.name());
        }
    }
}

/// Random bytes and zeroes are nobody's for sure.
#[test]
fn noise_is_nobodys() {
    let mut random = Random::new(5);
    for round in 0..2000 {
        let machine = *random.pick(&machines());
        let zero = round % 4 == 0;
        let bytes: Vec<u8> = (0..4096).map(|_| if zero { 0 } else { random.next() as u8 }).collect();
        let contents = bytes.as_slice();
        for layout in BUILTIN {
            let budget = Budget::unlimited();
            let subject = Subject::new(&contents, Some(Key::from_bits(0x1234_5678)), machine, None, &budget);
            let verdict = layout.recognise(&subject);
            let sure = matches!(verdict.confidence().name(), "certain" | "likely");
            assert!(!sure, "{} in round {round}: {verdict:?}", layout.name());
        }
    }
}

/// Beginnings that were taken for a program's: a magic, a key or small numbers alone, without what must follow.
#[test]
fn what_only_begins_like_a_program_is_nobodys() {
    let ints = |numbers: &[i32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    let pixels = |pixel: [u8; 4]| pixel.repeat(1000);
    let words = |numbers: &[u64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    let plain = 0x1234_5678;
    for (key, start) in [
        // Light gray without transparency, as X clients share it; counters; what looks like the rest of a value.
        (plain, pixels([0xff, 0xff, 0xff, 0])),
        (plain, pixels([0xf0, 0xee, 0xec, 0])),
        (plain, [ints(&[-1, 40, 1, 9]), ints(&(0..200).collect::<Vec<_>>())].concat()),
        (plain, [ints(&[3, 9000, 2, 900]), ints(&[7; 900])].concat()),
        (plain, [ints(&[-1, 0, 0, 0]), pixels([1, 2, 3, 4])].concat()),
        (plain, [ints(&[-1, 300, 1, 2]), vec![0xe9; 300]].concat()),
        // Other programs' data under NTP's key, and NTP's times under another's.
        (0x4e54_5032, b"these are no times".to_vec()),
        (0x4e54_5032, pixels([1, 1, 1, 1])),
        (plain, [ints(&[1, 2, 1_764_500_000, 0, 5, 0, 1_764_500_001, 0, 5, 0, -20, 3, 1])].concat()),
        (0x4750_5344, b"no report of a receiver".to_vec()),
        (0x4841_4c32, ints(&[3; 100])),
        // HAL's version, as a number: lists of nothing.
        (plain, [words(&[16, 0, 4096, 0]), vec![0; 96], ints(&[200, 4096])].concat()),
        (plain, b"IPC::Shareable is a module of Perl".to_vec()),
        (plain, b"PERL is written so by few\0".to_vec()),
        (plain, b"PERL\0\0\0\0and more".to_vec()),
        (plain, b"PHP_SM\0\0 and then a text, which is no table".to_vec()),
        (plain, b"J9SC\0 and so on".to_vec()),
        (plain, [b"GDSDYNUNX03\0".to_vec(), ints(&[1024, 0, 16, 1, 1])].concat()),
        (plain, [ints(&[679_834_894, -5]), words(&[9, 56, 1, 1])].concat()),
        // A state of 2 and sizes, and no mutex and no tree.
        (plain, [ints(&[2]), vec![0; 84], words(&[0, 100, 4000]), vec![0; 200]].concat()),
    ] {
        let mut bytes = start.clone();
        bytes.resize(4096, 0);
        let contents = bytes.as_slice();
        for layout in BUILTIN {
            let budget = Budget::unlimited();
            let machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };
            let subject = Subject::new(&contents, Some(Key::from_bits(key)), machine, None, &budget);
            let verdict = layout.recognise(&subject);
            let sure = matches!(verdict.confidence().name(), "certain" | "likely");
            let shown = String::from_utf8_lossy(&start[..start.len().min(40)]).into_owned();
            assert!(!sure, "{} takes {shown:?}: {verdict:?}", layout.name());
        }
    }
}
