//! Minidumps with a few bytes changed where it hurts, through the whole pipeline: no panic, bounded memory, the contract
//! kept, nothing harmful on a terminal. A mutant is its number: `COREINSPECT_FIRST` and `COREINSPECT_MUTANTS` make one again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::builder::{AMD64, breakpad, crashpad, lldb};
use crate::random::Random;
use crate::{allocations, dumpers, pipeline};

const MOST_MEMORY: i64 = 16 << 20;
const INTERESTING: [u64; 12] =
    [0, 1, 4, 12, 32, 0xfff, 0x1000, 0x7fff_ffff, 0xffff_ffff, 1 << 40, i64::MAX as u64, u64::MAX - 0xfff];

fn seeds() -> Vec<Vec<u8>> {
    let built =
        [breakpad(false, AMD64, 8), breakpad(true, 1, 4), lldb(), crashpad()].map(|dump| dump.build());
    let real = ["lldb-22-stack", "lldb-19-full", "breakpad", "minidump-writer"].map(dumpers::unpacked);
    built.into_iter().chain(real).collect()
}

fn mutate(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut mutant = seed.to_vec();
    // The header and the directory decide most.
    let described = mutant.len().min(320);
    for _ in 0..=random.below(5) {
        let at = if random.below(2) == 0 { random.below(described) } else { random.below(mutant.len()) };
        match random.below(4) {
            0 => mutant[at] ^= 1 << random.below(8),
            1 => mutant[at] = random.next() as u8,
            2 => {
                let from = random.below(mutant.len());
                let length = (1 + random.below(64)).min(mutant.len() - at.max(from));
                mutant.copy_within(from..from + length, at);
            }
            _ => {
                let width = *random.pick(&[2, 4, 8]);
                let value = random.pick(&INTERESTING).wrapping_add(random.next() % 3 / 2);
                for (to, from) in mutant[at / width * width..].iter_mut().zip(&value.to_le_bytes()[..width]) {
                    *to = *from;
                }
            }
        }
    }
    if random.below(16) == 0 {
        mutant.truncate(random.below(seed.len()));
    }
    mutant
}

fn run(count: u64) {
    let from_environment = |name: &str, otherwise| {
        std::env::var(name)
            .map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
    };
    let seeds = seeds();
    let first = from_environment("COREINSPECT_FIRST", 0);
    let mut refused = 0;
    let count = from_environment("COREINSPECT_MUTANTS", count);
    for number in first..first + count {
        let mut random = Random::new(0x4d44_4d50 ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        let mutant = mutate(random.pick(&seeds).as_slice(), &mut random);
        let outcome = catch_unwind(AssertUnwindSafe(|| allocations::measure(|| pipeline::inspect(&mutant))));
        let (inspected, usage) = outcome.unwrap_or_else(|_| panic!("mutant {number} panicked"));
        let complaint = if number % 8 == 0 { inspected.complaint() } else { inspected.harm() };
        assert_eq!(complaint, None, "mutant {number}");
        assert!(usage.peak <= MOST_MEMORY, "mutant {number} took {} bytes", usage.peak);
        refused += u64::from(inspected.dump.error.is_some());
    }
    println!("{count} mutants of {} minidumps; {refused} could not be read", seeds.len());
}

#[test]
#[ignore = "a minute with --profile hardened"]
fn mutants_of_minidumps() {
    run(300_000);
}

#[test]
fn some_mutants_of_minidumps() {
    run(4_000);
}
