//! Shared memory made again as a file of shm_open(3).

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::mman::{shm_open, shm_unlink};
use nix::sys::stat::Mode;

use super::{Destination, Failure};
use crate::kind::{Kind, posix_name};
use crate::render::printable::{Printable, Quoted};
use crate::shm::Segment;

/// A new file in /dev/shm, gone again unless it is kept.
pub(super) struct PosixFile {
    name: String,
    file: File,
    kept: bool,
}

/// The name under which `segment` is made again: `asked`, as shm_open(3) takes it, or its own.
///
/// # Errors
/// It has none that shm_open(3) takes. A name of a dump is hostile: it must not lead out of the folder.
pub(super) fn name(asked: Option<&str>, segment: &Segment) -> Result<String, Failure> {
    let own = segment.name.as_deref().filter(|_| segment.kind == Kind::Posix).and_then(posix_name);
    let own = own.and_then(|name| std::str::from_utf8(name).ok());
    let name = match (asked, own) {
        (Some(asked), _) => asked.strip_prefix("/dev/shm/").or(asked.strip_prefix('/')).unwrap_or(asked),
        (None, Some(own)) => own,
        (None, None) => {
            return Err(Failure::new(format!(
                "a {} segment has no name by which others find it; --name /NAME makes it again as POSIX shared memory",
                segment.kind.label()
            )));
        }
    };
    let component = !name.is_empty() && !name.contains(['/', '\0']) && ![".", ".."].contains(&name);
    if !component || name.len() > 255 {
        let shown = Quoted(name.as_bytes());
        return Err(Failure::new(format!(
            "{shown} is no name of POSIX shared memory; give one: --name /NAME"
        )));
    }
    Ok(format!("/{name}"))
}

impl PosixFile {
    /// Makes a file of `size` bytes and these rights; one of that name must not be there.
    pub(super) fn create(name: String, size: u64, mode: u32) -> Result<Self, Failure> {
        let shown = format!("/dev/shm{}", Printable(name.as_bytes()));
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(mode);
        let made = shm_open(Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())), flags, mode);
        let file: File = match made {
            Ok(file) => file.into(),
            Err(nix::errno::Errno::EEXIST) => {
                return Err(Failure::new(format!("{shown} exists; remove it or name another (--name)")));
            }
            Err(errno) => return Err(Failure::new(format!("cannot make {shown}: {errno}"))),
        };
        let this = Self { name, file, kept: false };
        this.file.set_len(size).map_err(|error| Failure::new(format!("cannot make {shown}: {error}")))?;
        Ok(this)
    }

    /// Where it is.
    pub(super) fn path(&self) -> String {
        format!("/dev/shm{}", self.name)
    }

    /// Leaves it there.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Destination for PosixFile {
    fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all_at(bytes, offset as u64).map_err(|error| {
            Failure::new(format!("cannot write {}: {error}", Printable(self.path().as_bytes())))
        })
    }
}

impl Drop for PosixFile {
    fn drop(&mut self) {
        if !self.kept {
            // Nobody is left to tell if this fails.
            let _ = shm_unlink(Path::new(&self.name));
        }
    }
}
