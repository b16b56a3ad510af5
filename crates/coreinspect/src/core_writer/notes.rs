//! The notes: who the process is, its auxiliary vector, the names of its mappings, who wrote the core, and what only
//! the kernel of the living process knew of its segments.

use shmcore::ipcs::ListedSegment;

use super::elf::{I386, Machine, X86_64};
use super::registers::Registers;
use super::segments::AttachedArea;
use super::{Process, WriteError};
use crate::kind::Kind;
use crate::proc_files::VirtualMemoryArea;
use crate::sidecar::{NOTE, Note, Segment, SegmentMapping};

/// Notes one after the other.
pub(super) struct Notes(Vec<u8>);

/// The owner of what coreinspect alone writes.
const OURS: &[u8] = b"coreinspect\0";
/// Its note "SHM" 1: the name and version of the program, without a NUL. bfd looks at a note's type before its owner, so
/// the types are far from those of elf.h.
const PROGRAM: u32 = 0x5348_4d01;
/// Its note "SHM" 2: the segments, as a [`Note`].
const SEGMENTS: u32 = 0x5348_4d02;

impl Notes {
    /// All notes of `process` in the order of the kernel's cores.
    pub(super) fn of(
        process: &Process<'_>,
        areas: &[VirtualMemoryArea<'_>],
        attached: &[AttachedArea<'_>],
        registers: &[Registers],
        listed: &[ListedSegment],
    ) -> Result<Vec<u8>, WriteError> {
        let mut notes = Self(Vec::new());
        for (position, thread) in registers.iter().enumerate() {
            if position == 1 {
                // gdb and the kernel agree that the process stands behind its first thread.
                notes.add(b"CORE\0", 3, &process_info(process)?);
            }
            notes.add(b"CORE\0", 1, &thread.note(process)?);
        }
        if registers.len() < 2 {
            notes.add(b"CORE\0", 3, &process_info(process)?);
        }
        notes.add(b"CORE\0", 6, &auxiliary_vector(process)?);
        notes.add(b"CORE\0", 0x4649_4c45, &files(process.machine, areas));
        notes.add(OURS, PROGRAM, concat!("coreinspect ", env!("CARGO_PKG_VERSION")).as_bytes());
        let untag_mask = process.folder.untag_mask().map(|mask| format!("{mask:#x}"));
        let known = Note { format: NOTE, untag_mask, segments: segments(attached, listed) };
        notes.add(OURS, SEGMENTS, &serde_json::to_vec(&known).unwrap_or_default());
        Ok(notes.0)
    }

    /// A note: three words, the owner and the descriptor, each padded to 4 bytes (elf(5)).
    fn add(&mut self, owner: &[u8], kind: u32, descriptor: &[u8]) {
        let notes = &mut self.0;
        for word in [owner.len(), descriptor.len()] {
            notes.extend(u32::try_from(word).unwrap_or(u32::MAX).to_ne_bytes());
        }
        notes.extend(kind.to_ne_bytes());
        for part in [owner, descriptor] {
            notes.extend(part);
            notes.resize(notes.len().next_multiple_of(4), 0);
        }
    }
}

/// What is known of the segments beyond their bytes.
pub fn segments(attached: &[AttachedArea<'_>], listed: &[ListedSegment]) -> Vec<Segment> {
    let mut segments: Vec<(&AttachedArea<'_>, Segment)> = Vec::new();
    for area in attached {
        let mapping = SegmentMapping {
            start: format!("{:#x}", area.area.start),
            end: format!("{:#x}", area.area.end),
            offset: area.area.offset,
        };
        let known =
            segments.iter_mut().find(|(first, _)| first.area.name == area.area.name && first.is_of(area));
        match known {
            Some((_, segment)) => segment.mappings.push(mapping),
            None => segments.push((area, segment(area, mapping, listed))),
        }
    }
    segments.into_iter().map(|(_, segment)| segment).collect()
}

fn segment(area: &AttachedArea<'_>, first: SegmentMapping, listed: &[ListedSegment]) -> Segment {
    let status = listed.iter().map(|row| &row.status).find(|status| Some(status.id().raw()) == area.shmid);
    let seconds = |time: Option<std::time::SystemTime>| {
        time?.duration_since(std::time::UNIX_EPOCH).ok().map(|duration| duration.as_secs())
    };
    let other = area.kind != Kind::SystemV;
    let device = area.area.device;
    Segment {
        kind: other.then(|| area.kind.word().to_owned()),
        name: other.then(|| escaped(area.area.name)),
        device: (other && area.proven).then(|| format!("{:02x}:{:02x}", device.major, device.minor)),
        inode: (other && area.proven).then_some(area.area.inode),
        key: shmcore::Key::from_mapping_name(area.area.name).map(|name| name.key.to_string()),
        shmid: area.shmid,
        size: area.size.or(status.map(|status| status.size())),
        owner: status.map(|status| status.owner().as_raw()).or(area.owner),
        group: status.map(|status| status.group().as_raw()),
        creator: status.map(|status| status.creator().as_raw()),
        creator_group: status.map(|status| status.creator_group().as_raw()),
        perms: status
            .map(|status| status.permissions().bits())
            .or(area.mode)
            .map(|bits| format!("{bits:04o}")),
        nattch: status.map(|status| status.attach_count()),
        cpid: status.and_then(|status| status.creator_pid()).map(|pid| pid.as_raw()),
        lpid: status.and_then(|status| status.last_pid()).map(|pid| pid.as_raw()),
        attached: status.and_then(|status| seconds(status.attached())),
        detached: status.and_then(|status| seconds(status.detached())),
        changed: status.and_then(|status| seconds(status.changed())),
        mappings: vec![first],
    }
}

/// UTF-8; each byte that is not is written as `\xNN`.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let chunks = bytes.utf8_chunks();
    chunks.fold(String::new(), |text, chunk| {
        let bytes = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
        text + chunk.valid() + &bytes.collect::<String>()
    })
}

/// elf_prpsinfo (Linux include/linux/elfcore.h); 32-bit Arm and x86 have 16-bit ids (arch/x86/include/asm/compat.h).
fn process_info(process: &Process<'_>) -> Result<Vec<u8>, WriteError> {
    let stat = process.folder.stat().map_err(|error| process.unreadable("stat", error))?;
    let id = |field| process.folder.status_number(field).unwrap_or(0);
    let mut info = vec![0, stat.state, 0, 0];
    if process.machine.is_64_bit {
        info.extend([0; 4]);
    }
    // pr_flag.
    process.machine.long(0, &mut info);
    for id in [id("Uid"), id("Gid")] {
        match process.machine.is_64_bit {
            true => info.extend(id.to_ne_bytes()),
            // overflowuid stands for what 16 bits do not hold (kernel/sys.c).
            false => info.extend(u16::try_from(id).unwrap_or(65534).to_ne_bytes()),
        }
    }
    for number in [process.folder.pid(), stat.parent, stat.group, stat.session] {
        info.extend(number.to_ne_bytes());
    }
    let mut comm = process.read("comm")?;
    comm.pop();
    comm.resize(16, 0);
    info.extend(comm);
    let mut arguments = process.read_at_most("cmdline", 79)?;
    arguments.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
    arguments.resize(80, 0);
    info.extend(arguments);
    Ok(info)
}

/// Up to AT_NULL: the kernel shows a 32-bit program's vector with what follows it in memory.
fn auxiliary_vector(process: &Process<'_>) -> Result<Vec<u8>, WriteError> {
    let mut vector = process.read("auxv")?;
    let pair = if process.machine.is_64_bit { 16 } else { 8 };
    if let Some(end) = vector.chunks_exact(pair).position(|pair| pair.iter().all(|byte| *byte == 0)) {
        vector.truncate(end.saturating_add(1).saturating_mul(pair));
    }
    Ok(vector)
}

/// NT_FILE with page size 1, as gdb writes it: offsets are bytes, whatever the machine's page.
fn files(machine: Machine, areas: &[VirtualMemoryArea<'_>]) -> Vec<u8> {
    let named: Vec<_> = areas.iter().filter(|area| area.name.starts_with(b"/")).collect();
    let mut note = Vec::new();
    for long in [named.len() as u64, 1] {
        machine.long(long, &mut note);
    }
    for area in &named {
        for long in [area.start, area.end, area.offset] {
            machine.long(long, &mut note);
        }
    }
    for area in &named {
        note.extend(area.name);
        note.push(0);
    }
    note
}

/// Whether elf_prstatus of the machine is known here.
pub(super) fn knows_registers(machine: Machine) -> bool {
    cfg!(target_arch = "x86_64") && [I386, X86_64].contains(&machine.number)
        || cfg!(target_arch = "aarch64") && machine.number == 183 && machine.is_64_bit
}
