//! A program that a test starts, in an IPC namespace of its own, and the dumps of it.
//!
//! In the namespace a key that its program always uses collides with nobody's, and every segment goes with the last
//! process, however the test ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have, missing};

use super::running::gcore;

/// A folder for the files of a program, and how to start it there.
pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    /// `None` where one of `tools` is missing, or an IPC namespace cannot be made.
    pub(crate) fn with(tools: &[&str]) -> Option<Stage> {
        let mut tools = tools.iter().chain(&["unshare", "ipcmk", "gcore"]);
        if !tools.all(|tool| have(tool)) || !can_unshare() {
            return None;
        }
        Some(Stage { folder: tempfile::tempdir().unwrap() })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Compiles `source` of tests/it/software to the program `name`, by gcc or g++.
    pub(crate) fn compile(&self, compiler: &str, source: &str, name: &str, flags: &[&str]) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/software").join(source);
        let mut command = Command::new(compiler);
        command.args(["-O1", "-Wall", "-Werror", "-o", name]).arg(source).args(flags);
        let output = command.current_dir(self.folder()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The command that runs `program` in the folder and in a namespace of its own.
    ///
    /// gcore drops the name of the segment with shmid 0, the first of a namespace: one byte takes that number.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("unshare");
        if !nix::unistd::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args([
            "--ipc",
            "sh",
            "-c",
            "ipcmk --shmem 1 > ipcmk && exec prlimit --core=unlimited \"$@\"",
            "sh",
            program,
        ]);
        command.current_dir(self.folder());
        command
    }

    /// A command that runs `program` in the namespace of `running`, to ask it.
    pub(crate) fn beside(&self, running: &Staged, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &running.pid().to_string(), "--ipc", program]).current_dir(self.folder());
        command
    }
}

fn can_unshare() -> bool {
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let can = command.args(["--ipc", "true"]).stderr(Stdio::null()).status().unwrap().success();
    can || missing("the right to make an IPC namespace")
}

/// A program that runs. It ends with this value.
pub(crate) struct Staged<'a> {
    child: Child,
    stage: &'a Stage,
    /// Its standard input stays open as long as this.
    pub(crate) input: Option<ChildStdin>,
    /// The rest of its standard output.
    pub(crate) output: BufReader<ChildStdout>,
    /// The lines that it printed so far.
    pub(crate) said: Vec<String>,
}

impl<'a> Staged<'a> {
    /// Starts `command`, and waits for its line `ready`.
    pub(crate) fn until_ready(stage: &'a Stage, command: &mut Command) -> Staged<'a> {
        let mut running = Staged::start(stage, command);
        running.wait_for("ready");
        running
    }

    pub(crate) fn start(stage: &'a Stage, command: &mut Command) -> Staged<'a> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Staged { child, stage, input, output, said: vec![] }
    }

    /// Waits until it prints `line`; what it prints before that is what it said.
    pub(crate) fn wait_for(&mut self, line: &str) {
        while self.line() != line {}
        self.said.pop();
    }

    /// Its next line.
    pub(crate) fn line(&mut self) -> &str {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).unwrap();
        assert!(length > 0, "it ended after {:?}", self.said);
        self.said.push(line.trim_end().to_owned());
        &self.said[self.said.len() - 1]
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The dump that gcore writes of it.
    pub(crate) fn gcore(&self) -> PathBuf {
        gcore(self.pid(), self.stage.folder()).unwrap()
    }

    /// The dump that the kernel writes when it is aborted; `None` where the kernel writes no `core` here.
    pub(crate) fn abort(mut self) -> Option<PathBuf> {
        if !cores_are_plain() {
            return None;
        }
        kill(Pid::from_raw(self.pid().cast_signed()), Signal::SIGABRT).unwrap();
        let status = self.child.wait().unwrap();
        assert!(std::os::unix::process::ExitStatusExt::core_dumped(&status), "{status}");
        let core = self.stage.folder().join("core");
        Some(if core.exists() { core } else { core.with_extension(self.pid().to_string()) })
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the analyzer says of every segment of a dump.
pub(crate) fn segments(dump: &Path, arguments: &[&str]) -> Vec<Value> {
    let run = Run::of(coreinspect().arg("--json").args(arguments).arg(dump)).ended(0);
    let mut document = run.document();
    let Value::Array(segments) = document["dumps"][0]["segments"].take() else { panic!("{document}") };
    segments
}

/// What the analyzer says that the segment of `key` holds.
pub(crate) fn content(dump: &Path, key: &str) -> Value {
    content_with(dump, key, &[])
}

/// The same with more arguments.
pub(crate) fn content_with(dump: &Path, key: &str, arguments: &[&str]) -> Value {
    let mut segments = segments(dump, arguments);
    let found = segments.iter_mut().find(|segment| segment["key"] == key);
    found.unwrap_or_else(|| panic!("no segment {key}"))["content"].take()
}
