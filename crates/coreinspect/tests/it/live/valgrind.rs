//! A core that valgrind writes here and now.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use coreinspect::position::Address;
use coreinspect::source::MappedFile;
use coreinspect::targets;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use crate::program::{Run, coreinspect};
use crate::tools::have;

/// Ended with this value; its segments are in an IPC namespace of its own and go with it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All segments are whole and have no name; what is said of the dump says so.
#[test]
fn valgrind_saves_segments_without_their_names() {
    if !["gcc", "valgrind", "unshare"].into_iter().all(have) {
        return;
    }
    if !Uid::effective().is_root() {
        return println!("skipped: an IPC namespace of one's own is root's to make");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/programs/segments.c");
    let mut gcc = Command::new("gcc");
    gcc.args(["-O1", "-nostdlib", "-static", "-o", "segments"]).arg(source).current_dir(folder.path());
    assert!(gcc.status().unwrap().success());
    let script = "ulimit -c unlimited; exec unshare --ipc valgrind -q ./segments";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Ended(shell.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let pid = child.0.id();
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let starts: Vec<u64> = maps
        .lines()
        .filter(|line| line.contains("/SYSV"))
        .map(|line| u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap())
        .collect();
    assert_eq!(starts.len(), 4, "{maps}");
    kill(Pid::from_raw(pid as i32), Signal::SIGSEGV).unwrap();
    child.0.wait().unwrap();
    let core = folder.path().join(format!("vgcore.{pid}"));
    let end = Instant::now() + Duration::from_secs(10);
    while !core.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }

    let run = Run::of(coreinspect().arg(&core).arg("--json")).ended(1);
    let dump = run.document()["dumps"][0].take();
    assert_eq!(
        (&dump["writer"], &dump["process"]["signal"]["name"]),
        (&"valgrind".into(), &"SIGSEGV".into())
    );
    assert!(run.reasons()[0].contains("valgrind saves the bytes of segments without their names"), "{run:?}");
    let file = MappedFile::open(&core).unwrap();
    let target = targets::open(Arc::new(file)).unwrap();
    let mut texts: Vec<_> = starts
        .iter()
        .map(|start| {
            let mut bytes = [0; 32];
            assert_eq!(target.read(Address::new(*start), &mut bytes).unwrap(), bytes.len());
            let text = bytes.iter().skip(1).take_while(|byte| **byte != 0).copied().collect();
            String::from_utf8(text).unwrap()
        })
        .collect();
    texts.sort();
    assert_eq!(texts, ["not to be dumped", "private", "read and write", "read only"]);
}
