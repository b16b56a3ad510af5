//! The process that dies, pinned: what is said of it is true of it, not of the next one that gets its number.

use std::fs;
use std::io;

use shmcore::Uid;

use crate::proc_files::{Credentials, ProcessFolder};

/// A process while the kernel waits for its core to be taken.
#[derive(Debug)]
pub(crate) struct Dying {
    folder: ProcessFolder,
}

/// Who may read what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The user whose process it was, wholly: it never changed its rights.
    User(Uid),
    /// Root alone.
    Root,
}

impl Dying {
    /// Pins process `pid`, in the PID namespace of this /proc. `pidfd` is the number of a descriptor of it that the
    /// kernel gave us.
    ///
    /// # Errors
    /// It is gone; the number is another process's by now, because the pidfd is of another one or because the process
    /// dumps no core.
    pub(crate) fn pin(pid: u32, pidfd: Option<u32>) -> io::Result<Self> {
        let folder = ProcessFolder::open(pid).map_err(|error| io::Error::other(error.to_string()))?;
        if let Some(number) = pidfd {
            // Read behind the folder: while the pidfd's process has this number, the folder is its own.
            let of = pid_of(number)?;
            if of != Some(pid) {
                return Err(io::Error::other(format!(
                    "the pidfd is not of process {pid}: another process has its number now"
                )));
            }
        }
        // Linux 4.15 and newer say so (fs/proc/array.c).
        match folder.status_number("CoreDumping") {
            Some(1) | None => Ok(Self { folder }),
            Some(_) => Err(io::Error::other(format!(
                "process {pid} dumps no core: another process has its number now"
            ))),
        }
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &ProcessFolder {
        &self.folder
    }

    /// The user who started it, whatever rights it had then.
    pub(crate) fn user(&self) -> Option<Uid> {
        self.folder.credentials().map(|credentials| Uid::from_raw(credentials.user[0]))
    }

    /// Who may read what is stored of it: the user, if nothing of it ever had other rights than the user's (CVE-2022-4415,
    /// CVE-2025-4598). `dumpable` is `%d` of core_pattern; without it, as over a socket, what /proc shows of it.
    pub(crate) fn access(&self, dumpable: Option<u32>) -> Access {
        let dumpable = match dumpable {
            Some(mode) => mode == 1,
            None => self.shows_its_user().unwrap_or(false),
        };
        let user = self.folder.credentials().as_ref().and_then(Credentials::only_user);
        match (dumpable, self.is_secure(), user) {
            (true, Some(false), Some(user)) if user != 0 => Access::User(Uid::from_raw(user)),
            _ => Access::Root,
        }
    }

    /// Whether its files in /proc are its user's: they are root's where the dump mode is not 1 (fs/proc/base.c,
    /// `task_dump_owner`).
    fn shows_its_user(&self) -> Option<bool> {
        use std::os::unix::fs::MetadataExt;
        let owner = self.folder.file("stat").ok()?.metadata().ok()?.uid();
        Some(Some(owner) == self.folder.credentials()?.user.get(1).copied())
    }

    /// AT_SECURE of getauxval(3): its program had more rights than who started it. `None` if that cannot be told.
    pub(crate) fn is_secure(&self) -> Option<bool> {
        secure(&self.folder.read_at_most("auxv", 4096).ok()?)
    }

    /// The signal of which it dies, from the wait status that it will have.
    pub(crate) fn signal(&self) -> Option<u32> {
        let signal = self.folder.stat().ok()?.exit_code & 0x7f;
        (signal != 0).then_some(signal)
    }
}

/// The process of the descriptor `number`, by /proc/self/fdinfo (pidfd_open(2)); `None` if it is gone.
pub(crate) fn pid_of(number: u32) -> io::Result<Option<u32>> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{number}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pid:"));
    let line = line.ok_or_else(|| io::Error::other(format!("descriptor {number} is no pidfd")))?;
    Ok(line.trim().parse().ok())
}

/// AT_SECURE in an auxiliary vector of either class.
fn secure(vector: &[u8]) -> Option<bool> {
    const AT_SECURE: u64 = 23;
    // Types are small: what looks large as 8 bytes is a type and a value of 4.
    let first = u64::from_ne_bytes(*vector.first_chunk()?);
    let is_64_bit = first <= u64::from(u32::MAX);
    let pairs = vector.chunks_exact(if is_64_bit { 16 } else { 8 });
    let long = |bytes: &[u8]| match is_64_bit {
        true => bytes.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes)),
        false => bytes.first_chunk().map(|bytes| u64::from(u32::from_ne_bytes(*bytes))),
    };
    pairs
        .map(|pair| pair.split_at(pair.len() / 2))
        .find_map(|(kind, value)| (long(kind)? == AT_SECURE).then(|| long(value).map(|value| value != 0))?)
}

#[cfg(test)]
mod tests {
    use super::secure;

    #[test]
    fn a_vector_of_either_class_tells() {
        let words = |longs: &[u64]| longs.iter().flat_map(|long| long.to_ne_bytes()).collect::<Vec<u8>>();
        let halves = |longs: &[u32]| longs.iter().flat_map(|long| long.to_ne_bytes()).collect::<Vec<u8>>();
        assert_eq!(secure(&words(&[33, 0x7fff_0000_1000, 23, 1, 0, 0])), Some(true));
        assert_eq!(secure(&words(&[33, 0x7fff_0000_1000, 23, 0, 0, 0])), Some(false));
        assert_eq!(secure(&halves(&[32, 0xf7f3_9590, 23, 1, 0, 0])), Some(true));
        assert_eq!(secure(&halves(&[32, 0xf7f3_9590, 6, 4096, 0, 0])), None);
        assert_eq!(secure(b""), None);
    }
}
