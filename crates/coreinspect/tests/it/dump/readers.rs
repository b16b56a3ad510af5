//! Who else reads the cores of `dump`: gdb, lldb and eu-readelf, of 64 and of 32 bits.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Dumped, compiled};
use crate::program::{Run, coreinspect};
use crate::tools::have;

/// Prints its segment's address, and waits in two threads. Its last page goes on behind the segment's end.
const PROGRAM: &str = r#"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>
static void *idle(void *unused) { for (;;) pause(); return unused; }
int main(void)
{
	pthread_t thread;
	int shmid = shmget(IPC_PRIVATE, 9000, 0600 | IPC_CREAT);
	char *at = shmat(shmid, 0, 0);
	shmctl(shmid, IPC_RMID, 0);
	at[0] = 1;
	strcpy(at + 1, "for the others");
	strcpy(at + 9001, "behind the end");
	pthread_create(&thread, 0, idle, 0);
	usleep(20000);
	printf("%p\n", (void *)at);
	fflush(stdout);
	getchar();
	return 0;
}
"#;

/// The program, as it waits; it ends with this value.
struct Waiting(Child, String);

impl Waiting {
    fn start(program: &Path) -> Waiting {
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Waiting(child, address.trim().to_owned())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// What gdb says, and its warnings but for the one that it has for every segment of every core.
fn gdb(words: &[&str]) -> (String, Vec<String>) {
    let mut gdb = Command::new("gdb");
    gdb.args(["-batch", "-nx"]).args(words).env("LC_ALL", "C").env_remove("DEBUGINFOD_URLS");
    let output = gdb.output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaints =
        complaints.lines().filter(|line| !line.is_empty() && !line.contains("Can't open file /SYSV"));
    (String::from_utf8_lossy(&output.stdout).into_owned(), complaints.map(str::to_owned).collect())
}

/// Values of `$pc` and `$sp` of all threads, sorted.
fn registers(said: &str) -> Vec<String> {
    let mut registers: Vec<_> =
        said.lines().filter(|line| line.starts_with("at ")).map(str::to_owned).collect();
    registers.sort();
    registers
}

fn read_by_all(flags: &[&str], machine: &str) {
    if !["gcc", "gdb", "eu-readelf"].iter().all(|tool| have(tool)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = compiled(folder.path(), "waiting", PROGRAM, flags);
    let waiting = Waiting::start(&program);
    let (pid, address) = (waiting.0.id(), waiting.1.as_str());
    let print = ["-ex", r#"thread apply all -q printf "at %p %p\n", $pc, $sp"#];
    let pid_text = pid.to_string();
    let (live, _) = gdb(&[print.as_slice(), &["-p", &pid_text]].concat());
    let dumped = Dumped::of(pid, &["--threads"]);
    let core = dumped.path();
    let core = core.to_str().unwrap();
    let program = program.to_str().unwrap();
    let text = format!("x/s {address}+1");
    let (said, complaints) = gdb(&[print.as_slice(), &["-ex", &text, program, core]].concat());
    assert!(said.contains("for the others"), "{said}");
    assert_eq!(registers(&said), registers(&live));
    assert_eq!(registers(&said).len(), 2, "{said}");
    assert_eq!(complaints, Vec::<String>::new());

    let mut readelf = Command::new("eu-readelf");
    let readelf = readelf.args(["-h", "-l", "-n"]).arg(core).output().unwrap();
    assert_eq!((readelf.status.success(), String::from_utf8_lossy(&readelf.stderr).as_ref()), (true, ""));
    let notes = String::from_utf8_lossy(&readelf.stdout);
    assert_eq!(notes.matches("PRSTATUS").count(), 2, "{notes}");
    assert!(notes.contains("/SYSV00000000 (deleted)"), "{notes}");

    let document = dumped.document();
    assert_eq!(document["machine"], machine);
    assert_eq!(document["process"]["pid"], pid);
    assert_eq!(document["process"]["threads"].as_array().unwrap().len(), 2);
    assert_eq!(document["process"]["command"], "waiting");
    assert_eq!(document["segments"][0]["size"], 9000);
    let tail = ["--at", "9001", "--length", "14", "-o", "-"];
    let tail = Run::of(coreinspect().arg("extract").arg(core).arg("#1").args(tail));
    assert_eq!(tail.text(), "behind the end", "what lies behind the end of the segment, in its last page");
}

#[test]
fn gdb_and_readelf_read_a_core_of_64_bits() {
    read_by_all(&[], "x86_64");
}

#[test]
fn gdb_and_readelf_read_a_core_of_32_bits() {
    read_by_all(&["-m32"], "i386");
}

#[test]
fn lldb_reads_it() {
    if !have("gcc") || !have("lldb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let waiting = Waiting::start(&compiled(folder.path(), "waiting", PROGRAM, &[]));
    let dumped = Dumped::of(waiting.0.id(), &["--threads"]);
    let read = format!("memory read -c 16 {}", waiting.1);
    let mut lldb = Command::new("lldb");
    lldb.args(["--batch", "-x", "-o", "thread list", "-o", &read, "-c"]).arg(dumped.path());
    let output = lldb.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("was loaded") && said.contains("thread #2"), "{said}");
    assert!(said.contains(".for the others"), "{said}");
    assert!(!said.contains("warning"), "{said}");
}

/// 66,000 mappings: the number of program headers does not fit e_phnum.
#[test]
fn more_mappings_than_e_phnum_can_count() {
    let most = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
    if most.trim().parse::<u64>().unwrap() < 70_000 {
        println!("skipped: vm.max_map_count is {}", most.trim());
        return;
    }
    let source = r#"
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
int main(void)
{
	int shmid = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
	char *at = shmat(shmid, 0, 0);
	shmctl(shmid, IPC_RMID, 0);
	for (int i = 0; i < 66000; i++)
		mmap(0, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*at = 1;
	printf("%p\n", (void *)at);
	fflush(stdout);
	getchar();
	return 0;
}
"#;
    let folder = tempfile::tempdir().unwrap();
    let waiting = Waiting::start(&compiled(folder.path(), "many", source, &[]));
    let dumped = Dumped::of(waiting.0.id(), &[]);
    let document = dumped.document();
    assert_eq!((&document["complete"], &document["segments"][0]["state"]), (&true.into(), &"whole".into()));
    let readelf = Command::new("readelf").args(["-W", "-h"]).arg(dumped.path()).output().unwrap();
    let header = String::from_utf8_lossy(&readelf.stdout);
    assert!(header.contains("65535 (66"), "{header}");
}
