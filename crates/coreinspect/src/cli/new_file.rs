//! Files that are written: mode 0600, never over one that exists unless `--force` says so.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Failure, dumps};

/// A file in the making. Dropped before [`NewFile::finish`], it is gone: half a segment that looks like a whole one is
/// worse than none.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    making: Making,
}

#[derive(Debug)]
enum Making {
    /// At its place, where nothing was.
    AtItsPlace(File),
    /// Beside its place, which it takes in one step: a symbolic link there is replaced, not followed.
    BesideIt(NamedTempFile),
    Finished,
}

impl NewFile {
    /// Begins the file at `path`, which must be none of `inputs`, under whatever name.
    ///
    /// # Errors
    /// It exists and `force` is not given, or cannot be made.
    pub(super) fn create<'p>(
        path: &Path,
        force: bool,
        inputs: impl IntoIterator<Item = &'p Path>,
    ) -> Result<Self, Failure> {
        let identity = |path: &Path| fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        let existing = identity(path);
        if existing.is_some() && inputs.into_iter().any(|input| identity(input) == existing) {
            return Err(Failure::new("the output is the dump itself; name another file"));
        }
        let making = if force {
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            NamedTempFile::new_in(folder).map(Making::BesideIt)
        } else {
            let mut options = File::options();
            options.write(true).create_new(true).mode(0o600).custom_flags(nix::libc::O_NOFOLLOW);
            options.open(path).map(Making::AtItsPlace)
        };
        let path = path.to_owned();
        match making {
            Ok(making) => Ok(Self { path, making }),
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }

    /// Writes to it.
    ///
    /// # Errors
    /// What `write` said, in a sentence that names the file.
    pub(super) fn write<T>(&mut self, write: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T, Failure> {
        let written = match &mut self.making {
            Making::AtItsPlace(file) => write(file),
            Making::BesideIt(file) => write(file.as_file_mut()),
            Making::Finished => Err(io::ErrorKind::NotFound.into()),
        };
        written.map_err(|error| cannot_write(&self.path, &error))
    }

    /// Leaves it at its place.
    ///
    /// # Errors
    /// It cannot take its place.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        match std::mem::replace(&mut self.making, Making::Finished) {
            Making::BesideIt(file) => {
                file.persist(&self.path).map(drop).map_err(|error| cannot_write(&self.path, &error.error))
            }
            Making::AtItsPlace(_) | Making::Finished => Ok(()),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Making::AtItsPlace(_) = self.making {
            // If even that fails, the error that led here has been told.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let path = dumps::shown(path);
    Failure::new(match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{path} exists already; --force overwrites it"),
        io::ErrorKind::UnexpectedEof => {
            "the dump became shorter while it was read; copy it to a quiet place and read the copy".to_owned()
        }
        _ => format!("cannot write {path}: {error}"),
    })
}
