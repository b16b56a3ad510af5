//! Files that are written: mode 0600, never over one that exists unless `--force` says so.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::linkat;
use tempfile::NamedTempFile;

use super::{Failure, dumps};
use crate::source::remove_at_the_end;

/// A file in the making, beside its place, which it takes in one step when it is whole: half a segment that looks like a
/// whole one is worse than none. A symbolic link there is replaced, not followed.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    folder: PathBuf,
    file: Making,
    force: bool,
}

/// What is written to, until it has its place.
#[derive(Debug)]
enum Making {
    /// A file without a name (O_TMPFILE of open(2)): it goes with this process, whatever ends that.
    Nameless(File),
    /// Where the file system has no such files: one that is removed with this value, and by a signal that ends us.
    Named(NamedTempFile),
}

impl Making {
    fn in_folder(folder: &Path) -> io::Result<Self> {
        let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        match open(folder, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            // It gets its name by way of /proc.
            Ok(file) if Path::new("/proc/self/fd").exists() => Ok(Self::Nameless(file.into())),
            // EISDIR: a kernel that does not know the flag.
            Ok(_) | Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL | Errno::ENOENT) => {
                let named = NamedTempFile::new_in(folder)?;
                remove_at_the_end(named.path())?;
                Ok(Self::Named(named))
            }
            Err(errno) => Err(errno.into()),
        }
    }

    fn file(&mut self) -> &mut File {
        match self {
            Self::Nameless(file) => file,
            Self::Named(named) => named.as_file_mut(),
        }
    }
}

/// Gives a file without a name the name `path`, which nothing may have.
fn give_name(file: &File, path: &Path) -> io::Result<()> {
    let this = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(AT_FDCWD, this.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
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
                return Err(Failure::new("the output would overwrite the dump itself; name another file"));
            }
            if !existing.is_file() {
                let path = dumps::shown(path);
                let why = "it is no regular file, so --force cannot replace it (-o - is standard output)";
                return Err(Failure::new(format!("cannot write {path}: {why}")));
            }
        }
        if !force && path.symlink_metadata().is_ok() {
            return Err(cannot_write(path, &io::ErrorKind::AlreadyExists.into()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = Making::in_folder(folder).map_err(|error| cannot_write(path, &error))?;
        Ok(Self { path: path.to_owned(), folder: folder.to_owned(), file, force })
    }

    /// Writes to it.
    ///
    /// # Errors
    /// What `write` said, in a sentence that names the file.
    pub(super) fn write<T>(&mut self, write: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T, Failure> {
        write(self.file.file()).map_err(|error| cannot_write(&self.path, &error))
    }

    /// Puts it at its place.
    ///
    /// # Errors
    /// It cannot take its place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let path = &self.path;
        let put = match self.file {
            Making::Nameless(file) => match give_name(&file, path) {
                // A link replaces nothing, a rename does.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.force => {
                    let named = tempfile::Builder::new().make_in(&self.folder, |name| give_name(&file, name));
                    named.and_then(|named| named.persist(path).map(drop).map_err(|error| error.error))
                }
                named => named,
            },
            Making::Named(file) if self.force => file.persist(path).map(drop).map_err(|error| error.error),
            Making::Named(file) => file.persist_noclobber(path).map(drop).map_err(|error| error.error),
        };
        put.map_err(|error| cannot_write(path, &error))
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
