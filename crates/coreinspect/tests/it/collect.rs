//! `coreinspect collect`: what it stores of a crash, for whom, and what no crash can make it do.

mod crashes;
mod handler;
mod install;
mod rules;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

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

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
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
