//! The completions, loaded by the shells themselves.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use coreinspect::cli::COMMANDS;
use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::tools::have;

/// A folder with the completions for `shell` in a file called `name`.
fn completions(shell: &str, name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = Run::of(coreinspect().args(["completions", shell])).ended(0);
    fs::write(folder.path().join(name), script.out).unwrap();
    folder
}

/// What `shell` prints for `script`, in `folder`, without a user's settings and without a complaint.
fn said(shell: &str, flags: &[&str], script: &str, folder: &Path) -> String {
    let mut command = Command::new(shell);
    command.args(flags).args(["-c", script]).current_dir(folder);
    let run = Run::of(command.env("HOME", folder).env_remove("ENV").stdin(Stdio::null()));
    assert!(run.status == 0 && run.err.is_empty(), "{shell}: {run:?}");
    run.text().to_owned()
}

/// Every command begins a line of `candidates`.
fn all_commands_are_in(candidates: &str) {
    let words: Vec<_> = candidates.split_whitespace().collect();
    for row in COMMANDS {
        assert!(words.contains(&row.name), "{} is not in {candidates}", row.name);
    }
}

#[test]
fn bash_completes() {
    if !have("bash") {
        return;
    }
    let folder = completions("bash", "coreinspect");
    let ask = |words: &str| {
        let script = format!(
            "source ./coreinspect; complete -p coreinspect > /dev/null || exit; COMP_WORDS=({words}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _coreinspect coreinspect \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        said("bash", &["--norc", "--noprofile"], &script, folder.path())
    };
    all_commands_are_in(&ask("coreinspect ''"));
    assert_eq!(ask("coreinspect sho").trim(), "show");
    assert_eq!(ask("coreinspect show --he").split_whitespace().collect::<Vec<_>>(), ["--hex", "--help"]);
    assert_eq!(ask("coreinspect --format j").split_whitespace().collect::<Vec<_>>(), ["json", "jsonl"]);
}

#[test]
fn fish_completes() {
    if !have("fish") {
        return;
    }
    let folder = completions("fish", "coreinspect.fish");
    let ask = |line: &str| {
        let script = format!("source coreinspect.fish; complete --do-complete '{line}'");
        said("fish", &["--no-config"], &script, folder.path())
    };
    all_commands_are_in(&ask("coreinspect "));
    assert!(ask("coreinspect sho").starts_with("show"));
    assert!(ask("coreinspect show --he").contains("--hex"));
}

#[test]
fn zsh_loads_them() {
    if !have("zsh") {
        return;
    }
    let folder = completions("zsh", "_coreinspect");
    let script = "fpath=($PWD $fpath); autoload -Uz compinit; compinit -D -u; print $_comps[coreinspect]; \
                  autoload +X -U _coreinspect; functions _coreinspect";
    let loaded = said("zsh", &["-f"], script, folder.path());
    assert!(loaded.starts_with("_coreinspect\n"), "{loaded}");
    // Run once it defines what offers the commands; outside of a completion it has nothing to offer them to.
    let script = "fpath=($PWD $fpath); autoload -Uz compinit; compinit -D -u; source ./_coreinspect 2> /dev/null; \
                  functions _coreinspect_commands";
    let commands = said("zsh", &["-f"], script, folder.path());
    for row in COMMANDS {
        assert!(commands.contains(&format!("'{}:", row.name)), "{}: {commands}", row.name);
    }
}
