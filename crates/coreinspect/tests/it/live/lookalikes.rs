//! Files that are named like segments, mapped by a process whose root directory is a folder of the test.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::segment::private_key;
use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have, missing};

#[test]
fn files_that_are_named_like_segments_are_told_apart_or_the_doubt_is_told() {
    if !have("gcc") || !have("chroot") || !cores_are_plain() {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        missing("the right to change the root directory");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/live/lookalikes.c");
    let mut gcc = Command::new("gcc");
    gcc.args(["-static", "-Wall", "-Werror", "-o"]).arg(folder.path().join("lookalikes")).arg(source);
    assert!(gcc.status().unwrap().success());
    let key = private_key();
    let mut program = Command::new("chroot");
    program.arg(folder.path()).args(["/lookalikes", &format!("{key:x}")]).current_dir(folder.path());
    let output = program.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let core = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let core = core.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("core"));
    let core = core.expect("the kernel wrote a core");

    let document = Run::of(coreinspect().arg(&core).arg("--json")).document();
    let report = &document["dumps"][0];
    let segments = report["segments"].as_array().unwrap();
    let mut keys: Vec<_> =
        segments.iter().map(|segment| segment["key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    let mut expected = [format!("0x{key:08x}"), "0xcafef00d".to_owned(), "0xcafef00e".to_owned()];
    expected.sort();
    assert_eq!(keys, expected);
    assert!(segments.iter().all(|segment| segment["found_by"] == "name"));

    // The kernel saves what an unlinked file shares as it saves a segment: nothing tells it. But of a segment that may be
    // written to it saves all or nothing, never one page.
    let of = |key: &str| segments.iter().find(|segment| segment["key"] == key).unwrap();
    let private = of("0xcafef00e");
    assert_eq!((&private["saved"], &private["mapped"]), (&json!(4096), &json!(3 * 4096)));
    let warnings = report["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["code"], "lookalike");
    let message = warnings[0]["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("segment {} ", private["number"])), "{message}");
    assert!(private["causes"].as_array().unwrap().iter().all(|cause| cause["certain"] == false), "{private}");
}
