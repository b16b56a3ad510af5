//! A real program, dumped by gcore: it says itself what it has put where.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use coreinspect::internals::look::{Budget, Surroundings};
use coreinspect::report::look::{Look, Place};
use coreinspect::shm::SharedMemory;
use coreinspect::source::MappedFile;
use coreinspect::targets::CoreTarget;
use tempfile::TempDir;

use super::strings;
use crate::tools::{have, output};

/// A process with a segment; it ends with this value, and its segment with it.
struct Program {
    child: Child,
    said: HashMap<String, String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(folder: &TempDir, key: u32) -> Program {
        let mut command = Command::new("./program");
        command.arg(format!("{key:#x}")).current_dir(folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let lines = lines.take_while(|line| line != "ready");
        let said = lines.map(|line| {
            let (name, value) = line.split_once(' ').unwrap();
            (name.to_owned(), value.to_owned())
        });
        let said = said.collect();
        Program { child, said }
    }

    fn number(&self, name: &str) -> u64 {
        self.said[name].parse().unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The dump that gcore writes of it.
    fn gcore(&self, folder: &TempDir) -> PathBuf {
        let mut gcore = Command::new("gcore");
        gcore.args(["-o", "core", &self.child.id().to_string()]).current_dir(folder.path());
        let written = gcore.stdin(Stdio::null()).env_remove("DEBUGINFOD_URLS").output().unwrap();
        assert!(written.status.success(), "gcore: {}", String::from_utf8_lossy(&written.stderr));
        folder.path().join(format!("core.{}", self.child.id()))
    }
}

/// As date(1) writes it.
fn utc(seconds: u64) -> String {
    output(Command::new("date").args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"]))
        .trim()
        .to_owned()
}

fn column(place: &Place) -> (u64, u64, Option<u64>) {
    (place.offset, place.count, place.distance)
}

fn is_seen(flag: &str) {
    if !have("gcc") || !have("gcore") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/look/program.c");
    let mut gcc = Command::new("gcc");
    gcc.args([flag, "-O1", "-Wall", "-Wextra", "-Werror", "-o", "program"]).arg(source);
    output(gcc.current_dir(folder.path()));
    let key = 0x5e61_0000 | std::process::id() & 0x7fff | u32::from(flag == "-m32") << 15;
    let first = Program::start(&folder, key);
    // gcore does not name the segment whose shmid is 0, the first of an IPC namespace.
    let program =
        if first.said["shmid"] == "0" { &Program::start(&folder, key ^ 0x0080_0000) } else { &first };

    let source = MappedFile::open(&program.gcore(&folder)).unwrap();
    let target = CoreTarget::read(Arc::new(source)).unwrap();
    let memory = SharedMemory::of(&target);
    let look = Look::of(&target, &Surroundings::of(&target), &memory.segments[0], Budget::SHOW).unwrap();
    let guesses = &look.guesses;

    let (stride, entries) = (program.number("stride"), program.number("entries"));
    let records = guesses.records.as_ref().unwrap();
    assert_eq!(records.stride, stride);
    assert!(records.start.abs_diff(entries) <= stride, "{records:?}");
    assert!(records.count.abs_diff(80) <= 1, "{records:?}");

    let at = |name: &str| entries + program.number(name);
    let counters: Vec<_> = guesses.counters.shown.iter().collect();
    assert_eq!(counters.len(), 1, "{counters:?}");
    assert_eq!(column(&counters[0].place), (at("sequence"), 80, Some(stride)));
    assert_eq!((counters[0].first, counters[0].last, counters[0].step), (1700, 1779, Some(1)));

    let times: HashMap<_, _> =
        guesses.timestamps.shown.iter().map(|time| (time.place.offset, time)).collect();
    let changed = times[&at("changed")];
    assert_eq!(column(&changed.place), (at("changed"), 80, Some(stride)));
    assert_eq!(changed.place.width, program.number("time_bytes"));
    assert_eq!(changed.first, Some(utc(program.number("first_changed"))));
    assert_eq!(changed.last, Some(utc(program.number("last_changed"))));
    if program.number("time_bytes") == 8 {
        let started = times[&program.number("started")];
        assert_eq!(started.first, Some(utc(program.number("started_at"))));
        assert_eq!(times.len(), 2, "{times:?}");
    } else {
        // A single second of 4 bytes is like any other number.
        assert_eq!(times.len(), 1, "{times:?}");
    }

    let pointers: HashMap<_, _> =
        guesses.pointers.shown.iter().map(|pointer| (pointer.place.offset, pointer)).collect();
    let next = pointers[&at("next")];
    assert_eq!(column(&next.place), (at("next"), 80, Some(stride)));
    assert_eq!((next.to.kind, next.to.offset), ("segment", Some(program.number("first_next"))));
    let owner = pointers[&at("owner")];
    assert_eq!((column(&owner.place), owner.to.kind), ((at("owner"), 80, Some(stride)), "memory"));
    let head = pointers[&program.number("head")];
    assert_eq!((head.to.kind, head.to.offset), ("segment", Some(program.number("head_at"))));
    let compare = pointers[&program.number("compare")];
    assert_eq!(compare.value.to_string(), program.said["compare_at"]);
    assert!(compare.to.name.as_ref().unwrap().escaped().ends_with("/program"), "{compare:?}");
    assert_eq!(pointers.len(), 4, "{pointers:?}");

    let told = strings(&look);
    // An address or a number before a text can be letters too.
    let is_told = |offset: u64, text: &str| {
        let end = offset + text.len() as u64;
        told.iter().any(|one| one.0 <= offset && one.0 + one.1 == end && one.2.ends_with(text))
    };
    assert!(is_told(0, "WORKQ"), "{told:?}");
    assert!(is_told(program.number("host"), "build-host.example.org"), "{told:?}");
    assert!(is_told(at("name"), &program.said["first_name"]), "{told:?}");
    // Pointers of a random address can be letters too: now and then one more.
    let count = look.strings.shown.len() as u64 + look.strings.more;
    assert!((82..=84).contains(&count), "{count} strings: {told:?}");
}

#[test]
fn a_program_of_64_bits_is_seen() {
    is_seen("-m64");
}

#[test]
fn a_program_of_32_bits_is_seen() {
    is_seen("-m32");
}
