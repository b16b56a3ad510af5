//! The mailbox speaks with C programs that know nothing of it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use shmcore::{Access, Flag, Key, Mailbox, OwnedSegment, Permissions, Segment};

use crate::skip;

const LONG: Duration = Duration::from_secs(10);

/// Compiles a program of `c/` into `directory`.
fn compile(name: &str, directory: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/c").join(name);
    let program = directory.join(source.file_stem().unwrap());
    match Command::new("cc").arg("-o").arg(&program).arg(&source).status() {
        Ok(status) => assert!(status.success(), "cc {source:?}"),
        Err(error) => {
            skip(&format!("there is no C compiler: {error}"));
            return None;
        }
    }
    Some(program)
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn rust_reads_what_c_writes() {
    let directory = tempfile::tempdir().unwrap();
    let Some(program) = compile("writer.c", directory.path()) else { return };
    let child = Command::new(program).current_dir(&directory).stdout(Stdio::piped()).spawn().unwrap();
    let mut child = Running(child);
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();

    let key = Key::ftok(directory.path(), b'x').unwrap();
    let segment = OwnedSegment::new(Segment::open(key).unwrap());
    assert_eq!(line, format!("{} {}\n", key.raw(), segment.id()));
    let mailbox = Mailbox::new(segment.attach(Access::ReadWrite).unwrap()).unwrap();
    mailbox.wait_for(Flag::Ready, LONG).unwrap();
    assert_eq!(mailbox.message().unwrap(), b"Hello from C!");
    assert_eq!(mailbox.attachment().size(), 1024);
    mailbox.set_flag(Flag::Read).unwrap();
    assert!(child.0.wait().unwrap().success());
    drop(mailbox);
    assert_eq!(segment.status().unwrap_err().code(), "removed");
}

#[test]
fn c_reads_what_rust_writes() {
    let directory = tempfile::tempdir().unwrap();
    let Some(program) = compile("reader.c", directory.path()) else { return };
    let key = Key::ftok(directory.path(), b'x').unwrap();
    let segment = OwnedSegment::new(Segment::create(key, 1024, Permissions::EVERYBODY).unwrap());
    let mailbox = Mailbox::new(segment.attach(Access::ReadWrite).unwrap()).unwrap();
    mailbox.write(b"Hello from Rust!").unwrap();

    let output = Command::new(program).current_dir(&directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"Hello from Rust!\n");
    assert_eq!(mailbox.flag().unwrap(), Flag::Read);
}
