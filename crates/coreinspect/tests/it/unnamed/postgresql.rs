//! PostgreSQL started first in a container, with the data directory of an earlier start: its stub has shmid 0, and gcore no
//! name for it. The magic proves it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::program::{Run, coreinspect};
use crate::tools::{have, missing};

/// It ends with this value, and its children with it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // SIGQUIT: an immediate shutdown, also of the children.
        let pid = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT);
        let _ = self.0.wait();
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max()
}

fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command
}

#[test]
fn the_first_server_of_a_container_is_found_without_being_asked_for() {
    if !nix::unistd::geteuid().is_root() || !have("gcore") || !have("setpriv") || !have("unshare") {
        println!("skipped: it takes root, gcore, setpriv and unshare");
        return;
    }
    let Some(programs) = programs() else {
        missing("initdb");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let data = folder.path().join("data");
    let mut initdb = as_postgres(&programs.join("initdb"));
    initdb.args(["-A", "trust", "--no-sync", "--no-locale", "-D"]).arg(&data).current_dir(folder.path());
    assert!(initdb.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap().success());
    let server = as_postgres(&programs.join("postgres"));
    let mut command = Command::new("unshare");
    command.arg("--ipc").arg(server.get_program()).args(server.get_args()).arg("-D").arg(&data).arg("-k");
    command.arg(folder.path()).args([
        "-c",
        "listen_addresses=",
        "-c",
        "shared_buffers=1MB",
        "-c",
        "fsync=off",
    ]);
    command.current_dir(&data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server(command.spawn().unwrap());
    let ready = || {
        let file = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        file.lines().any(|line| line.trim() == "ready")
    };
    let start = std::time::Instant::now();
    while !ready() {
        assert!(start.elapsed().as_secs() < 60, "the server does not get ready");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let pid = server.0.id().to_string();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let attach = maps.lines().find(|line| line.contains("/SYSV")).unwrap();
    assert_eq!(attach.split_whitespace().nth(4), Some("0"), "shmid 0: {attach}");
    let mut gcore = Command::new("gcore");
    gcore.args(["-o", "gcore", &pid]).current_dir(folder.path()).stdin(Stdio::null());
    assert!(gcore.output().unwrap().status.success());

    let core = folder.path().join(format!("gcore.{pid}"));
    let run = Run::of(coreinspect().arg("--json").arg(&core)).ended(1);
    let segments = &run.document()["dumps"][0]["segments"];
    assert_eq!(segments.as_array().unwrap().len(), 1, "{segments}");
    let segment = &segments[0];
    assert!(segment["key"].is_null() && segment["found_by"] == "content", "{segment}");
    assert_eq!(segment["content"]["layout"], "postgresql");
    assert_eq!(segment["content"]["confidence"], "certain");
    let base = segment["attachments"][0]["base"].as_str().unwrap().trim_start_matches("0x");
    assert!(attach.starts_with(base), "{attach}: {base}");
    let creator = &segment["content"]["value"]["creatorPID"];
    assert_eq!(creator.to_string(), pid, "{segment}");
}
