//! core_pattern `@PATH`: the kernel connects to a socket and writes the core there (Linux 6.16, fs/coredump.c).
//!
//! A handler that the kernel starts for a crash runs in its namespaces with all its rights; a service that listens runs
//! with those that its unit leaves it. The crashed process is the peer of the connection: SO_PEERPIDFD names it, and the
//! kernel keeps it until the connection is closed.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{getsockopt, sockopt};

use super::How;
use crate::cli::{Context, Failure, Status, dumps};
use crate::collector::pid_of;

/// How many crashes are handled at once; more wait, and their processes with them.
const AT_ONCE: usize = 16;

/// Handles crash after crash, each in a process of its own.
pub(super) fn listen(path: &Path, how: &How, context: &mut Context<'_>) -> Result<Status, Failure> {
    let failed = |error: io::Error| Failure::new(format!("cannot listen at {}: {error}", dumps::shown(path)));
    // A socket that nobody listens at any more is in the way.
    if UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    // Whoever may connect may leave files in our folder: the kernel alone, which asks nobody.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    if !context.quiet {
        context.tell(format_args!("listening at {}", dumps::shown(path)));
    }
    let mut running: Vec<Child> = Vec::new();
    loop {
        let (connection, _) = listener.accept().map_err(failed)?;
        running.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if running.len() >= AT_ONCE
            && let Some(mut oldest) = (!running.is_empty()).then(|| running.remove(0))
        {
            let _ = oldest.wait();
        }
        match handle(connection, how) {
            Ok(child) => running.push(child),
            Err(error) => context.tell(format_args!("a crash cannot be handled: {error}")),
        }
    }
}

/// Starts this program for the crash behind `connection`.
fn handle(connection: UnixStream, how: &How) -> io::Result<Child> {
    let pidfd: OwnedFd = getsockopt(&connection, sockopt::PeerPidfd)?;
    let number = pidfd.as_raw_fd();
    let pid = pid_of(u32::try_from(number).unwrap_or(u32::MAX))?;
    let pid = pid.ok_or_else(|| io::Error::other("its process is gone"))?;
    // The child inherits it: the process stays pinned.
    fcntl(&pidfd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let mut command = Command::new("/proc/self/exe");
    command.args(["collect", "--pid", &pid.to_string(), "--pidfd", &number.to_string()]);
    command.arg("--output-dir").arg(&how.output_dir);
    for (name, value) in [
        ("--segments", super::install::which(how.segments)),
        ("--max-core", how.max_core.bytes().to_string()),
        ("--max-use", how.max_use.bytes().to_string()),
        ("--max-number", how.max_number.to_string()),
        ("--keep-free", how.keep_free.bytes().to_string()),
        ("--timeout", how.timeout.to_string()),
    ] {
        command.args([name, &value]);
    }
    if how.no_compress {
        command.arg("--no-compress");
    }
    if !how.then.is_empty() {
        command.args(how.no_core.then_some("--no-core")).arg("--then").args(&how.then);
    }
    command.stdin(OwnedFd::from(connection)).stdout(Stdio::null()).spawn()
}
