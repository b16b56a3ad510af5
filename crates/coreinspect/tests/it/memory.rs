//! F4 and F5: what a dump costs depends on what it describes, not on how large it is.

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::{allocations, pipeline, tools};
use coreinspect::source::Bytes;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The program, with no more private writable memory than `data` bytes (RLIMIT_DATA counts heap, stacks of threads and anonymous
/// maps, not the mapped file: getrlimit(2)). One byte more and its allocator aborts it.
fn inspect_within(data: u64, path: &Path) -> Output {
    let limit = format!("ulimit -d {} && exec \"$0\" \"$@\"", data / 1024);
    let mut command = Command::new("sh");
    command.args(["-c", &limit, env!("CARGO_BIN_EXE_coreinspect"), "--json"]).arg(path);
    command.output().unwrap()
}

fn found(output: &Output) -> Value {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{}: {complaint}", output.status);
    let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["dumps"][0].take()
}

/// A kernel's core whose stack is a hole of `size` bytes.
fn sparse_core(size: u64) -> CoreBuilder {
    let mut core = presets::kernel(X86_64);
    let stack = core.segments.last_mut().unwrap();
    stack.memsz = size;
    stack.content = Content::Hole(size);
    core
}

#[test]
fn a_sparse_core_costs_no_more_than_a_small_one() {
    for size in [100 * GIB, 1024 * GIB] {
        let file = tempfile::NamedTempFile::new().unwrap();
        sparse_core(size).write_to(file.as_file());
        let before = Instant::now();
        let dump = found(&inspect_within(16 * MIB, file.path()));
        println!("{} GiB: {:?}", size / GIB, before.elapsed());
        assert!(dump["file_size"].as_u64().unwrap() >= size);
        assert_eq!(dump["segments"].as_array().unwrap().len(), 3);
    }
}

/// A segment of `size` bytes, all of it a hole that counts as saved.
#[test]
fn a_huge_segment_costs_no_more_than_a_small_one() {
    let mut core = presets::kernel(X86_64);
    let size = 1024 * GIB;
    let row = Row {
        start: 0x1_0000_0000,
        end: 0x1_0000_0000 + size,
        offset: 0,
        name: presets::segment_name(0x7100_0001),
    };
    let notes = vec![notes::file(&X86_64, 4096, std::slice::from_ref(&row))];
    core.segments = vec![Segment::notes(notes), Segment::load(row.start, size, R | W, Content::Hole(size))];
    let file = tempfile::NamedTempFile::new().unwrap();
    core.write_to(file.as_file());
    let dump = found(&inspect_within(16 * MIB, file.path()));
    assert_eq!(dump["segments"][0]["saved"], size);
}

/// A process of `count` mappings of files, three of them segments.
pub(crate) fn mappings(count: u64) -> CoreBuilder {
    let start = |index: u64| 0x1_0000_0000 + index * 0x2000;
    let row = |index: u64| {
        let name = if index % (count / 3 + 1) == 7 {
            presets::segment_name(index as u32)
        } else {
            b"/lib/x".to_vec()
        };
        Row { start: start(index), end: start(index) + 0x1000, offset: 0, name }
    };
    let rows: Vec<_> = (0..count).map(row).collect();
    let load = |index| Segment::load(start(index), 0x1000, R | W, Content::Nothing);
    let notes = Segment::notes(vec![notes::file(&X86_64, 4096, &rows)]);
    CoreBuilder {
        segments: [vec![notes], (0..count).map(load).collect()].concat(),
        ..CoreBuilder::new(X86_64)
    }
}

#[test]
fn memory_grows_with_the_mappings_by_256_bytes_each() {
    for count in [1_000, 10_000, 100_000] {
        let source = Bytes::new(mappings(count).build().bytes);
        let (dump, usage) = allocations::measure(|| pipeline::run(&source));
        println!("{count} mappings: {} bytes, {} allocations", usage.peak, usage.allocations);
        assert_eq!(dump.segments.len(), 3);
        assert!(usage.peak as u64 <= MIB + 256 * count, "{count} mappings: {} bytes", usage.peak);
        assert!(usage.allocations <= 2_000, "{count} mappings: {} allocations", usage.allocations);
    }
}

#[test]
#[ignore = "a file of 100 MB; seconds in a debug build"]
fn a_million_mappings() {
    let file = tempfile::NamedTempFile::new().unwrap();
    mappings(1_000_000).write_to(file.as_file());
    let before = Instant::now();
    let dump = found(&inspect_within(16 * MIB + 256 * 1_000_000, file.path()));
    println!("1,000,000 mappings: {:?}", before.elapsed());
    assert_eq!(dump["segments"].as_array().unwrap().len(), 3);
}

/// Rows and PT_LOADs that overlap as badly as they can, none of them in order.
fn overlapping(count: u64) -> CoreBuilder {
    let start = |index: u64| 0x1_0000_0000 + (index * 7_919 % count) * 0x1000;
    let end = 0x1_0000_0000 + count * 0x2000;
    let row =
        |index| Row { start: start(index), end, offset: index % 5, name: presets::segment_name(0x7100_0001) };
    let rows: Vec<_> = (0..count).map(row).collect();
    let load =
        |index| Segment::load(start(index), end - start(index), R | W, Content::At(0, 0x800 + index % 0x900));
    let notes = Segment::notes(vec![notes::file(&X86_64, 4096, &rows)]);
    CoreBuilder {
        segments: [vec![notes], (0..count).map(load).collect()].concat(),
        ..CoreBuilder::new(X86_64)
    }
}

/// Segments of which each lacks something else, so that each has causes of its own.
fn segments(count: u64) -> CoreBuilder {
    let start = |index: u64| 0x1_0000_0000 + index * 0x4000;
    let row = |index: u64| {
        let name = presets::segment_name(0x7100_0000 + index as u32);
        Row { start: start(index), end: start(index) + 0x3000, offset: 0, name }
    };
    let rows: Vec<_> = (0..count).map(row).collect();
    let load = |index: u64| {
        let flags = if index.is_multiple_of(2) { R } else { R | W };
        Segment::load(start(index), 0x3000, flags, Content::At(0, 0x800 + index * 7 % 0x400))
    };
    let notes = Segment::notes(vec![notes::file(&X86_64, 4096, &rows)]);
    CoreBuilder {
        segments: [vec![notes], (0..count).map(load).collect()].concat(),
        ..CoreBuilder::new(X86_64)
    }
}

/// Builds a core of so many mappings.
type Shape = fn(u64) -> CoreBuilder;

/// Instructions that the program executes to inspect `core`, counted by valgrind.
fn instructions(core: &CoreBuilder) -> u64 {
    let file = tempfile::NamedTempFile::new().unwrap();
    core.write_to(file.as_file());
    let mut command = Command::new("valgrind");
    command.args([
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        env!("CARGO_BIN_EXE_coreinspect"),
        "--json",
    ]);
    let output = command.arg(file.path()).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let count = complaint.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    count.unwrap_or_else(|| panic!("valgrind: {complaint}"))
}

#[test]
fn twice_the_mappings_take_twice_the_instructions() {
    if !tools::have("valgrind") {
        return;
    }
    let shapes = [
        ("mappings", mappings as Shape, 2_000),
        ("overlapping", overlapping, 2_000),
        ("segments", segments, 300),
    ];
    for (shape, core, count) in shapes {
        let [none, once, twice] = [10, count, 2 * count].map(|count| instructions(&core(count)));
        let growth = (twice - none) as f64 / (once - none) as f64;
        println!("{shape}: {once} and {twice} instructions, {none} of them in any case: {growth:.2} times");
        assert!(growth <= 2.3, "{shape}: {growth:.2} times");
    }
}
