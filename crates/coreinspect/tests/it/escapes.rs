//! F9: whatever a dump, a file name or an argument holds, only harmless text reaches the terminal.

use crate::core_builder::notes::{self, Note};
use crate::core_builder::presets::{self, PID, UID, X86_64};
use crate::core_builder::{Content, CoreBuilder};
use crate::random::Random;
use crate::{harmless, pipeline};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

/// What terminals obey and people cannot see. No NUL: names end there.
const HOSTILE: &[&[u8]] = &[
    b"\x1b[2J\x1b[1;1H",
    b"\x1b]0;title\x07",
    b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    b"\x1bP+q\x1b\\",
    b"\x1b",
    b"\r\x08\x08\x0b\x0c\t\x7f",
    b"\ncoreinspect: no System V segment",
    "\u{9b}31m\u{9d}0;x\u{9c}".as_bytes(),
    b"\x9b31m",
    "\u{202e}gnp.exe\u{2066}\u{200f}\u{61c}".as_bytes(),
    "a\u{200b}b\u{200d}\u{feff}\u{2060}\u{ad}".as_bytes(),
    "\u{2028}\u{2029}\u{e0041}\u{fff9}".as_bytes(),
    b"\xff\xfe\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x80",
    "\\x1b Gr\u{fc}\u{df}e \u{65e5}\u{672c} \u{1f600}".as_bytes(),
    b"e\xcc\x81",
    b"<script>alert(1)</script>&\"'",
];

fn hostile_text(random: &mut Random, length: usize) -> Vec<u8> {
    let mut text = vec![];
    while text.len() < length {
        match random.below(4) {
            0 => text.push(1 + random.below(255) as u8),
            1 => text.extend(b"abc"),
            _ => text.extend(*random.pick(HOSTILE)),
        }
    }
    text.truncate(length);
    text
}

/// A kernel's core with hostile text wherever a dump holds text.
fn hostile_core(random: &mut Random) -> CoreBuilder {
    let mut core = presets::kernel(X86_64);
    let mut rows = presets::rows(&X86_64, 4096);
    for row in rows.iter_mut().filter(|row| !row.name.starts_with(b"/SYSV")) {
        let length = 1 + random.below(200);
        row.name = hostile_text(random, length);
    }
    let command = hostile_text(random, 15);
    let arguments = hostile_text(random, 79);
    if let Content::Notes(notes, _) = &mut core.segments[0].content {
        notes[1] = notes::prpsinfo(&X86_64, PID, UID, &command, &arguments);
        notes[4] = notes::file(&X86_64, 4096, &rows);
        notes.push(Note { owner: hostile_text(random, 9), kind: 1, desc: hostile_text(random, 9) });
    }
    for load in &mut core.segments[3..] {
        if let Content::Bytes(bytes) = &mut load.content {
            let length = random.below(bytes.len().min(600));
            let text = hostile_text(random, length);
            bytes[1..=length].copy_from_slice(&text);
        }
    }
    core
}

#[test]
fn nothing_of_a_dump_reaches_the_terminal_unescaped() {
    let mut random = Random::new(9);
    for number in 0..300 {
        let inspected = pipeline::inspect(&hostile_core(&mut random).build().bytes);
        assert_eq!(inspected.dump.segments.len(), 3);
        assert_eq!(inspected.complaint(), None, "core {number}");
    }
}

fn check_program(arguments: &[&OsStr], colours: bool) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coreinspect"));
    command.args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    let output = command.output().unwrap();
    for stream in [&output.stdout, &output.stderr] {
        let complaint = harmless::complaint(stream, colours);
        assert_eq!(complaint, None, "{arguments:?}\n{}", String::from_utf8_lossy(stream));
    }
    let says_why = output.stderr.iter().filter(|byte| **byte == b'\n').count();
    assert!(output.status.code() == Some(0) || says_why >= 1, "{arguments:?}: {}", output.status);
    output.status.code()
}

#[test]
fn nothing_of_a_dump_reaches_the_terminal_through_the_program() {
    let mut random = Random::new(10);
    let folder = tempfile::tempdir().unwrap();
    for number in 0..12 {
        let mut name = hostile_text(&mut random, 40);
        name.retain(|byte| *byte != b'/');
        let path = folder.path().join(OsStr::from_bytes(&name));
        hostile_core(&mut random).write_to(&std::fs::File::create(&path).unwrap());
        let path = path.as_os_str();
        for colour in ["always", "never"] {
            let arguments = ["--color", colour].map(OsStr::new);
            let status = check_program(&[&arguments, [path].as_slice()].concat(), colour == "always");
            assert_eq!(status, Some(0), "core {number}");
            let show = ["show", "--color", colour].map(OsStr::new);
            assert_eq!(check_program(&[&show, [path].as_slice()].concat(), colour == "always"), Some(0));
        }
        assert_eq!(check_program(&[OsStr::new("--json"), path], false), Some(0));
    }
}

/// Names of files that are not there or no dumps, and arguments that mean nothing.
#[test]
fn nothing_of_the_command_line_reaches_the_terminal_unescaped() {
    let mut random = Random::new(11);
    let folder = tempfile::tempdir().unwrap();
    let core = folder.path().join("core");
    presets::kernel(X86_64).write_to(&std::fs::File::create(&core).unwrap());
    for hostile in HOSTILE {
        let hostile = [*hostile, &hostile_text(&mut random, 9)].concat();
        let hostile: Vec<u8> = hostile.into_iter().filter(|byte| *byte != b'/').collect();
        let hostile = OsStr::from_bytes(&hostile);
        let path = folder.path().join(hostile);
        let option = OsString::from_iter([OsStr::new("--"), hostile]);
        for colour in ["always", "never"] {
            let check = |arguments: &[&OsStr]| {
                let colour_option = ["--color", colour].map(OsStr::new);
                check_program(&[&colour_option, arguments].concat(), colour == "always")
            };
            assert_eq!(check(&[path.as_os_str()]), Some(2), "no such file");
            std::fs::write(&path, "no dump").unwrap();
            assert_eq!(check(&[path.as_os_str()]), Some(2), "no dump");
            std::fs::remove_file(&path).unwrap();
            assert_eq!(check(&[&option, core.as_os_str()]), Some(2), "no such option");
            assert_eq!(check(&[OsStr::new("show"), core.as_os_str(), hostile]), Some(2), "no such segment");
            assert_eq!(
                check(&[OsStr::new("--layout"), hostile, core.as_os_str()]),
                Some(2),
                "no such layout"
            );
        }
    }
}
