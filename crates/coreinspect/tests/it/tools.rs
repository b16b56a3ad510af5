//! Programs that a test asks for the truth.

use std::process::Command;

use shmcore::{Key, Permissions, Segment};

/// Whether `name` is installed. Says so where it is missing, and fails with `COREINSPECT_REQUIRE_TOOLS=1`.
pub(crate) fn have(name: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()));
    found || missing(name)
}

/// Says that `what` is missing, and fails with `COREINSPECT_REQUIRE_TOOLS=1`. Always `false`, for a test to skip by.
pub(crate) fn missing(what: &str) -> bool {
    let required = std::env::var("COREINSPECT_REQUIRE_TOOLS").as_deref() == Ok("1");
    assert!(!required, "{what} is required and missing");
    println!("skipped: {what} is missing");
    false
}

/// What the command prints on standard output; its complaints are a failure.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C").output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{command:?}: {} {complaint}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether the kernel writes a file `core` where a process dies. Says so where it does not, and fails with
/// `COREINSPECT_REQUIRE_TOOLS=1`.
pub(crate) fn cores_are_plain() -> bool {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let pattern = pattern.trim();
    if pattern != "core" {
        let required = std::env::var("COREINSPECT_REQUIRE_TOOLS").as_deref() == Ok("1");
        assert!(!required, "kernel.core_pattern must be core, not {pattern}");
        println!("skipped: kernel.core_pattern is not core but {pattern}");
    }
    pattern == "core"
}

/// Lets the first segment of an IPC namespace, shmid 0, be one that nobody looks for: gcore leaves out its name, and the first
/// test of a fresh machine or container would have it.
pub(crate) fn pass_shmid_0() {
    Segment::create(Key::PRIVATE, 1, Permissions::OWNER).and_then(Segment::remove).unwrap();
}
