//! How kinds are asked for and segments are named, in dumps that the builder makes.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::program::{Run, coreinspect};

const PAGE: u64 = 4096;
const FIRST: u64 = 0x7000_0000;
const APART: u64 = 0x10_0000;

/// A kernel's core with a page of a System V segment, and behind it one of each of these names, which it begins with.
fn core(names: &[&str]) -> (TempDir, PathBuf) {
    let mut core = presets::kernel(X86_64);
    core.segments.truncate(1);
    let mut rows = vec![];
    let system_v = String::from_utf8(presets::segment_name(presets::WRITER_KEY)).unwrap();
    for (start, name) in
        (FIRST..).step_by(APART as usize).zip(std::iter::once(system_v.as_str()).chain(names.iter().copied()))
    {
        rows.push(Row { start, end: start + PAGE, offset: 0, name: name.as_bytes().to_vec() });
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(PAGE as usize, 0);
        core.segments
            .push(Segment { align: PAGE, ..Segment::load(start, PAGE, R | W, Content::Bytes(bytes)) });
    }
    if let Content::Notes(notes, _) = &mut core.segments[0].content {
        notes[4] = notes::file(&X86_64, PAGE, &rows);
    }
    write(core)
}

fn write(core: CoreBuilder) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core");
    fs::write(&path, core.build().bytes).unwrap();
    (folder, path)
}

const NAMES: [&str; 9] = [
    "/dev/shm/ring",
    "/dev/shm/ring+4",
    "/memfd:pool (deleted)",
    "/memfd:pool (deleted)",
    "/dev/zero (deleted)",
    "/srv/root/dev/shm/inside",
    "/mnt/huge/rtemap_0",
    "/home/a.db",
    "/dev/shm/gone (deleted)",
];

fn listed(path: &PathBuf, flags: &[&str]) -> Vec<(u64, Value, Value)> {
    let run = Run::of(coreinspect().arg(path).arg("--json").args(flags));
    let segments = run.document()["dumps"][0]["segments"].as_array().unwrap().clone();
    segments
        .into_iter()
        .map(|one| (one["number"].as_u64().unwrap(), one["kind"].clone(), one["name"].clone()))
        .collect()
}

/// A folder called huge does not make huge pages of a mapping of 4 KiB.
#[test]
fn kinds_are_listed_as_they_are_asked_for() {
    let (_folder, path) = core(&NAMES);
    let kinds = |flags: &[&str]| {
        listed(&path, flags)
            .into_iter()
            .map(|(number, kind, _)| (number, kind.as_str().unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    let some = |kinds: &[(u64, &str)]| {
        kinds.iter().map(|(number, kind)| (*number, (*kind).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[]), some(&[(1, "sysv")]));
    let all = [
        (1, "sysv"),
        (2, "posix"),
        (3, "posix"),
        (4, "memfd"),
        (5, "memfd"),
        (6, "anonymous"),
        (7, "posix"),
        (8, "posix"),
    ];
    assert_eq!(kinds(&["--kind", "all"]), some(&all));
    // Numbers are the same whatever is listed.
    assert_eq!(kinds(&["--kind", "memfd,anonymous"]), some(&all[3..6]));
    assert_eq!(kinds(&["--kind", "file:*.db"]), some(&[(9, "file")]));
    assert_eq!(kinds(&["--kind", "file"]), some(&[(9, "file"), (10, "file")]));
    let run = Run::of(coreinspect().arg(&path).args(["--kind", "hugetlbfs"])).ended(1);
    assert!(run.err.contains("no hugetlbfs segment; 1 System V mapping"), "{run:?}");
    Run::of(coreinspect().arg(&path).args(["--kind", "shm"])).ended(2);
}

/// Several words can name a segment, whatever is listed; what stands there proves which it is.
#[test]
fn a_name_names_its_segment() {
    let (_folder, path) = core(&NAMES);
    let bytes = |place: &str| Run::of(coreinspect().arg("extract").arg(&path).args([place, "-o", "-"]));
    for (place, name) in [
        ("/dev/shm/ring", NAMES[0]),
        ("/ring", NAMES[0]),
        ("/ring+1", NAMES[0]),
        ("/ring+4", NAMES[1]),
        ("/dev/shm/ring+4", NAMES[1]),
        ("/dev/zero", NAMES[4]),
        ("/inside", NAMES[5]),
        ("/home/a.db", NAMES[7]),
        ("/gone", NAMES[8]),
        ("/dev/shm/gone (deleted)", NAMES[8]),
        ("2", NAMES[0]),
        ("#6", NAMES[4]),
        ("@0x70100010", NAMES[0]),
    ] {
        let run = bytes(place).ended(0);
        assert!(run.out.starts_with(format!("{name}\0").as_bytes()), "{place}: {run:?}");
    }
    let several = bytes("memfd:pool").ended(2);
    assert!(several.err.contains("4 memfd:pool, 5 memfd:pool"), "{several:?}");
    assert!(bytes("/dev/shm/rin").ended(2).err.contains("names no segment"));
    let shown = Run::of(coreinspect().args(["show", "--json"]).arg(&path).arg("/ring")).ended(0).document();
    let segment = &shown["dumps"][0]["segments"][0];
    assert_eq!(
        (&segment["key"], &segment["private"], &segment["key_parts"]),
        (&json!(null), &json!(null), &json!(null))
    );
}

#[test]
fn a_hostile_name_is_harmless() {
    let (_folder, path) = core(&["/dev/shm/\x1b[2J\u{202e}\n#1 fake", "/memfd:\x1b]0;x\x07 (deleted)"]);
    for command in [&["--kind", "all"][..], &["--kind", "all", "-v"]] {
        let run = Run::of(coreinspect().arg(&path).args(command)).ended(0);
        assert!(!run.text().contains(['\x1b', '\u{202e}', '\x07']), "{run:?}");
        assert!(!run.err.contains('\x1b'), "{run:?}");
    }
    for command in ["show", "refs", "search"] {
        let mut program = coreinspect();
        program.arg(command).arg(&path).args(["--kind", "all"]);
        if command == "search" {
            program.args(["all", "dev"]);
        }
        let run = Run::of(&mut program);
        assert!(!run.text().contains(['\x1b', '\u{202e}', '\x07']) && !run.err.contains('\x1b'), "{run:?}");
    }
}

/// The number of a System V segment is what it was, and nothing of it changes, whatever else is listed.
#[test]
fn what_is_said_of_system_v_stays() {
    let (_folder, path) = core(&NAMES);
    let segment = |flags: &[&str]| {
        let run = Run::of(coreinspect().arg(&path).arg("--json").args(flags));
        run.document()["dumps"][0]["segments"][0].clone()
    };
    assert_eq!(segment(&[]), segment(&["--kind", "all,file"]));
}
