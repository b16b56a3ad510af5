//! Running processes: device and inode prove which segment a mapping is of, and `s` that it is shared.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::subject::Subject;
use crate::program::{Run, coreinspect};
use crate::tools::have;

fn segments(document: &Value) -> Vec<Value> {
    document["dumps"][0]["segments"].as_array().unwrap().clone()
}

#[test]
fn memfds_of_one_name_are_told_apart() {
    let Some(subject) = Subject::start() else { return };
    let found = segments(&subject.ask(&["live"]));
    let memfds: Vec<_> = found.iter().filter(|one| one["name"] == "/memfd:same name (deleted)").collect();
    let mapped = subject.mapped.iter().filter(|one| one.what.starts_with("memfd/")).count();
    assert_eq!(memfds.len(), mapped, "{memfds:?}");
    for memfd in memfds {
        assert_eq!((&memfd["kind"], &memfd["found_by"]), (&"memfd".into(), &"device".into()));
        let empty = memfd["may_be"].as_array().unwrap().is_empty();
        assert!(empty && memfd["key"].is_null() && memfd["private"].is_null(), "{memfd}");
    }
}

/// A dump has no inodes: each base is a segment of its own there, and those that do not differ may be one.
#[test]
fn in_a_dump_each_base_is_a_segment() {
    let Some(subject) = Subject::start() else { return };
    let Some(core) = subject.gcore() else { return };
    let run = Run::of(coreinspect().args(["--json", "--kind", "memfd,anonymous"]).arg(&core)).ended(0);
    let found = segments(&run.document());
    let mapped = subject.mapped.iter().filter(|one| ["memfd", "anonymous"].contains(&one.kind())).count();
    assert_eq!(found.len(), mapped);
    assert!(found.iter().all(|one| one["attachments"].as_array().unwrap().len() == 1));
}

#[test]
fn what_is_mapped_privately_is_not_shared() {
    let Some(subject) = Subject::start() else { return };
    let maps = fs::read_to_string(format!("/proc/{}/maps", subject.pid())).unwrap();
    let shared = maps.lines().filter(|line| line.split(' ').nth(1).unwrap().ends_with('s')).count();
    let run =
        Run::of(coreinspect().args(["live", "--json", "--kind", "all,file", &subject.pid().to_string()]));
    let found = segments(&run.ended(0).document());
    let mappings = found.iter().flat_map(|one| one["attachments"].as_array().unwrap());
    let mappings: usize = mappings.map(|one| one["mappings"].as_array().unwrap().len()).sum();
    assert_eq!(mappings, shared, "{maps}");
}

#[test]
fn an_unlinked_file_is_one() {
    let Some(subject) = Subject::start() else { return };
    let found = segments(&subject.ask(&["live"]));
    let start = format!("{:#x}", subject.mapping("posix-unlinked/writable").start);
    let unlinked = found.iter().find(|one| one["attachments"][0]["start"] == start).unwrap();
    assert_eq!((&unlinked["kind"], &unlinked["removed"]), (&"posix".into(), &true.into()), "{unlinked}");
}

/// Files that nobody maps: the line that removes one survives whatever it is called.
#[test]
fn an_orphan_is_told_with_the_line_that_removes_it() {
    if !have("bash") {
        return;
    }
    let names = [
        format!("coreinspect orphan $({})", std::process::id()),
        format!("a'b\"\x1b[2J\n{}", std::process::id()),
    ];
    for name in &names {
        let path = Path::new("/dev/shm").join(name);
        fs::write(&path, b"left").unwrap();
        let run = Run::of(coreinspect().args(["live", "--kind", "posix"])).ended(0);
        let document = Run::of(coreinspect().args(["live", "--kind", "posix", "--json"])).document();
        let inode = fs::metadata(&path).unwrap().ino();
        let told = document["namespace"]["segments"].as_array().unwrap();
        let told = told.iter().find(|one| one["name"] == *path.to_str().unwrap()).unwrap();
        assert_eq!((&told["orphan"], &told["size"]), (&true.into(), &4.into()), "{inode}: {told}");
        assert!(!run.text().contains('\x1b'), "{run:?}");
        let pid = std::process::id().to_string();
        let line =
            run.lines().into_iter().find(|line| line.starts_with("  rm ") && line.contains(&pid)).unwrap();
        assert!(Command::new("bash").args(["-c", line]).status().unwrap().success(), "{line}");
        assert!(!path.exists(), "{line}");
    }
}

#[test]
fn a_file_that_somebody_holds_open_is_no_orphan() {
    let path = format!("/dev/shm/coreinspect-held-{}", std::process::id());
    let _held = fs::File::create(&path).unwrap();
    let document = Run::of(coreinspect().args(["live", "--kind", "posix", "--json"])).document();
    fs::remove_file(&path).unwrap();
    let told = document["namespace"]["segments"].as_array().unwrap();
    assert_eq!(told.iter().find(|one| one["name"] == *path).unwrap()["orphan"], false);
}

/// Seen from outside its root, a process's /dev/shm has that root before it.
#[test]
fn shared_memory_of_another_root_is_posix() {
    if !have("gcc") || !have("mount") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
	mkdir("root", 0700);
	mkdir("root/dev", 0700);
	mkdir("root/dev/shm", 0700);
	if (unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) || mount("none", "root/dev/shm", "tmpfs", 0, 0) || chroot("root"))
		return 1;
	int file = shm_open("/inside", O_CREAT | O_RDWR, 0600);
	if (ftruncate(file, 4096) || mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED)
		return 2;
	puts("ready");
	fflush(stdout);
	getchar();
	return 0;
}
"#;
    fs::write(folder.path().join("rooted.c"), source).unwrap();
    let mut gcc = Command::new("gcc");
    assert!(gcc.args(["-o", "rooted", "rooted.c"]).current_dir(folder.path()).status().unwrap().success());
    let mut command = Command::new("./rooted");
    let mut child =
        command.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut said)
        .unwrap();
    if said == "ready\n" {
        let run = Run::of(coreinspect().args(["live", "--json", "--kind", "posix", &child.id().to_string()]));
        let found = segments(&run.ended(0).document());
        assert_eq!(
            (&found[0]["kind"], &found[0]["found_by"]),
            (&"posix".into(), &"device".into()),
            "{found:?}"
        );
        assert!(found[0]["name"].as_str().unwrap().ends_with("/dev/shm/inside"));
    } else {
        println!("skipped: no mount namespace of our own");
    }
    drop(child.stdin.take());
    child.wait().unwrap();
}
