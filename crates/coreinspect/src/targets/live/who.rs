//! Who a running process is: its machine, its names, its threads.

use std::io::Read;

use nix::unistd::{SysconfVar, sysconf};

use crate::machine::{ByteOrder, Class, Machine};
use crate::pointer_tags::PointerTags;
use crate::proc_files::{ProcessFolder, Stat};
use crate::process::Process;
use crate::targets::Identity;
use crate::thread::Thread;

pub(super) fn identity(folder: &ProcessFolder) -> Identity {
    let page_size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|size| u64::try_from(size).ok());
    // What is no ELF program of its own (a kernel thread), or may not be opened, runs on this machine all the same.
    let machine = machine(folder).unwrap_or(Machine::HOST);
    let tags = PointerTags::of(machine);
    Identity {
        kind: "process",
        writer: None,
        machine,
        pointer_tags: folder.untag_mask().map_or(tags, |mask| tags.unmasked(machine, mask)),
        page_size,
        file_size: None,
        written: None,
        complete: Some(true),
        private_memory_saved: true,
    }
}

/// The machine that the ELF header of its program names: 32 bits on a 64-bit kernel too, and x32.
fn machine(folder: &ProcessFolder) -> Option<Machine> {
    let mut header = [0; 20];
    folder.file("exe").ok()?.read_exact(&mut header).ok()?;
    let class = match (header.starts_with(b"\x7fELF"), header[4]) {
        (true, 1) => Class::Bits32,
        (true, 2) => Class::Bits64,
        _ => return None,
    };
    let number = [header[18], header[19]];
    let (byte_order, number) = match header[5] {
        1 => (ByteOrder::Little, u16::from_le_bytes(number)),
        2 => (ByteOrder::Big, u16::from_be_bytes(number)),
        _ => return None,
    };
    Some(Machine { number, class, byte_order })
}

pub(super) fn process(folder: &ProcessFolder) -> Process {
    Process {
        pid: Some(folder.pid()),
        command: folder.read("comm").ok().map(line),
        executable: folder.link("exe").ok(),
        arguments: arguments(folder),
        uid: folder.status_number("Uid"),
        threads: folder.threads().unwrap_or_default(),
        ..Process::default()
    }
}

/// Its threads by `ids`, each with its name.
pub(super) fn threads(folder: &ProcessFolder, ids: &[u32]) -> Vec<Thread> {
    let thread = |id: &u32| Thread {
        id: Some(*id),
        name: folder.read(&format!("task/{id}/comm")).ok().map(line),
        ..Thread::default()
    };
    ids.iter().map(thread).collect()
}

/// A file that holds one line, without its end.
fn line(mut text: Vec<u8>) -> Vec<u8> {
    text.pop_if(|byte| *byte == b'\n');
    text
}

/// The command line, whole, with blanks between the arguments, as a core has its beginning; `None` if there is none (a kernel
/// thread).
fn arguments(folder: &ProcessFolder) -> Option<Vec<u8>> {
    let mut words = folder.read("cmdline").ok()?;
    words.pop_if(|byte| *byte == 0);
    words.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
    Some(words).filter(|words| !words.is_empty())
}

/// Whether every thread is stopped, by job control or by a tracer.
pub(super) fn stands_still(folder: &ProcessFolder) -> bool {
    let stopped = |id: &u32| {
        let stat = folder.read(&format!("task/{id}/stat")).ok().and_then(|stat| Stat::parse(&stat));
        stat.is_some_and(|stat| matches!(stat.state, b'T' | b't'))
    };
    folder.threads().is_ok_and(|ids| ids.iter().all(stopped))
}
