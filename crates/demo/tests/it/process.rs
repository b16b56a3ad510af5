//! A place of its own for each test, and processes that do not outlive it.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shmcore::{Key, Segment};
use tempfile::TempDir;

/// A directory, which gives the key. Segment and files go with it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        assert!(place.segment().is_none(), "key {} is taken", place.key());
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn key(&self) -> Key {
        Key::ftok(self.path(), b'x').unwrap()
    }

    pub(crate) fn segment(&self) -> Option<Segment> {
        Segment::open(self.key()).ok()
    }

    /// The demo with these arguments, in the place.
    pub(crate) fn demo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.demo(arguments).output().unwrap()
    }

    /// Starts a writer and waits until it is ready.
    pub(crate) fn writer(&self, arguments: &[&str]) -> Writer {
        let mut command = self.demo(&["writer"]);
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.by_ref().map(Result::unwrap).take_while(|line| line != "READY").collect();
        Writer { child, lines, said }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(segment) = Key::ftok(self.path(), b'x').ok().and_then(|key| Segment::open(key).ok()) {
            let _ = segment.remove();
        }
    }
}

pub(crate) struct Writer {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Writer {
    /// What the writer said of itself before it was ready.
    pub(crate) fn said(&self, what: &str) -> &str {
        let find = |line: &'_ String| line.strip_prefix(what).is_some_and(|rest| rest.starts_with(": "));
        let line =
            self.said.iter().find(|line| find(line)).unwrap_or_else(|| panic!("{what}: {:?}", self.said));
        &line[what.len() + 2..]
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end. The exit status, and what it said since it was ready.
    pub(crate) fn end(&mut self) -> (Option<i32>, Vec<String>) {
        let said = self.lines.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
