//! What the command line promises: the exit status, the line on standard error, the document, how dumps are named.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Run {
    Run::of(coreinspect().args(arguments))
}

/// The run of `arguments` in `folder`.
fn run_in(folder: &Path, arguments: &[&str]) -> Run {
    Run::of(coreinspect().args(arguments).current_dir(folder))
}

#[test]
fn status_0_says_nothing_on_standard_error() {
    let core = Core::unpack("writer.kernel");
    for format in ["table", "json", "jsonl"] {
        let run = run_in(core.folder(), &["core", "--format", format]).ended(0);
        assert_eq!(run.err, "");
        assert!(run.text().contains(core.key()));
    }
}

#[test]
fn status_1_is_a_dump_without_segments() {
    let core = Core::unpack("nosegment.kernel");
    for format in ["table", "json", "jsonl"] {
        let run = run_in(core.folder(), &["core", "--format", format]).ended(1);
        assert_eq!(
            run.err,
            "coreinspect: core: no System V segment; 2 POSIX mappings in /dev/shm are there (--kind posix shows them)\n"
        );
    }
    let document = run_in(core.folder(), &["core", "--json"]).document();
    assert_eq!(document["dumps"][0]["segments"], json!([]));
    assert_eq!(document["dumps"][0]["error"], json!(null));
    assert_eq!(run_in(core.folder(), &["core", "-q"]).ended(1).text(), "");
}

#[test]
fn status_2_prints_the_document_with_the_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text"), "no dump\n").unwrap();
    for (name, code) in [("missing", "open"), ("text", "not-a-core"), (".", "open")] {
        let run = run_in(folder.path(), &["--json", name]).ended(2);
        let document = run.document();
        let dump = &document["dumps"][0];
        assert_eq!(dump["path"], name);
        assert_eq!(dump["segments"], json!([]));
        assert_eq!(dump["error"]["code"], code);
        let message = dump["error"]["message"].as_str().unwrap();
        assert_eq!(run.err, format!("coreinspect: {name}: {message}\n"));
        assert_eq!(run_in(folder.path(), &[name]).ended(2).err, run.err);

        let line = run_in(folder.path(), &["--format", "jsonl", name]).ended(2);
        assert_eq!(line.lines().len(), 1);
        assert_eq!(
            (&line.document()["schema"], &line.document()["error"]),
            (&json!("coreinspect/1"), &dump["error"])
        );

        let show = run_in(folder.path(), &["show", "--json", name]).ended(2);
        assert_eq!(show.document(), document);
    }
}

/// What cannot be parsed, with a word that the complaint must name.
const WRONG_USAGE: &[(&[&str], &str)] = &[
    (&["--nonsense", "core"], "--nonsense"),
    (&["--format", "xml", "core"], "xml"),
    (&["--json", "--format", "table", "core"], "--format"),
    (&["--columns", "key,colour", "core"], "colour"),
    (&["--layout", "attic", "core"], "attic"),
    (&["--expect", "colour=red", "core"], "colour"),
    (&["--quiet", "--verbose", "core"], "--verbose"),
    (&["extract", "core"], "SEGMENT"),
    (&["extract", "core", "coffee"], "coffee"),
    (&["show", "core", "#x"], "#x"),
    (&["show", "core", "--at", "12kB"], "12kB"),
    (&["show", "core", "--at", "-1"], "-1"),
    (&["key"], "KEY"),
    (&["key", "coffee"], "coffee"),
    (&["key", "--path", ".", "--id", "256"], "256"),
    (&["key", "1", "--path", "."], "--path"),
];

#[test]
fn wrong_usage_is_status_2_without_a_document() {
    let core = Core::unpack("writer.kernel");
    for (arguments, word) in WRONG_USAGE {
        for json in [&[] as &[&str], &["--json"]] {
            if !json.is_empty() && arguments.contains(&"--format") {
                continue;
            }
            let run = run_in(core.folder(), &[arguments, json].concat());
            assert_eq!((run.status, run.text()), (2, ""), "{arguments:?}");
            assert!(run.err.contains(word), "{arguments:?} is answered by {}", run.err);
        }
    }
    let run = run_in(core.folder(), &[]).ended(2);
    assert!(run.text().is_empty() && run.err.contains("coreinspect core"), "{run:?}");
}

/// "Every status but 0 puts one line on standard error that says why."
#[test]
fn wrong_usage_is_told_in_one_line() {
    let core = Core::unpack("writer.kernel");
    for (arguments, _) in WRONG_USAGE {
        run_in(core.folder(), arguments).ended(2);
    }
}

#[test]
fn one_bad_file_does_not_hide_the_others_and_the_worst_status_wins() {
    let (good, none) = (Core::unpack("writer.kernel"), Core::unpack("nosegment.kernel"));
    let missing = good.folder().join("missing");
    let (good, none) = (good.path(), none.path());
    for (dumps, status, reasons) in [
        (vec![&good, &good], 0, 0),
        (vec![&good, &none], 1, 1),
        (vec![&none, &good], 1, 1),
        (vec![&good, &missing, &good], 2, 1),
        (vec![&missing, &none, &good], 2, 2),
        (vec![&missing, &missing], 2, 2),
    ] {
        let run = run(&dumps);
        assert_eq!((run.status, run.reasons().len()), (status, reasons), "{run:?}");
        let shown = run.text().matches(": x86_64 core of ").count();
        assert_eq!(shown, dumps.iter().filter(|dump| **dump != &missing).count(), "{}", run.text());

        let document = Run::of(coreinspect().arg("--json").args(&dumps)).document();
        let paths: Vec<_> =
            document["dumps"].as_array().unwrap().iter().map(|dump| dump["path"].as_str().unwrap()).collect();
        assert_eq!(paths, dumps.iter().map(|dump| dump.to_str().unwrap()).collect::<Vec<_>>());

        let lines = Run::of(coreinspect().args(["--format", "jsonl"]).args(&dumps));
        assert_eq!(lines.status, status);
        let lines: Vec<Value> =
            lines.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        for (mut line, dump) in lines.into_iter().zip(document["dumps"].as_array().unwrap()) {
            assert_eq!(line.as_object_mut().unwrap().remove("schema"), Some(json!("coreinspect/1")));
            assert_eq!(line, *dump);
        }
    }
}

#[test]
fn a_dump_may_be_named_as_the_debuggers_name_it() {
    let core = Core::unpack("writer.kernel");
    let program = std::env::current_exe().unwrap();
    symlink(&program, core.folder().join("writer")).unwrap();
    for format in ["table", "json", "jsonl"] {
        let said = |arguments: &[&str]| {
            let run = run_in(core.folder(), &[&["--format", format], arguments].concat()).ended(0);
            // The program is another build than the one that was dumped.
            let other_build = |line: &&str| line.contains("types and symbols of it may be wrong");
            assert_eq!(run.err.lines().any(|line| other_build(&line)), format == "table", "{run:?}");
            if format == "table" {
                return serde_json::Value::from(run.text());
            }
            let mut document = serde_json::from_str::<serde_json::Value>(run.text()).unwrap();
            let dump = if format == "json" { &mut document["dumps"][0] } else { &mut document };
            let warnings = dump["warnings"].as_array_mut().unwrap();
            warnings.retain(|warning| warning["code"] != "other-build");
            document
        };
        let plain = run_in(core.folder(), &["--format", format, "core"]).ended(0);
        assert_eq!(run_in(core.folder(), &["--format", format, "-c", "core"]), plain);
        assert_eq!(run_in(core.folder(), &["--format", format, "--core", "core"]), plain);
        assert_eq!(run_in(core.folder(), &["--format", format, "--core=core"]), plain);
        let plain: serde_json::Value = match format {
            "table" => plain.text().into(),
            _ => serde_json::from_str(plain.text()).unwrap(),
        };
        for named in [&["writer", "core"] as &[_], &["writer", "-c", "core"], &["-c", "core", "writer"]] {
            assert_eq!(said(named), plain, "{named:?}");
        }
    }
    let two = run_in(core.folder(), &["--json", "writer", "core", "core"]).document();
    assert_eq!(two["dumps"].as_array().unwrap().len(), 2, "the program is of the dump that follows");
    let alone = run_in(core.folder(), &["writer"]).ended(2);
    assert!(alone.err.contains("program") && alone.err.contains("-c CORE"), "{}", alone.err);
}

/// A command's name comes first; a dump that is called like one is named by a path.
#[test]
fn a_dump_may_be_called_like_a_command() {
    let core = Core::unpack("writer.kernel");
    for name in ["show", "extract", "key", "--json", "-q", "#1", "0x7700e067"] {
        fs::copy(core.path(), core.folder().join(name)).unwrap();
        let path = format!("./{name}");
        let run = run_in(core.folder(), &[&path]).ended(0);
        assert!(run.text().starts_with(&format!("{path}: ")), "{}", run.text());
        let found = run_in(core.folder(), &["show", &path]).ended(0);
        assert!(found.text().contains(core.key()));
    }
    let run = run_in(core.folder(), &["--", "--json"]).ended(0);
    assert!(run.text().starts_with("--json: "), "{}", run.text());
}

#[test]
fn a_path_need_not_be_utf_8() {
    let core = Core::unpack("writer.kernel");
    let name = OsString::from(OsStr::from_bytes(b"c\xf6re \xff"));
    fs::rename(core.path(), core.folder().join(&name)).unwrap();
    let run = |arguments: &[&OsStr]| Run::of(coreinspect().args(arguments).current_dir(core.folder()));
    let dump = &run(&[&name, OsStr::new("--json")]).ended(0).document()["dumps"][0];
    assert_eq!(
        (&dump["path"], &dump["path_hex"]),
        (&json!("c\\xf6re \\xff"), &json!("63f672652 0ff".replace(' ', "")))
    );
    assert!(run(&[&name]).ended(0).text().starts_with("c\\xf6re \\xff: "));
    run(&[OsStr::new("show"), &name, OsStr::new("#1")]).ended(0);
    run(&[OsStr::new("extract"), &name, OsStr::new("1"), OsStr::new("-o"), OsStr::from_bytes(b"\xfe")])
        .ended(0);
    assert!(core.folder().join(OsStr::from_bytes(b"\xfe")).is_file());
}

#[test]
fn a_path_on_standard_error_need_not_be_utf_8() {
    for command in [&[] as &[&str], &["show"]] {
        let run = Run::of(coreinspect().args(command).arg(OsStr::from_bytes(b"no \xfd"))).ended(2);
        assert!(run.err.contains("no \\xfd: cannot open it"), "{run:?}");
    }
}

/// Standard input is a dump's bytes; `-` names it.
#[test]
fn standard_input_is_named_by_a_dash() {
    let core = Core::unpack("writer.kernel");
    let bytes = core.bytes();
    let fed = |arguments: &[&str]| Run::fed(coreinspect().args(arguments), &bytes).ended(0);
    let mut document = fed(&["-", "--json"]).document();
    document["dumps"][0]["path"] = json!("core");
    assert_eq!(document, run_in(core.folder(), &["core", "--json"]).document());
    assert_eq!(fed(&["show", "-"]), run_in(core.folder(), &["show", "core"]));
    assert_eq!(
        fed(&["extract", "-", "1", "-o", "-"]),
        run_in(core.folder(), &["extract", "core", "1", "-o", "-"])
    );
    let text = Run::fed(coreinspect().arg("-"), b"no dump\n").ended(2);
    assert!(text.err.contains("-: a text file"), "{text:?}");
    let nothing = Run::of(coreinspect().arg("-")).ended(2);
    assert!(nothing.err.contains("-: an empty file"), "{nothing:?}");
}
