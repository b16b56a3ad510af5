//! A program of this folder that runs until it is let go, and what was dumped of it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have, output};

/// Compiles `tests/it/locks/SOURCE` to `program` in `folder`; `None` without the compiler.
pub(super) fn compile(folder: &Path, compiler: &str, source: &str, flags: &[&str]) -> Option<()> {
    if !have(compiler) {
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/locks").join(source);
    let mut command = Command::new(compiler);
    command
        .args(["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", "program"])
        .arg(source)
        .args(flags);
    output(command.current_dir(folder));
    Some(())
}

/// A program that has said all it has to say, and waits.
pub(super) struct Dumped {
    folder: TempDir,
    child: Child,
    pub(super) said: HashMap<String, String>,
}

impl Dumped {
    /// Compiles and starts; `None` without a compiler.
    pub(super) fn start(source: &str, flags: &[&str], arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        compile(folder.path(), "gcc", source, flags)?;
        Some(Self::in_folder(folder, arguments))
    }

    pub(super) fn in_folder(folder: TempDir, arguments: &[&str]) -> Self {
        let mut program = Command::new("sh");
        program.args(["-c", "ulimit -c unlimited && exec ./program \"$@\"", "sh"]).args(arguments);
        let mut child =
            program.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = HashMap::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        for line in lines.by_ref().take_while(|line| line != "ready") {
            let (name, value) = line.split_once(' ').unwrap();
            said.insert(name.to_owned(), value.to_owned());
        }
        assert!(!said.is_empty());
        Self { folder, child, said }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A number that it said.
    pub(super) fn number(&self, name: &str) -> u64 {
        let said = self.said.get(name).unwrap_or_else(|| panic!("{name} is not in {:?}", self.said));
        said.strip_prefix("0x").map_or_else(|| said.parse(), |hex| u64::from_str_radix(hex, 16)).unwrap()
    }

    /// A core of process `pid` by gcore; `None` without it.
    pub(super) fn gcore(&self, pid: u64, name: &str) -> Option<PathBuf> {
        if !have("gcore") {
            return None;
        }
        let path = self.folder().join(name);
        let mut gcore = Command::new("gcore");
        gcore.arg("-o").arg(&path).arg(pid.to_string());
        assert!(gcore.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
        Some(path.with_file_name(format!("{name}.{pid}")))
    }

    /// Kills process `pid`, whose core the kernel writes; `None` where it writes none. `name` is what the core is called then.
    pub(super) fn killed(&mut self, pid: u64, name: &str) -> Option<PathBuf> {
        if !cores_are_plain() {
            return None;
        }
        output(Command::new("kill").args(["-ABRT", &pid.to_string()]));
        let path = self.folder().join(name);
        for _ in 0..2000 {
            if pid == u64::from(self.pid()) && self.child.try_wait().unwrap().is_some() {
                break;
            }
            let gone = std::fs::read(format!("/proc/{pid}/stat"))
                .map_or(true, |stat| stat.windows(3).any(|at| at == b") Z"));
            if gone {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let files = std::fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path());
        let mut cores = files.filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("core"));
        std::fs::rename(cores.next()?, &path).unwrap();
        Some(path)
    }
}

impl Drop for Dumped {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.child.wait();
        for (flag, name) in [("-s", "semid"), ("-q", "msqid")] {
            if let Some(id) = self.said.get(name) {
                // It has removed them itself if it could.
                let _ = Command::new("ipcrm").args([flag, id]).stderr(Stdio::null()).status();
            }
        }
    }
}

/// What `locks` says of these dumps.
pub(super) fn locks(paths: &[&Path], flags: &[&str]) -> Value {
    let run = Run::of(coreinspect().arg("locks").args(paths).args(flags).arg("--json"));
    assert_eq!(run.status, 0, "{run:?}");
    let document = run.document();
    crate::schema::is_in_the_schema("locks", &document);
    document
}

/// The lock at `offset`.
pub(super) fn at(document: &Value, offset: u64) -> Value {
    let all = document["locks"].as_array().unwrap();
    let found: Vec<_> = all.iter().filter(|lock| lock["offset"] == offset).collect();
    assert_eq!(found.len(), 1, "at {offset:#x}: {document:#}");
    found[0].clone()
}
