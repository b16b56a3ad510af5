//! Programs whose debug information is damaged: an error or a smaller type, never a panic, never without end.

use std::path::Path;
use std::time::{Duration, Instant};

use coreinspect::internals::debug_files::dwarf::Types;
use coreinspect::internals::debug_files::{DebugFolders, ElfFile};
use coreinspect::types::Budget;
use coreinspect::types::contents::Window;
use coreinspect::types::decode::{Limits, decode};

use super::process::compile;
use crate::allocations::measure;
use crate::random::Random;
use crate::tools::have;

const MUTANTS: u32 = 1200;
/// The file is copied, and a compressed section may claim to have been a thousand times as long.
const MOST_MEMORY: i64 = 64 << 20;

/// Where the sections lie that types are in, as readelf says.
fn sections(program: &Path) -> Vec<std::ops::Range<usize>> {
    let said = crate::tools::output(std::process::Command::new("readelf").args(["-SW"]).arg(program));
    let ranges = said.lines().filter(|line| line.contains(" .debug_")).map(|line| {
        let parts: Vec<_> = line.split(']').nth(1).unwrap().split_whitespace().collect();
        let hex = |text: &str| usize::from_str_radix(text, 16).unwrap();
        hex(parts[3])..hex(parts[3]) + hex(parts[4])
    });
    ranges.collect()
}

fn ask(bytes: Vec<u8>, names: &[&str], content: &[u8]) {
    let Ok(file) = ElfFile::from_bytes(Path::new("mutant"), bytes) else { return };
    let Ok(types) = Types::of(file, &DebugFolders::of(vec![])) else { return };
    for name in names {
        match types.find(name) {
            Ok(kind) => {
                let limits = Limits { nodes: 2000, ..Limits::default() };
                let (window, budget) = (&mut Window::new(&content), &Budget::unlimited());
                let _ = decode(&kind, 0, window, types.machine(), limits, budget).unwrap();
            }
            Err(problem) => assert!(problem.to_string().len() < 100_000),
        }
    }
}

fn mutants_do_no_harm(compiler: &str, arguments: &[&str], source: &str, names: &[&str], seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), compiler, arguments, source) else { return };
    if !have("readelf") {
        return;
    }
    let sections = sections(&program);
    assert!(sections.len() >= 4);
    let whole = std::fs::read(&program).unwrap();
    let mut random = Random::new(seed);
    let content: Vec<u8> = (0..4096).map(|_| random.below(256) as u8).collect();
    for mutant in 0..MUTANTS {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(4) {
            let range = match random.below(12) {
                0 => 0..64,
                1 => whole.len() - 2000..whole.len(),
                _ => sections[random.below(sections.len())].clone(),
            };
            let at = range.start + random.below(range.len());
            match random.below(4) {
                0 => bytes[at] = 0xff,
                1 => bytes[at] ^= 1 << random.below(8),
                2 => bytes[at] = bytes[at].wrapping_add(1),
                _ => bytes[at] = random.below(256) as u8,
            }
        }
        let start = Instant::now();
        let ((), usage) = measure(|| ask(bytes, names, &content));
        assert!(usage.peak < MOST_MEMORY, "mutant {mutant} takes {} bytes", usage.peak);
        assert!(start.elapsed() < Duration::from_secs(20), "mutant {mutant} takes without end");
    }
}

#[test]
fn mutants_of_c_do_no_harm() {
    let names = ["struct everything", "struct flexible", "no such type"];
    mutants_do_no_harm("gcc", &["-gdwarf-5"], "sample.c", &names, 1);
    mutants_do_no_harm("gcc", &["-gdwarf-4", "-fdebug-types-section"], "sample.c", &names, 2);
    mutants_do_no_harm("gcc", &["-g", "-gz=zlib"], "sample.c", &names, 4);
}

#[test]
fn mutants_of_cpp_do_no_harm() {
    mutants_do_no_harm("g++", &["-gdwarf-5"], "sample.cpp", &["shapes::Shape", "Base", "no such type"], 3);
}
