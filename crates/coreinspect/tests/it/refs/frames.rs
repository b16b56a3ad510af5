//! The function and line of each place of a stack, held against the frames that gdb unwinds of the same dump.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::planted::{number, planted, refs};
use crate::tools::have;

/// A frame as gdb shows it: its stack pointer, its function, its line.
type Frame = (u64, String, Option<u64>);

/// The frames of each thread, the innermost first.
fn unwound(folder: &Path, core: &Path) -> BTreeMap<u64, Vec<Frame>> {
    let mut gdb = Command::new("gdb");
    gdb.args([
        "-batch",
        "-nx",
        "-ex",
        "set backtrace past-main on",
        "-ex",
        "thread apply all frame apply all print $sp",
    ]);
    let run = gdb.arg(folder.join("program")).arg(core).env_remove("DEBUGINFOD_URLS").output().unwrap();
    let (mut threads, mut thread, mut frame) = (BTreeMap::<_, Vec<Frame>>::new(), 0, (String::new(), None));
    for line in String::from_utf8_lossy(&run.stdout).lines() {
        if line.starts_with("Thread ") {
            thread = line.split("LWP ").nth(1).unwrap().split(')').next().unwrap().parse().unwrap();
        } else if line.starts_with('#') && thread > 0 {
            let words: Vec<_> = line.split_whitespace().collect();
            // "#1  0x0000 in main () at file.c:12", "#0  die () at file.c:3", "#5  <signal handler called>"
            let named = if words.get(2) == Some(&"in") { 3 } else { 1 };
            let line = line.rsplit(':').next().and_then(|line| line.parse().ok());
            frame = (words[named].to_owned(), line);
        } else if let Some(pointer) = line.split("(void *) 0x").nth(1).filter(|_| thread > 0) {
            let pointer = u64::from_str_radix(pointer.trim(), 16).unwrap();
            let frames = threads.entry(thread).or_default();
            // A function that was inlined has no frame of its own: gdb tells it before the one that it stands in.
            if frames.last().is_some_and(|(last, ..)| *last == pointer) {
                frames.pop();
            }
            frames.push((pointer, frame.0.clone(), frame.1));
        }
    }
    assert!(threads.len() > 1, "{run:?}");
    threads
}

#[test]
fn are_those_that_gdb_unwinds() {
    for flags in [&[] as &[_], &["-O0"], &["-m32"], &["-fomit-frame-pointer", "-O2"]] {
        let Some(crashed) = planted(flags) else { return };
        if !have("gdb") {
            return;
        }
        let threads = unwound(crashed.folder(), &crashed.core());
        let told = refs(&crashed, &[&format!("@{:#x}", crashed.address("segment1")), "--length", "0x4000"]);
        let stack = told["references"].as_array().unwrap().iter();
        let stack = stack.filter(|one| one["from"] == "stack" && one["live"] == true);
        let mut named = std::collections::BTreeSet::new();
        for one in stack {
            let at = number(&one["at"]);
            let frames = &threads[&one["thread"].as_u64().unwrap()];
            // The red zone is the innermost frame's.
            let index = frames.partition_point(|(pointer, ..)| *pointer <= at).saturating_sub(1);
            let (_, function, line) = &frames[index];
            // The kernel's own code (vDSO), through which 32 bits make system calls and return from signals, is in no file:
            // there the unwinding ends.
            let in_no_file = |frame: &Frame| ["__kernel_vsyscall", "<signal"].contains(&frame.1.as_str());
            if index + 1 == frames.len() || flags == ["-m32"] && frames[..=index].iter().any(in_no_file) {
                // What the kernel put above the first frame; gdb does not say where that ends.
                continue;
            }
            if function == "<signal" {
                assert_eq!(one["frame"], index, "{one}");
                continue;
            }
            assert_eq!(one["frame"], index, "{one} {frames:x?}");
            assert_eq!(one["function"].as_str(), Some(function.as_str()), "{one}");
            if line.is_some() && one["file"].as_str().is_some_and(|file| file.ends_with("planted.c")) {
                assert_eq!(one["line"].as_u64(), *line, "{one}");
            }
            named.insert(function.clone());
        }
        let all = ["die", "deep", "handle", "main", "in_thread"];
        for function in if flags == ["-m32"] { &all[..3] } else { &all } {
            assert!(named.contains(*function), "{flags:?}: {function} is not in {named:?}");
        }
    }
}
