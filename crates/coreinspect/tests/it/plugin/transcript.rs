//! The transcripts of gdb and lldb in docs/debuggers.md are what they print.

use std::fs;
use std::path::Path;

use super::{gdb, lldb};
use crate::testdata::Core;
use crate::tools::have;

/// The block of the page that begins with `start`: the lines before the first command, and from there on all.
fn block(start: &str, prompt: &str) -> (String, String) {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/debuggers.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("```console\n{start}")).unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let (before, _) = block.split_once(prompt).unwrap();
    (before.to_owned(), block[before.len()..].to_owned())
}

/// The core of the README's first screen, under its name there.
fn core() -> Core {
    let core = Core::unpack("segv.kernel");
    fs::rename(core.path(), core.folder().join("core.1302")).unwrap();
    core
}

fn commands<'t>(transcript: &'t str, prompt: &str) -> Vec<&'t str> {
    transcript.lines().filter_map(|line| line.strip_prefix(prompt)).collect()
}

#[test]
fn the_transcript_of_gdb_is_real() {
    if !have("gdb") {
        return;
    }
    let (before, transcript) = block("$ gdb -q -c core.1302\n", "(gdb) ");
    let core = core();
    let typed = commands(&transcript, "(gdb) ");
    assert!(typed.len() >= 5);
    let mut arguments = vec!["set width 80".to_owned(), "core-file core.1302".to_owned()];
    for command in typed {
        arguments.push(format!("echo (gdb) {command}\\n"));
        arguments.push(command.to_owned());
    }
    let run = gdb(core.folder(), &[], &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let printed = &run.text()[run.text().find("(gdb) ").unwrap()..];
    assert_eq!(printed, transcript);
    let told: Vec<_> = before.lines().filter(|line| line.starts_with("coreinspect: ")).collect();
    assert!(!told.is_empty() && told.iter().all(|line| run.err.contains(line)), "{told:?} {run:?}");
}

#[test]
fn the_transcript_of_lldb_is_real() {
    if !have("lldb") {
        return;
    }
    let (_, transcript) = block("$ lldb -c core.1302\n", "(lldb) ");
    let core = core();
    let typed = commands(&transcript, "(lldb) ");
    assert!(typed.len() >= 3);
    let all: Vec<_> = ["target create --core core.1302"].into_iter().chain(typed).collect();
    let run = lldb(core.folder(), &all);
    let first = transcript.lines().next().unwrap();
    let printed = &run.text()[run.text().find(first).unwrap()..];
    assert_eq!(printed, transcript);
}
