//! `show`: a segment in full, and its bytes as `hexdump -C` prints them.

use std::process::Command;

use serde_json::Value;

use crate::program::{Run, coreinspect};
use crate::testdata::{self, Core};
use crate::tools::{have, output};

fn show(core: &Core, arguments: &[&str]) -> Run {
    Run::of(coreinspect().args(["show", "core"]).args(arguments).current_dir(core.folder()))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

/// Bytes from `start` to `end`.
fn length(range: &Value) -> u64 {
    let address = |name: &str| u64::from_str_radix(&text(range, name)[2..], 16).unwrap();
    address("end") - address("start")
}

/// Everything that testdata knows of a segment stands there in words.
#[test]
fn every_mapping_and_every_missing_range_is_told() {
    for name in testdata::names() {
        let core = Core::unpack(&name);
        for segment in core.segments().iter().filter(|segment| !segment["name"].is_null()) {
            // The layout is named: what cannot be a mailbox is shown as one only to whoever insists.
            let place = format!("@{}", text(&segment["attachments"][0], "start"));
            let told = show(&core, &[&place, "--layout", "mailbox", "--at", "0"]).ended(0);
            let line = |words: &[&str]| {
                let found = told.lines().into_iter().any(|line| words.iter().all(|word| line.contains(word)));
                assert!(found, "{name}: no line has {words:?}: {told:?}");
            };
            line(&[text(segment, "key"), text(segment, "name")]);
            line(&["saved", &segment["saved"].to_string(), text(segment, "state")]);
            for attachment in segment["attachments"].as_array().unwrap() {
                let (saved, mapped) = (attachment["saved"].to_string(), attachment["mapped"].to_string());
                line(&[text(attachment, "base"), &saved, &mapped, text(attachment, "state")]);
                for mapping in attachment["mappings"].as_array().unwrap() {
                    let range = format!("{}-{}", text(mapping, "start"), text(mapping, "end"));
                    let offset = format!("offset {:#x}", mapping["offset"].as_u64().unwrap());
                    let rights = mapping["permissions"].as_str().unwrap_or("unknown");
                    line(&[&range, &offset, rights, &mapping["saved"].to_string()]);
                    for missing in mapping["missing"].as_array().unwrap() {
                        let start = missing["offset"].as_u64().unwrap();
                        let end = start + length(missing);
                        let range = format!("offset {start:#x}-{end:#x}");
                        line(&["missing", &range, &(end - start).to_string(), text(missing, "reason")]);
                    }
                }
            }
            for cause in segment["causes"].as_array().unwrap() {
                line(&["missing", cause.as_str().unwrap()]);
            }
            let mailbox = &segment["mailbox"];
            match (mailbox["flag"].as_u64(), mailbox["flag_name"].as_str()) {
                (Some(flag), Some(name)) => line(&["flag", &flag.to_string(), name]),
                (Some(flag), None) => line(&["flag", &flag.to_string()]),
                (None, _) => line(&["flag", "not in the dump"]),
            }
            match &mailbox["message"] {
                Value::Null => line(&["message", "not in the dump"]),
                message => {
                    let end =
                        if message["terminated"] == true { "ended by a NUL" } else { "not ended by a NUL" };
                    line(&[&format!("{} bytes", message["length"]), end]);
                }
            }
        }
    }
}

#[test]
fn json_is_the_document_with_the_named_segments_alone() {
    let core = Core::unpack("private.kernel");
    let mut listing = Run::of(coreinspect().args(["core", "--json"]).current_dir(core.folder())).document();
    assert_eq!(show(&core, &["--json"]).ended(0).document(), listing);
    let segments = listing["dumps"][0]["segments"].as_array_mut().unwrap();
    segments.remove(0);
    assert_eq!(show(&core, &["#2", "--json"]).ended(0).document(), listing);
    let line = show(&core, &["#2", "--format", "jsonl"]).ended(0);
    assert_eq!(line.lines().len(), 1);
    assert_eq!(line.document()["segments"], listing["dumps"][0]["segments"]);
}

#[test]
fn all_segments_are_shown_unless_some_are_named() {
    let core = Core::unpack("private.kernel");
    let headings = |arguments: &[&str]| {
        let run = show(&core, arguments).ended(0);
        let headings = run.lines().into_iter().filter_map(|line| line.split_once(" 0x00000000  /SYSV"));
        headings.map(|(number, _)| number.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(headings(&[]), ["1", "2"]);
    assert_eq!(headings(&["2"]), ["2"]);
    assert_eq!(headings(&["#2"]), ["2"]);
    assert_eq!(headings(&["2", "1"]), ["1", "2"]);
}

/// What `show --hex` prints of the bytes: all from the first line that begins with an offset.
fn hex(core: &Core, arguments: &[&str], first: u64) -> String {
    let run = show(core, &[&["#1", "--hex", "--color", "never"], arguments].concat()).ended(0);
    let start = format!("\n{first:08x}  ");
    let at = run.text().find(&start).unwrap_or_else(|| panic!("no line {first:08x}: {run:?}"));
    run.text()[at + 1..].to_owned()
}

#[test]
fn bytes_look_as_in_hexdump() {
    if !have("hexdump") {
        return;
    }
    let mut compared = 0;
    for name in testdata::names() {
        let core = Core::unpack(&name);
        let segment = core.segments().first().filter(|segment| segment["state"] == "whole");
        let Some(segment) = segment.filter(|segment| !segment["name"].is_null()) else { continue };
        // A page that no attachment covers is a hole, not zeros.
        let Some(size) = segment["mapped"].as_u64().filter(|size| covers_everything(&name, *size)) else {
            continue;
        };
        let mut extract = coreinspect();
        extract.args(["extract", "core", "#1", "-o", "bytes"]).current_dir(core.folder());
        Run::of(&mut extract).ended(0);
        let hexdump = |arguments: &[&str]| {
            let mut hexdump = Command::new("hexdump");
            output(hexdump.arg("-C").args(arguments).arg("bytes").current_dir(core.folder()))
        };
        assert!(hex(&core, &[], 0) == hexdump(&[]), "{name}");
        for (at, length) in
            [(0, 1), (0, 16), (1, 40), (0x10, 0x20), (0xff8, 8), (0x801, 0x7ff), (7, size - 7)]
        {
            let (at_word, length_word) = (at.to_string(), length.to_string());
            let window = hex(&core, &["--at", &at_word, "--length", &length_word], at);
            assert_eq!(window, hexdump(&["-s", &at_word, "-n", &length_word]), "{name} {at} {length}");
        }
        compared += 1;
    }
    assert!(compared >= 8, "only {compared} segments were compared");
}

/// Whether the attachments of the first segment cover every byte of it.
fn covers_everything(name: &str, size: u64) -> bool {
    let core = Core::unpack(name);
    let mappings = core.segments()[0]["attachments"].as_array().unwrap().iter();
    let mappings = mappings.flat_map(|attachment| attachment["mappings"].as_array().unwrap());
    mappings.map(|mapping| mapping["offset"].as_u64().unwrap() + length(mapping)).max() == Some(size)
}

/// A byte that was not saved is no zero.
#[test]
fn missing_bytes_are_shown_as_missing() {
    let core = Core::unpack("readonly.kernel");
    let lines = hex(&core, &[], 0);
    let lines: Vec<_> = lines.lines().collect();
    let first_missing = lines.iter().position(|line| line.starts_with("00001000  ")).unwrap();
    let nothing =
        format!("00001000  {} {}  |{}|", "-- ".repeat(8), "-- ".repeat(8).trim_end(), "-".repeat(16));
    assert_eq!(lines[first_missing..], [nothing.as_str(), "*", "00005000"]);
    // Within a line, too: the hole begins at 0x1000.
    let window = hex(&core, &["--at", "0xff8", "--length", "16"], 0xff8);
    let line = window.lines().next().unwrap();
    assert!(line.contains(&"-- ".repeat(8).trim_end().to_owned()) && line.ends_with("--------|"), "{line}");
    assert_eq!(line.matches("--").count(), 8 + 4);
    let absent = Core::unpack("filter-0x31.kernel");
    assert_eq!(hex(&absent, &[], 0).lines().count(), 3, "a line of nothing, *, the end");
}

#[test]
fn a_window_outside_the_segment_is_an_error() {
    let core = Core::unpack("writer.kernel");
    for outside in [["--at", "4096"], ["--at", "0xffffffffffffffff"], ["--length", "0"]] {
        let run = show(&core, &[&["#1", "--hex"], outside.as_slice()].concat()).ended(2);
        assert!(run.err.contains("0x1000") || run.err.contains("4096"), "{run:?}");
    }
}

#[test]
fn a_pager_is_for_terminals() {
    let core = Core::unpack("writer.kernel");
    let plain = show(&core, &["--hex"]).ended(0);
    let mut command = coreinspect();
    command.args(["show", "core", "--hex"]).env("PAGER", "false").current_dir(core.folder());
    assert_eq!(Run::of(&mut command), plain);
    if !have("script") {
        return;
    }
    let on_a_terminal = |arguments: &str, pager: &str| {
        let program = env!("CARGO_BIN_EXE_coreinspect");
        let mut script = Command::new("script");
        script.args(["-qec", &format!("{program} show core {arguments}"), "/dev/null"]);
        let script = script.env("PAGER", pager).env("NO_COLOR", "1").current_dir(core.folder());
        Run::of(script.stdin(std::process::Stdio::null())).text().replace("\r\n", "\n")
    };
    assert!(on_a_terminal("--hex", "sed s/^/paged:/").lines().all(|line| line.starts_with("paged:")));
    for (arguments, pager) in [("--hex --no-pager", "false"), ("", "false"), ("--hex", "cat"), ("--hex", "")]
    {
        let shown = on_a_terminal(arguments, pager);
        assert!(!shown.contains("paged:") && shown.contains(core.key()), "{arguments} {pager}: {shown}");
    }
}
