//! Which of the paths that a process knew could have made a key: ftok(3) backwards, from a dump.
//!
//! The paths come from a dump, which may be hostile: they are looked at by stat(2) alone, never opened. Under a root of their
//! own (a container's, an image's) no symbolic link and no `..` leads out of it (openat2(2), RESOLVE_IN_ROOT).

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use shmcore::Key;

use super::key_search::{Rule, has_inode, low_half, on_device};
use crate::look::{Clue, KnownPaths};

/// Paths that a process knew, those of them that there are, and what stat(2) says of these.
#[derive(Debug)]
pub(crate) struct StatedPaths {
    root: Root,
    files: Vec<Stated>,
    /// Paths that were looked at.
    pub tried: u64,
    /// Those that are there and could not be looked at.
    pub unreadable: u64,
    /// Bytes of memory that were looked through for paths.
    pub examined: u64,
}

#[derive(Debug)]
struct Stated {
    path: PathBuf,
    clue: Clue,
    device: u64,
    inode: u64,
    is_folder: bool,
}

/// A path that makes a key, and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clued {
    /// The path, as the process knew it.
    pub path: PathBuf,
    /// Where it stood.
    pub clue: Clue,
    /// How it makes the key.
    pub by: Rule,
}

/// Folders whose files are made up as they are looked at, or mounted.
const NOT_LOOKED_AT: &[&str] = &["/proc", "/sys", "/net"];

impl StatedPaths {
    /// Looks at `known` on this machine, or under `root`.
    ///
    /// # Errors
    /// `root` cannot be opened, or this kernel cannot look under it (before Linux 5.6).
    pub(crate) fn of(known: KnownPaths, root: Option<&Path>) -> io::Result<Self> {
        let root = Root::open(root)?;
        root.stat(Path::new("/"))?;
        let mut this = Self { root, files: Vec::new(), tried: 0, unreadable: 0, examined: known.examined };
        for (path, clue) in known.paths {
            if NOT_LOOKED_AT.iter().any(|folder| path.starts_with(folder)) {
                continue;
            }
            this.tried = this.tried.saturating_add(1);
            match this.root.stat(&path) {
                Ok((device, inode, is_folder)) => {
                    this.files.push(Stated { path, clue, device, inode, is_folder });
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    this.unreadable = this.unreadable.saturating_add(1);
                }
                Err(_) => {}
            }
        }
        Ok(this)
    }

    /// Those that make `key`, the likelier first.
    pub(crate) fn candidates(&self, key: Key) -> Vec<Clued> {
        let data_directory = |file: &Stated| {
            file.is_folder
                && low_half(file.inode) == key.bits()
                && self.root.stat(&file.path.join("PG_VERSION")).is_ok()
        };
        let rule = |file: &Stated| match file {
            file if data_directory(file) => Some(Rule::PostgresDataDirectory),
            file => (on_device(key, file.device) && has_inode(key, file.inode)).then_some(Rule::Ftok),
        };
        let clued =
            |file: &Stated| Some(Clued { path: file.path.clone(), clue: file.clue.clone(), by: rule(file)? });
        self.files.iter().filter_map(clued).collect()
    }

    /// Files on a device whose low byte is the key's: each had a chance of 1 in 65,536 to fit.
    pub(crate) fn on_device(&self, key: Key) -> u64 {
        self.files.iter().filter(|file| on_device(key, file.device)).count() as u64
    }
}

/// Where paths begin.
#[derive(Debug)]
enum Root {
    Machine,
    Folder(File),
}

impl Root {
    fn open(root: Option<&Path>) -> io::Result<Self> {
        let Some(root) = root else { return Ok(Self::Machine) };
        let folder = File::open(root)?;
        if !folder.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self::Folder(folder))
    }

    /// Device, inode, and whether it is a folder. Links are followed, as ftok(3) does.
    fn stat(&self, path: &Path) -> io::Result<(u64, u64, bool)> {
        let metadata = match self {
            Self::Machine => fs::metadata(path)?,
            Self::Folder(root) => {
                let flags = OFlags::PATH | OFlags::CLOEXEC;
                let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
                File::from(openat2(root, path, flags, Mode::empty(), resolve)?).metadata()?
            }
        };
        Ok((metadata.dev(), metadata.ino(), metadata.is_dir()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::look::Extensive;

    fn known(paths: &[&str]) -> KnownPaths {
        KnownPaths::from(paths.iter().map(|path| (PathBuf::from(path), Clue::Usual)), Extensive::FULLY)
    }

    /// Truth: ftok(3) of libc, asked with the path outside of the root.
    #[test]
    fn no_link_leads_out_of_a_root() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "").unwrap();
        fs::create_dir(root.path().join("srv")).unwrap();
        fs::write(root.path().join("srv/key"), "").unwrap();
        symlink("/srv/key", root.path().join("link")).unwrap();
        symlink(outside.path().join("secret"), root.path().join("out")).unwrap();
        let paths = ["/srv/key", "/link", "/out", "/../../srv/../srv/key", "/none"];
        let stated = StatedPaths::of(known(&paths), Some(root.path())).unwrap();
        let key = Key::ftok(root.path().join("srv/key"), b'q').unwrap();
        let found: Vec<_> = stated.candidates(key).into_iter().map(|one| one.path).collect();
        assert_eq!(found, ["/srv/key", "/link", "/../../srv/../srv/key"].map(PathBuf::from));
        let secret = Key::ftok(outside.path().join("secret"), b'q').unwrap();
        assert_eq!(stated.candidates(secret), []);
        assert_eq!((stated.tried, stated.on_device(key)), (5, 3));
    }
}
