//! Minidumps that lie, each with what must be said of it and what it may cost, and one that is cut at every place.

use coreinspect::report::Dump;
use coreinspect::source::Bytes;

use super::builder::{AMD64, KEY, LINUX, MAPS, MEMORY64_LIST, Minidump, STATUS, THREAD_LIST, breakpad, lldb};
use crate::{allocations, dumpers, pipeline};

const MOST_MEMORY: i64 = 1 << 20;

fn run(lie: &str, bytes: Vec<u8>) -> Dump {
    let source = Bytes::new(bytes);
    let (dump, usage) = allocations::measure(|| pipeline::run(&source));
    assert!(usage.peak <= MOST_MEMORY, "{lie}: {} bytes", usage.peak);
    dump
}

fn has(dump: &Dump, code: &str) -> bool {
    dump.warnings.iter().any(|warning| warning.code == code)
}

fn overwrite(bytes: &mut [u8], at: usize, value: u64, width: usize) {
    bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
}

fn place(dump: &Minidump, kind: u32) -> usize {
    let (bytes, places) = dump.build_with_places();
    let row = (0..places.len()).find(|row| bytes[32 + 12 * row..][..4] == kind.to_le_bytes());
    places[row.unwrap()]
}

/// Counts and places that the file does not have: what is there is read, what is not is told.
#[test]
fn counts_that_lie_cost_nothing() {
    let honest = lldb();
    let bytes = honest.build();
    let list = place(&honest, MEMORY64_LIST);
    let threads = place(&honest, THREAD_LIST);
    // The lie, where it stands, what stands there, and the warning that it earns.
    let lies = [
        ("streams", 8, u64::from(u32::MAX), 4, "streams"),
        ("threads", threads, u64::from(u32::MAX), 4, "streams"),
        ("runs of memory", list, u64::MAX, 8, "streams"),
        ("where memory begins", list + 8, u64::MAX - 0x1000, 8, "streams"),
        ("where memory begins, beyond the file", list + 8, 1 << 40, 8, "truncated"),
        ("the length of a run", list + 24, u64::MAX, 8, "streams"),
        ("the length of a run, beyond the file", list + 24, 1 << 40, 8, "truncated"),
        ("the address of a run", list + 16, u64::MAX - 0xfff, 8, "streams"),
    ];
    for (lie, at, value, width, code) in lies {
        let mut bytes = bytes.clone();
        overwrite(&mut bytes, at, value, width);
        let dump = run(lie, bytes);
        assert!(dump.error.is_none(), "{lie}: {:?}", dump.error.map(|error| error.message));
        assert!(
            has(&dump, code),
            "{lie}: {:?}",
            dump.warnings.iter().map(|one| &one.message).collect::<Vec<_>>()
        );
        assert_eq!(dump.segments.len(), 2, "{lie}");
        assert_eq!(dump.complete, Some(false), "{lie}");
    }
}

#[test]
fn what_cannot_be_read_at_all_is_refused() {
    let honest = breakpad(false, AMD64, 8);
    let (bytes, _) = honest.build_with_places();
    let error = |bytes: Vec<u8>| run("an error", bytes).error.map(|error| error.code);
    assert_eq!(error(b"MDMP".to_vec()), Some("cut-off"));
    assert_eq!(error(bytes[..40].to_vec()), Some("cut-off"), "inside the directory");
    let mut beyond = bytes.clone();
    overwrite(&mut beyond, 12, u64::from(u32::MAX), 4);
    assert_eq!(error(beyond), Some("cut-off"), "a directory beyond the end");
    let mut without = Minidump::empty(false);
    without.threads(&[1]);
    assert_eq!(error(without.build()), Some("bad-header"), "no SystemInfo");
    let mut unknown = Minidump::empty(false);
    unknown.system(0x7777, LINUX);
    assert_eq!(error(unknown.build()), Some("bad-header"), "a processor of nobody");
}

/// A list that lies on itself, on the header, and on the maps: bytes are bytes.
#[test]
fn streams_may_overlap() {
    let honest = lldb();
    let list = place(&honest, MEMORY64_LIST);
    let mut bytes = honest.build();
    overwrite(&mut bytes, list + 8, 0, 8);
    // The segment's bytes are the file's first: the text of another stream stands in them where it stands in the file.
    let text = b"processor\t: 0";
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    let dump = run("memory is the header", bytes);
    assert_eq!(dump.segments[0].saved, 0x2000);
    let look = serde_json::to_value(&dump.segments[0].content).unwrap()["look"].take();
    assert_eq!(look["strings"]["shown"][0]["offset"], at, "{look}");

    let mut twice = honest.clone();
    let again = twice.memory[0].clone();
    twice.memory.insert(1, (again.0 + 0x800, again.1));
    let dump = run("runs overlap", twice.build());
    assert!(has(&dump, "overlapping-memory"));
    assert_eq!(dump.segments[0].saved, 0x2000);
}

/// Lines that no kernel writes are passed over, and those beside them read.
#[test]
fn maps_that_no_kernel_writes() {
    let lines = [
        "not a line",
        "7fff-1000 rw-s 00000000 00:01 1 /SYSV00000001 (deleted)",
        "ffffffffffffffffff-1 rw-s 0 00:01 1 /SYSV00000002 (deleted)",
        "5000-6000 rw 0 00:01 1 /SYSV00000003 (deleted)",
        "5000-6000 rw-s 0 0001 1 /SYSV00000004 (deleted)",
        "5000-6000 rw-s 0 00:01 -1 /SYSV00000005 (deleted)",
        "5000-6000 rw-s 0 00:01 99999999999999999999 /SYSV00000006 (deleted)",
        "5000-5000 rw-s 0 00:01 1 /SYSV00000007 (deleted)",
        "\u{1b}[31m-\u{7f}",
    ];
    let mut dump = Minidump::empty(false);
    dump.system(AMD64, LINUX);
    // An inode that no shmid can be, at an offset that no segment has.
    let odd = "7000-8000 rw-s 0 00:01 4294967296 /SYSV00000008 (deleted)\n\
               9000-a000 rw-s fffffffffffff000 00:01 9 /SYSV00000009 (deleted)\n";
    dump.add(MAPS, format!("{}\n{odd}{}", lines.join("\n"), super::builder::TEXT));
    let dump = run("maps", dump.build());
    let keys: Vec<_> = dump.segments.iter().map(|segment| segment.key.as_deref().unwrap()).collect();
    assert_eq!(keys, ["0x00000008", &format!("{KEY:#010x}"), "0x00000000"]);
    assert_eq!(dump.segments[0].shmid, None);
    assert!(has(&dump, "mappings"), "the impossible offset is told");

    let mut million = Minidump::empty(false);
    million.system(AMD64, LINUX);
    million.add(MAPS, "1-2 r--p 0 0:0 0\n".repeat(1 << 16));
    let source = Bytes::new(million.build());
    let (dump, usage) = allocations::measure(|| pipeline::run(&source));
    assert!(dump.segments.is_empty());
    assert!(usage.peak <= 8 << 20, "{} bytes for a text of 1 MiB", usage.peak);
}

#[test]
fn a_status_that_no_kernel_writes() {
    for status in
        ["", "Name:", "Tgid:\t-5\nUid:\tx", "Name:\t\\", "Tgid:\t99999999999\n", "Name:\tx\0y\n\u{1b}[2J"]
    {
        let mut dump = Minidump::empty(false);
        dump.system(AMD64, LINUX);
        dump.add(STATUS, status);
        dump.add(MAPS, super::builder::TEXT);
        let inspected = pipeline::inspect(&dump.build());
        assert_eq!(inspected.complaint(), None, "{status:?}");
        assert_eq!(inspected.dump.process.pid, None, "{status:?}");
    }
}

/// Cut after every few bytes: what is called saved is there, and never is it wrong.
#[test]
fn a_minidump_that_is_cut_off_says_no_byte_that_it_lacks() {
    let whole = dumpers::unpacked("lldb-22-full");
    let truth = pipeline::inspect(&whole).dump;
    assert_eq!(truth.complete, Some(true));
    for length in (0..whole.len()).step_by(997) {
        let inspected = pipeline::inspect(&whole[..length]);
        assert_eq!(inspected.harm(), None, "{length}");
        let dump = inspected.dump;
        assert_ne!(dump.complete, Some(true), "{length}");
        for segment in &dump.segments {
            let promised = truth.segments.iter().map(|one| one.saved).sum::<u64>();
            assert!(segment.saved <= promised.min(length as u64), "{length}");
            assert!(segment.saved == segment.mapped || segment.state.name() != "whole", "{length}");
        }
    }
}
