//! The tour, by each dumper.

use std::process::{Command, Output};

fn tour(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_demo")).arg("tour").args(arguments).output().unwrap()
}

/// The user has seen the main job: the name, the flag by its name, and the message.
fn assert_shows_the_main_job(output: &Output, writer: &str) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let key = text.lines().find_map(|line| line.strip_prefix("key: 0x")).unwrap();
    let shmid = text.lines().find_map(|line| line.strip_prefix("shmid: ")).unwrap();
    let address = text.lines().find_map(|line| line.strip_prefix("address: ")).unwrap();
    assert!(text.contains(&format!("\n    /SYSV{key} (deleted)\n")), "{text}");
    assert!(text.contains(writer), "{text}");
    assert!(text.contains(&format!("0x{key}  {address}")), "{text}");
    assert!(text.contains("the flag says ready"), "{text}");
    assert!(text.contains("\"Hello from writer process!\""), "{text}");
    let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let left = segments.lines().skip(1).any(|line| line.split_whitespace().nth(1) == Some(shmid));
    assert!(!left, "the segment {shmid} was left behind");
}

#[test]
fn the_tour_ends_with_a_dump_decoded() {
    assert_shows_the_main_job(&tour(&[]), "written by");
}

#[test]
fn the_tour_needs_no_tool() {
    assert_shows_the_main_job(&tour(&["--dumper", "coreinspect"]), "written by coreinspect");
}

#[test]
fn the_tour_by_gcore() {
    let required = std::env::var_os("COREINSPECT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    if Command::new("gcore").arg("--version").output().is_err() && !required {
        println!("skipped: no gcore here (apt-get install gdb)");
        return;
    }
    assert_shows_the_main_job(&tour(&["--dumper", "gcore"]), "written by gcore");
}

#[test]
fn the_tour_by_the_kernel() {
    let required = std::env::var_os("COREINSPECT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.contains(['|', '/', '@']) && !required {
        println!(
            "skipped: kernel.core_pattern is {pattern:?}, so the kernel writes no core into a folder of ours"
        );
        return;
    }
    assert_shows_the_main_job(&tour(&["--dumper", "kernel"]), "written by the kernel");
}

/// A tour that is stopped removes what it made, too.
#[test]
fn a_tour_that_is_stopped_leaves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let mut tour = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["tour", "--dumper", "coreinspect"])
        .env("TMPDIR", scratch.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The writer is there once the tour says its key.
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(tour.stdout.take().unwrap()));
    let shmid = lines.find_map(|line| line.unwrap().strip_prefix("shmid: ").map(str::to_owned)).unwrap();
    let pid = nix::unistd::Pid::from_raw(tour.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    let status = tour.wait().unwrap();
    assert!(status.code().is_some(), "{status}: {rest:?}");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    assert!(
        !segments.lines().skip(1).any(|line| line.split_whitespace().nth(1) == Some(&shmid)),
        "{shmid} is left"
    );
}
