//! A C program that ends itself, and the core that the kernel writes of it.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have, output};

/// The program's folder, which goes with this value, and what it said: a name and a value a line.
pub(crate) struct Crashed {
    folder: TempDir,
    pub(crate) said: HashMap<String, String>,
}

/// Compiles `tests/it/refs/SOURCE` to `NAME` in `folder`; `None` without gcc.
pub(crate) fn compile(folder: &Path, source: &str, name: &str, flags: &[&str]) -> Option<()> {
    if !have("gcc") {
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/refs").join(source);
    let mut gcc = Command::new("gcc");
    gcc.args(["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", name]).arg(source).args(flags);
    output(gcc.current_dir(folder));
    Some(())
}

impl Crashed {
    /// Compiles and runs; `None` where there is no gcc, or the kernel writes no `core` here.
    pub(crate) fn of(source: &str, flags: &[&str], arguments: &[&str]) -> Option<Crashed> {
        let folder = tempfile::tempdir().unwrap();
        compile(folder.path(), source, "program", flags)?;
        Crashed::in_folder(folder, arguments)
    }

    /// Runs `program` in `folder`.
    pub(crate) fn in_folder(folder: TempDir, arguments: &[&str]) -> Option<Crashed> {
        if !cores_are_plain() {
            return None;
        }
        let mut program = Command::new("sh");
        let unlimited = "ulimit -c unlimited && exec ./program \"$@\"";
        program.args(["-c", unlimited, "sh"]).args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        let run = program.output().unwrap();
        let complaint = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.core_dumped(), "{arguments:?}: {} {complaint}", run.status);
        let said = String::from_utf8(run.stdout).unwrap();
        let said = said.lines().filter_map(|line| line.split_once(' '));
        let said = said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Crashed { folder, said })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn core(&self) -> PathBuf {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        // kernel.core_uses_pid adds the number to the name.
        files
            .into_iter()
            .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("core"))
            .unwrap()
    }

    /// An address that it said.
    pub(crate) fn address(&self, name: &str) -> u64 {
        let said = self.said.get(name).unwrap_or_else(|| panic!("{name} is not in {:?}", self.said));
        u64::from_str_radix(said.trim_start_matches("0x"), 16).unwrap()
    }

    /// The report of its core.
    pub(crate) fn dump(&self, flags: &[&str]) -> Value {
        Run::of(coreinspect().arg(self.core()).arg("--json").args(flags)).document()["dumps"][0].take()
    }
}
