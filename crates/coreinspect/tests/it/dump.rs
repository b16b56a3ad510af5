//! `coreinspect dump`: what it saves of a running process, what that costs the process, and who can read it.

mod manners;
mod readers;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::live::hugepages::HugePages;
use crate::live::segment::{PAGE, Segment};
use crate::live::subject::Subject;
use crate::program::{Run, coreinspect};

/// A core that `dump` wrote, and its folder.
struct Dumped {
    folder: TempDir,
    run: Run,
}

impl Dumped {
    fn of(pid: u32, flags: &[&str]) -> Dumped {
        let folder = tempfile::tempdir().unwrap();
        let pid = pid.to_string();
        let run = Run::of(coreinspect().args(["dump", &pid, "-o", "core"]).args(flags).current_dir(&folder));
        Dumped { folder, run }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("core")
    }

    /// What coreinspect says of it.
    fn document(&self) -> Value {
        Run::of(coreinspect().arg("--json").arg(self.path())).ended(0).document()["dumps"][0].take()
    }

    /// The bytes of a segment, as `extract` has them.
    fn bytes(&self, place: &str) -> Vec<u8> {
        let run = Run::of(coreinspect().arg("extract").arg(self.path()).args([place, "-o", "-"]));
        assert_eq!((run.status, run.err.as_str()), (0, ""));
        run.out
    }
}

/// Whether the tests run with the rights that map_files takes.
fn is_root() -> bool {
    nix::unistd::geteuid().is_root() || crate::tools::missing("root")
}

/// A field of /proc/PID/status in kB.
fn kilobytes(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What ipcs(1) of util-linux says of a segment: column of `ipcs -m -i`.
fn ipcs(shmid: i32) -> String {
    let output = Command::new("ipcs").args(["-m", "-i", &shmid.to_string()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_the_kernel_knows_of_a_segment_is_read_back() {
    let segment = Segment::of_size(5000);
    let Some(subject) = Subject::start(&[segment.attach(), segment.attach_read_only()]) else { return };
    let told = ipcs(segment.shmid());
    let dumped = Dumped::of(subject.pid(), &["--json"]);
    let document = dumped.document();
    assert_eq!(document["writer"], "coreinspect");
    assert_eq!(document["process"]["pid"], subject.pid());
    assert_eq!(document["segments"].as_array().unwrap().len(), 1);
    let read = &document["segments"][0];
    assert_eq!(read["key"], segment.key());
    assert_eq!(read["found_by"], "device");
    let number = |name: &str| {
        let at = told.find(&format!("{name}=")).unwrap_or_else(|| panic!("{name}: {told}"));
        let digits = told[at + name.len() + 1..].split(|char: char| !char.is_ascii_digit()).next().unwrap();
        digits.parse::<u64>().unwrap()
    };
    assert_eq!(read["shmid"], segment.shmid());
    assert_eq!((number("bytes"), read["size"].as_u64()), (5000, Some(5000)));
    for (field, ipcs) in [("nattch", "nattch"), ("cpid", "cpid"), ("lpid", "lpid"), ("owner", "uid")] {
        assert_eq!(read[field], number(ipcs), "{field}: {told}");
    }
    assert_eq!(read["perms"], "0600");
    assert!(read["attached"].as_u64() >= read["changed"].as_u64() && read["changed"].is_u64(), "{read}");
    assert_eq!((&read["state"], &read["causes"]), (&json!("whole"), &json!([])));
    assert_eq!(dumped.bytes(&segment.key()), segment.bytes());
    let written = dumped.run.document();
    assert_eq!((&written["mappings"], &written["saved"]), (&json!(2), &json!(4 * PAGE)));
    if is_root() {
        assert_eq!(written["read"], 2 * PAGE, "a segment that is attached twice is read once");
    }
}

/// gcore and the kernel would make all of it resident, and write all of it.
#[test]
fn a_sparse_segment_stays_sparse() {
    if !is_root() {
        return;
    }
    let segment = Segment::sparse(2 << 30);
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let resident = kilobytes(subject.pid(), "RssShmem");
    let start = std::time::Instant::now();
    let dumped = Dumped::of(subject.pid(), &["--json"]);
    println!("2 GiB with two pages: {:?}", start.elapsed());
    assert_eq!(kilobytes(subject.pid(), "RssShmem"), resident);
    assert_eq!(ipcs_pages(segment.shmid()), 2);
    let file = fs::metadata(dumped.path()).unwrap();
    assert!(file.len() > 2 << 30 && file.blocks() * 512 < 1 << 20, "{} {}", file.len(), file.blocks());
    assert_eq!(file.mode() & 0o777, 0o600);
    assert_eq!(dumped.run.document()["read"], 2 * PAGE);
    let document = dumped.document();
    assert_eq!(
        (&document["segments"][0]["saved"], &document["complete"]),
        (&json!(2_u64 << 30), &json!(true))
    );
    let path = dumped.path();
    let length = PAGE.to_string();
    for at in [0, (2 << 30) - PAGE] {
        let (at, key) = (at.to_string(), segment.key());
        let words = ["-o", "-", "--at", &at, "--length", &length];
        let part = Run::of(coreinspect().arg("extract").arg(&path).arg(&key).args(words));
        assert!(part.status == 0 && part.out.len() == PAGE && part.out[100] != 0, "{part:?}");
    }
}

/// The pages of a segment that are resident, by the kernel's own count.
fn ipcs_pages(shmid: i32) -> u64 {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let column = table.lines().next().unwrap().split_whitespace().position(|name| name == "rss").unwrap();
    let row = table.lines().find(|line| line.split_whitespace().nth(1) == Some(&shmid.to_string())).unwrap();
    row.split_whitespace().nth(column).unwrap().parse::<u64>().unwrap() / PAGE as u64
}

/// What no kernel core holds by default, and what gcore leaves out.
#[test]
fn what_other_dumpers_leave_out_is_saved() {
    let segments: [Segment; 4] = std::array::from_fn(|_| Segment::of_pages(4));
    let [read_only, not_dumped, split, unmapped] = &segments;
    let operations = [
        not_dumped.attach(),
        split.attach(),
        unmapped.attach(),
        read_only.attach_read_only(),
        "dontdump:0:0:4".into(),
        "protect:1:1:1:none".into(),
        "unmap:2:1:2".into(),
    ];
    let Some(subject) = Subject::start(&operations) else { return };
    subject.set_filter("0");
    let dumped = Dumped::of(subject.pid(), &[]);
    for segment in [read_only, not_dumped] {
        assert_eq!(dumped.bytes(&segment.key()), segment.bytes());
    }
    if is_root() {
        assert_eq!(
            dumped.bytes(&split.key()),
            split.bytes(),
            "the file has what the mapping's rights forbid"
        );
    }
    let document = dumped.document();
    let found = document["segments"].as_array().unwrap();
    let unmapped = found.iter().find(|found| found["key"] == unmapped.key()).unwrap();
    assert_eq!((&unmapped["mapped"], &unmapped["state"]), (&json!(2 * PAGE), &json!("whole")));
}

#[test]
fn huge_pages_are_saved() {
    let Some(_pages) = HugePages::reserve() else { return };
    let size = 2 << 20;
    let key = crate::live::segment::private_key();
    let Some(subject) = Subject::start(&[format!("make:{key:x}:{size}")]) else { return };
    let segment = Segment::made(key, subject.first_answer().parse().unwrap(), size);
    let Some(attached) = Subject::start(&[segment.attach()]) else { return };
    let dumped = Dumped::of(attached.pid(), &[]);
    assert_eq!(dumped.document()["segments"][0]["found_by"], "device");
    assert!(dumped.bytes(&segment.key()) == segment.bytes());
}

/// The C program of a test, compiled.
fn compiled(folder: &Path, name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let program = folder.join(name);
    fs::write(program.with_extension("c"), source).unwrap();
    let mut gcc = Command::new("gcc");
    gcc.args(["-O1", "-Wall", "-Werror", "-pthread"]).args(flags).arg("-o").arg(&program);
    assert!(gcc.arg(program.with_extension("c")).status().unwrap().success());
    program
}
