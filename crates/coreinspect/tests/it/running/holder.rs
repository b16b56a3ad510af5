//! A process with segments, and what the kernel and the process itself say of them.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::tools::{have, output};

/// The process; it and its folder go with this value, and its segments with it.
pub(super) struct Holder {
    child: Child,
    folder: TempDir,
    /// What it said of each operation.
    pub(super) said: Vec<String>,
}

/// The program, compiled into `folder`; `None` without gcc.
pub(super) fn compile(folder: &Path, flags: &[&str]) -> Option<PathBuf> {
    if !have("gcc") {
        return None;
    }
    let program = folder.join("holder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/running/holder.c");
    let mut gcc = Command::new("gcc");
    gcc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]).args(flags);
    output(gcc.arg("-o").arg(&program).arg(source));
    Some(program)
}

impl Holder {
    pub(super) fn start(operations: &[&str]) -> Option<Self> {
        Self::start_by(&[], &[], operations)
    }

    /// As [`Holder::start`], compiled with `flags` and started by the command `by`, which execs it.
    pub(super) fn start_by(by: &[&str], flags: &[&str], operations: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        // Another user must get there.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let program = compile(folder.path(), flags)?;
        let words = by.iter().map(Path::new).chain([program.as_path()]);
        let words: Vec<_> = words.chain(operations.iter().map(Path::new)).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said: Vec<_> = lines.take_while(|line| line != "ready").collect();
        assert_eq!(said.len(), operations.len(), "it stopped after {said:?}");
        Some(Self { child, folder, said })
    }

    pub(super) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// The shmid that an operation `make` printed.
    pub(super) fn shmid(&self, operation: usize) -> i32 {
        self.said[operation].split(' ').next().unwrap().parse().unwrap()
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A run of coreinspect on it: `words` with `PID` for its number.
    pub(super) fn coreinspect(&self, words: &[&str]) -> Run {
        let words = words.iter().map(|word| word.replace("PID", &self.pid()));
        Run::of(coreinspect().args(words).current_dir(self.folder()))
    }

    /// Writes `text` behind the flag of its first segment.
    pub(super) fn write(&mut self, text: &str) {
        use std::io::Write;
        writeln!(self.child.stdin.as_mut().unwrap(), "{text}").unwrap();
    }

    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The state of each thread, as /proc has it: `R`, `S`, `t`, ...
    pub(super) fn states(&self) -> String {
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{}/task", self.pid())) else { return String::new() };
        let stats = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
        stats.filter_map(|stat| stat.rsplit(") ").next().and_then(|rest| rest.chars().next())).collect()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A row of /proc/sysvipc/shm, by the names of its columns, as `by` (nsenter) prints it.
pub(super) fn row(by: &[&str], shmid: i32) -> HashMap<String, String> {
    let words: Vec<_> = by.iter().copied().chain(["cat", "/proc/sysvipc/shm"]).collect();
    let table = output(Command::new(words[0]).args(&words[1..]));
    let mut lines = table.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    let at = columns.iter().position(|column| column == "shmid").unwrap();
    let row = lines.find(|row| row[at] == shmid.to_string()).unwrap();
    columns.into_iter().zip(row).collect()
}
