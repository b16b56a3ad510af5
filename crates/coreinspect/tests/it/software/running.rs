//! A real program that runs for as long as a test needs it, and the dumps of it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use shmcore::{Key, Segment};

use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have};

/// The program. It ends with this value, and so do those that it started in its process group.
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        Running {
            child: command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The dump that gcore writes of it, `NAME.PID` in `folder`; `None` without gcore.
    pub(crate) fn gcore(&self, folder: &Path) -> Option<PathBuf> {
        gcore(self.pid(), folder)
    }

    /// The dump that the kernel writes into `folder`, where it runs, when it is aborted; `None` where the kernel writes
    /// no `core`.
    pub(crate) fn abort(&mut self, folder: &Path) -> Option<PathBuf> {
        if !cores_are_plain() {
            return None;
        }
        kill(Pid::from_raw(self.pid().cast_signed()), Signal::SIGABRT).unwrap();
        let status = self.child.wait().unwrap();
        assert!(std::os::unix::process::ExitStatusExt::core_dumped(&status), "{status}");
        let core = folder.join("core");
        Some(if core.exists() { core } else { core.with_extension(self.pid().to_string()) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its group may outlive it: a postmaster's children, which see that it is gone.
        let _ = kill(Pid::from_raw(-self.pid().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

pub(crate) fn gcore(pid: u32, folder: &Path) -> Option<PathBuf> {
    if !have("gcore") {
        return None;
    }
    let mut gcore = Command::new("gcore");
    gcore.args(["-o", "gcore", &pid.to_string()]).current_dir(folder);
    let output = gcore.stdin(Stdio::null()).env_remove("DEBUGINFOD_URLS").output().unwrap();
    assert!(output.status.success(), "gcore: {}", String::from_utf8_lossy(&output.stderr));
    Some(folder.join(format!("gcore.{pid}")))
}

/// A segment that somebody else makes, which goes with this value.
pub(crate) struct Removed(pub(crate) u32);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Ok(segment) = Segment::open(Key::from_bits(self.0)) {
            let _ = segment.remove();
        }
    }
}

/// A command whose core may be of any size.
pub(crate) fn with_core(program: &str) -> Command {
    let mut command = Command::new("prlimit");
    command.args(["--core=unlimited", program]);
    command
}

/// The `content` of the segment `key` in `core`.
pub(crate) fn content(core: &Path, key: u32) -> Value {
    let mut document = Run::of(coreinspect().args(["show", "--json"]).arg(core).arg(format!("{key:#010x}")))
        .ended(0)
        .document();
    document["dumps"][0]["segments"][0]["content"].take()
}

/// Waits until `ready` answers.
pub(crate) fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ready() {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether this is root, which a namespace and another user's processes take.
pub(crate) fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("skipped: only root can give this program a place of its own");
    }
    root
}
