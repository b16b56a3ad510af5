//! Threads with another IPC namespace or another user than the rest of the process.

#![allow(unsafe_code)]

use std::thread;

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::Uid;

use crate::skip;

/// Runs `test` in a fresh IPC namespace, which dies with the thread and all that is in it.
pub(crate) fn in_new_ipc_namespace(test: fn()) {
    let test = thread::spawn(move || match unshare(CloneFlags::CLONE_NEWIPC) {
        Ok(()) => test(),
        Err(errno) => skip(&format!("unshare(CLONE_NEWIPC) says {errno}")),
    });
    if let Err(panic) = test.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs `test` as a user without rights.
pub(crate) fn as_nobody(test: impl FnOnce() + Send) {
    if !Uid::effective().is_root() {
        return skip("only root can become another user");
    }
    let keep: libc::uid_t = libc::uid_t::MAX;
    thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: takes no pointer; without the C library in between it changes this thread alone.
            let result = unsafe { libc::syscall(libc::SYS_setresuid, keep, 65534, keep) };
            assert_eq!(result, 0);
            test();
        });
    });
}
