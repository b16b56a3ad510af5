//! Dumps that systemd-coredump stored, as coredumpctl(1) finds them: `--coredump [MATCH]`, or `coredump:MATCH` where a dump
//! is named.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::source::{self, Opened, Reading};

const PREFIX: &[u8] = b"coredump:";

/// The path that stands for the last dump that matches `wanted`: a pid, a program's name or path, or any match of journalctl(1);
/// the last of all if it is empty.
pub(super) fn place(wanted: &OsStr) -> PathBuf {
    OsString::from_vec([PREFIX, wanted.as_bytes()].concat()).into()
}

/// The match, if `path` is such a place and no file of that name exists.
pub(super) fn asked(path: &Path) -> Option<&OsStr> {
    let wanted = path.as_os_str().as_bytes().strip_prefix(PREFIX)?;
    (!path.exists()).then(|| OsStr::from_bytes(wanted))
}

/// Opens the dump: the stored file, if there is one, else what coredumpctl takes out of the journal.
///
/// # Errors
/// coredumpctl is not there or finds nothing; and as [`source::open`].
pub(super) fn open(wanted: &OsStr, reading: Reading) -> io::Result<Opened> {
    let output = coredumpctl(&["list", "-1", "-F", "COREDUMP_FILENAME"], wanted)
        .stderr(Stdio::piped())
        .output()
        .map_err(not_there)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().rfind(|line| !line.is_empty()).unwrap_or("it does not say why").to_owned();
        return Err(io::Error::other(format!("coredumpctl: {said} (`coredumpctl list` shows what it has)")));
    }
    let stored = output.stdout.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !stored.is_empty() {
        let path = Path::new(OsStr::from_bytes(stored));
        return source::open(path, reading).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::other(format!(
                "coredumpctl names {}, which is gone: systemd-tmpfiles(8) removes old dumps",
                path.display()
            )),
            _ => error,
        });
    }
    // Storage=journal in coredump.conf(5).
    let mut child = coredumpctl(&["dump", "-q"], wanted)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(not_there)?;
    let output = child.stdout.take();
    source::of_pipe(Output { child, output }, reading)
}

fn coredumpctl(arguments: &[&str], wanted: &OsStr) -> Command {
    let mut command = Command::new("coredumpctl");
    command.args(arguments).stdin(Stdio::null()).env("LC_ALL", "C");
    if !wanted.is_empty() {
        command.arg("--").arg(wanted);
    }
    command
}

fn not_there(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound => io::Error::other(
            "coredumpctl is not installed (package systemd-coredump): name the dump's file, as in /var/lib/systemd/coredump",
        ),
        _ => error,
    }
}

/// What coredumpctl writes; it ends with this value.
struct Output {
    child: Child,
    output: Option<ChildStdout>,
}

impl Read for Output {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.output.as_mut().map_or(Ok(0), |output| output.read(into))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Closed first: it ends by SIGPIPE if it is still writing.
        self.output = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
