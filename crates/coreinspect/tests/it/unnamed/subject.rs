//! A program that a test dumps, in an IPC namespace of its own: its first segment has shmid 0.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::tools::{cores_are_plain, have};

/// It ends with this value.
pub(super) struct Subject {
    child: Child,
    folder: TempDir,
    /// Where its segments begin, and their bytes, in whole pages; in the order of its arguments.
    pub(super) attached: Vec<(u64, u64)>,
}

/// Compiles `source` of tests/it/unnamed into `folder`.
pub(super) fn compile(source: &str, folder: &Path) -> Option<PathBuf> {
    if !have("gcc") {
        return None;
    }
    let program = folder.join("program");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/unnamed").join(source);
    let status = Command::new("gcc").args(["-O1", "-pthread", "-o"]).args([&program, &source]).status();
    assert!(status.unwrap().success());
    Some(program)
}

/// `program` in an IPC namespace of its own, free to dump core.
fn in_a_namespace() -> Command {
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--ipc", "prlimit", "--core=unlimited"]);
    command
}

impl Subject {
    /// attach.c with `arguments`; `None` where a tool is missing.
    pub(super) fn attach(arguments: &[&str]) -> Option<Subject> {
        let folder = tempfile::tempdir().unwrap();
        let program = compile("attach.c", folder.path())?;
        Self::start(Command::new(program).args(arguments), folder, true)
    }

    /// private.c.
    pub(super) fn private() -> Option<Subject> {
        let folder = tempfile::tempdir().unwrap();
        let program = compile("private.c", folder.path())?;
        Self::start(&mut Command::new(program), folder, true)
    }

    /// `words`, as they are installed; they say nothing, so they get a moment.
    pub(super) fn installed(words: &[&str]) -> Option<Subject> {
        let (program, arguments) = words.split_first().unwrap();
        let folder = tempfile::tempdir().unwrap();
        have(program).then(|| Self::start(Command::new(program).args(arguments), folder, false))?
    }

    fn start(program: &mut Command, folder: TempDir, talks: bool) -> Option<Subject> {
        if !have("unshare") || !have("prlimit") {
            return None;
        }
        let mut command = in_a_namespace();
        command.arg(program.get_program()).args(program.get_args());
        command.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut attached = Vec::new();
        if talks {
            for line in BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap) {
                let Some((address, size)) = line.split_once(' ') else { break };
                let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
                attached.push((address, size.parse::<u64>().unwrap().next_multiple_of(4096)));
            }
        } else {
            std::thread::sleep(std::time::Duration::from_millis(800));
        }
        Some(Subject { child, folder, attached })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The dump that gcore writes of it.
    pub(super) fn gcore(&self) -> Option<PathBuf> {
        if !have("gcore") {
            return None;
        }
        let pid = self.child.id();
        let mut gcore = Command::new("gcore");
        gcore.args(["-o", "gcore", &pid.to_string()]).current_dir(self.folder.path());
        let output = gcore.stdin(Stdio::null()).env_remove("DEBUGINFOD_URLS").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(self.folder.path().join(format!("gcore.{pid}")))
    }

    /// The dump that the kernel writes of it, which ends it.
    pub(super) fn abort(&mut self) -> Option<PathBuf> {
        if !cores_are_plain() {
            return None;
        }
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGABRT).unwrap();
        self.child.wait().unwrap();
        let core = self.folder.path().join("core");
        core.exists().then_some(core)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
