//! `dump` and the process: it is left as it was, whoever we are and however we end.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{Dumped, is_root};
use crate::live::segment::{PAGE, Segment};
use crate::live::subject::Subject;
use crate::program::{Run, coreinspect};

/// The state's letter of every thread.
fn states(pid: u32) -> Vec<char> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let stat = |task: fs::DirEntry| fs::read_to_string(task.path().join("stat")).unwrap();
    tasks.map(|task| stat(task.unwrap()).rsplit(')').next().unwrap().trim().chars().next().unwrap()).collect()
}

/// Whether nobody traces the process and none of its threads stands.
fn goes_on(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.contains("TracerPid:\t0\n") && !states(pid).iter().any(|state| ['t', 'T'].contains(state))
}

#[test]
fn a_stopped_process_goes_on_and_says_for_how_long_it_stood() {
    let segment = Segment::of_pages(2);
    let Some(subject) = Subject::start(&[segment.attach(), "threads".into()]) else { return };
    for flags in [&["--stop"] as &[_], &["--threads"], &["--stop", "--threads"]] {
        let dumped = Dumped::of(subject.pid(), flags);
        assert_eq!(dumped.run.status, 0, "{:?}", dumped.run);
        let said = format!("coreinspect: process {} was stopped for ", subject.pid());
        assert!(dumped.run.err.starts_with(&said) && dumped.run.err.ends_with(" ms\n"), "{}", dumped.run.err);
        assert!(goes_on(subject.pid()), "{flags:?}: {:?}", states(subject.pid()));
        let threads = dumped.document()["process"]["threads"].as_array().unwrap().len();
        assert_eq!(threads, if flags.contains(&"--threads") { 3 } else { 0 });
    }
    let quiet = Dumped::of(subject.pid(), &[]);
    assert_eq!(quiet.run.err, "", "without --stop nothing stops");
}

/// SIGKILL of us in the middle of a copy of many pages.
#[test]
fn a_process_goes_on_when_we_are_killed() {
    let segment = Segment::of_pages(16 << 10);
    let Some(subject) = Subject::start(&[segment.attach(), "threads".into()]) else { return };
    let mut stood = 0;
    for wait in [5, 10, 20, 40, 60, 80] {
        let folder = tempfile::tempdir().unwrap();
        let pid = subject.pid().to_string();
        let mut command = coreinspect();
        command.args(["dump", &pid, "--stop", "-o", "core"]).current_dir(&folder);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait));
        stood += usize::from(states(subject.pid()).contains(&'t'));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut patience = 200;
        while !goes_on(subject.pid()) && patience > 0 {
            thread::sleep(Duration::from_millis(5));
            patience -= 1;
        }
        assert!(goes_on(subject.pid()), "{:?}", states(subject.pid()));
    }
    println!("killed while the process stood: {stood} of 6");
}

#[test]
fn signals_that_come_while_it_stands_are_not_lost() {
    if !crate::tools::have("gcc") {
        return;
    }
    // Counts 200 signals of each of two kinds, one of them real-time, that a child sends.
    let source = r#"
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>
static volatile sig_atomic_t queued, plain;
static void on_queued(int n) { (void)n; queued++; }
static void on_plain(int n) { (void)n; plain = 1; }
int main(void)
{
	int shmid = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
	char *at = shmat(shmid, 0, 0);
	shmctl(shmid, IPC_RMID, 0);
	signal(SIGRTMIN + 3, on_queued);
	signal(SIGUSR1, on_plain);
	puts("ready");
	fflush(stdout);
	if (!fork()) {
		union sigval value = { 0 };
		for (int i = 0; i < 200; i++) {
			sigqueue(getppid(), SIGRTMIN + 3, value);
			kill(getppid(), SIGUSR1);
			usleep(2000);
		}
		_exit(0);
	}
	for (int i = 0; i < 20000 && queued < 200; i++)
		usleep(1000);
	printf("%d %d %d\n", (int)queued, (int)plain, at[0]);
	return 0;
}
"#;
    let folder = tempfile::tempdir().unwrap();
    let program = super::compiled(folder.path(), "signals", source, &[]);
    let mut child = Command::new(program).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let mut dumped = 0;
    for _ in 0..8 {
        let run = Dumped::of(child.id(), &["--stop", "--threads"]).run;
        dumped += usize::from(run.status == 0);
    }
    assert_eq!(lines.next().unwrap().unwrap(), "200 1 0");
    assert!(child.wait().unwrap().success() && dumped > 0);
}

/// A user without rights dumps a process of its own: all bytes, and a word about what that did.
#[test]
fn without_rights_every_page_is_read_and_that_is_said() {
    if !is_root() {
        return;
    }
    let source = r#"
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>
int main(void)
{
	int shmid = shmget(IPC_PRIVATE, 64 * 4096, 0600 | IPC_CREAT);
	char *at = shmat(shmid, 0, 0);
	shmctl(shmid, IPC_RMID, 0);
	strcpy(at + 1, "mine");
	at[0] = 1;
	puts("ready");
	fflush(stdout);
	getchar();
	return 0;
}
"#;
    let folder = tempfile::tempdir().unwrap();
    let program = super::compiled(folder.path(), "own", source, &[]);
    let own = tempfile::tempdir().unwrap();
    let nobody = 65534;
    std::os::unix::fs::chown(own.path(), Some(nobody), Some(nobody)).unwrap();
    // The binary may lie where nobody may go.
    for (from, name) in
        [(program.as_path(), "own"), (env!("CARGO_BIN_EXE_coreinspect").as_ref(), "coreinspect")]
    {
        fs::copy(from, own.path().join(name)).unwrap();
    }
    let as_nobody = |name: &str| {
        let mut command = Command::new(own.path().join(name));
        command.uid(nobody).gid(nobody).current_dir(&own);
        command
    };
    let mut child = as_nobody("own").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let pid = child.id().to_string();
    let run = Run::of(as_nobody("coreinspect").args(["dump", &pid, "-o", "core", "--json"]));
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.err.contains("coreinspect read every page through the process"), "{run:?}");
    let written = run.document();
    assert_eq!(
        (written["read_through"].as_str(), written["read"].as_u64()),
        (Some("memory"), Some(64 * PAGE as u64))
    );
    let document = Run::of(coreinspect().arg("--json").arg(own.path().join("core"))).ended(0).document();
    let segment = &document["dumps"][0]["segments"][0];
    assert_eq!(segment["content"]["value"]["message"]["text"], "mine");
    assert_eq!(
        (segment["size"].as_u64(), segment["owner"].as_u64()),
        (Some(64 * PAGE as u64), Some(nobody.into()))
    );

    // And somebody else's process not at all.
    let segment = Segment::of_pages(1);
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let run =
        Run::of(as_nobody("coreinspect").args(["dump", &subject.pid().to_string(), "-o", "other"])).ended(2);
    assert!(run.err.contains("is the process yours?"), "{}", run.err);
    assert!(!own.path().join("other").exists());
}

#[test]
fn another_ipc_namespace_is_looked_into_by_a_child() {
    if !is_root() || !crate::tools::have("unshare") {
        return;
    }
    let source = r#"
#include <stdio.h>
#include <sys/shm.h>
int main(void)
{
	int shmid = shmget(0x51510001, 5000, 0640 | IPC_CREAT);
	char *at = shmat(shmid, 0, SHM_RDONLY);
	printf("%d\n", shmid);
	fflush(stdout);
	getchar();
	return at[0];
}
"#;
    let folder = tempfile::tempdir().unwrap();
    let program = super::compiled(folder.path(), "inside", source, &[]);
    let mut unshare = Command::new("unshare");
    unshare.arg("--ipc").arg(program).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = unshare.spawn().unwrap();
    let mut shmid = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut shmid)
        .unwrap();
    let dumped = Dumped::of(child.id(), &[]);
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(dumped.run.err, "");
    let segment = &dumped.document()["segments"][0];
    assert_eq!(segment["shmid"].to_string(), shmid.trim(), "the first one of its namespace has number 0");
    assert_eq!(segment["size"], 5000);
    assert_eq!(segment["perms"], "0640");
    assert_eq!(segment["nattch"], 1);
    assert_eq!(segment["cpid"], child.id());
}

#[test]
fn what_cannot_be_dumped_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| Run::of(coreinspect().arg("dump").args(words).current_dir(&folder));
    let own = std::process::id().to_string();
    let none = run(&["4194304"]).ended(2);
    assert_eq!(none.err, "coreinspect: there is no process 4194304: it has ended, or never existed\n");
    let mut sleep = Command::new("sleep").arg("60").spawn().unwrap();
    let without = run(&[&sleep.id().to_string()]).ended(1);
    assert!(without.err.contains("has no System V segment attached; nothing was written"), "{}", without.err);
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    assert!(run(&[&own, "-o", "-"]).ended(2).err.contains("a core needs a file"));
    assert!(run(&["2"]).status == 2 || !nix::unistd::geteuid().is_root(), "a kernel thread has no program");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);

    let segment = Segment::of_pages(1);
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let pid = subject.pid().to_string();
    let name = format!("core.{pid}.shm");
    assert_eq!(run(&[&pid]).ended(0).text(), format!("{name}\n"));
    assert!(run(&[&pid]).ended(2).err.contains("exists already; --force overwrites it"));
    assert_eq!(run(&[&pid, "--force"]).ended(0).text(), format!("{name}\n"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}
