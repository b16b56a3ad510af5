//! A program fills a segment and says what it holds; the header that it was compiled with says the same of its dump.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::tools::have;

/// The program, which ends with this value; its segment goes with it.
struct Writer {
    child: Child,
    /// What it says that the segment holds.
    said: Value,
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Writer {
    fn start(folder: &Path, mode: &str, key: u32) -> Writer {
        crate::tools::pass_shmid_0();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/c_header");
        let mut gcc = Command::new("gcc");
        gcc.args([mode, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-attributes", "-o", "writer"]);
        assert!(gcc.arg(sources.join("queue.c")).current_dir(folder).status().unwrap().success());
        let mut command = Command::new(folder.join("writer"));
        command.arg(format!("{key:x}")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Writer { child, said }
    }

    fn gcore(&self, folder: &TempDir) -> std::path::PathBuf {
        let pid = self.child.id().to_string();
        let mut gcore = Command::new("gcore");
        let output = gcore.arg("-o").arg(folder.path().join("core")).arg(&pid).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        folder.path().join(format!("core.{pid}"))
    }
}

fn shown(core: &Path, layout: &str) -> Run {
    Run::of(coreinspect().arg("show").arg(core).args(["#1", "--json", "--layout", layout]))
}

#[test]
fn a_header_reads_what_its_program_wrote() {
    if !have("gcc") || !have("gcore") {
        return;
    }
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/c_header/queue.h");
    let header = header.to_str().unwrap();
    for mode in ["-m64", "-m32"] {
        let folder = tempfile::tempdir().unwrap();
        let key = 0x5175_0000 | std::process::id() & 0xffff;
        let writer = Writer::start(folder.path(), mode, key);
        let core = writer.gcore(&folder);
        let document = shown(&core, &format!("{header}:struct queue")).ended(0).document();
        let content = &document["dumps"][0]["segments"][0]["content"];
        assert_eq!(content["confidence"], "forced");
        assert_eq!(content["layout"], "queue.h:struct queue");
        // Member by member: a difference in a thousand numbers is hard to see.
        let said = writer.said.as_object().unwrap();
        let value = content["value"].as_object().unwrap();
        assert_eq!(value.keys().collect::<Vec<_>>(), said.keys().collect::<Vec<_>>(), "{mode}");
        said.iter().for_each(|(name, said)| assert_eq!(&value[name], said, "{mode}: {name}"));
        // The one struct that no other holds needs no name.
        let unnamed = shown(&core, header).ended(0).document();
        assert_eq!(unnamed["dumps"][0]["segments"][0]["content"]["value"], content["value"]);

        // What gcc makes of the header, with all of glibc's declarations in it, is read alike.
        let flat = folder.path().join("flat.h");
        let mut gcc = Command::new("gcc");
        assert!(gcc.args([mode, "-E", header, "-o"]).arg(&flat).status().unwrap().success());
        let document = shown(&core, &format!("{}:struct queue", flat.display())).ended(0).document();
        let flat = &document["dumps"][0]["segments"][0]["content"]["value"];
        for (name, said) in said.iter().filter(|(name, _)| *name != "lock") {
            assert_eq!(&flat[name], said, "{mode} -E: {name}");
        }
        // glibc's mutex is not opaque there.
        assert_eq!(flat["lock"]["__data"]["__lock"], 0, "{}", flat["lock"]);
    }
}

#[test]
fn a_wrong_header_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let header = folder.path().join("queue.h");
    fs::write(&header, "struct queue {\n\tstrng name;\n};\n").unwrap();
    let run = shown(Path::new("/dev/null"), header.to_str().unwrap());
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.err.contains("unknown type name `strng`") && run.err.contains("queue.h:2:2"), "{}", run.err);
    let run = shown(Path::new("/dev/null"), "/nowhere/queue.h:struct queue").ended(2);
    assert!(run.err.contains("/nowhere/queue.h: No such file or directory"), "{}", run.err);
    let run = shown(Path::new("/dev/null"), folder.path().join("..h").to_str().unwrap()).ended(2);
    assert!(run.err.contains("No such file"), "{}", run.err);
}

#[test]
fn a_file_beside_the_header_is_read_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("sub")).unwrap();
    fs::write(path("sub/item.h"), "#pragma once\ntypedef struct { int a; } item_t;\n").unwrap();
    fs::write(
        path("queue.h"),
        "#include \"sub/item.h\"\n#include \"sub/item.h\"\nstruct queue { item_t items[2]; };\n",
    )
    .unwrap();
    fs::write(path("sub/up.h"), "#include \"../queue.h\"\n").unwrap();
    let layout =
        |name: &str| coreinspect::internals::debug_files::c_header::layout(&path(name), Some("struct queue"));
    layout("queue.h").unwrap();
    let told = layout("sub/up.h").unwrap_err();
    assert!(told.contains("\"../queue.h\" was not found beside the header"), "{told}");
}
