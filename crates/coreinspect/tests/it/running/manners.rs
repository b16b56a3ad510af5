//! Processes that are not there, not ours, or end in between.

use std::process::Command;

use super::holder::Holder;
use super::{make, root};
use crate::program::{Run, coreinspect};
use crate::tools::have;

#[test]
fn a_process_that_is_not_there_is_an_error() {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let pid = child.id().to_string();
    let run = Run::of(coreinspect().args(["live", &pid])).ended(2);
    assert!(run.err.contains(&format!("there is no process {pid}")), "{run:?}");
    let run = Run::of(coreinspect().args(["live", &pid, "--json"])).ended(2);
    let document = run.document();
    assert_eq!(document["dumps"][0]["error"]["code"], "no-process", "{document}");
    Run::of(coreinspect().args(["live", &pid, "--stop"])).ended(2);
    for word in ["0", "-1", "x", "4294967296"] {
        let run = Run::of(coreinspect().args(["live", "--", word])).ended(2);
        assert!(run.err.contains("is no process id"), "{run:?}");
    }
}

/// One that has ended and whose parent does not ask for it.
#[test]
fn a_zombie_has_nothing_to_show() {
    let mut child = Command::new("true").spawn().unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    while !stat().contains(") Z ") {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let run = Run::of(coreinspect().args(["live", &child.id().to_string()]));
    child.wait().unwrap();
    let run = run.ended(2);
    assert!(run.err.contains("there is no process"), "{run:?}");
}

#[test]
fn a_process_without_segments_is_status_1() {
    let run = Run::of(coreinspect().args(["live", &std::process::id().to_string()]));
    assert!(run.status == 1 || run.status == 0, "{run:?}");
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let run = Run::of(coreinspect().args(["live", &child.id().to_string()]));
    let _ = child.kill();
    let _ = child.wait();
    let run = run.ended(1);
    assert!(run.err.contains("no System V segment"), "{run:?}");
}

/// The processes of others say who may look.
#[test]
fn without_the_right_to_look_it_says_what_to_do() {
    if !root() || !have("setpriv") {
        return;
    }
    let Some(holder) = Holder::start(&[&make(4096)]) else { return };
    let binary = tempfile::tempdir().unwrap();
    std::fs::set_permissions(binary.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let copy = binary.path().join("coreinspect");
    std::fs::copy(env!("CARGO_BIN_EXE_coreinspect"), &copy).unwrap();
    let nobody = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).args(words);
        Run::of(command.current_dir("/"))
    };
    for words in
        [&["live", &holder.pid()] as &[_], &["-p", &holder.pid()], &["live", &holder.pid(), "--stop"]]
    {
        let run = nobody(words).ended(2);
        assert!(run.err.contains(&format!("sudo coreinspect live {}", holder.pid())), "{run:?}");
    }
    // One's own, without any capability: by process_vm_readv, not by the segment's file.
    let by = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let operations = [make(5000), "text:0:\u{1}Mine".to_owned()];
    let operations: Vec<_> = operations.iter().map(String::as_str).collect();
    let Some(own) = Holder::start_by(&by, &[], &operations) else { return };
    let run = nobody(&["live", &own.pid(), "--json"]).ended(0);
    let segment = &run.document()["dumps"][0]["segments"][0];
    assert_eq!(segment["content"]["value"]["message"]["text"], "Mine");
    assert_eq!((&segment["owner"], &segment["size"]), (&65534.into(), &5000.into()));
    nobody(&["live", &own.pid(), "--stop", "--json"]).ended(0);
    // Not even one's own, where the process does not want it.
    let Some(hidden) = Holder::start_by(&by, &[], &["hidden"]) else { return };
    let run = nobody(&["live", &hidden.pid()]).ended(2);
    assert!(run.err.contains("no right"), "{run:?}");
}
