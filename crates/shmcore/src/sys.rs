//! The system calls. nix 0.31 wraps none of them, so this is the C interface made safe.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use nix::errno::Errno;
use nix::libc;

use crate::{Key, ShmId};

/// shmget(2).
pub(crate) fn get(key: Key, size: usize, flags: c_int) -> nix::Result<ShmId> {
    // SAFETY: shmget takes no pointer.
    let id = unsafe { libc::shmget(key.raw(), size, flags) };
    Errno::result(id).map(ShmId::from_raw)
}

/// shmctl(2) with IPC_STAT.
pub(crate) fn stat(id: ShmId) -> nix::Result<libc::shmid_ds> {
    let mut status = MaybeUninit::<libc::shmid_ds>::zeroed();
    // SAFETY: IPC_STAT writes one shmid_ds, and there is room for one.
    let result = unsafe { libc::shmctl(id.raw(), libc::IPC_STAT, status.as_mut_ptr()) };
    Errno::result(result)?;
    // SAFETY: a struct of integers, for which zero is a value, even if the kernel left some out.
    Ok(unsafe { status.assume_init() })
}

/// shmctl(2) with IPC_RMID.
pub(crate) fn remove(id: ShmId) -> nix::Result<()> {
    // SAFETY: IPC_RMID does not look at the pointer. Attached memory stays until it is detached.
    let result = unsafe { libc::shmctl(id.raw(), libc::IPC_RMID, ptr::null_mut()) };
    Errno::result(result).map(drop)
}

/// shmat(2). Maps new memory and, for want of SHM_REMAP, never replaces what is mapped.
pub(crate) fn attach(id: ShmId, address: Option<usize>, read_only: bool) -> nix::Result<NonNull<u8>> {
    let address = address.map_or(ptr::null(), ptr::with_exposed_provenance);
    let flags = if read_only { libc::SHM_RDONLY } else { 0 };
    // SAFETY: the address is a wish that shmat checks; it is not read or written through.
    let start = unsafe { libc::shmat(id.raw(), address, flags) };
    // `(void *) -1` is the error value.
    if start.addr() == usize::MAX {
        return Err(Errno::last());
    }
    NonNull::new(start.cast()).ok_or(Errno::EINVAL)
}

/// shmdt(2).
///
/// # Safety
/// `start` is from [`attach`], is still attached, and nothing uses that memory from now on.
pub(crate) unsafe fn detach(start: NonNull<u8>) -> nix::Result<()> {
    // SAFETY: as the caller promises.
    let result = unsafe { libc::shmdt(start.as_ptr().cast_const().cast()) };
    Errno::result(result).map(drop)
}

/// Commands of semctl(2) that take no argument and answer a number (linux/sem.h).
pub(crate) const GETPID: c_int = 11;
pub(crate) const GETVAL: c_int = 12;
pub(crate) const GETNCNT: c_int = 14;
pub(crate) const GETZCNT: c_int = 15;

/// semctl(2) with one of the commands above.
pub(crate) fn semaphore(id: c_int, number: c_int, command: c_int) -> nix::Result<c_int> {
    // SAFETY: these commands take no pointer.
    let result = unsafe { libc::semctl(id, number, command) };
    Errno::result(result)
}
