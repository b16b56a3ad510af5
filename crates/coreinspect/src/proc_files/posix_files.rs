//! The files of shm_open(3), and who has them open.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use nix::libc;

use super::{Device, FileStatus, pids};

/// Where shm_open(3) of glibc and musl makes its files.
const FOLDER: &str = "/dev/shm";

/// A file's device and inode.
type Identity = (Device, u64);

/// The regular files in our /dev/shm, by path; none where it cannot be read.
pub(crate) fn posix_files() -> Vec<(Vec<u8>, Identity, FileStatus)> {
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| {
        let metadata = entry.metadata().ok().filter(Metadata::is_file)?;
        let path = entry.path().as_os_str().as_bytes().to_vec();
        Some((path, identity(&metadata), FileStatus::from(&metadata)))
    });
    files.collect()
}

/// Which of `files` a process has open, as far as its descriptors may be looked at.
pub(crate) fn held_open(files: &BTreeSet<Identity>) -> BTreeSet<Identity> {
    let mut open = BTreeSet::new();
    let of_processes = pids().into_iter().flatten();
    for descriptors in of_processes.filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok()) {
        let held = descriptors.flatten().filter_map(|entry| fs::metadata(entry.path()).ok());
        open.extend(held.map(|metadata| identity(&metadata)).filter(|identity| files.contains(identity)));
    }
    open
}

fn identity(metadata: &Metadata) -> Identity {
    let device = metadata.dev();
    let (major, minor) = (libc::major(device), libc::minor(device));
    (Device { major: major.into(), minor: minor.into() }, metadata.ino())
}

impl From<&Metadata> for FileStatus {
    fn from(metadata: &Metadata) -> Self {
        Self {
            links: metadata.nlink(),
            mode: metadata.mode(),
            regular: metadata.is_file(),
            size: metadata.size(),
            owner: metadata.uid(),
        }
    }
}
