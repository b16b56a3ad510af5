//! /proc/PID: one process, whatever becomes of its number.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, SystemTime};

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::unistd::{SysconfVar, sysconf};

use super::{Credentials, Stat};
use crate::error::Error;

/// The folder of a process in /proc, open.
#[derive(Debug)]
pub struct ProcessFolder {
    pid: u32,
    folder: OwnedFd,
    started: u64,
}

impl ProcessFolder {
    /// Opens the folder of process `pid`.
    ///
    /// # Errors
    /// [`Error::Process`]: there is none, or it has ended and waits for its parent.
    pub fn open(pid: u32) -> Result<Self, Error> {
        let failed = |source: io::Error| Error::Process { pid, what: "its folder in /proc", source };
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
        let folder = nix::fcntl::open(format!("/proc/{pid}").as_str(), flags, Mode::empty());
        let folder = folder.map_err(|errno| failed(errno.into()))?;
        let mut this = Self { pid, folder, started: 0 };
        let stat = this.stat().map_err(failed)?;
        if stat.has_ended() {
            return Err(failed(io::ErrorKind::NotFound.into()));
        }
        this.started = stat.started;
        Ok(this)
    }

    /// The process id, in this pid namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// When it started, in clock ticks since the machine did (proc_pid_stat(5), `starttime`).
    pub fn started(&self) -> u64 {
        self.started
    }

    /// The time of day at which it started, to a second or so; `None` where the kernel does not say when it started itself.
    pub fn start_time(&self) -> Option<SystemTime> {
        let ticks = u64::try_from(sysconf(SysconfVar::CLK_TCK).ok()??).ok()?;
        let uptime = Duration::from_secs(self.started.checked_div(ticks)?);
        let stat = fs::read("/proc/stat").ok()?;
        let line = stat.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"btime "))?;
        let booted: u64 = std::str::from_utf8(line).ok()?.trim().parse().ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(booted))?.checked_add(uptime)
    }

    /// Whether the process that was opened still runs. While it does, its number is nobody else's.
    pub fn is_running(&self) -> bool {
        self.stat().is_ok_and(|stat| !stat.has_ended() && stat.started == self.started)
    }

    /// All of a file of it.
    ///
    /// # Errors
    /// What the operating system said; ESRCH or ENOENT once the process is gone.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(name)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The first `most` bytes of a file of it.
    ///
    /// # Errors
    /// As [`ProcessFolder::read`].
    pub fn read_at_most(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(name)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A file of it, open for reading.
    ///
    /// # Errors
    /// As [`ProcessFolder::read`].
    pub fn file(&self, name: &str) -> io::Result<File> {
        let flags = OFlag::O_CLOEXEC | OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        Ok(openat(&self.folder, name, flags, Mode::empty())?.into())
    }

    /// What the file behind a link of it is, which is not opened for that: opening a device can have effects.
    #[allow(clippy::useless_conversion, reason = "st_nlink has 32 bits on some machines")]
    pub fn file_status(&self, name: &str) -> Option<FileStatus> {
        let status = fstatat(&self.folder, name, AtFlags::empty()).ok()?;
        let kind = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT;
        Some(FileStatus {
            links: status.st_nlink.into(),
            mode: status.st_mode,
            regular: kind == SFlag::S_IFREG,
            size: status.st_size.try_into().ok()?,
            owner: status.st_uid,
        })
    }

    /// What a link of it says (`exe`, `ns/ipc`).
    ///
    /// # Errors
    /// As [`ProcessFolder::read`].
    pub fn link(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(readlinkat(&self.folder, name)?.into_vec())
    }

    /// The ids of its threads, the lowest first.
    ///
    /// # Errors
    /// As [`ProcessFolder::read`].
    pub fn threads(&self) -> io::Result<Vec<u32>> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut folder = Dir::openat(&self.folder, "task", flags, Mode::empty())?;
        let entries = folder.iter().filter_map(Result::ok);
        let mut ids: Vec<u32> =
            entries.filter_map(|entry| entry.file_name().to_str().ok()?.parse().ok()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// A value of its `status` (proc_pid_status(5)). Its name, which can hold anything, comes with its newlines escaped, so no
    /// line is another's.
    pub fn status(&self, field: &str) -> Option<Vec<u8>> {
        let status = self.read("status").ok()?;
        let mut lines = status.split(|byte| *byte == b'\n');
        let value = lines.find_map(|line| line.strip_prefix(field.as_bytes())?.strip_prefix(b":"))?;
        Some(value.trim_ascii().to_vec())
    }

    /// The first number of a value of its `status`.
    pub fn status_number(&self, field: &str) -> Option<u32> {
        let value = self.status(field)?;
        std::str::from_utf8(&value).ok()?.split_whitespace().next()?.parse().ok()
    }

    /// The bits of its pointers that the kernel takes for the address (x86 with LAM); `None` where its `status` does not say.
    pub fn untag_mask(&self) -> Option<u64> {
        let value = self.status("untag_mask")?;
        u64::from_str_radix(std::str::from_utf8(&value).ok()?.trim().strip_prefix("0x")?, 16).ok()
    }

    /// Who it is to the kernel, as our user namespace sees it.
    pub fn credentials(&self) -> Option<Credentials> {
        Credentials::parse(&self.status("Uid")?, &self.status("Gid")?)
    }

    /// What its `stat` says.
    ///
    /// # Errors
    /// As [`ProcessFolder::read`]; InvalidData where it is not as proc_pid_stat(5) has it.
    pub fn stat(&self) -> io::Result<Stat> {
        let stat = self.read("stat")?;
        Stat::parse(&stat).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// What a file is (inode(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// Names that lead to it.
    pub links: u64,
    /// Its type and who may do what.
    pub mode: u32,
    /// Whether it is a regular one.
    pub regular: bool,
    /// Bytes.
    pub size: u64,
    /// The user who owns it.
    pub owner: u32,
}

impl AsFd for ProcessFolder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

/// The process ids that /proc lists, in its order.
///
/// # Errors
/// What the operating system said.
pub(crate) fn pids() -> io::Result<impl Iterator<Item = u32>> {
    let entries = fs::read_dir("/proc")?.flatten();
    Ok(entries.map(|entry| entry.file_name()).filter_map(|name: OsString| name.to_str()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_run() {
        let own = ProcessFolder::open(std::process::id()).unwrap();
        assert!(own.is_running());
        assert!(own.threads().unwrap().contains(&own.pid()));
        assert_eq!(own.status_number("Tgid"), Some(own.pid()));
        let age = SystemTime::now().duration_since(own.start_time().unwrap()).unwrap_or_default();
        assert!(age < Duration::from_secs(24 * 60 * 60), "{age:?}");
    }

    #[test]
    fn a_process_that_ended_is_not_another_one() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let folder = ProcessFolder::open(child.id()).unwrap();
        assert!(folder.is_running());
        child.kill().unwrap();
        // A zombie first, then nothing.
        while folder.is_running() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(ProcessFolder::open(folder.pid()).is_err());
        child.wait().unwrap();
        assert!(!folder.is_running());
        assert!(folder.read("maps").is_err());
    }
}
