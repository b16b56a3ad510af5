//! Which paths could have made a key: ftok(3) backwards, over a tree of files; and PostgreSQL's way, which since
//! version 13 takes the low 32 bits of the inode of its data directory (src/backend/port/sysv_shmem.c).
//!
//! A key of ftok has 8 bits of the project id, the low 8 of the device's number and the low 16 of the inode's: many files
//! share the last 24. The project id is whatever the program chose, so every file with those 24 bits is a candidate.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use shmcore::Key;
use walkdir::WalkDir;

/// A path that makes the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The path.
    pub path: PathBuf,
    /// How it does.
    pub by: Rule,
}

/// How a path makes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// PostgreSQL 13 and later: the key is the low half of the inode of the data directory.
    PostgresDataDirectory,
    /// ftok(3), with the key's project id.
    Ftok,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// The paths that make the key, the most plausible first.
    pub candidates: Vec<Candidate>,
    /// Paths that were looked at.
    pub searched: u64,
    /// Those on a device whose low byte is the key's: each had a chance of 1 in 65,536 to fit.
    pub on_device: u64,
    /// Folders and files that could not be looked at.
    pub unreadable: u64,
}

impl Search {
    /// Walks `root`, without following symbolic links (ftok(3) follows them, but what they lead to has a path of its
    /// own), and without entering `/proc` and `/sys`, whose inodes are made up as they are looked at.
    pub(crate) fn run(key: Key, root: &Path) -> Self {
        let mut search = Self::default();
        let mut found = Vec::new();
        let real = |path: &Path| ![Path::new("/proc"), Path::new("/sys")].contains(&path);
        for entry in WalkDir::new(root).into_iter().filter_entry(|entry| real(entry.path())) {
            let Ok((entry, metadata)) =
                entry.and_then(|entry| entry.metadata().map(|metadata| (entry, metadata)))
            else {
                search.unreadable = search.unreadable.saturating_add(1);
                continue;
            };
            if metadata.is_symlink() {
                continue;
            }
            search.searched = search.searched.saturating_add(1);
            if metadata.is_dir()
                && low_half(metadata.ino()) == key.bits()
                && entry.path().join("PG_VERSION").exists()
            {
                found.push((
                    (Rule::PostgresDataDirectory, rank(entry.depth(), &metadata)),
                    entry.path().to_owned(),
                ));
            }
            if !on_device(key, metadata.dev()) {
                continue;
            }
            search.on_device = search.on_device.saturating_add(1);
            if has_inode(key, metadata.ino()) {
                found.push(((Rule::Ftok, rank(entry.depth(), &metadata)), entry.into_path()));
            }
        }
        found.sort();
        search.candidates = found.into_iter().map(|((by, _), path)| Candidate { path, by }).collect();
        search
    }

    /// How many candidates chance alone would give.
    pub(crate) fn expected_by_chance(&self) -> f64 {
        expected_by_chance(self.on_device)
    }
}

/// How many of `paths` on a fitting device make a key by chance alone: 16 bits of the inode decide.
pub(crate) fn expected_by_chance(paths: u64) -> f64 {
    // 52 bits of a count of paths are plenty.
    #[allow(clippy::cast_precision_loss)]
    let paths = paths as f64;
    paths / 65536.0
}

pub(super) fn low_half(inode: u64) -> u32 {
    let [.., a, b, c, d] = inode.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Whether a file on the device `device` could have made `key`.
pub(super) fn on_device(key: Key, device: u64) -> bool {
    let [.., low] = device.to_be_bytes();
    low == key.parts().device_low
}

/// Whether a file with the inode `inode` could have made `key`.
pub(super) fn has_inode(key: Key, inode: u64) -> bool {
    let [.., high, low] = inode.to_be_bytes();
    u16::from_be_bytes([high, low]) == key.parts().inode_low
}

/// How plausible a path is: programs hand ftok(3) a folder (often `.`) or a file that they own, near the top of their
/// own tree; never a socket or a device. Lower is better.
fn rank(depth: usize, metadata: &Metadata) -> (u8, usize) {
    let kind = if metadata.is_dir() || metadata.is_file() { 0 } else { 1 };
    (kind, depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Truth: ftok(3) of libc makes the key.
    #[test]
    fn a_search_finds_the_file_that_made_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b/key file");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, folder.path().join("link")).unwrap();
        let key = Key::ftok(&file, b'x').unwrap();
        let search = Search::run(key, folder.path());
        let paths: Vec<_> = search.candidates.iter().map(|candidate| candidate.path.clone()).collect();
        assert!(paths.contains(&file), "{search:?}");
        assert!(!paths.contains(&folder.path().join("link")));
        assert_eq!(search.searched, 4);
        assert_eq!(search.unreadable, 0);
    }

    /// PostgreSQL 15 in a folder of inode 10207408 took the key 0x009bc0b0.
    #[test]
    fn a_search_finds_a_data_directory_by_its_inode() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let key = Key::from_bits(low_half(std::fs::metadata(&data).unwrap().ino()));
        let by_inode = |search: Search| {
            search.candidates.into_iter().filter(|one| one.by == Rule::PostgresDataDirectory).count()
        };
        assert_eq!(by_inode(Search::run(key, folder.path())), 0);
        std::fs::write(data.join("PG_VERSION"), "15\n").unwrap();
        assert_eq!(by_inode(Search::run(key, folder.path())), 1);
    }
}
