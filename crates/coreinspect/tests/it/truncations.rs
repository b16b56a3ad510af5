//! F2: a core that ends anywhere, and a core of which any one byte is wrong.

use crate::core_builder::Core;
use crate::core_builder::presets::{self, I386, MIPS, S390X, X86_64};
use crate::pipeline;
use crate::seeds;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn exercise(name: &str, case: &str, bytes: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| pipeline::inspect(bytes).complaint()));
    let complaint = outcome.unwrap_or_else(|_| panic!("{name}: {case} panicked"));
    assert_eq!(complaint, None, "{name}: {case}");
}

/// Every length within headers and notes, each table's end and its neighbours, and the memory in steps of `step` up to 64 KiB.
fn truncations(name: &str, core: &Core, step: usize) -> usize {
    let size = core.bytes.len();
    let mut lengths: BTreeSet<usize> = (0..size.min(64 << 10)).step_by(step).collect();
    for range in core.described() {
        lengths.extend(range.start..=range.end + 1);
    }
    lengths.retain(|length| *length <= size);
    for &length in &lengths {
        exercise(name, &format!("cut at {length}"), &core.bytes[..length]);
    }
    lengths.len()
}

/// Every byte of headers and notes as 0, as 0xff, and with its lowest and its highest bit turned.
fn wrong_bytes(name: &str, core: &Core) -> usize {
    let mut bytes = core.bytes.clone();
    let end = bytes.len();
    let mut count = 0;
    for at in core.described().into_iter().flatten().filter(|at| *at < end) {
        let right = bytes[at];
        for wrong in [0, 0xff, right ^ 1, right ^ 0x80] {
            bytes[at] = wrong;
            exercise(name, &format!("byte {at} as {wrong:#x}"), &bytes);
            count += 1;
        }
        bytes[at] = right;
    }
    count
}

#[test]
fn of_few_cores() {
    for builder in [
        presets::kernel(X86_64),
        presets::gcore(I386),
        presets::qemu_user(MIPS),
        presets::minicoredumper(S390X),
    ] {
        let core = builder.build();
        let cases = truncations(builder.abi.name, &core, 997) + wrong_bytes(builder.abi.name, &core);
        assert!(cases > 1_000);
    }
}

#[test]
#[ignore = "a minute with --profile hardened"]
fn of_every_core() {
    let seeds: Vec<_> = seeds::built().into_iter().chain(seeds::real()).collect();
    // Where in the memory a core ends makes little difference between cores: one is cut at every byte.
    let step = |index| if index == 0 { 1 } else { 17 };
    let cases = |(index, seed): &(usize, &seeds::Seed)| {
        truncations(&seed.name, &seed.core, step(*index)) + wrong_bytes(&seed.name, &seed.core)
    };
    let (even, odd): (Vec<_>, Vec<_>) = seeds.iter().enumerate().partition(|(index, _)| index % 2 == 0);
    let total: usize = std::thread::scope(|scope| {
        let threads = [even, odd].map(|half| scope.spawn(move || half.iter().map(cases).sum::<usize>()));
        threads.into_iter().map(|thread| thread.join().expect("a case failed; it is named above")).sum()
    });
    println!("{total} truncations and wrong bytes of {} cores", seeds.len());
    assert!(total > 300_000);
}
