//! Where output cannot go: a pipe that nobody reads, a full disk, a stream that is closed.

use std::process::{Command, Stdio};

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

/// Every way to print something, in a folder with `core`.
const OUTPUTS: &[&[&str]] = &[
    &["core"],
    &["core", "--json"],
    &["core", "--format", "jsonl"],
    &["core", "--no-header"],
    &["missing", "--json"],
    &["show", "core"],
    &["show", "core", "--hex", "--no-pager"],
    &["show", "core", "--json"],
    &["extract", "core", "#1", "-o", "-"],
    &["key", "0x7800c028"],
    &["key", "0x7800c028", "--json"],
    &["key", "--path", "core"],
    &["--version"],
    &["--version", "-v"],
];

const HELP: &[&[&str]] = &[&["--help"], &["-h"], &["show", "--help"], &["key", "-h"]];

/// As in `coreinspect core | head -0`: the first byte already meets a closed pipe.
#[test]
fn a_closed_pipe_ends_quietly() {
    let core = Core::unpack("writer.kernel");
    let outputs = OUTPUTS.iter().filter(|arguments| !arguments.contains(&"missing"));
    for arguments in outputs.chain(HELP) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = coreinspect();
        command.args(*arguments).current_dir(core.folder()).stdout(writer).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let run = Run::from_output(&format!("{arguments:?}"), output);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{arguments:?}");
    }
}

/// The shell's own pipe; the dumps are so many that they do not fit into it.
#[test]
fn head_may_close_the_pipe() {
    let core = Core::unpack("writer.kernel");
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"program=$1; shift; { "$program" "$@"; echo "status $?" >&2; } | head -1"#, "sh"]);
    shell.arg(env!("CARGO_BIN_EXE_coreinspect")).args(vec!["core"; 600]).current_dir(core.folder());
    let run = Run::of(&mut shell);
    assert_eq!((run.lines().len(), run.err.as_str()), (1, "status 0\n"));
}

fn on_a_full_disk(arguments: &[&str]) -> Run {
    let core = Core::unpack("writer.kernel");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = coreinspect();
    command.args(arguments).current_dir(core.folder()).stdout(full).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    Run::from_output(&format!("{arguments:?}"), output)
}

#[test]
fn a_full_disk_is_an_error() {
    for arguments in OUTPUTS {
        let run = on_a_full_disk(arguments);
        assert_eq!(run.status, 2, "{arguments:?}");
        assert!(run.err.contains("No space left on device"), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn help_on_a_full_disk_is_an_error() {
    for arguments in HELP {
        let run = on_a_full_disk(arguments);
        assert_eq!(run.status, 2, "{arguments:?}");
        assert!(run.err.contains("No space left on device"), "{arguments:?}: {}", run.err);
    }
}

/// `2>&-`, `<&-`, `>&-`: what cannot be told is not told, and what can be is.
#[test]
fn a_closed_stream_changes_no_status() {
    let (core, none) = (Core::unpack("writer.kernel"), Core::unpack("nosegment.kernel"));
    for (closed, core, status) in [
        ("2>&-", &core, 0),
        ("<&-", &core, 0),
        ("2>&-", &none, 1),
        ("<&-", &none, 1),
        ("2>/dev/full", &none, 1),
    ] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!(r#"exec "$@" {closed}"#), "sh"]);
        shell.args([env!("CARGO_BIN_EXE_coreinspect"), "core"]).current_dir(core.folder());
        let run = Run::of(&mut shell);
        assert_eq!(run.status, status, "{closed}");
        assert!(run.text().starts_with("core: x86_64 core of "), "{closed}: {}", run.text());
    }
}
