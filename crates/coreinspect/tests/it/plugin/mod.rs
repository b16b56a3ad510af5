//! The plugins inside the real gdb and lldb, on real cores and living processes.

mod gdb;
mod gdb_live;
mod gdb_manners;
mod install;
mod lldb;
mod subject;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

/// lldb 14 of Debian 12 does not find its own Python module.
const LLDB_MODULES: &str = "/usr/lib/llvm-14/lib/python3.11/dist-packages";

/// The plugin of `debugger` as a file in `folder`.
fn plugin(debugger: &str, folder: &Path) -> PathBuf {
    let text = Run::of(coreinspect().args(["plugin", debugger])).ended(0).out;
    let path = folder.join(format!("coreinspect_{debugger}.py"));
    fs::write(&path, text).unwrap();
    path
}

/// A debugger, without anybody's settings, that runs the built binary.
fn debugger(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let base = coreinspect();
    for (name, _) in base.get_envs() {
        command.env_remove(name);
    }
    command.env("COREINSPECT", base.get_program()).env("HOME", folder).current_dir(folder);
    if program == "lldb" && Path::new(LLDB_MODULES).is_dir() {
        command.env("PYTHONPATH", LLDB_MODULES);
    }
    command.stdin(std::process::Stdio::null());
    command
}

/// A run of gdb with the plugin; `before` are its arguments before the plugin is loaded.
fn gdb(folder: &Path, before: &[&str], commands: &[&str]) -> Run {
    Run::of(&mut gdb_command(folder, before, commands))
}

fn gdb_command(folder: &Path, before: &[&str], commands: &[&str]) -> Command {
    let plugin = plugin("gdb", folder);
    let mut gdb = debugger("gdb", folder);
    gdb.args(["-nx", "-q", "-batch"]).args(before).arg("-x").arg(plugin);
    gdb.args(commands.iter().flat_map(|command| ["-ex", command]));
    gdb
}

/// A run of lldb with the plugin.
fn lldb(folder: &Path, commands: &[&str]) -> Run {
    let plugin = plugin("lldb", folder);
    let mut lldb = debugger("lldb", folder);
    lldb.args(["--no-lldbinit", "-b", "-o", &format!("command script import {}", plugin.display())]);
    lldb.args(commands.iter().flat_map(|command| ["-o", command]));
    Run::of(&mut lldb)
}

/// What stands between two lines of a run's output.
fn between<'r>(run: &'r Run, start: &str, end: &str) -> &'r str {
    let (_, rest) = run.text().split_once(start).unwrap_or_else(|| panic!("no {start:?}: {run:?}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?}: {run:?}")).0
}

/// The command line on the same core, named as a debugger names it.
fn command_line(core: &Core, words: &[&str], columns: Option<&str>) -> Run {
    let mut command = coreinspect();
    command.args(words).current_dir(core.folder());
    command.envs(columns.map(|columns| ("COLUMNS", columns)));
    Run::of(&mut command)
}

fn path(core: &Core) -> String {
    core.path().canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// The table of verbs that the plugin asks for.
fn table() -> Value {
    Run::of(coreinspect().args(["plugin", "--verbs"])).ended(0).document()
}

/// A coreinspect that is none: a script of the shell.
fn imitation(folder: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("imitation");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn the_sources_can_stand_in_raw_literals() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin/coreinspect_plugin");
    let mut files = 0;
    for entry in fs::read_dir(package).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("'''") && !text.contains("@SOURCES@"), "{}", path.display());
            assert!(text.lines().count() <= 400, "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 6);
    assert!(!table().to_string().contains("'''"));
}

#[test]
fn a_printed_plugin_names_no_path_of_this_machine() {
    for debugger in ["gdb", "lldb"] {
        let run = Run::of(coreinspect().args(["plugin", debugger])).ended(0);
        assert!(run.text().contains("\nINSTALLED_BY = None\n"), "{debugger}");
        assert!(!run.text().contains(env!("CARGO_MANIFEST_DIR")), "{debugger}");
    }
}
