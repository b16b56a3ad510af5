//! A mapped file that shrinks raises SIGBUS in whoever reads the map. It must not kill the program without a
//! word: the handler here writes one line and ends with status 2.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static MESSAGE: OnceLock<Vec<u8>> = OnceLock::new();

/// Makes SIGBUS end the process with one line on standard error that names `path`, and status 2.
///
/// For a program's `main`: a signal handler belongs to the whole process, so the library installs none by
/// itself. The first call decides; `path` must already be harmless on a terminal.
///
/// # Errors
/// What sigaction(2) said.
pub fn die_clearly_when_a_mapped_file_shrinks(path: &OsStr) -> nix::Result<()> {
    let mut line = b"coreinspect: ".to_vec();
    line.extend_from_slice(path.as_bytes());
    line.extend_from_slice(
        b": the file became shorter, or unreadable, while it was read; copy it to a quiet place and read the copy\n",
    );
    if MESSAGE.set(line).is_err() {
        return Ok(());
    }
    let action = SigAction::new(SigHandler::Handler(on_sigbus), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler calls write(2) and _exit(2) alone, both async-signal-safe (signal-safety(7)), and
    // reads a OnceLock that was set before the handler was installed.
    unsafe { sigaction(Signal::SIGBUS, &action)? };
    Ok(())
}

extern "C" fn on_sigbus(_: libc::c_int) {
    let line = MESSAGE.get().map(Vec::as_slice).unwrap_or_default();
    // SAFETY: `line` is valid for its length; write and _exit may be called from a signal handler.
    unsafe {
        libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len());
        libc::_exit(2);
    }
}
