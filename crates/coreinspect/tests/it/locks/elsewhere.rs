//! Another C library, another machine, memory without a name, and what `collect` asks of semaphores.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::dumped::{Dumped, at, compile, locks};
use crate::program::{Run, coreinspect};
use crate::testdata::unpack_zst;
use crate::tools::{have, missing};

/// Name and kind of each lock, and whether musl says who holds it: of a plain mutex and of a rwlock it does not.
const MUSL: &[(&str, &str, bool)] = &[
    ("plain", "mutex", false),
    ("recursive", "mutex", true),
    ("checking", "mutex", true),
    ("robust", "mutex", true),
    ("inheriting", "mutex", true),
    ("both", "mutex", true),
    ("timed", "mutex", false),
    ("written", "rwlock", false),
    ("read", "rwlock", false),
    ("condition", "condition", false),
    ("barrier", "barrier", false),
];

#[test]
fn locks_of_musl_are_told() {
    let folder = tempfile::tempdir().unwrap();
    // Without static linking it would need musl where it runs, too.
    let Some(()) = compile(folder.path(), "musl-gcc", "locks.c", &["-static"]) else { return };
    let dumped = Dumped::in_folder(folder, &["0x5e110c31"]);
    let Some(core) = dumped.gcore(dumped.pid().into(), "musl") else { return };
    let document = locks(&[&core], &[]);
    for (name, kind, owned) in MUSL {
        let lock = at(&document, dumped.number(&format!("at_{name}")));
        assert_eq!((&lock["type"], &lock["library"]), (&json!(kind), &json!("musl")), "{name}: {lock:#}");
        let owner = if *owned { json!(dumped.number("main")) } else { json!(null) };
        assert_eq!(lock["owner"]["tid"], owner, "{name}: {lock:#}");
        assert_eq!(lock["waiters"][0]["tid"], dumped.number(name), "{name}: {lock:#}");
        let held = ["mutex", "rwlock"].contains(kind);
        assert_eq!(lock["state"], if held { json!("locked") } else { json!(null) }, "{name}: {lock:#}");
    }
    let adaptive = at(&document, dumped.number("at_adaptive"));
    assert_eq!((&adaptive["found_by"], &adaptive["robust"]), (&json!("shape"), &json!(true)));
}

/// Lets the guest die under qemu-user, whose dumps have no names: shared memory is what threads of several processes may wait in.
fn dumped_by_qemu(folder: &Path) -> Option<(PathBuf, Value)> {
    if !have("qemu-aarch64") || !have("unshare") {
        return None;
    }
    if !nix::unistd::geteuid().is_root() {
        missing("the right to make an IPC namespace");
        return None;
    }
    let program = folder.join("guest");
    fs::write(&program, unpack_zst("foreign/guests/locks.aarch64")).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let script = "ulimit -c unlimited; exec qemu-aarch64 ./guest 0x5e110c32 die";
    let output =
        Command::new("unshare").args(["--ipc", "sh", "-c", script]).current_dir(folder).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let said = said.lines().filter_map(|line| line.split_once(' '));
    let said: serde_json::Map<_, _> = said.map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cores = files.filter(|path| path.extension().is_some_and(|end| end == "core"));
    let core = cores.next().unwrap_or_else(|| panic!("no core; it said {said:?}"));
    Some((core, Value::Object(said)))
}

#[test]
fn locks_of_aarch64_are_told_without_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let Some((core, said)) = dumped_by_qemu(folder.path()) else { return };
    let number = |name: &str| {
        let text = said[name].as_str().unwrap();
        text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u64::from_str_radix(hex, 16)).unwrap()
    };
    let document = locks(&[&core], &[]);
    let all = document["locks"].as_array().unwrap();
    for (name, kind, state) in [
        ("plain", "mutex", "locked"),
        ("robust", "mutex", "locked"),
        ("timed", "mutex", "locked"),
        ("written", "rwlock", "locked"),
        ("condition", "condition", ""),
        ("barrier", "barrier", ""),
        ("semaphore", "semaphore", ""),
    ] {
        let address = json!(format!("{:#x}", number("segment") + number(&format!("at_{name}"))));
        let lock =
            all.iter().find(|lock| lock["at"] == address).unwrap_or_else(|| panic!("{name}: {document:#}"));
        assert_eq!((&lock["type"], &lock["segment"]), (&json!(kind), &json!(null)), "{name}: {lock:#}");
        let state = if state.is_empty() { json!(null) } else { json!(state) };
        assert_eq!((&lock["library"], &lock["state"]), (&json!("glibc"), &state), "{name}: {lock:#}");
        assert_eq!(lock["waiters"][0]["tid"], number(name), "{name}: {lock:#}");
        if ["mutex", "rwlock"].contains(&kind) {
            assert_eq!(lock["owner"]["tid"], number("main"), "{name}: {lock:#}");
        }
    }
}

/// Who waits for a semaphore, and who changed it last, only the kernel knows: what the handler's child asks.
#[test]
fn the_handler_asks_for_each_semaphore() {
    if !nix::unistd::geteuid().is_root() {
        missing("the right to enter an IPC namespace");
        return;
    }
    let Some(dumped) = Dumped::start("locks.c", &[], &["0x5e110c33"]) else { return };
    let namespace = File::open("/proc/self/ns/ipc").unwrap();
    let run = Run::of(coreinspect().args(["collect", "--ipc-namespace"]).stdin(namespace));
    assert_eq!(run.status, 0, "{run:?}");
    let tables: Vec<_> = run.out.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let of_set = format!("{} ", dumped.number("semid"));
    let rows: Vec<_> = tables[3].lines().filter(|row| row.starts_with(&of_set)).collect();
    // The program made two and waits, with one thread, for the second to grow by 2; nobody changed either.
    assert_eq!(rows, [format!("{of_set}0 0 0 0 0"), format!("{of_set}1 0 0 1 0")]);
}
