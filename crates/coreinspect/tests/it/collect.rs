//! `coreinspect collect`: what it stores of a crash, for whom, and what no crash can make it do.

mod crashes;
mod handler;
mod install;
mod rules;
mod then;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, coreinspect};

/// A folder as root would make it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A process number that nobody has.
const NOBODY: &str = "4194304";

/// The handler for the crash of a process that is gone.
fn handler(folder: &Path, time: u64, flags: &[&str]) -> Command {
    let mut command = coreinspect();
    command
        .args(["collect", "--pid", NOBODY, "--time", &time.to_string(), "--output-dir"])
        .arg(folder)
        .args(flags);
    command
}

/// The names in `folder`, sorted, those in the making too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The one file in `folder` that ends so.
fn only(folder: &Path, suffix: &str) -> PathBuf {
    let names = names(folder);
    let mut fitting = names.iter().filter(|name| name.ends_with(suffix) && !name.starts_with('.'));
    let name = fitting.next().unwrap_or_else(|| panic!("no {suffix} in {names:?}"));
    assert_eq!(fitting.next(), None, "{names:?}");
    folder.join(name)
}

/// A sidecar, which is what its schema says.
fn json(path: &Path) -> Value {
    let sidecar = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    crate::schema::is_what_the_schema_says("sidecar", &sidecar);
    sidecar
}

/// Owner, group and mode.
fn rights(path: &Path) -> (u32, u32, u32) {
    let data = fs::metadata(path).unwrap();
    (data.uid(), data.gid(), data.mode() & 0o7777)
}

/// What zstd(1) makes of a stored core.
fn unpacked(path: &Path) -> Vec<u8> {
    let output = Command::new("zstd").arg("-dc").arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The document on the stored core.
fn document(core: &Path) -> Value {
    Run::of(coreinspect().arg("--json").arg(core)).ended(0).document()["dumps"][0].take()
}

/// The limits of a process, as proc_pid_limits(5) prints them: the soft and the hard one.
fn limit<'l>(limits: &'l str, name: &str) -> Vec<&'l str> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{limits}"));
    line.split_whitespace().take(2).collect()
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

/// The handler, with a core that goes on and on.
fn endless(folder: &std::path::Path, flags: &[&str]) -> (Child, thread::JoinHandle<()>) {
    let mut child = handler(folder, 3, flags).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        let noise = noise(1 << 20);
        while pipe.write_all(&noise).is_ok() {}
    });
    (child, feeder)
}
