//! /proc/sysvipc of the crashing process's IPC namespace.
//!
//! Those files show the namespace of whoever opens them. So a child of ours, this program again, enters the namespace and
//! nothing else, reads them and ends; the handler stays where it is.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::cli::{Context, Failure, Status};
use crate::collector::{Dying, Tables};
use crate::proc_files::IpcNamespace;

/// How long the child may take: with many segments the kernel walks all their pages for `rss`.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files, in the order in which the child prints them, each with a NUL behind it; then each semaphore.
const FILES: [&str; 3] = ["/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg"];

/// The tables as `dying` sees them.
pub(super) fn tables(dying: &Dying) -> io::Result<Tables> {
    let folder = dying.folder();
    let text = match IpcNamespace::of(folder)? == IpcNamespace::own()? {
        true => read_here()?,
        false => by_child(folder.file("ns/ipc")?)?,
    };
    let mut tables = text.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let mut next = || tables.next().ok_or(io::ErrorKind::UnexpectedEof);
    Ok(Tables { shm: next()?, sem: next()?, msg: next()?, semaphores: next()? })
}

fn read_here() -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut semaphores = String::new();
    for file in FILES {
        let text = fs::read(file)?;
        if file.ends_with("sem") {
            semaphores = Tables::ask_semaphores(&text);
        }
        all.extend(text);
        all.push(0);
    }
    all.extend(semaphores.into_bytes());
    all.push(0);
    Ok(all)
}

/// What the child prints that enters `namespace`.
fn by_child(namespace: File) -> io::Result<Vec<u8>> {
    let mut child = Command::new("/proc/self/exe")
        .args(["collect", "--ipc-namespace"])
        .env_clear()
        .stdin(namespace)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let Some(mut pipe) = child.stdout.take() else { return Err(io::ErrorKind::BrokenPipe.into()) };
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).map(|_| text)
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if start.elapsed() > PATIENCE => {
                child.kill()?;
                break child.wait()?;
            }
            None => thread::sleep(Duration::from_millis(1)),
        }
    };
    let text = reader.join().map_err(|_| io::ErrorKind::Other)??;
    if status.success() { Ok(text) } else { Err(io::Error::other("the child that entered it failed")) }
}

/// What the child does.
pub(super) fn print(context: &mut Context<'_>) -> Result<Status, Failure> {
    // It is of no use to anybody else.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|errno| Failure::Output(errno.into()))?;
    setns(io::stdin(), CloneFlags::CLONE_NEWIPC).map_err(|errno| {
        Failure::new(format!("cannot enter the IPC namespace on standard input: {errno}"))
    })?;
    context.out.write_all(&read_here()?)?;
    Ok(Status::Found)
}
