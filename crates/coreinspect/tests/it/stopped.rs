//! Processes that are held still: all of their threads, no signal lost, and none left stopped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use coreinspect::internals::proc_files::ProcessFolder;
use coreinspect::internals::stopped::while_stopped;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::tools::{have, output};

struct Counting {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Counting {
    fn start() -> Option<Self> {
        if !have("gcc") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("counting");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stopped/counting.c");
        output(
            Command::new("gcc").args(["-O1", "-Wall", "-Werror", "-pthread", "-o"]).arg(&program).arg(source),
        );
        let mut child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        // The pipe is read to its end later; a line is not more than was asked for here.
        let mut out = BufReader::with_capacity(1, child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        child.stdout = Some(out.into_inner());
        Some(Self { child, _folder: folder })
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The state of each thread, as /proc has it: `R`, `S`, `t`, ...
    fn states(&self) -> Vec<char> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let stats = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("stat")).unwrap());
        stats.map(|stat| stat.rsplit(") ").next().unwrap().chars().next().unwrap()).collect()
    }

    /// Waits until no thread is stopped by a tracer.
    fn runs_on(&self) {
        for _ in 0..1000 {
            if !self.states().contains(&'t') {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{:?}", self.states());
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_thread_stands_still_and_runs_on() {
    let Some(subject) = Counting::start() else { return };
    let folder = ProcessFolder::open(subject.pid()).unwrap();
    let (states, paused) = while_stopped(&[&folder], |threads| {
        assert_eq!(threads.len(), 4);
        subject.states()
    })
    .unwrap();
    assert_eq!(states, ['t'; 4]);
    assert!(paused < Duration::from_secs(2), "{paused:?}");
    subject.runs_on();
}

#[test]
fn work_that_panics_leaves_nothing_stopped() {
    let Some(subject) = Counting::start() else { return };
    let folder = ProcessFolder::open(subject.pid()).unwrap();
    let work = std::panic::AssertUnwindSafe(|| while_stopped(&[&folder], |_| panic!("as planned")));
    assert!(std::panic::catch_unwind(work).is_err());
    subject.runs_on();
}

/// A signal that is about to be delivered when its thread stops must not go with the stop.
#[test]
fn no_signal_is_lost() {
    let Some(mut subject) = Counting::start() else { return };
    let folder = ProcessFolder::open(subject.pid()).unwrap();
    let pid = subject.pid();
    let send = format!("trap end=1 TERM; for ((i = 0; end == 0; i++)); do kill -37 {pid}; done; echo $i");
    let sender = Command::new("bash").args(["-c", &send]).stdout(Stdio::piped()).spawn().unwrap();
    for _ in 0..100 {
        while_stopped(&[&folder], |_| ()).unwrap();
    }
    kill(Pid::from_raw(sender.id().cast_signed()), Signal::SIGTERM).unwrap();
    let sent = String::from_utf8(sender.wait_with_output().unwrap().stdout).unwrap();
    subject.runs_on();
    drop(subject.child.stdin.take());
    let said = std::io::read_to_string(subject.child.stdout.take().unwrap()).unwrap();
    assert_eq!(said, format!("{} 0\n", sent.trim()));
    assert!(sent.trim().parse::<u64>().unwrap() > 100, "{sent}");
}

/// What job control had stopped stays stopped.
#[test]
fn a_process_that_was_stopped_before_stays_so() {
    let Some(subject) = Counting::start() else { return };
    let folder = ProcessFolder::open(subject.pid()).unwrap();
    kill(Pid::from_raw(subject.pid().cast_signed()), Signal::SIGSTOP).unwrap();
    let all = |state| {
        (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            subject.states().iter().all(|known| *known == state)
        })
    };
    assert!(all('T'), "{:?}", subject.states());
    while_stopped(&[&folder], |_| ()).unwrap();
    assert!(all('T'), "{:?}", subject.states());
    kill(Pid::from_raw(subject.pid().cast_signed()), Signal::SIGCONT).unwrap();
    assert!((0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        !subject.states().contains(&'T')
    }));
}

#[test]
fn what_a_debugger_holds_is_left_to_it() {
    if !have("gdb") {
        return;
    }
    let Some(subject) = Counting::start() else { return };
    let pid = subject.pid().to_string();
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-q", "-batch", "-p", &pid, "-ex", "echo held\\n", "-ex", "shell sleep 60"]);
    let mut gdb = gdb.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let held =
        BufReader::new(gdb.stdout.take().unwrap()).lines().map_while(Result::ok).any(|line| line == "held");
    let folder = ProcessFolder::open(subject.pid()).unwrap();
    let error = while_stopped(&[&folder], |_| ()).map(drop);
    let _ = kill(Pid::from_raw(gdb.id().cast_signed()), Signal::SIGKILL);
    let _ = gdb.wait();
    assert!(held);
    let error = error.unwrap_err().to_string();
    assert!(error.contains(&format!("process {} traces it", gdb.id())), "{error}");
    subject.runs_on();
}
