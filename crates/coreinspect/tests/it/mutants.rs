//! F1: cores with a few bytes changed where it hurts, through the whole pipeline: half of them in headers and notes, half in what
//! the segments hold. Nothing may panic, abort or take more memory than F4 allows; what comes out must keep the contract and be
//! harmless on a terminal.
//!
//! `cargo test --profile hardened -p coreinspect --test it -- --ignored --nocapture mutants`. A mutant is its seed and its
//! number: `COREINSPECT_SEED`, `COREINSPECT_FIRST` and `COREINSPECT_MUTANTS` make one again.

use crate::allocations;
use crate::core_builder::notes::NT_FILE;
use crate::pipeline::{self, Inspected};
use crate::random::Random;
use crate::seeds::{self, Planted, Seed};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::time::{Duration, Instant};

const SEED: u64 = 0x5e67_6d65_6e74_7321;
const THREADS: u64 = 2;
const MOST_MEMORY: i64 = 16 << 20;

/// Numbers at which something changes sign, unit or table.
const INTERESTING: [u64; 24] = [
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    12,
    24,
    0x7f,
    0x80,
    0xfff,
    0x1000,
    0x1001,
    0xffff,
    0x10000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    1 << 61,
    i64::MAX as u64,
    u64::MAX - 0xfff,
    u64::MAX,
];

/// A seed and where to aim in it: the ranges that describe the dump, NT_FILE three times more; or the contents of its segments.
struct Target {
    seed: Seed,
    aims: Vec<Range<usize>>,
    contents: bool,
}

impl Target {
    fn new(seed: Seed) -> Target {
        let end = seed.core.bytes.len();
        let mut aims = seed.core.described();
        let files = seed.core.notes.iter().filter(|note| note.kind == NT_FILE).map(|note| note.desc.clone());
        aims.extend(files.flat_map(|desc| [desc.clone(), desc.clone(), desc]));
        aims = aims
            .into_iter()
            .map(|aim| aim.start.min(end)..aim.end.min(end))
            .filter(|aim| !aim.is_empty())
            .collect();
        Target { seed, aims, contents: false }
    }

    fn of_contents(planted: Planted) -> Target {
        Target { seed: planted.seed, aims: vec![planted.contents], contents: true }
    }

    fn place(&self, random: &mut Random) -> usize {
        let aim = random.pick(&self.aims);
        aim.start + random.below(aim.len())
    }

    fn mutate(&self, random: &mut Random, mutant: &mut Vec<u8>) {
        let core = &self.seed.core;
        mutant.clear();
        mutant.extend_from_slice(&core.bytes);
        for _ in 0..=random.below(4) {
            let at = self.place(random);
            if self.contents && random.below(2) == 0 {
                self.entangle(at, random, mutant);
                continue;
            }
            match random.below(8) {
                0 => mutant[at] ^= 1 << random.below(8),
                1 => mutant[at] = random.next() as u8,
                2 => mutant[at] = *random.pick(&[0, 1, 0x7f, 0x80, 0xff]),
                3 => {
                    let from = self.place(random);
                    let length = (1 + random.below(64)).min(mutant.len() - at.max(from));
                    mutant.copy_within(from..from + length, at);
                }
                4 => {
                    let at = at & !3;
                    let around = core.bytes.len() as u64 - 1 + random.next() % 3;
                    overwrite(mutant, at, &core.abi.encode(around, core.abi.long_bytes()));
                }
                _ => {
                    let width = *random.pick(&[2, 4, 8]);
                    let value = random.pick(&INTERESTING).wrapping_add(random.next() % 3 / 2);
                    overwrite(mutant, at / width * width, &core.abi.encode(value, width));
                }
            }
        }
        if random.below(16) == 0 {
            let length = self.place(random);
            mutant.truncate(length);
        }
    }
}

impl Target {
    /// Makes the structures of a segment share, nest, repeat or run in circles.
    fn entangle(&self, at: usize, random: &mut Random, mutant: &mut [u8]) {
        let aim = &self.aims[0];
        let at = at & !7;
        let other = self.place(random) & !7;
        match random.below(4) {
            // A link to somewhere else: an offset from the segment's start, or from the link itself.
            0 => overwrite(mutant, at, &(other.saturating_sub(aim.start) as u64).to_le_bytes()),
            1 => overwrite(mutant, at, &(other.wrapping_sub(at) as u64).to_le_bytes()),
            // A part twice.
            2 => {
                let length = (8 + random.below(512)).min(aim.end - at.max(other));
                mutant.copy_within(other..other + length, at);
            }
            // A part again and again, up to the end.
            _ => {
                let length = (1 + random.below(96)).min(aim.end - at);
                let part = mutant[at..at + length].to_vec();
                for (to, from) in mutant[at..aim.end].iter_mut().zip(part.iter().cycle()) {
                    *to = *from;
                }
            }
        }
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (to, from) in bytes[at..].iter_mut().zip(with) {
        *to = *from;
    }
}

#[derive(Default)]
struct Tally {
    errors: u64,
    slowest: Duration,
    peak: i64,
}

/// Runs the mutants `first`, `first + step`, ... below `end`.
fn run(targets: &Targets, seed: u64, first: u64, end: u64, step: usize) -> Tally {
    let mut tally = Tally::default();
    let mut mutant = vec![];
    for number in (first..end).step_by(step) {
        let mut random = Random::new(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        let target = random.pick(targets.of(number));
        target.mutate(&mut random, &mut mutant);
        let before = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| exercise(&mutant)));
        let name = format!("mutant {number} of seed {seed:#x}, made of {}", target.seed.name);
        let (inspected, peak) = outcome.unwrap_or_else(|_| panic!("{name} panicked"));
        tally.slowest = tally.slowest.max(before.elapsed());
        // Reading the document costs more than all the rest.
        let complaint = if number % 8 == 0 { inspected.complaint() } else { inspected.harm() };
        assert_eq!(complaint, None, "{name}");
        let most = MOST_MEMORY + 256 * target.seed.core.phnum as i64 + 2 * inspected.shown() as i64;
        assert!(peak <= most, "{name} took {peak} bytes, and may take {most}");
        // As much again, of some.
        if number % 16 == 1 {
            let outcome = catch_unwind(|| allocations::measure(|| pipeline::harm_across(&mutant)));
            let (harm, usage) = outcome.unwrap_or_else(|_| panic!("{name} panicked in search or diff"));
            assert_eq!(harm, None, "{name}");
            assert!(usage.peak <= MOST_MEMORY, "{name} took {} bytes in search or diff", usage.peak);
        }
        tally.errors += u64::from(inspected.dump.error.is_some());
        tally.peak = tally.peak.max(peak);
    }
    tally
}

/// What is mutated: headers and notes, and what the segments hold.
struct Targets {
    headers: Vec<Target>,
    contents: Vec<Target>,
}

impl Targets {
    fn new() -> Targets {
        let headers = seeds::built().into_iter().chain(seeds::real()).map(Target::new).collect();
        Targets { headers, contents: seeds::planted().into_iter().map(Target::of_contents).collect() }
    }

    /// Those of the mutant with this number: as often contents as headers.
    fn of(&self, number: u64) -> &[Target] {
        if number & 32 == 0 { &self.headers } else { &self.contents }
    }
}

fn exercise(mutant: &[u8]) -> (Inspected, i64) {
    let (inspected, usage) = allocations::measure(|| pipeline::inspect(mutant));
    (inspected, usage.peak)
}

/// The cores that are mutated, for tests of other parts of the program.
pub(crate) struct Mutants(Vec<Target>);

impl Mutants {
    pub(crate) fn new() -> Mutants {
        Mutants(seeds::built().into_iter().chain(seeds::real()).map(Target::new).collect())
    }
}

/// The mutant of this number, and what to call it.
pub(crate) fn changed(mutants: &Mutants, number: u64) -> (String, Vec<u8>) {
    let mut random = Random::new(SEED ^ number.wrapping_mul(0xd134_2543_de82_ef95));
    let target = random.pick(&mutants.0);
    let mut mutant = vec![];
    target.mutate(&mut random, &mut mutant);
    (format!("mutant {number} of seed {SEED:#x}, made of {}", target.seed.name), mutant)
}

fn from_environment<T: FromStr>(name: &str, otherwise: T) -> T {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

fn run_all(count: u64) {
    let targets = Targets::new();
    let seed = from_environment("COREINSPECT_SEED", SEED);
    let first = from_environment("COREINSPECT_FIRST", 0);
    let before = Instant::now();
    let tallies: Vec<_> = std::thread::scope(|scope| {
        let run = |thread| run(&targets, seed, first + thread, first + count, THREADS as usize);
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || run(thread))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a mutant failed; its number is above"))
            .collect()
    });
    let seconds = before.elapsed().as_secs_f64();
    println!(
        "{count} mutants of {} cores and {} contents, seed {seed}, in {seconds:.1} s: {:.0}/s; {} could not be read; slowest {:?}, most memory {} bytes",
        targets.headers.len(),
        targets.contents.len(),
        count as f64 / seconds,
        tallies.iter().map(|tally| tally.errors).sum::<u64>(),
        tallies.iter().map(|tally| tally.slowest).max().unwrap(),
        tallies.iter().map(|tally| tally.peak).max().unwrap(),
    );
}

#[test]
#[ignore = "a minute with --profile hardened"]
fn mutants() {
    run_all(from_environment("COREINSPECT_MUTANTS", 1_000_000));
}

#[test]
fn some_mutants() {
    run_all(6_000);
}
