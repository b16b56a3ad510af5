//! Real crashes, which the kernel hands to the handler. They change kernel.core_pattern, so they run alone:
//! `cargo test -p coreinspect --test it -- --ignored --test-threads 1 collect::crashes`, as root.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{document, folder, json, names, only, rights};
use crate::program::{Run, coreinspect};

/// kernel.core_pattern is ours for as long as this value lives. A process of its own puts the old values back when this
/// value goes or the test dies: then its standard input ends. It holds the lock of .ci/with-plain-cores, unless that is
/// what runs the test, with the pattern `core`.
struct Pattern {
    keeper: Child,
    /// The program, where its path is short and root's alone.
    program: TempDir,
    cores: TempDir,
}

const KEEPER: &str = r#"
trap '' HUP INT TERM
cd /proc/sys/kernel
exec 9>>/run/lock/coreinspect-core-pattern
flock --wait 5 9 || [ "$(cat core_pattern)" = core ] || exit 1
pattern=$(cat core_pattern) limit=$(cat core_pipe_limit) suid=$(cat /proc/sys/fs/suid_dumpable)
echo "$2" >core_pipe_limit && echo 2 >/proc/sys/fs/suid_dumpable && echo "$1" >core_pattern && echo ready
cat >/dev/null
echo "$pattern" >core_pattern
echo "$limit" >core_pipe_limit
echo "$suid" >/proc/sys/fs/suid_dumpable
"#;

impl Pattern {
    /// The handler with `flags`, started by the kernel for each crash.
    fn handler(flags: &str) -> Option<Pattern> {
        Pattern::set(16, |program, cores| {
            format!("|{program} collect -P%P -i%i -s%s -t%t -d%d -F %F -e %e --output-dir {cores} {flags}")
        })
    }

    fn set(limit: u32, pattern: impl FnOnce(&str, &str) -> String) -> Option<Pattern> {
        if !nix::unistd::geteuid().is_root() {
            crate::tools::missing("root");
            return None;
        }
        let short = || tempfile::Builder::new().prefix("c").rand_bytes(5).tempdir_in("/run").unwrap();
        let (program, cores) = (short(), folder_in_run());
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let path = program.path().join("c");
        fs::copy(env!("CARGO_BIN_EXE_coreinspect"), &path).unwrap();
        let line = pattern(path.to_str().unwrap(), cores.path().to_str().unwrap());
        assert!(line.len() <= 127, "{line}");
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh", &line, &limit.to_string()]).process_group(0);
        let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let this = Pattern { keeper, program, cores };
        if said != "ready\n" {
            crate::tools::missing("the right to set kernel.core_pattern");
            return None;
        }
        Some(this)
    }

    fn folder(&self) -> &Path {
        self.cores.path()
    }

    /// The stored core, once it is there: the kernel reaps the process before the handler has ended.
    fn core(&self) -> PathBuf {
        let until = Instant::now() + Duration::from_secs(20);
        while !names(self.folder()).iter().any(|name| name.ends_with(".zst") && !name.starts_with('.')) {
            assert!(Instant::now() < until, "no core: {:?}", names(self.folder()));
            thread::sleep(Duration::from_millis(5));
        }
        only(self.folder(), ".zst")
    }

    fn sidecar(&self) -> Value {
        json(&self.core().with_extension("json"))
    }
}

fn folder_in_run() -> TempDir {
    let folder = tempfile::Builder::new().prefix("o").rand_bytes(5).tempdir_in("/run").unwrap();
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

impl Drop for Pattern {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        let _ = &self.program;
    }
}

/// Makes a read-only attach of 5,000 bytes, 64 MiB that are not to be dumped, and an ordinary segment, and aborts. Its name
/// is its first argument; with a second it asks for coredump_filter 0.
const CRASHER: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <unistd.h>
static char *make(int key, size_t size, const char *text, int *id)
{
	*id = shmget(key, size, 0640 | IPC_CREAT);
	char *at = shmat(*id, 0, 0);
	if (at == (void *)-1) { perror("shmat"); exit(1); }
	at[0] = 1;
	strcpy(at + 1, text);
	strcpy(at + size - 100, text);
	shmctl(*id, IPC_RMID, 0);
	return at;
}
int main(int argc, char **argv)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int ids[3];
	setrlimit(RLIMIT_CORE, &all);
	if (argc > 2) {
		FILE *filter = fopen("/proc/self/coredump_filter", "w");
		fputs("0", filter);
		fclose(filter);
	}
	char *first = make(0x7b00aa01, 5000, "read only", &ids[0]);
	char *read_only = shmat(ids[0], 0, SHM_RDONLY);
	shmdt(first);
	char *hidden = make(IPC_PRIVATE, 64 << 20, "not dumped", &ids[1]);
	madvise(hidden, 64 << 20, MADV_DONTDUMP);
	make(0x7b00aa02, 8192, "ordinary", &ids[2]);
	prctl(PR_SET_NAME, argv[1]);
	printf("%d %d %d\n", ids[0], ids[1], ids[2]);
	fflush(stdout);
	if (read_only[0])
		abort();
}
"#;

/// The program, in a folder where everybody may run it.
fn crasher() -> Option<(TempDir, PathBuf)> {
    if !crate::tools::have("gcc") || !crate::tools::have("unshare") {
        return None;
    }
    let folder = folder();
    let path = folder.path().join("crasher.c");
    fs::write(&path, CRASHER).unwrap();
    let program = folder.path().join("crasher");
    let gcc = Command::new("gcc").args(["-O1", "-o"]).arg(&program).arg(&path).status().unwrap();
    assert!(gcc.success());
    Some((folder, program))
}

/// Runs it to its end; answers the shmids that it said.
fn crash(command: &mut Command) -> Vec<i64> {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let died = output.status.signal().is_some() || output.status.code() == Some(134);
    assert!(died, "{command:?}: {} {}", output.status, String::from_utf8_lossy(&output.stderr));
    said.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// That all three segments are whole and known.
fn all_is_known(core: &Path, ids: &[i64]) {
    let dump = document(core);
    assert_eq!(dump["writer"], "kernel");
    assert_eq!(dump["process"]["signal"]["name"], "SIGABRT");
    let segments = dump["segments"].as_array().unwrap();
    for (id, size, text) in
        [(ids[0], 5000, "read only"), (ids[1], 64 << 20, "not dumped"), (ids[2], 8192, "ordinary")]
    {
        let segment =
            segments.iter().find(|segment| segment["shmid"] == id).unwrap_or_else(|| panic!("{id}: {dump}"));
        assert_eq!((&segment["found_by"], &segment["size"]), (&"sidecar".into(), &size.into()));
        assert_eq!((&segment["state"], &segment["perms"]), (&"whole".into(), &"0640".into()), "{segment}");
        assert_eq!((&segment["removed"], &segment["nattch"]), (&true.into(), &1.into()));
        assert_eq!(segment["content"]["value"]["message"]["text"], text);
        let at = (size - 100).to_string();
        let number = format!("#{}", segment["number"]);
        let words = [number.as_str(), "-o", "-", "--at", &at, "--length", "100"];
        let bytes = Run::of(coreinspect().arg("extract").arg(core).args(words));
        assert_eq!(&bytes.out[..text.len()], text.as_bytes());
    }
}

#[test]
#[ignore = "changes kernel.core_pattern: alone"]
fn what_the_core_lacks_lies_beside_it() {
    let Some((_folder, program)) = crasher() else { return };
    let Some(pattern) = Pattern::handler("") else { return };
    let start = Instant::now();
    // unshare would die of its child's signal, and be dumped too.
    let mut unshare = Command::new("unshare");
    let script = r#""$0" crasher; exit 134"#;
    let ids = crash(unshare.args(["--ipc", "--pid", "--fork", "sh", "-c", script]).arg(&program));
    println!("the process died in {:?}", start.elapsed());
    let core = pattern.core();
    all_is_known(&core, &ids);
    let sidecar = pattern.sidecar();
    assert_eq!(
        sidecar["process"]["namespace_pids"].as_array().unwrap().len(),
        2,
        "its number in both namespaces"
    );
    assert_eq!(sidecar["problems"], Value::Array(vec![]));
    assert_eq!(sidecar["sysvipc"]["shm"].as_str().unwrap().lines().count(), 4, "only its own namespace's");
    assert!(
        sidecar["mappings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["flags"].as_str().unwrap().contains("dd"))
    );
    // The core alone says less.
    let alone = folder();
    fs::copy(&core, alone.path().join("core.zst")).unwrap();
    let alone = document(&alone.path().join("core.zst"));
    assert!(
        alone["segments"].as_array().unwrap().iter().any(|segment| segment["state"] != "whole"),
        "{alone}"
    );
    assert_eq!(alone["segments"][0]["shmid"], Value::Null);
}

/// A service that keeps no shared memory in its cores (coredump_filter 0) has its segments all the same, sparse.
#[test]
#[ignore = "changes kernel.core_pattern: alone"]
fn a_small_core_still_has_its_segments() {
    let Some((_folder, program)) = crasher() else { return };
    let Some(pattern) = Pattern::handler("") else { return };
    let ids = crash(Command::new("unshare").arg("--ipc").arg(&program).args(["crasher", "filter"]));
    all_is_known(&pattern.core(), &ids);
    let data = fs::metadata(pattern.core().with_extension("shm")).unwrap();
    assert!(data.len() > 64 << 20 && std::os::unix::fs::MetadataExt::blocks(&data) * 512 < 1 << 20);
}

#[test]
#[ignore = "changes kernel.core_pattern: alone"]
fn a_user_gets_the_cores_of_programs_that_were_wholly_that_user_s() {
    let Some((_folder, program)) = crasher() else { return };
    let nobody = 65534;
    let as_nobody = |program: &Path| {
        let mut command = Command::new(program);
        command.arg("crasher").uid(nobody).gid(nobody);
        command
    };
    {
        let Some(pattern) = Pattern::handler("--segments all") else { return };
        crash(&mut as_nobody(&program));
        for path in
            [pattern.core(), pattern.core().with_extension("json"), pattern.core().with_extension("shm")]
        {
            assert_eq!(rights(&path), (nobody, 0, 0o600), "{path:?}");
        }
        assert_eq!(pattern.sidecar()["user"], nobody);
    }
    // Set-user-ID root, and set-user-ID to another user: the dump mode is 2.
    for owner in [0, 1] {
        let set_user_id = program.with_file_name(format!("suid{owner}"));
        fs::copy(&program, &set_user_id).unwrap();
        std::os::unix::fs::chown(&set_user_id, Some(owner), Some(owner)).unwrap();
        fs::set_permissions(&set_user_id, std::os::unix::fs::PermissionsExt::from_mode(0o4755)).unwrap();
        let Some(pattern) = Pattern::handler("--segments all") else { return };
        crash(&mut as_nobody(&set_user_id));
        for path in
            [pattern.core(), pattern.core().with_extension("json"), pattern.core().with_extension("shm")]
        {
            assert_eq!(rights(&path), (0, 0, 0o600), "{path:?}");
        }
        let sidecar = pattern.sidecar();
        assert_eq!((&sidecar["user"], &sidecar["process"]["secure"]), (&Value::Null, &true.into()));
    }
}

#[test]
#[ignore = "changes kernel.core_pattern: alone"]
fn a_hostile_name_is_only_a_name() {
    let Some((_folder, program)) = crasher() else { return };
    let Some(pattern) = Pattern::handler("") else { return };
    let name = "/../) S\n\x1b[31m";
    crash(Command::new(&program).arg(name));
    let core = pattern.core();
    assert_eq!(pattern.sidecar()["process"]["command"], name);
    let number = core.file_name().unwrap().to_str().unwrap();
    assert!(number.bytes().all(|byte| byte.is_ascii_digit() || b"core.zst".contains(&byte)), "{number}");
    assert_eq!(names(pattern.folder()).len(), 3);
    let log = Command::new("dmesg").output().unwrap().stdout;
    let log = String::from_utf8_lossy(&log);
    assert!(
        log.contains("coreinspect: crash of ") && !log.contains('\x1b'),
        "the kernel's log is for all to read"
    );
}

#[test]
#[ignore = "changes kernel.core_pattern: alone"]
fn many_crashes_at_once_are_each_whole_or_not_there() {
    let Some((_folder, program)) = crasher() else { return };
    let Some(pattern) = Pattern::handler("") else { return };
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                Command::new("unshare").arg("--ipc").arg(&program).arg("crasher").output().unwrap()
            });
        }
    });
    pattern_is_quiet(&pattern);
    let cores: Vec<_> = names(pattern.folder()).into_iter().filter(|name| name.ends_with(".zst")).collect();
    assert!((1..=24).contains(&cores.len()), "{cores:?}");
    println!("{} of 24 stored; the kernel takes 16 at once", cores.len());
    for name in &cores {
        all_is_known(&pattern.folder().join(name), &[0, 1, 2]);
    }
}

/// Waits until no handler writes any more.
fn pattern_is_quiet(pattern: &Pattern) {
    let until = Instant::now() + Duration::from_secs(60);
    while names(pattern.folder()).iter().any(|name| name.starts_with('.')) && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Without a limit the kernel does not wait for the handler.
#[test]
#[ignore = "changes kernel.core_pattern: alone"]
fn a_kernel_that_does_not_wait_is_told_of() {
    let Some((_folder, program)) = crasher() else { return };
    let pattern = Pattern::set(0, |program, cores| {
        format!("|{program} collect -P%P -i%i -s%s -t%t -d%d -F %F -e %e --output-dir {cores}")
    });
    let Some(pattern) = pattern else { return };
    crash(Command::new("unshare").arg("--ipc").arg(&program).arg("crasher"));
    let sidecar = pattern.sidecar();
    assert!(!sidecar["problems"].as_array().unwrap().is_empty(), "{sidecar}");
    assert_eq!(document(&pattern.core())["writer"], "kernel");
}

/// Linux 6.16 and newer: the kernel connects to a socket.
#[test]
#[ignore = "changes kernel.core_pattern: alone"]
fn a_socket_does_as_well() {
    let Some((_folder, program)) = crasher() else { return };
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let version: Vec<u32> = release.split('.').take(2).map_while(|part| part.parse().ok()).collect();
    if version < vec![6, 16] {
        println!("skipped: Linux {release} has no core sockets");
        return;
    }
    let sockets = folder_in_run();
    let socket = sockets.path().join("coreinspect");
    let Some(pattern) = Pattern::set(16, |_, _| format!("@{}", socket.display())) else { return };
    let mut command = coreinspect();
    command.args(["collect", "--listen"]).arg(&socket).arg("--output-dir").arg(pattern.folder());
    let mut listener = command.stderr(Stdio::null()).spawn().unwrap();
    while !socket.exists() {
        thread::sleep(Duration::from_millis(2));
    }
    let ids = crash(Command::new("unshare").arg("--ipc").arg(&program).arg("crasher").uid(0));
    let core = pattern.core();
    listener.kill().unwrap();
    listener.wait().unwrap();
    all_is_known(&core, &ids);
    assert_eq!(pattern.sidecar()["process"]["signal"], 6);
    assert_eq!(pattern.sidecar()["problems"], Value::Array(vec![]));
}
