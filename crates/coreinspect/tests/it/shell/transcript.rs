//! The talk in docs/shell.md is what the terminal shows.

use std::fs;
use std::path::Path;

use super::terminal::converse;
use crate::testdata::Core;
use crate::tools::have;

/// What of a terminal's output is text: no control sequences, no carriage returns.
fn text(shown: &str) -> String {
    let mut parts = shown.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| {
        text + part
            .trim_start_matches(|char: char| char.is_ascii_digit() || "?;".contains(char))
            .get(1..)
            .unwrap_or_default()
    });
    text.replace('\r', "")
}

#[test]
fn the_talk_in_the_readme_is_real() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/shell.md")).unwrap();
    let (_, block) = readme.split_once("```console\n$ coreinspect shell core.1302\n").unwrap();
    let (talk, _) = block.split_once("```").unwrap();
    let core = Core::unpack("segv.kernel");
    fs::rename(core.path(), core.folder().join("core.1302")).unwrap();
    let typed: Vec<_> = talk.lines().filter(|line| line.starts_with("(core.1302")).collect();
    assert!(typed.len() >= 4, "{typed:?}");
    let steps: Vec<_> = typed
        .iter()
        .map(|line| {
            let (prompt, typed) = line.split_at(line.find(") ").unwrap() + 2);
            (prompt, format!("{typed}\r"))
        })
        .collect();
    let steps: Vec<_> = steps.iter().map(|(prompt, typed)| (*prompt, typed.as_str())).collect();
    let home = tempfile::tempdir().unwrap();
    if !have("jq") {
        return;
    }
    let Some(run) = converse(core.folder(), home.path(), "cat", &["shell", "core.1302"], &steps) else {
        return;
    };
    assert_eq!(text(run.text()), talk, "{run:?}");
}
