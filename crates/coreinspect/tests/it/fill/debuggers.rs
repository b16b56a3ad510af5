//! Debuggers read a filled core, an honest one, and an overlay: on cores that the kernel wrote of two processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::{fill, report};
use crate::program::{Run, coreinspect};
use crate::refs::crashed::Crashed;
use crate::tools::{have, output};

struct Copies {
    crashed: Crashed,
    reader: PathBuf,
    writer: PathBuf,
    base: u64,
}

fn core_in(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cores = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("core"));
    cores.next().unwrap()
}

/// Cores of a reader, of whose segment one of six pages is saved, and of the writer.
fn copies() -> Option<Copies> {
    if !have("gcc") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fill/copies.c");
    let flags = ["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-o", "program"];
    output(Command::new("gcc").args(flags).arg(source).current_dir(folder.path()));
    let crashed = Crashed::in_folder(folder, &[])?;
    let [reader, writer] = ["reader", "writer"].map(|name| core_in(&crashed.folder().join(name)));
    let base = crashed.address("reader");
    Some(Copies { crashed, reader, writer, base })
}

impl Copies {
    fn file(&self, name: &str) -> PathBuf {
        self.crashed.folder().join(name)
    }

    /// What gdb says to `commands`, both kinds of output.
    fn gdb(&self, core: &Path, commands: &[String]) -> String {
        let mut gdb = Command::new("gdb");
        gdb.args(["-nx", "-batch"]).arg(self.file("program")).arg(core);
        for command in commands {
            gdb.args(["-ex", command]);
        }
        let run = Run::from_output("gdb", gdb.output().unwrap());
        format!("{}{}", String::from_utf8_lossy(&run.out), run.err)
    }
}

#[test]
fn gdb_lldb_and_elfutils_read_a_filled_core() {
    let Some(copies) = copies() else { return };
    let new = copies.file("new");
    let told = fill(&copies.reader, &copies.writer, &new, &["--json"]).ended(0).document();
    assert_eq!(
        told["segments"][0]["from"],
        json!([{"source": 0, "matched_by": "key", "bytes": 0x5000}]),
        "{told:#}"
    );
    assert_eq!(told["segments"][0]["conflicts"], json!([]));
    let after = report(&new);
    let segment = &after["segments"][0];
    assert_eq!(
        (&segment["saved"], &segment["filled"], &segment["state"]),
        (&json!(4096), &json!(0x5000), &json!("partial"))
    );
    assert_eq!(after["writer"], "kernel");
    let run = Run::of(coreinspect().args(["show", "--map", "--json"]).arg(&new)).document();
    let map = &run["dumps"][0]["segments"][0]["map"];
    assert_eq!((&map[1]["state"], &map[1]["start"]), (&json!("filled"), &json!(0x1000)), "{map:#}");
    let last = copies.base + 0x5ff0;
    if have("gdb") {
        let said = copies
            .gdb(&new, &[format!("x/s {:#x}", copies.base), format!("x/s {last:#x}"), "bt 1".to_owned()]);
        assert!(said.contains("\"at 000000\"") && said.contains("\"at 005ff0\""), "{said}");
        assert!(said.contains("abort") || said.contains("kill"), "{said}");
    }
    if have("lldb") {
        let read = format!("memory read -f s -c 1 {last:#x}");
        let run = Command::new("lldb")
            .args(["-b", "-c"])
            .arg(&new)
            .arg(copies.file("program"))
            .args(["-o", &read])
            .output();
        let said = String::from_utf8_lossy(&run.unwrap().stdout).into_owned();
        assert!(said.contains("\"at 005ff0\""), "{said}");
    }
    if have("eu-readelf") {
        let said = output(Command::new("eu-readelf").args(["-l", "-n"]).arg(&new));
        assert!(
            said.contains("coreinspect") && said.contains("SIGABRT") || said.contains("sig: 6"),
            "{said}"
        );
    }
    if have("readelf") {
        let loads = crate::live::witness::readelf_loads(&new).unwrap();
        assert!(
            loads.iter().any(|load| load.contains(&(copies.base + 0x1000)) && load.contains(&last)),
            "{loads:x?}"
        );
    }
}

#[test]
fn an_honest_core_has_no_false_zeroes() {
    let Some(copies) = copies() else { return };
    let new = copies.file("honest");
    Run::of(coreinspect().arg("fill").arg(&copies.reader).args(["--honest", "-o"]).arg(&new)).ended(0);
    if have("gdb") {
        let said = copies
            .gdb(&new, &[format!("x/s {:#x}", copies.base), format!("x/s {:#x}", copies.base + 0x1000)]);
        assert!(said.contains("\"at 000000\"") && said.contains("Cannot access memory"), "{said}");
    }
    if have("lldb") {
        let read = format!("memory read -c 16 {:#x}", copies.base + 0x1000);
        let run = Command::new("lldb").args(["-b", "-c"]).arg(&new).args(["-o", &read]).output().unwrap();
        let said = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
        assert!(
            ["failed to read memory", "does not contain"].iter().any(|word| said.contains(word)),
            "{said}"
        );
    }
}

#[test]
fn an_overlay_lays_the_bytes_under_gdb() {
    let Some(copies) = copies() else { return };
    if !have("gdb") {
        return;
    }
    let overlay = copies.file("overlay.elf");
    let mut command = coreinspect();
    command.arg("fill").arg(&copies.reader).arg("--from").arg(&copies.writer).arg("--overlay").arg(&overlay);
    Run::of(&mut command).ended(0);
    let at = copies.base + 0x5ff0;
    let said = copies.gdb(
        &copies.reader,
        &[
            "set confirm off".to_owned(),
            format!("add-symbol-file {}", overlay.display()),
            format!("x/s {at:#x}"),
            format!("x/s {:#x}", copies.base),
            format!("remove-symbol-file {}", overlay.display()),
            format!("x/s {at:#x}"),
        ],
    );
    assert!(said.contains("\"at 005ff0\"") && said.contains("\"at 000000\""), "{said}");
    assert_eq!(said.matches("at 005ff0").count(), 1, "{said}");
}
