//! Telling the kernel of the handler: in a folder that stands in for /proc/sys/kernel.

use std::fs;
use std::path::Path;

use super::folder;
use crate::program::{Run, coreinspect};

struct Kernel {
    folder: tempfile::TempDir,
}

impl Kernel {
    fn new(pattern: &str) -> Kernel {
        let folder = folder();
        fs::create_dir(folder.path().join("kernel")).unwrap();
        let kernel = Kernel { folder };
        kernel.set("core_pattern", pattern);
        kernel.set("core_pipe_limit", "0");
        kernel
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("kernel").join(name)
    }

    fn set(&self, name: &str, value: &str) {
        fs::write(self.path(name), format!("{value}\n")).unwrap();
    }

    fn get(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap().trim_end().to_owned()
    }

    fn run(&self, flags: &[&str]) -> Run {
        let cores = self.folder.path().join("c");
        let mut command = coreinspect();
        command.arg("collect").args(flags).arg("--kernel").arg(self.folder.path().join("kernel"));
        Run::of(command.arg("--output-dir").arg(cores))
    }
}

#[test]
fn nothing_is_done_without_yes() {
    let kernel = Kernel::new("|/usr/share/apport/apport %p");
    let run = kernel.run(&["--install", "--listen", "/run/coreinspect.socket"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.text().contains("|/usr/share/apport/apport %p")
            && run.text().contains("@/run/coreinspect.socket")
    );
    assert!(run.text().contains("--yes does it"), "{run:?}");
    assert_eq!(kernel.get("core_pattern"), "|/usr/share/apport/apport %p");
    assert!(!kernel.folder.path().join("c").exists());
}

#[test]
fn what_was_there_before_comes_back() {
    let kernel = Kernel::new("core.%p");
    kernel.run(&["--install", "--listen", "/run/coreinspect.socket", "--yes"]).ended(0);
    assert_eq!(kernel.get("core_pattern"), "@/run/coreinspect.socket");
    assert_eq!(kernel.get("core_pipe_limit"), "16");
    // Again, with other options: what comes back is what was there before the first time.
    kernel.run(&["--install", "--listen", "/run/coreinspect2.socket", "--yes"]).ended(0);
    let said = kernel.run(&["--uninstall"]).ended(0);
    assert!(said.text().contains("core.%p") && kernel.get("core_pattern").starts_with('@'), "{said:?}");
    kernel.run(&["--uninstall", "--yes"]).ended(0);
    assert_eq!((kernel.get("core_pattern"), kernel.get("core_pipe_limit")), ("core.%p".into(), "0".into()));
    let again = kernel.run(&["--uninstall", "--yes"]).ended(2);
    assert!(again.err.contains("this handler is not in it"), "{}", again.err);
}

/// core_pattern as the kernel parts it: at blanks, at most 127 bytes, starting with the path of this very program.
#[test]
fn the_line_is_what_the_kernel_takes() {
    let kernel = Kernel::new("core");
    let run = kernel.run(&["--install", "--segments", "all"]);
    if run.status == 2 {
        assert!(run.err.contains("the kernel takes 127 bytes"), "{run:?}");
        return;
    }
    let line = run.text().lines().find_map(|line| line.strip_prefix("kernel.core_pattern  ")).unwrap().trim();
    assert!(line.len() <= 127, "{line}");
    let program = line.strip_prefix('|').unwrap().split(' ').next().unwrap();
    assert_eq!(Path::new(program), fs::canonicalize(env!("CARGO_BIN_EXE_coreinspect")).unwrap());
    for word in ["%P", "%s", "%t", "%d", "%F", "--segments all"] {
        assert!(line.contains(word), "{line}");
    }
}

#[test]
fn a_program_that_others_can_replace_is_not_installed() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let kernel = Kernel::new("core");
    let folder = folder();
    let program = folder.path().join("coreinspect");
    fs::copy(env!("CARGO_BIN_EXE_coreinspect"), &program).unwrap();
    std::os::unix::fs::chown(&program, Some(65534), None).unwrap();
    let mut command = std::process::Command::new(&program);
    command.args(["collect", "--install", "--yes", "--kernel"]).arg(kernel.folder.path().join("kernel"));
    let run = Run::of(command.arg("--output-dir").arg(kernel.folder.path().join("c"))).ended(2);
    assert!(run.err.contains("whoever can write there would be root"), "{}", run.err);
    assert_eq!(kernel.get("core_pattern"), "core");
}
