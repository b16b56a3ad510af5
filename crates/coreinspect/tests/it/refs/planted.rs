//! A program that plants pointers and says where; a plain scan of the dump says how many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::crashed::{Crashed, compile};
use crate::program::{Run, coreinspect};
use crate::tools::{have, output};

/// The planted program, dead; `None` where it cannot be made.
pub(super) fn planted(flags: &[&str]) -> Option<Crashed> {
    let folder = tempfile::tempdir().unwrap();
    let with = |own: &[&'static str]| [own, flags].concat();
    compile(folder.path(), "library.c", "liblibrary.so", &with(&["-shared", "-fPIC"]))?;
    let path = folder.path().to_str().unwrap().to_owned();
    let rpath = format!("-Wl,-rpath,{path}");
    let link = format!("-L{path}");
    let flags = [&[link.as_str(), "-llibrary", &rpath, "-Wl,--build-id"], flags].concat();
    compile(folder.path(), "planted.c", "program", &flags)?;
    Crashed::in_folder(folder, &[])
}

pub(super) fn refs(crashed: &Crashed, arguments: &[&str]) -> Value {
    let core = crashed.core();
    Run::of(coreinspect().arg("refs").arg(core).args(arguments).arg("--json")).ended(0).document()
}

pub(super) fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap_or_else(|| panic!("{value}")).trim_start_matches("0x"), 16)
        .unwrap()
}

/// The memory that a core holds, as readelf tells: address and bytes.
fn memory(core: &Path) -> Vec<(u64, Vec<u8>)> {
    let file = fs::read(core).unwrap();
    let table = output(Command::new("readelf").arg("-lW").arg(core));
    let hex = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
    let loads = table.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        (words.first() == Some(&"LOAD")).then(|| (hex(words[1]), hex(words[2]), hex(words[4])))
    });
    loads.map(|(at, address, size)| (address, file[at as usize..(at + size) as usize].to_vec())).collect()
}

/// Every word of `width` bytes whose value lies in `goal`: its address and its value.
fn scanned(
    memory: &[(u64, Vec<u8>)],
    width: usize,
    step: usize,
    goal: std::ops::Range<u64>,
) -> BTreeSet<(u64, u64)> {
    let words = memory.iter().flat_map(|(address, bytes)| {
        bytes.windows(width).enumerate().step_by(step).map(move |(at, word)| {
            let value = word.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
            (address + at as u64, value)
        })
    });
    words.filter(|(_, value)| goal.contains(value)).collect()
}

fn words(document: &Value) -> BTreeSet<(u64, u64)> {
    let references = document["references"].as_array().unwrap().iter();
    references
        .filter(|one| !one["at"].is_null())
        .map(|one| (number(&one["at"]), number(&one["to"])))
        .collect()
}

#[test]
fn every_planted_pointer_is_found_and_named() {
    for (flags, width) in [(&[] as &[_], 8), (&["-m32"], 4)] {
        let Some(crashed) = planted(flags) else { return };
        if !have("readelf") {
            return;
        }
        let first = crashed.address("segment1");
        let key = format!("@{first:#x}");
        let told = refs(&crashed, &[&key, "--length", "0x4000", "--limit", "0"]);
        let goal = first..first + 0x4000;
        let memory = memory(&crashed.core());
        let truth = scanned(&memory, width, width, goal.clone());
        assert!(truth.len() > 15, "{truth:x?}");
        assert_eq!(words(&told), truth);
        assert_eq!(told["total"], truth.len());
        assert_eq!(told["searched"], memory.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
        check_places(&crashed, &told, width);
        check_registers(&crashed, &told, width);
        check_stored(&crashed, &told, first);

        // Every address, also the odd one.
        let unaligned = ["--unaligned", "--threads", "3"];
        let told =
            refs(&crashed, &[&[&key, "--length", "16384", "--limit", "0"], unaligned.as_slice()].concat());
        let truth = scanned(&memory, width, 1, goal);
        assert!(truth.contains(&(crashed.address("segment2") + 0x803, first + 0xa0)));
        assert_eq!(words(&told), truth);

        // The same with few that are listed, the lowest of each kind.
        let few = refs(&crashed, &[&key, "--length", "0x4000", "--limit", "12", "--threads", "1"]);
        let all = refs(&crashed, &[&key, "--length", "0x4000", "--limit", "0"]);
        assert_eq!((&few["total"], &few["counts"]), (&all["total"], &all["counts"]));
        assert!(words(&few).len() <= 12 && words(&few).is_subset(&words(&all)));
        let parts = few["parts"].as_array().unwrap().iter().map(|part| part["words"].as_u64().unwrap());
        assert_eq!(Some(parts.sum::<u64>()), few["total"].as_u64());
        let kinds = few["references"].as_array().unwrap().iter().map(|one| one["from"].as_str().unwrap());
        assert_eq!(kinds.collect::<BTreeSet<_>>().len(), 6, "no kind crowds another out");
    }
}

/// `@ADDRESS` and `SEGMENT+OFFSET` are places: what points there counts, and what is stored there.
#[test]
fn a_place_is_what_is_pointed_at() {
    for (flags, width) in [(&[] as &[_], 8_u64), (&["-m32"], 4)] {
        let Some(crashed) = planted(flags) else { return };
        if !have("readelf") {
            return;
        }
        let first = crashed.address("segment1");
        let memory = memory(&crashed.core());
        let all = scanned(&memory, width as usize, width as usize, first..first + 0x4000);
        let places: BTreeSet<u64> = all.iter().map(|(_, value)| value - first).collect();
        assert!(places.len() > 5, "{places:x?}");
        let number = refs(&crashed, &["--limit", "0"]);
        let number = number["references"].as_array().unwrap().iter();
        let number = number
            .clone()
            .find(|one| super::planted::number(&one["to"]) == first + one["offset"].as_u64().unwrap());
        let number = &number.unwrap()["segment"];
        for place in &places {
            let truth = scanned(&memory, width as usize, width as usize, first + place..first + place + 1);
            for word in [
                format!("@{:#x}", first + place),
                format!("@{first:x}+{place}"),
                format!("{number}+{place:#x}"),
                format!("#{number}+{place}"),
            ] {
                assert_eq!(words(&refs(&crashed, &[&word, "--limit", "0"])), truth, "{word}");
            }
        }
        // Two places, one of them longer than the way to the other: each word once.
        let (low, high) = (places.first().unwrap(), places.last().unwrap());
        let two = [format!("{number}+{low}"), format!("{number}+{high}")];
        let told = refs(&crashed, &[&two[0], &two[1], "--length", "0x4000", "--limit", "0"]);
        let truth = scanned(&memory, width as usize, width as usize, first + low..first + 0x4000);
        assert_eq!((words(&told), told["total"].as_u64()), (truth.clone(), Some(truth.len() as u64)));
        // The segment itself beside a place in it is all of it.
        let told = refs(&crashed, &[&two[0], &number.to_string(), "--limit", "0"]);
        assert_eq!(words(&told), all);
        assert_eq!(told["segments"][0]["places"], serde_json::json!([]));
        // What is stored at a place, and at no other.
        let stored = |arguments: &[&str]| {
            let mut command = coreinspect();
            let told =
                Run::of(command.arg("refs").arg(crashed.core()).args(arguments).arg("--json")).document();
            let pointers = told["stored"][0]["pointers"].as_array().unwrap().clone();
            pointers.iter().map(|one| one["offset"].as_u64().unwrap()).collect::<BTreeSet<_>>()
        };
        let at = |word: u64| 0x1000 + word * width;
        assert_eq!(stored(&[&format!("{number}+{}", at(2)), "--limit", "0"]), BTreeSet::from([at(2)]));
        let next = format!("{number}+{}", at(2) + 1);
        let bytes = width.to_string();
        assert_eq!(stored(&[&next, "--length", &bytes, "--limit", "0"]), BTreeSet::from([at(3)]));
    }
}

/// What is told of each place: its kind, and what names it there.
fn check_places(crashed: &Crashed, told: &Value, width: usize) {
    let by_address: BTreeMap<u64, &Value> = told["references"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| !one["at"].is_null())
        .map(|one| (number(&one["at"]), one))
        .collect();
    let at = |name: &str| by_address.get(&crashed.address(name)).unwrap_or_else(|| panic!("{name}"));
    for (name, from, offset, symbol) in [
        ("program_data", "data", 0x10, Some("program_data")),
        ("program_near", "data", 0x20, Some("program_near")),
        ("program_far", "data", 0x30, Some("program_far+")),
        ("library_data", "data", 0x40, Some("library_data")),
        ("library_far", "data", 0x50, Some("library_far+")),
        ("heap", "heap", 0x60, None),
        ("mapped_heap", "heap", 0x70, None),
        ("freed_heap", "heap", 0x80, None),
        ("behind_heap", "heap", 0x88, None),
        ("thread_heap", "heap", 0x320, None),
        ("other_segment", "segment", 0x90, None),
        ("itself", "segment", 0x1008, None),
        ("stack", "stack", 0x300, None),
        ("thread_stack", "stack", 0x310, None),
    ] {
        let one = at(name);
        let symbol_told = one["symbol"].as_str().unwrap_or_default();
        assert_eq!(
            (one["from"].as_str(), one["offset"].as_u64()),
            (Some(from), Some(offset)),
            "{name}: {one}"
        );
        assert!(symbol.is_none_or(|symbol| symbol_told.starts_with(symbol)), "{name}: {one}");
    }
    // Whose .bss it is, the kernel does not say in NT_FILE.
    assert!(
        at("library_far")["mapping"].as_str().unwrap().ends_with("/liblibrary.so"),
        "{}",
        at("library_far")
    );
    let block =
        |name: &str| (number(&at(name)["block"]["address"]), at(name)["block"]["free"].as_bool().unwrap());
    assert_eq!(block("heap"), (crashed.address("small"), false));
    // pthread_create takes a piece of the free block for itself: the rest begins behind it.
    let (start, free) = block("freed_heap");
    assert!(free && (crashed.address("freed")..=crashed.address("freed_heap")).contains(&start));
    assert_eq!(block("behind_heap"), (crashed.address("behind_heap"), false));
    assert_eq!(block("thread_heap").0 & 0xf, crashed.address("small") & 0xf);
    for (name, thread) in [("stack", "main"), ("thread_stack", "thread")] {
        assert_eq!(at(name)["thread"].to_string(), crashed.said[thread], "{}", at(name));
        assert_eq!(at(name)["live"], true);
        // A thread of 32 bits waits in the kernel's own code (vDSO), which is in no file.
        if name == "stack" || width == 8 {
            let function = if name == "stack" { "die" } else { "in_thread" };
            let frame = usize::from(name != "stack");
            assert_eq!((at(name)["function"].as_str(), &at(name)["frame"]), (Some(function), &frame.into()));
        }
    }
    let holder = at("other_segment");
    assert_ne!(holder["holder"], holder["segment"]);
    assert!(holder["holder_offset"].as_u64() > Some(0x10));
}

fn check_registers(crashed: &Crashed, told: &Value, width: usize) {
    let main: u64 = crashed.said["main"].parse().unwrap();
    let names = if width == 8 { ["r12", "r13"] } else { ["esi", "edi"] };
    let registers: Vec<_> =
        told["references"].as_array().unwrap().iter().filter(|one| one["from"] == "register").collect();
    assert_eq!(told["registers"], registers.len());
    for (name, offset) in names.into_iter().zip([0x111, 0x222]) {
        let found = registers.iter().find(|one| one["register"] == name && one["thread"] == main);
        assert_eq!(found.unwrap()["offset"], offset, "{name}");
        assert!(found.unwrap()["at"].is_null());
    }
}

/// What the program stored in its segment, and nothing else.
fn check_stored(crashed: &Crashed, told: &Value, first: u64) {
    let stored = &told["stored"][0];
    let width = if first > u64::from(u32::MAX) { 8 } else { 4 };
    let found: BTreeSet<_> = stored["pointers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["offset"].as_u64().unwrap(), number(&one["value"]), one["to"].as_str().unwrap()))
        .collect();
    let expected = BTreeSet::from([
        (0x1000, first + 0x1008, "itself"),
        (0x1000 + 2 * width, crashed.address("small"), "private"),
        (0x1000 + 3 * width, crashed.address("program_data"), "private"),
        (0x1000 + 4 * width, crashed.address("segment2") + 7 * width, "segment"),
        (0x1000 + 5 * width, crashed.address("gone") + 0x40, "dangling"),
    ]);
    assert_eq!(found, expected);
    assert_eq!((&stored["itself"], &stored["other"]), (&Value::from(1), &Value::from(1)));
    assert_eq!((&stored["private"], &stored["dangling"]), (&Value::from(2), &Value::from(1)));
}

/// What a person gets: each place in its group, and the last line that scripts read.
#[test]
fn the_table_groups_and_ends_with_the_counts() {
    let Some(crashed) = planted(&[]) else { return };
    let run = Run::of(coreinspect().arg("refs").arg(crashed.core()).env("COLUMNS", "80")).ended(0);
    let lines = run.lines();
    let json = refs(&crashed, &[]);
    let last = format!("{} words, {} registers", json["total"], json["registers"]);
    assert_eq!(lines.last(), Some(&last.as_str()));
    for group in ["registers: ", "stacks: ", "data of programs and libraries: ", "heaps ", "segments: "] {
        assert!(lines.iter().any(|line| line.starts_with(group)), "{group}: {run:?}");
    }
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{run:?}");
    let quiet = Run::of(coreinspect().arg("refs").arg(crashed.core()).arg("-q")).ended(0);
    assert!(quiet.lines().iter().all(|line| line.starts_with("0x") || line.contains("+0x") || *line == last));
}
