//! The layouts that everybody has. One file a layout, registered in [`BUILTIN`].

mod apr_rmm;
mod boost_interprocess;
mod gpsd;
mod hsperfdata;
mod ipc_shareable;
mod ipc_sharelite;
mod linuxcnc_hal;
mod mailbox;
mod ntp_shm;
mod openj9;
mod php_sysvshm;
mod posix_semaphore;
mod postgresql;
mod written;
mod xwd;
mod yottadb;

use std::sync::Arc;

use crate::layout::{Layout, Subject};
use crate::notation::inline;
use crate::types::Type;

/// Every built-in layout. Of two that are equally sure the first counts.
pub const BUILTIN: &[&dyn Layout] = &[
    &gpsd::Gpsd,
    &ntp_shm::NtpShm,
    &php_sysvshm::PhpSysvshm,
    &postgresql::Postgresql,
    &ipc_shareable::IpcShareable,
    &ipc_sharelite::IpcShareLite,
    &openj9::OpenJ9,
    &boost_interprocess::BoostInterprocess,
    &apr_rmm::AprRmm,
    &linuxcnc_hal::LinuxCncHal,
    &yottadb::YottaDb,
    &hsperfdata::Hsperfdata,
    &posix_semaphore::PosixSemaphore,
    &xwd::Xwd,
    &mailbox::Mailbox,
];

/// The layout that a user means who says what its flag or message is.
pub(crate) const MAILBOX: &dyn Layout = &mailbox::Mailbox;

/// The built-in layout called `name`.
pub fn named(name: &str) -> Option<&'static dyn Layout> {
    BUILTIN.iter().copied().find(|layout| layout.name() == name)
}

/// The type that `text` describes.
fn parsed(text: &str) -> Result<Arc<Type>, String> {
    inline::parse(text).map(Arc::new).map_err(|problem| problem.in_text(text, "built in").to_string())
}

/// Whether all bytes from `at` on are there and zero, as far as 128 KiB tell: more than any segment here has that may be all zero.
fn all_zero(subject: &Subject<'_>, at: u64) -> bool {
    let end = subject.length().min(at.saturating_add(128 << 10));
    let mut next = at;
    while next < end {
        let left = usize::try_from(end.saturating_sub(next)).unwrap_or(usize::MAX);
        let bytes = subject.some_bytes(next, left);
        if bytes.is_empty() || bytes.iter().any(|byte| *byte != 0) {
            return false;
        }
        next = next.saturating_add(bytes.len() as u64);
    }
    at <= end
}

/// Whether these bytes are printable text; a last character may be cut in two if `cut`.
fn is_text(bytes: &[u8], cut: bool) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}
