//! The notes of a core, as `fs/binfmt_elf.c` and `linux/elfcore.h` lay them out.

use super::Abi;
use std::ops::Range;

pub(crate) const NT_PRSTATUS: u32 = 1;
pub(crate) const NT_PRPSINFO: u32 = 3;
pub(crate) const NT_AUXV: u32 = 6;
pub(crate) const NT_SIGINFO: u32 = 0x5349_4749;
pub(crate) const NT_FILE: u32 = 0x4649_4c45;

const EM_MIPS: u16 = 8;

pub(crate) const AT_NULL: u64 = 0;
pub(crate) const AT_PHDR: u64 = 3;
pub(crate) const AT_PAGESZ: u64 = 6;
pub(crate) const AT_ENTRY: u64 = 9;
pub(crate) const AT_UID: u64 = 11;

#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// The owner with its NUL, as `namesz` counts it; empty in Delve's dumps.
    pub(crate) owner: Vec<u8>,
    pub(crate) kind: u32,
    pub(crate) desc: Vec<u8>,
}

impl Note {
    pub(crate) fn core(kind: u32, desc: Vec<u8>) -> Note {
        Note { owner: b"CORE\0".to_vec(), kind, desc }
    }

    /// The bytes of the note and where the descriptor stands in them.
    pub(super) fn encode(&self, abi: &Abi, padding: usize) -> (Vec<u8>, Range<usize>) {
        let mut bytes = [self.owner.len() as u64, self.desc.len() as u64, self.kind.into()]
            .map(|word| abi.encode(word, 4))
            .concat();
        bytes.extend(&self.owner);
        bytes.resize(bytes.len().next_multiple_of(padding), 0);
        let start = bytes.len();
        bytes.extend(&self.desc);
        let end = bytes.len();
        bytes.resize(end.next_multiple_of(padding), 0);
        (bytes, start..end)
    }
}

/// A record with fields at given offsets.
struct Record<'a> {
    abi: &'a Abi,
    bytes: Vec<u8>,
}

impl Record<'_> {
    fn put(&mut self, at: usize, value: u64, width: usize) {
        self.bytes[at..at + width].copy_from_slice(&self.abi.encode(value, width));
    }

    fn text(&mut self, at: usize, room: usize, text: &[u8]) {
        let length = text.len().min(room);
        self.bytes[at..at + length].copy_from_slice(&text[..length]);
    }
}

/// `struct elf_prstatus`: the signal at 12, the thread behind two longs from 16, the registers behind four times.
pub(crate) fn prstatus(abi: &Abi, tid: u64, signal: u64) -> Note {
    let long = abi.long_bytes();
    let registers = 16 + 2 * long + 16 + 8 * long;
    let size = (registers + abi.registers + 4).next_multiple_of(long);
    let mut record = Record { abi, bytes: vec![0; size] };
    record.put(0, signal, 4);
    record.put(12, signal, 2);
    record.put(16 + 2 * long, tid, 4);
    Note::core(NT_PRSTATUS, record.bytes)
}

/// `struct elf_prpsinfo`: four chars, a long, uid and gid, four pids, 16 bytes of command, 80 bytes of arguments.
pub(crate) fn prpsinfo(abi: &Abi, pid: u64, uid: u64, command: &[u8], arguments: &[u8]) -> Note {
    let uid_at = 2 * abi.long_bytes();
    let pid_at = uid_at + 2 * abi.uid_bytes;
    let mut record = Record { abi, bytes: vec![0; pid_at + 16 + 16 + 80] };
    record.bytes[1] = b'R';
    record.put(uid_at, uid, abi.uid_bytes);
    record.put(pid_at, pid, 4);
    record.text(pid_at + 16, 15, command);
    record.text(pid_at + 32, 79, arguments);
    Note::core(NT_PRPSINFO, record.bytes)
}

/// `siginfo_t`, 128 bytes: signal, errno, code (MIPS: signal, code, errno), and where the union begins the address.
pub(crate) fn siginfo(abi: &Abi, signal: u64, code: u64, address: u64) -> Note {
    let long = abi.long_bytes();
    let mut record = Record { abi, bytes: vec![0; 128] };
    record.put(0, signal, 4);
    record.put(if abi.machine == EM_MIPS { 4 } else { 8 }, code, 4);
    record.put(12_usize.next_multiple_of(long), address, long);
    Note::core(NT_SIGINFO, record.bytes)
}

pub(crate) fn auxv(abi: &Abi, entries: &[(u64, u64)]) -> Note {
    let longs = entries.iter().flat_map(|&(tag, value)| [tag, value]);
    Note::core(NT_AUXV, longs.flat_map(|long| abi.encode_long(long)).collect())
}

/// A row of NT_FILE; the offset counts pages of the note.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) offset: u64,
    pub(crate) name: Vec<u8>,
}

/// `fill_files_note`: count, page size, the rows, the names with a NUL each.
pub(crate) fn file(abi: &Abi, page_size: u64, rows: &[Row]) -> Note {
    let mut desc = [abi.encode_long(rows.len() as u64), abi.encode_long(page_size)].concat();
    for row in rows {
        for long in [row.start, row.end, row.offset] {
            desc.extend(abi.encode_long(long));
        }
    }
    for row in rows {
        desc.extend(&row.name);
        desc.push(0);
    }
    Note::core(NT_FILE, desc)
}
