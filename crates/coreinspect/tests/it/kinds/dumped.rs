//! What coreinspect itself writes of other kinds: its own cores, extracted bytes, files made again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::subject::{EVERY_KIND, Subject};
use crate::program::{Run, coreinspect};

fn dump(subject: &Subject) -> PathBuf {
    let core = subject.folder().join("core.shm");
    let mut command = coreinspect();
    command.args(["dump", &subject.pid().to_string(), "-o"]).arg(&core).args(EVERY_KIND);
    Run::of(&mut command).ended(0);
    core
}

fn segments(core: &Path) -> Vec<Value> {
    let run = Run::of(coreinspect().arg("--json").args(EVERY_KIND).arg(core)).ended(0);
    run.document()["dumps"][0]["segments"].as_array().unwrap().clone()
}

/// Each page of the program's memory begins with what it is; what the program opened read-only it filled before.
#[test]
fn our_own_core_holds_every_kind() {
    let Some(subject) = Subject::start() else { return };
    let core = dump(&subject);
    let found = segments(&core);
    for one in &subject.mapped {
        let start = format!("{:#x}", one.start);
        let segment = found.iter().find(|segment| {
            segment["attachments"].as_array().unwrap().iter().any(|attachment| attachment["start"] == start)
        });
        let segment = segment.unwrap_or_else(|| panic!("no {one:?}"));
        assert_eq!((&segment["kind"], &segment["state"]), (&one.kind().into(), &"whole".into()), "{one:?}");
        assert_eq!(segment["found_by"], "device", "{one:?}");
        let place = format!("@{start}");
        let out = Run::of(coreinspect().arg("extract").arg(&core).args([&place, "-o", "-"]).args(EVERY_KIND))
            .ended(0)
            .out;
        assert_eq!(out.len() as u64, one.length);
        assert!(out.chunks(4096).all(|page| page.starts_with(one.what.as_bytes())), "{one:?}");
    }
}

#[test]
fn a_segment_becomes_posix_memory_of_another_name() {
    let Some(subject) = Subject::start() else { return };
    let core = dump(&subject);
    let restore = |arguments: &[&str]| Run::of(coreinspect().arg("restore").arg(&core).args(arguments));
    let own = subject.mapping("posix/writable");
    let again = format!("{}-again", subject.tag());
    let run = restore(&[&format!("@{:#x}", own.start), "--name", &format!("/{again}"), "--json"]).ended(0);
    let document = run.document();
    let path = format!("/dev/shm/{again}");
    assert_eq!((&document["kind"], &document["name"]), (&"posix".into(), &path.as_str().into()));
    assert!(document["key"].is_null() && document["shmid"].is_null());
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() as u64 == own.length && bytes.starts_with(b"posix/writable\0"));
    let taken = restore(&[&format!("/{}-posix-0", subject.tag())]).ended(2);
    assert!(taken.err.contains("exists"), "{taken:?}");
    // Removed, it can be made under its own name.
    let name = format!("/{}-posix-0", subject.tag());
    fs::remove_file(format!("/dev/shm{name}")).unwrap();
    restore(&[&name]).ended(0);
    assert_eq!(fs::read(format!("/dev/shm{name}")).unwrap(), bytes);
    // A memfd has no name that others find, and no name leads out of the folder.
    let memfd = format!("@{:#x}", subject.mapping("memfd/writable").start);
    assert!(restore(&[&memfd]).ended(2).err.contains("--name"));
    for name in ["/../x", "/a/b", "..", "/"] {
        assert!(restore(&[&memfd, "--name", name]).ended(2).err.contains("is no name"), "{name}");
    }
}

/// Memory that a descriptor shows read-only, and what it shows at two places, is one segment where an inode says so.
#[test]
fn the_same_file_in_two_processes_is_compared() {
    let Some(subject) = Subject::start() else { return };
    let core = dump(&subject);
    let process = format!("/proc/{}", subject.pid());
    let run =
        Run::of(coreinspect().args(["diff", "--json"]).arg(&core).arg(&process).args(EVERY_KIND)).ended(0);
    let document = run.document();
    let compared = document["segments"].as_array().unwrap();
    assert!(compared.iter().all(|one| one["only_in"].is_null() && one["different"] == 0), "{document}");
    let by_file = compared.iter().filter(|one| one["matched_by"] == "file").count();
    assert!(by_file >= subject.mapped.iter().filter(|one| one.kind() == "memfd").count(), "{document}");
}
