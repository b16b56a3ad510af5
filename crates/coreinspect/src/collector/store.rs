//! The folder of the stored cores: root's alone to write to, every file begun exclusively and shown when it is whole.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag, open, openat};
use nix::sys::stat::{Mode, fchmod, fstatat};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{UnlinkatFlags, fchown, geteuid, unlinkat};
use rustix::fs::{RenameFlags, renameat_with};
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use shmcore::Uid;

use super::Access;
use super::shares::{Crash, next_to_go};

/// How much may be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of all files on disk; the oldest crashes go first, of the user who takes most.
    pub total: u64,
    /// Crashes.
    pub number: usize,
    /// Bytes of the file system that stay free.
    pub keep_free: u64,
}

/// The folder.
#[derive(Debug)]
pub(crate) struct Store {
    folder: OwnedFd,
}

/// A file in the making. It is gone with this value unless it is shown; after a SIGKILL the next crash removes it.
#[derive(Debug)]
pub(crate) struct Pending<'s> {
    store: &'s Store,
    name: String,
    file: Flock<File>,
    shown: bool,
}

/// The extended attribute that says whose crash it was, in decimal.
const CHARGED: &str = "user.coreinspect.uid";
/// What a name in the making begins with.
const PENDING: &str = ".pending-";

impl Store {
    /// Opens the folder at `path`, and makes it (mode 0755) if only it is missing.
    ///
    /// # Errors
    /// Somebody else than root (or we, where we are somebody else) could put files into it, or names on the way to it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let path = fs::canonicalize(path)?;
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut folder = open("/", flags, Mode::empty())?;
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            folder = openat(&folder, name, flags, Mode::empty())?;
            let folder_of_all = File::from(folder.try_clone()?).metadata()?;
            let ours = [0, geteuid().as_raw()].contains(&folder_of_all.uid());
            let writable = folder_of_all.mode() & 0o022 != 0;
            let sticky = folder_of_all.mode() & 0o1000 != 0;
            let last = path.ends_with(name) && path.components().next_back() == Some(part);
            if !ours || writable && (last || !sticky) {
                let what = Path::new(name).display();
                return Err(io::Error::other(format!(
                    "{}: others can write to {what}; it must be root's, mode 0755 or less",
                    path.display()
                )));
            }
        }
        Ok(Self { folder })
    }

    /// Begins a file that will end in `suffix`: mode 0600, exclusively.
    ///
    /// # Errors
    /// What openat(2) says.
    pub(crate) fn begin(&self, suffix: &str) -> io::Result<Pending<'_>> {
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let name = format!("{PENDING}{}{suffix}", std::process::id());
        // Before it is locked another handler may take it for abandoned; one that was killed may have had our number.
        for _ in 0..100 {
            let file = match openat(&self.folder, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR) {
                Ok(file) => File::from(file),
                Err(Errno::EEXIST) => {
                    self.remove_abandoned();
                    continue;
                }
                Err(errno) => return Err(errno.into()),
            };
            let Ok(file) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else { continue };
            if file.metadata()?.nlink() > 0 {
                return Ok(Pending { store: self, name, file, shown: false });
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Removes files in the making that nobody makes any more.
    pub(crate) fn remove_abandoned(&self) {
        for name in self.names().unwrap_or_default().iter().filter(|name| name.starts_with(PENDING)) {
            let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
            let Ok(file) = openat(&self.folder, name.as_str(), flags, Mode::empty()) else { continue };
            if Flock::lock(File::from(file), FlockArg::LockExclusiveNonblock).is_ok() {
                self.remove(name);
            }
        }
    }

    fn remove(&self, name: &str) {
        // Another handler may have done so just now.
        let _ = unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir);
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut folder = Dir::openat(self.folder.as_fd(), c".", flags, Mode::empty())?;
        let names = folder.iter().filter_map(|entry| {
            let entry = entry.ok()?;
            CStr::to_str(entry.file_name()).ok().map(str::to_owned)
        });
        Ok(names.collect())
    }

    /// Bytes that may be written before less than `keep_free` is left.
    ///
    /// # Errors
    /// What fstatvfs(3) says.
    pub(crate) fn room(&self, keep_free: u64) -> io::Result<u64> {
        let status = fstatvfs(&self.folder)?;
        let free = status.blocks_available().saturating_mul(status.fragment_size());
        Ok(free.saturating_sub(keep_free))
    }

    /// Whether a crash is stored as `base`.
    pub(crate) fn has(&self, base: &str) -> bool {
        self.names().unwrap_or_default().iter().any(|name| base_of(name) == Some(base))
    }

    /// Removes crashes until the limits hold, the oldest of the user who takes most, but never that of `newest`. Answers
    /// their names.
    pub(crate) fn make_room(&self, limits: &Limits, newest: &str) -> Vec<String> {
        let mut removed = Vec::new();
        let mut crashes = self.crashes();
        loop {
            let full = self.room(limits.keep_free).is_ok_and(|room| room == 0);
            let Some(place) = next_to_go(&crashes, limits, full, newest) else { return removed };
            let crash = crashes.swap_remove(place);
            crash.names.iter().for_each(|name| self.remove(name));
            removed.push(crash.base);
        }
    }

    /// What is stored.
    fn crashes(&self) -> Vec<Crash> {
        let mut crashes: Vec<Crash> = Vec::new();
        for name in self.names().unwrap_or_default() {
            let Some(base) = base_of(&name) else { continue };
            let Ok(status) = fstatat(&self.folder, name.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW) else {
                continue;
            };
            let bytes = u64::try_from(status.st_blocks).unwrap_or(0).saturating_mul(512);
            let user =
                if status.st_uid == geteuid().as_raw() { self.charged(&name) } else { Some(status.st_uid) };
            let place = crashes.iter().position(|crash| crash.base == base).unwrap_or_else(|| {
                let (base, names) = (base.to_owned(), Vec::new());
                crashes.push(Crash { base, names, bytes: 0, time: i64::MIN, user: geteuid().as_raw() });
                crashes.len().saturating_sub(1)
            });
            if let Some(crash) = crashes.get_mut(place) {
                crash.user = user.unwrap_or(crash.user);
                crash.add(name, bytes, status.st_mtime);
            }
        }
        crashes
    }

    /// The user that a file of ours is charged to, though that user may not read it. (A user's own file would say what that
    /// user wants.)
    fn charged(&self, name: &str) -> Option<u32> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = openat(&self.folder, name, flags, Mode::empty()).ok()?;
        let mut value = [0; 16];
        let length = fgetxattr(&file, CHARGED, value.as_mut_slice()).ok()?;
        std::str::from_utf8(value.get(..length)?).ok()?.parse().ok()
    }
}

/// `core.PID.TIME` or `core.PID.TIME-N` of one of our files; `None` for anything else in the folder, which stays.
fn base_of(name: &str) -> Option<&str> {
    let base = [".zst", ".json", ".shm"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    let digits = base.strip_prefix("core.")?;
    let (pid, time) = digits.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(pid) && time.split('-').all(is_number)).then_some(base)
}

impl Pending<'_> {
    /// The file.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Charges the crash to `user`, where the file system keeps such a word.
    pub(crate) fn charge(&mut self, user: Uid) {
        // Without it the crash counts as root's own.
        let _ = fsetxattr(&*self.file, CHARGED, user.to_string().as_bytes(), XattrFlags::empty());
    }

    /// Shows it as `name`, which nothing has, to those who may read it.
    ///
    /// # Errors
    /// What writing out, fchown(2) or renameat2(2) says.
    pub(crate) fn show(mut self, name: &str, access: Access) -> io::Result<()> {
        self.file.sync_data()?;
        fchmod(&*self.file, Mode::S_IRUSR | Mode::S_IWUSR)?;
        if let Access::User(user) = access {
            // The group stays root's: 0600 gives it nothing, and so it will if the mode is ever widened.
            fchown(&*self.file, Some(user), None)?;
        }
        let folder = &self.store.folder;
        // nix has it for glibc alone.
        let renamed = renameat_with(folder, self.name.as_str(), folder, name, RenameFlags::NOREPLACE);
        match renamed {
            // A file system without RENAME_NOREPLACE. Names are told apart before, and only we write here.
            Err(rustix::io::Errno::INVAL) => nix::fcntl::renameat(folder, self.name.as_str(), folder, name)?,
            renamed => renamed?,
        }
        self.shown = true;
        Ok(())
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.shown {
            self.store.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::base_of;

    #[test]
    fn only_our_own_names_are_ours() {
        for (name, base) in [
            ("core.12.1700000000.zst", Some("core.12.1700000000")),
            ("core.12.1700000000-2.json", Some("core.12.1700000000-2")),
            ("core.12.1700000000", Some("core.12.1700000000")),
            ("core.12.shm", None),
            ("core.12.17.xz", None),
            ("core", None),
            ("notes.json", None),
            (".pending-12.zst", None),
        ] {
            assert_eq!(base_of(name), base, "{name}");
        }
    }
}
