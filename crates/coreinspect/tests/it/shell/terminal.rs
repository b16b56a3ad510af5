//! The prompt on a terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::testdata::Core;
use crate::tools::have;

/// What the terminal shows while each text is awaited and then answered; `None` without Python. The history is kept below
/// `home`.
pub(crate) fn converse(
    folder: &Path,
    home: &Path,
    pager: &str,
    arguments: &[&str],
    steps: &[(&str, &str)],
) -> Option<Run> {
    if !have("python3") {
        return None;
    }
    let program = coreinspect();
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("converse.py"), &serde_json::to_string(steps).unwrap()]);
    python.arg(program.get_program()).args(arguments);
    for (name, _) in program.get_envs() {
        python.env_remove(name);
    }
    python
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env("PAGER", pager)
        .env("HOME", home)
        .env_remove("XDG_STATE_HOME");
    Some(Run::of(python.current_dir(folder).stdin(std::process::Stdio::null())))
}

struct Terminal {
    core: Core,
    home: TempDir,
}

impl Terminal {
    fn new() -> Self {
        Self { core: Core::unpack("lookalikes.kernel"), home: tempfile::tempdir().unwrap() }
    }

    fn says(&self, steps: &[(&str, &str)]) -> Option<Run> {
        let run = converse(self.core.folder(), self.home.path(), "cat", &["shell", "core"], steps)?;
        assert_eq!(run.status, 0, "{run:?}");
        Some(run)
    }
}

#[test]
fn it_greets_prompts_and_ends_at_ctrl_d() {
    let terminal = Terminal::new();
    let Some(run) = terminal.says(&[
        ("(core) ", "show #2\r"),
        ("the real one", ""),
        ("(core 2) ", "all\r"),
        ("(core) ", "nonsense\r"),
        ("there is no command nonsense", ""),
        ("(core) ", "\x04"),
    ]) else {
        return;
    };
    assert!(run.text().starts_with("core: 2 segments; "), "{run:?}");
}

#[test]
fn tab_completes_verbs_flags_values_and_segments() {
    let terminal = Terminal::new();
    terminal.says(&[
        ("(core) ", "sh\t#2\r"),
        ("the real one", ""),
        ("(core 2) ", "show 0x4\t\x15"),
        ("(core 2) show 0x4f1d0021 ", "list --form\tjsonl\r"),
        ("\"schema\":\"coreinspect/1\"", ""),
        ("(core 2) ", "hex --layout mail\t--no-p\t--length 1\r"),
        ("00000001", ""),
        ("(core 2) ", "show \t\t"),
        ("1 0xcafef00d", "\x15"),
        ("(core 2) ", "help ext\t\r"),
        ("Usage: extract", ""),
        ("(core 2) ", "quit\r"),
    ]);
}

#[test]
fn ctrl_c_cancels_a_line_and_what_runs_and_not_the_prompt() {
    let terminal = Terminal::new();
    terminal.says(&[
        ("(core) ", "list --nonsen\x03"),
        // exec: a shell that forks sees the signal before its child does, and waits.
        ("(core) ", "!echo begun; exec sleep 600\r"),
        ("begun\r\n", "\x03"),
        ("(core) ", "list --json | sh -c 'echo again; exec sleep 600'\r"),
        ("again\r\n", "\x03"),
        ("(core) ", "!echo still here\r"),
        ("still here\r\n", ""),
        ("(core) ", "quit\r"),
    ]);
}

#[test]
fn the_history_is_kept_for_the_user_alone_and_never_here() {
    let terminal = Terminal::new();
    let Some(_) = terminal.says(&[("(core) ", "#2\r"), ("(core 2) ", "\x04")]) else { return };
    let state = terminal.home.path().join(".local/state/coreinspect");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join("history"))), (0o700, 0o600));
    // The arrow upwards brings it back, in the next session.
    terminal.says(&[
        ("(core) ", "\x1b[A\r"),
        ("(core 2) ", " !echo a secret\r"),
        ("a secret\r\n", ""),
        ("(core 2) ", "!echo one more\r"),
        ("one more\r\n", ""),
        ("(core 2) ", "quit\r"),
    ]);
    let history = fs::read_to_string(state.join("history")).unwrap();
    assert_eq!(history.lines().filter(|line| *line == "!echo one more").count(), 1, "{history}");
    assert!(!history.contains("secret"), "{history}");
    assert_eq!(mode(&state.join("history")), 0o600);
    let here: Vec<_> =
        fs::read_dir(terminal.core.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(here, ["core"]);
}

/// A relative XDG_STATE_HOME does not count (XDG Base Directory Specification), and without a home there is no history.
#[test]
fn a_history_without_a_home_is_none() {
    if !have("python3") {
        return;
    }
    let core = Core::unpack("writer.kernel");
    let steps = serde_json::to_string(&[("(core) ", "list -q\r"), ("(core) ", "quit\r")]).unwrap();
    let mut python = Command::new("python3");
    python.args([
        "-c",
        include_str!("converse.py"),
        &steps,
        env!("CARGO_BIN_EXE_coreinspect"),
        "shell",
        "core",
    ]);
    python.env_remove("HOME").env("XDG_STATE_HOME", "here").env("TERM", "xterm").current_dir(core.folder());
    let run = Run::of(&mut python);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(fs::read_dir(core.folder()).unwrap().count(), 1);
}

#[test]
fn what_is_longer_than_the_terminal_is_paged() {
    let terminal = Terminal::new();
    let pager = "sed s/^/paged:/";
    let steps = &[
        ("(core) ", "list\r"),
        ("paged:#  KEY", ""),
        ("(core) ", "help\r"),
        ("paged:Commands", ""),
        ("(core) ", "hex #2\r"),
        ("paged:00000000", ""),
        ("(core 2) ", "list | sed s/^/piped:/\r"),
        ("\npiped:#  KEY", ""),
        ("(core 2) ", "show --hex --no-pager\r"),
        ("\n00000000", ""),
        ("(core 2) ", "quit\r"),
    ];
    let Some(run) = converse(terminal.core.folder(), terminal.home.path(), pager, &["shell", "core"], steps)
    else {
        return;
    };
    assert_eq!(run.status, 0, "{run:?}");
    // A program that has gone takes nothing with it.
    let steps = &[
        ("(core) ", "help\r"),
        ("(core) ", "list\r"),
        ("(core) ", "!echo still here\r"),
        ("(core) ", "quit\r"),
    ];
    let run =
        converse(terminal.core.folder(), terminal.home.path(), "false", &["shell", "core"], steps).unwrap();
    assert!(run.status == 0 && run.text().contains("\nstill here"), "{run:?}");
}
