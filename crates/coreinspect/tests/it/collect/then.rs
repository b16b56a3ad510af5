//! `collect --then`: another handler, which gets the core too and takes nothing away.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use super::{NOBODY, endless, folder, handler, limit, noise, only, unpacked};
use crate::program::Run;
use crate::tools::have;

#[test]
fn another_handler_gets_the_core_too() {
    let folder = folder();
    let other = folder.path().join("other.sh");
    let got = folder.path().join("got");
    fs::write(
        &other,
        format!("#!/bin/sh\ncat > {0}\necho \"$@\" > {0}.words\nenv > {0}.env\n", got.display()),
    )
    .unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let core = noise(3 << 20);
    let other = other.to_str().unwrap();
    let run =
        Run::fed(&mut handler(folder.path(), 1, &["--then", other, "7", "--odd; $(touch x)", "0"]), &core);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(fs::read(&got).unwrap() == core);
    assert_eq!(fs::read_to_string(got.with_extension("words")).unwrap(), "7 --odd; $(touch x) 0\n");
    assert!(!fs::read_to_string(got.with_extension("env")).unwrap().contains("CARGO"));
    assert!(folder.path().join(format!("core.{NOBODY}.1.zst")).exists());

    let run = Run::fed(&mut handler(folder.path(), 2, &["--no-core", "--then", other]), &core).ended(0);
    assert!(!run.text().contains(".zst") && run.text().contains(".json"), "{run:?}");
    assert!(fs::read(&got).unwrap() == core);

    // One that is not there, or ends at once, takes nothing away.
    for other in [folder.path().join("no such program").to_str().unwrap(), "/bin/true"] {
        let run = Run::fed(&mut handler(folder.path(), 3, &["--then", other]), &core);
        assert_eq!(run.status, 0, "{run:?}");
    }
}

/// A program that writes its number into `folder`/pid, and then does what `script` says.
fn other(folder: &std::path::Path, script: &str) -> [String; 3] {
    let pid = folder.join("pid");
    ["sh".to_owned(), "-c".to_owned(), format!("echo $$ > {0}.new; mv {0}.new {0}; {script}", pid.display())]
}

/// Whether the process that [`other`] started still runs.
fn still_runs(folder: &std::path::Path) -> bool {
    let pid = fs::read_to_string(folder.join("pid")).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z')
}

#[test]
fn another_handler_that_is_too_slow_loses_its_place() {
    if !have("zstd") {
        return;
    }
    let core = noise(3 << 20);
    for script in [
        "exec sleep 100",
        "sleep 100",
        "head -c 100000 >/dev/null; exec sleep 100",
        "cat >/dev/null; exec sleep 100",
    ] {
        let (folder, scratch) = (folder(), tempfile::tempdir().unwrap());
        let other = other(scratch.path(), script);
        let flags = [&["--timeout", "1", "--then"], other.each_ref().map(String::as_str).as_slice()].concat();
        let began = Instant::now();
        let run = Run::fed(&mut handler(folder.path(), 1, &flags), &core);
        assert_eq!(run.status, 0, "{run:?}");
        assert!(began.elapsed() < Duration::from_secs(60), "{script}: {:?}", began.elapsed());
        assert!(
            run.err.contains("the other handler failed: it took too long, and coreinspect killed it"),
            "{script}: {run:?}"
        );
        assert!(unpacked(&only(folder.path(), ".zst")) == core, "{script}");
        assert!(!still_runs(scratch.path()), "{script}: it runs on");
    }
}

/// What we started goes when we go, whatever ended us.
#[test]
fn another_handler_does_not_outlive_us() {
    let (folder, scratch) = (folder(), tempfile::tempdir().unwrap());
    let other = other(scratch.path(), "exec sleep 100");
    let flags = [&["--then"], other.each_ref().map(String::as_str).as_slice()].concat();
    let (mut child, feeder) = endless(folder.path(), &flags);
    while !scratch.path().join("pid").exists() {
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    feeder.join().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while still_runs(scratch.path()) {
        assert!(Instant::now() < until, "it runs on");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The limits of ours are not the other handler's.
#[test]
fn another_handler_has_its_own_limits() {
    let (folder, scratch) = (folder(), tempfile::tempdir().unwrap());
    let path = scratch.path().join("limits");
    let script =
        format!("cat /proc/self/limits > {0}; cat /proc/self/status >> {0}; cat >/dev/null", path.display());
    let run = Run::fed(&mut handler(folder.path(), 1, &["--then", "sh", "-c", &script]), b"core");
    assert_eq!(run.status, 0, "{run:?}");
    let (theirs, ours) =
        (fs::read_to_string(path).unwrap(), fs::read_to_string("/proc/self/limits").unwrap());
    for name in ["Max address space", "Max cpu time", "Max nice priority"] {
        assert_eq!(limit(&theirs, name), limit(&ours, name), "{name}");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let no_new_privs =
        |text: &str| text.lines().find(|line| line.starts_with("NoNewPrivs")).map(str::to_owned);
    assert_eq!(no_new_privs(&theirs), no_new_privs(&status));
}
