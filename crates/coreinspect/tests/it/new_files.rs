//! Files in the making: whatever ends the program, nothing of them is left.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::program::coreinspect;
use crate::tools::have;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Waits until the process `pid` has a file in `folder` open.
fn has_begun(pid: u32, folder: &Path) {
    let until = Instant::now() + Duration::from_secs(30);
    let is_there = |path: PathBuf| fs::read_link(path).is_ok_and(|file| file.starts_with(folder));
    loop {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        if open.map(|entry| entry.path()).any(is_there) {
            return;
        }
        assert!(Instant::now() < until, "it makes no file");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The program, which waits for a dump with a file in the making.
fn waiting(mut command: Command, folder: &Path) -> Child {
    command.args(["--also-json", "out.json", "-"]).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_signal_leaves_no_file_behind() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = waiting(coreinspect(), folder.path());
        has_begun(child.id(), folder.path());
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal as i32));
        assert_eq!(names(folder.path()), [] as [&str; 0], "{signal}");
    }
}

/// NFS, FUSE and others have no file without a name: strace(1) plays one of them.
#[test]
fn nor_where_files_must_have_names() {
    if !have("strace") {
        return;
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let folder = tempfile::tempdir().unwrap();
        let mut strace = Command::new("strace");
        strace.args(["-D", "-qqq", "-o", "/dev/null", "-P", "."]);
        strace.args(["-e", "trace=openat", "-e", "inject=openat:error=EOPNOTSUPP"]);
        let program = coreinspect();
        strace.arg(program.get_program());
        strace.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = waiting(strace, folder.path());
        has_begun(child.id(), folder.path());
        let making = names(folder.path());
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal as i32));
        assert!(making.len() == 1 && making[0].starts_with(".tmp"), "{making:?}");
        assert_eq!(names(folder.path()), [] as [&str; 0], "{signal}");
    }
}

/// Another file stands there, or a link: it is replaced in one step, and only with --force.
#[test]
fn it_takes_its_place_in_one_step() {
    let core = crate::testdata::Core::unpack("writer.kernel");
    let at = |name: &str| core.folder().join(name);
    let json = |flags: &[&str]| {
        let mut command = coreinspect();
        command.arg(core.path()).arg("--also-json").arg(at("out.json")).args(flags);
        crate::program::Run::of(&mut command)
    };
    json(&[]).ended(0);
    let first = fs::read(at("out.json")).unwrap();
    let again = json(&[]).ended(2);
    assert!(again.err.contains("exists already"), "{again:?}");
    fs::write(at("other"), "other").unwrap();
    fs::remove_file(at("out.json")).unwrap();
    std::os::unix::fs::symlink("other", at("out.json")).unwrap();
    json(&["--force"]).ended(0);
    assert!(fs::read(at("out.json")).unwrap() == first && !at("out.json").is_symlink());
    assert_eq!(fs::read_to_string(at("other")).unwrap(), "other");
    assert!(names(core.folder()).iter().all(|name| !name.starts_with(".tmp")), "{:?}", names(core.folder()));
}
