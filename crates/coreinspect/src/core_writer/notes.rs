//! The notes: who the process is, its auxiliary vector, the names of its mappings, and who wrote the core.

use super::{WriteError, proc_file};
use crate::proc_files::VirtualMemoryArea;

/// All notes of process `pid`, one after the other.
pub(super) fn all(pid: u32, areas: &[VirtualMemoryArea<'_>]) -> Result<Vec<u8>, WriteError> {
    let mut notes = Vec::new();
    add(&mut notes, b"CORE\0", 3, &process_info(pid)?);
    add(&mut notes, b"CORE\0", 6, &proc_file(pid, "auxv")?);
    add(&mut notes, b"CORE\0", 0x4649_4c45, &files(areas));
    add(&mut notes, b"coreinspect\0", 1, concat!("coreinspect ", env!("CARGO_PKG_VERSION")).as_bytes());
    Ok(notes)
}

/// A note: three words, the owner and the descriptor, each padded to 4 bytes (elf(5)).
fn add(notes: &mut Vec<u8>, owner: &[u8], kind: u32, descriptor: &[u8]) {
    for word in [owner.len(), descriptor.len()] {
        notes.extend(u32::try_from(word).unwrap_or(u32::MAX).to_ne_bytes());
    }
    notes.extend(kind.to_ne_bytes());
    for part in [owner, descriptor] {
        notes.extend(part);
        notes.resize(notes.len().next_multiple_of(4), 0);
    }
}

/// elf_prpsinfo of a 64-bit machine (Linux include/linux/elfcore.h).
fn process_info(pid: u32) -> Result<Vec<u8>, WriteError> {
    let status = proc_file(pid, "status")?;
    let number = |field: &str| {
        let value = field_of(&status, field)?;
        value
            .split(|byte| byte.is_ascii_whitespace())
            .next()
            .and_then(|word| std::str::from_utf8(word).ok()?.parse().ok())
    };
    let id = |field| number(field).unwrap_or(0_u32).to_ne_bytes();
    let state = field_of(&status, "State").and_then(|state| state.first().copied()).unwrap_or(b'?');
    let mut info = vec![0, state, 0, 0, 0, 0, 0, 0];
    info.extend(0_u64.to_ne_bytes());
    for field in ["Uid", "Gid", "Pid", "PPid"] {
        info.extend(id(field));
    }
    // pr_pgrp and pr_sid stand in /proc/PID/stat only; nobody here reads them.
    info.extend([0; 8]);
    let mut comm = proc_file(pid, "comm")?;
    comm.pop();
    comm.resize(16, 0);
    info.extend(comm);
    let mut arguments = proc_file(pid, "cmdline")?;
    arguments.truncate(79);
    arguments.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
    arguments.resize(80, 0);
    info.extend(arguments);
    Ok(info)
}

/// The value behind `field:` in /proc/PID/status. The name, which can hold anything, comes with its newlines escaped.
fn field_of<'s>(status: &'s [u8], field: &str) -> Option<&'s [u8]> {
    let mut lines = status.split(|byte| *byte == b'\n');
    lines.find_map(|line| line.strip_prefix(field.as_bytes())?.strip_prefix(b":")).map(<[u8]>::trim_ascii)
}

/// NT_FILE with page size 1, as gdb writes it: offsets are bytes, whatever the machine's page.
fn files(areas: &[VirtualMemoryArea<'_>]) -> Vec<u8> {
    let named: Vec<_> = areas.iter().filter(|area| area.name.starts_with(b"/")).collect();
    let mut note = Vec::new();
    for long in [named.len() as u64, 1] {
        note.extend(long.to_ne_bytes());
    }
    for area in &named {
        for long in [area.start, area.end, area.offset] {
            note.extend(long.to_ne_bytes());
        }
    }
    for area in &named {
        note.extend(area.name);
        note.push(0);
    }
    note
}
