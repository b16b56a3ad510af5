//! Files that are written: mode 0600, never over one that exists unless `--force` says so.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Failure, dumps};

/// A file in the making, beside its place, which it takes in one step when it is whole: half a segment that looks like a
/// whole one is worse than none. A symbolic link there is replaced, not followed.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    file: NamedTempFile,
    force: bool,
}

impl NewFile {
    /// Begins the file at `path`, which must be none of `inputs`, under whatever name.
    ///
    /// # Errors
    /// It exists and `force` is not given, is no file, or cannot be made.
    pub(super) fn create<'p>(
        path: &Path,
        force: bool,
        inputs: impl IntoIterator<Item = &'p Path>,
    ) -> Result<Self, Failure> {
        if let Ok(existing) = fs::metadata(path) {
            let is_existing = |input: &Path| {
                fs::metadata(input)
                    .is_ok_and(|input| (input.dev(), input.ino()) == (existing.dev(), existing.ino()))
            };
            if inputs.into_iter().any(is_existing) {
                return Err(Failure::new("the output is the dump itself; name another file"));
            }
            if !existing.is_file() {
                let path = dumps::shown(path);
                let why = "it is no file that --force could replace (-o - is standard output)";
                return Err(Failure::new(format!("cannot write {path}: {why}")));
            }
        }
        if !force && path.symlink_metadata().is_ok() {
            return Err(cannot_write(path, &io::ErrorKind::AlreadyExists.into()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(folder).map_err(|error| cannot_write(path, &error))?;
        Ok(Self { path: path.to_owned(), file, force })
    }

    /// Writes to it.
    ///
    /// # Errors
    /// What `write` said, in a sentence that names the file.
    pub(super) fn write<T>(&mut self, write: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T, Failure> {
        write(self.file.as_file_mut()).map_err(|error| cannot_write(&self.path, &error))
    }

    /// Puts it at its place.
    ///
    /// # Errors
    /// It cannot take its place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let put =
            if self.force { self.file.persist(&self.path) } else { self.file.persist_noclobber(&self.path) };
        put.map(drop).map_err(|error| cannot_write(&self.path, &error.error))
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
