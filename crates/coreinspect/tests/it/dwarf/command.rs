//! `--layout` with a type of the program, and `--types`, as people and other programs meet them.

use std::process::Command;

use serde_json::{Value, json};

use super::dumped;
use super::process::{Dumped, compile};
use crate::program::{Run, coreinspect};
use crate::tools::{have, output};

fn show(dumped: &Dumped, arguments: &[&str]) -> Run {
    let mut show = coreinspect();
    show.arg("show").arg(&dumped.core).arg(format!("@{:#x}", dumped.base)).args(arguments);
    Run::of(&mut show)
}

/// The content of the segment as JSON.
fn content(dumped: &Dumped, arguments: &[&str]) -> Value {
    let arguments: Vec<_> = arguments.iter().chain(&["--json"]).copied().collect();
    show(dumped, &arguments).ended(0).document()["dumps"][0]["segments"][0]["content"].take()
}

#[test]
fn a_struct_of_the_program_is_shown_as_the_contract_says() {
    let folder = tempfile::tempdir().unwrap();
    let Some(dumped) = dumped(folder.path(), "gcc", &["-g"], "sample.c") else { return };
    let content = content(&dumped, &["--layout", "struct everything"]);
    assert_eq!(content["layout"], "struct everything");
    assert_eq!(content["confidence"], "forced");
    let value = &content["value"];
    for (field, expected) in [
        ("letter", json!(65)),
        ("yes", json!(1)),
        ("ll", json!(-1_234_567_890_123_i64)),
        ("ull", json!("12345678901234567890")),
        ("ld", json!(3.125)),
        ("color", json!({ "value": 5, "name": "GREEN" })),
        ("unnamed_value", json!({ "value": 77, "name": null })),
        ("text", json!("hello, world")),
        ("full", json!("full")),
        ("names", json!(["one", "two"])),
        ("raw", json!([1, 2, 3, 254, 255])),
        ("grid", json!([[1, 2, 3], [4, 5, 6]])),
        ("head", json!("0xdead0")),
        ("nothing", json!("0x0")),
        ("node", json!({ "next": "0x1234", "value": 17 })),
        ("lonely", json!({ "x": 8, "y": 9 })),
        ("either", json!(1_078_530_011)),
        ("innermost", json!(12)),
        ("none", json!([])),
    ] {
        assert_eq!(value[field], expected, "{field}");
    }
    let text = show(&dumped, &["--layout", "struct everything"]).ended(0);
    for part in ["GREEN", "hello, world", "0xdead0"] {
        assert!(text.text().contains(part), "{part}: {text:?}");
    }
}

#[test]
fn an_enum_of_rust_says_its_variant() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--edition=2024", "-Cdebuginfo=2", "--crate-name=sample"];
    let Some(program) = compile(folder.path(), "rustc", &arguments, "sample.rs") else { return };
    let Some(dumped) = Dumped::of(&program, |line| line == "ready") else { return };
    let value = &content(&dumped, &["--layout", "sample::shop::Everything"])["value"];
    assert_eq!(
        value["second"],
        json!({ "variant": { "value": 2, "name": "Number" }, "Number": { "__0": 123_456 } })
    );
    assert_eq!(value["none"], json!({ "variant": { "value": 0, "name": "None" } }));
    assert_eq!(value["null"], json!({ "variant": { "value": 0, "name": "None" } }));
    assert_eq!(value["reference"]["variant"]["name"], "Some");
}

#[test]
fn the_program_may_be_named() {
    if !have("strip") || !have("objcopy") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), "gcc", &["-g", "-Wl,--build-id"], "sample.c") else { return };
    let whole = folder.path().join("whole");
    std::fs::copy(&program, &whole).unwrap();
    output(Command::new("strip").arg("--strip-all").arg(&program));
    let Some(dumped) = Dumped::of(&program, |_| true) else { return };
    let types = whole.to_str().unwrap();
    let named = content(&dumped, &["--layout", "point_t[2]", "--at", "4100", "--types", types]);
    assert_eq!(named["value"], json!([{ "x": 0, "y": 0 }, { "x": 1, "y": -1 }]));

    // Where gdb's debug-file-directory would have it.
    let debug = folder.path().join("debug");
    let id = super::separate::build_id(&program);
    let place = debug.join(".build-id").join(&id[..2]);
    std::fs::create_dir_all(&place).unwrap();
    output(
        Command::new("objcopy")
            .arg("--only-keep-debug")
            .arg(&whole)
            .arg(place.join(format!("{}.debug", &id[2..]))),
    );
    let debug = debug.to_str().unwrap();
    let found = content(&dumped, &["--layout", "struct everything", "--debug-file-directory", debug]);
    assert_eq!(found["value"]["text"], "hello, world");

    let run = show(&dumped, &["--layout", "struct everythin", "--types", types]).ended(2);
    assert!(run.err.contains("did you mean `struct everything`?"), "{run:?}");
    let run = show(&dumped, &["--layout", "struct everything", "--types", "/nowhere/at/all"]).ended(2);
    assert!(run.err.contains("/nowhere/at/all: there is no such file"), "{run:?}");
    let none = tempfile::tempdir().unwrap();
    let none = none.path().to_str().unwrap();
    let run = show(&dumped, &["--layout", "struct everything", "--debug-file-directory", none]).ended(2);
    assert!(run.err.contains("it has no debug information") && run.err.contains("--types"), "{run:?}");
}

/// A file of the dump is named where it is missing, without its escapes.
#[test]
fn a_name_with_escapes_is_told_harmlessly() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), "gcc", &["-g"], "sample.c") else { return };
    let hostile = folder.path().join("red\u{1b}[31m");
    std::fs::rename(&program, &hostile).unwrap();
    let Some(dumped) = Dumped::of(&hostile, |_| true) else { return };
    std::fs::remove_file(&hostile).unwrap();
    let run = show(&dumped, &["--layout", "struct everything"]).ended(2);
    assert!(run.err.contains("there is no such file") && run.err.contains("red\\x1b[31m"), "{run:?}");
    assert!(!run.err.contains('\u{1b}') && run.out.is_empty(), "{run:?}");
}
