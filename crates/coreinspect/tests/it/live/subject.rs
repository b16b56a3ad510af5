//! A process to be dumped, and the dumps of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::dump::{Dump, Process};
use super::segment::Segment;
use super::witness;
use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have};

/// The process. It ends with this value, and its folder goes.
pub(crate) struct Subject {
    child: Child,
    orders: Option<ChildStdin>,
    folder: TempDir,
    /// What it said of each operation.
    said: Vec<String>,
}

impl Subject {
    /// A process that does `operations`; `None` where it cannot be compiled.
    pub(crate) fn start(operations: &[String]) -> Option<Subject> {
        if !have("gcc") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/live/subject.c");
        let mut gcc = Command::new("gcc");
        let compiled = gcc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", "subject"]);
        assert!(compiled.arg(source).current_dir(folder.path()).status().unwrap().success());

        let mut command = Command::new("./subject");
        command.args(operations).current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let orders = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut subject = Subject { child, orders, folder, said: vec![] };
        subject.said.extend(lines.take_while(|line| line != "ready"));
        assert_eq!(subject.said.len(), operations.len(), "it stopped after {:?}", subject.said);
        Some(subject)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said of its first operation: an address, a shmid.
    pub(crate) fn first_answer(&self) -> &str {
        &self.said[0]
    }

    pub(crate) fn set_filter(&self, filter: &str) {
        fs::write(format!("/proc/{}/coredump_filter", self.pid()), filter).unwrap();
    }

    /// What `check` says that a dump made now would keep.
    pub(crate) fn check(&self) -> Value {
        Run::of(coreinspect().args(["check", "--json", &self.pid().to_string()])).document()
    }

    /// Sets RLIMIT_CORE, in bytes.
    pub(crate) fn set_limit(&self, limit: u64) {
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &self.pid().to_string(), &format!("--core={limit}:")]);
        assert!(prlimit.status().unwrap().success());
    }

    /// What is true of it now.
    fn process(&self) -> Process {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let threads = threads.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap());
        Process { pid: self.pid(), threads: threads.collect(), rows: witness::maps(self.pid()) }
    }

    /// The dump that gcore writes of it; `None` without gcore.
    pub(crate) fn gcore(&self, segments: &[&Segment]) -> Option<Dump> {
        self.gcore_with(&[], segments)
    }

    pub(crate) fn gcore_with(&self, flags: &[&str], segments: &[&Segment]) -> Option<Dump> {
        if !have("gcore") {
            return None;
        }
        let process = self.process();
        let bytes = segments.iter().map(|segment| segment.bytes()).collect();
        let forecast = flags.is_empty().then(|| self.check());
        let mut gcore = Command::new("gcore");
        gcore.args(flags).args(["-o", "gcore", &self.pid().to_string()]).current_dir(self.folder.path());
        let output = gcore.stdin(Stdio::null()).env_remove("DEBUGINFOD_URLS").output().unwrap();
        assert!(output.status.success(), "gcore: {}", String::from_utf8_lossy(&output.stderr));
        let path = self.folder.path().join(format!("gcore.{}", self.pid()));
        Some(Dump { path, writer: "gcore", signal: None, process, bytes, forecast })
    }

    /// The dump that the kernel writes when it is aborted; `None` where the kernel writes no `core` here.
    pub(crate) fn abort(&mut self, segments: &[&Segment]) -> Option<Dump> {
        self.die(segments, Signal::SIGABRT, |subject| {
            kill(Pid::from_raw(subject.pid().cast_signed()), Signal::SIGABRT).unwrap();
        })
    }

    /// The dump that the kernel writes when its second thread writes at `offset` of its first attachment.
    pub(crate) fn fault(&mut self, segments: &[&Segment], offset: usize) -> Option<Dump> {
        self.die(segments, Signal::SIGSEGV, |subject| {
            writeln!(subject.orders.as_ref().unwrap(), "{offset}").unwrap();
        })
    }

    /// Aborts it where RLIMIT_CORE may cut its core: where that is, or `None` if the kernel wrote none. The outer `None`: the
    /// kernel writes no `core` here.
    pub(crate) fn abort_within_limit(&mut self) -> Option<Option<PathBuf>> {
        if !cores_are_plain() {
            return None;
        }
        kill(Pid::from_raw(self.pid().cast_signed()), Signal::SIGABRT).unwrap();
        self.child.wait().unwrap();
        Some(Some(self.core()).filter(|core| core.exists()))
    }

    fn die(&mut self, segments: &[&Segment], signal: Signal, kill: impl Fn(&Subject)) -> Option<Dump> {
        if !cores_are_plain() {
            return None;
        }
        let process = self.process();
        let bytes = segments.iter().map(|segment| segment.bytes()).collect();
        let forecast = Some(self.check());
        kill(self);
        let status = self.child.wait().unwrap();
        let core_dumped = std::os::unix::process::ExitStatusExt::core_dumped(&status);
        assert!(core_dumped, "{status}");
        Some(Dump { path: self.core(), writer: "kernel", signal: Some(signal), process, bytes, forecast })
    }

    /// The kernel's core: kernel.core_uses_pid adds the number to the name.
    fn core(&self) -> PathBuf {
        let core = self.folder.path().join("core");
        if core.exists() { core } else { core.with_extension(self.pid().to_string()) }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
