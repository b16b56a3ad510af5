//! The programs and libraries that a process had mapped, and which build of each.
//!
//! The kernel keeps the first page of an ELF file's mapping in the dump (coredump_filter bit 4, core(5)), and with it the
//! build-id. A file that has the name today but another build-id is another file.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::debug_folders::{DebugFolders, hex};
use super::elf_file::{ElfFile, machine};
use crate::core_file::Reader;
use crate::machine::{Class, Machine};
use crate::position::{Address, Position};
use crate::targets::{Mapping, Target};

/// Bytes of headers and notes that are read: what a dump surely has, a page.
const HEADERS: usize = 4096;
/// Programs of a process that are looked at; a browser has some hundreds.
const PROGRAMS: usize = 2000;
/// PT_LOAD (elf(5)).
const PT_LOAD: u32 = 1;
/// PT_NOTE (elf(5)).
const PT_NOTE: u32 = 4;
/// PT_TLS (elf(5)).
const PT_TLS: u32 = 7;
/// NT_GNU_BUILD_ID (elf.h).
const NT_GNU_BUILD_ID: u32 = 3;

/// A program or library that a process had mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its path, as the dump has it.
    pub name: Vec<u8>,
    /// Where its first byte was.
    pub start: Address,
    /// Where its memory ends, also what it has beyond its file; `None` if its headers are not in the dump.
    pub end: Option<Address>,
    /// Which build it was.
    pub build: Build,
    /// Bytes of thread-local variables that it has for each thread (PT_TLS), as they are aligned.
    pub thread_local: u64,
}

/// Which build of a program it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// This build-id.
    Id(Vec<u8>),
    /// Its headers are in the dump, and have no build-id.
    Unnamed,
    /// Its headers are not in the dump.
    NotSaved,
}

/// The programs and libraries that `target` had mapped: the executable first, then the others by address.
pub(crate) fn mapped(target: &dyn Target) -> Vec<Program> {
    let executable = target.process().executable.clone();
    let Some(mappings) = target.mappings() else { return Vec::new() };
    let mut found: Vec<Program> = Vec::new();
    let mut known = HashSet::new();
    for mapping in mappings.filter(|mapping| mapping.offset == Some(0)) {
        let is_executable = executable.as_deref() == Some(mapping.name);
        let full = found.len() >= PROGRAMS && !is_executable;
        if full || !mapping.name.starts_with(b"/") || !known.insert(mapping.name) {
            continue;
        }
        match build(target, &mapping) {
            Build::NotSaved if !is_executable => {}
            build => {
                let (name, start) = (mapping.name.to_vec(), mapping.range.start());
                let (end, thread_local) = memory(target, start);
                found.push(Program { name, start, end, build, thread_local });
            }
        }
    }
    found.sort_by_key(|program| (executable.as_ref() != Some(&program.name), program.start));
    found
}

/// The build-id in the dump's memory of a file's first page.
fn build(target: &dyn Target, mapping: &Mapping<'_>) -> Build {
    let headers = read(target, mapping.range.start());
    let Some(machine) = machine(&headers) else { return Build::NotSaved };
    let mut all_there = true;
    let tables = program_headers(&headers, machine).unwrap_or_default().into_iter();
    for ProgramHeader { offset, file_size: size, .. } in tables.filter(|header| header.kind == PT_NOTE) {
        let notes = mapping.range.start().checked_add(offset).map(|at| read(target, at)).unwrap_or_default();
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        all_there &= notes.len() >= length.min(HEADERS);
        if let Some(id) = build_id(notes.get(..length).unwrap_or(&notes), machine) {
            return Build::Id(id);
        }
    }
    if all_there { Build::Unnamed } else { Build::NotSaved }
}

/// Of the program whose headers are at `start`: the end of its memory, which is p_vaddr + p_memsz of its last PT_LOAD, and the
/// bytes of its PT_TLS (elf(5)).
fn memory(target: &dyn Target, start: Address) -> (Option<Address>, u64) {
    let headers = read(target, start);
    let Some(table) = machine(&headers).and_then(|machine| program_headers(&headers, machine)) else {
        return (None, 0);
    };
    let own = table.iter().find(|header| header.kind == PT_TLS);
    let own = own.map(|own| own.memory_size.checked_next_multiple_of(own.align.clamp(1, 4096)));
    (end(start, &table), own.flatten().unwrap_or(0))
}

fn end(start: Address, table: &[ProgramHeader]) -> Option<Address> {
    let loads = table.iter().filter(|header| header.kind == PT_LOAD);
    let ends = loads.clone().filter_map(|load| load.address.checked_add(load.memory_size)).max()?;
    // The first PT_LOAD is rounded down to a page, where the file's first byte is.
    let first = loads.map(|load| load.address.saturating_sub(load.offset)).min()?;
    start.checked_add(ends.checked_sub(first)?)
}

fn read(target: &dyn Target, at: Address) -> Vec<u8> {
    let mut bytes = vec![0; HEADERS];
    let count = target.read(at, &mut bytes).unwrap_or(0);
    bytes.truncate(count);
    bytes
}

/// What matters here of a program header (elf(5)).
#[derive(Clone, Copy)]
struct ProgramHeader {
    kind: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

/// The program headers behind an ELF header, as far as they are in `headers`.
fn program_headers(headers: &[u8], machine: Machine) -> Option<Vec<ProgramHeader>> {
    let mut header = Reader::new(headers, machine);
    header.skip(24)?;
    let (_entry, table, _sections) = (header.long()?, header.long()?, header.long()?);
    header.skip(6)?;
    let (size, count) = (header.u16()?, header.u16()?);
    // Entries on top of each other are no table.
    let count = if size < 32 { 0 } else { count };
    let mut found = Vec::new();
    for index in 0..u64::from(count) {
        let at = table.checked_add(index.checked_mul(size.into())?)?;
        let Some(bytes) = usize::try_from(at).ok().and_then(|at| headers.get(at..)) else { break };
        let mut entry = Reader::new(bytes, machine);
        let Some(kind) = entry.u32() else { break };
        if machine.class == Class::Bits64 {
            entry.skip(4)?;
        }
        let (offset, address, _physical) = (entry.long()?, entry.long()?, entry.long()?);
        let (file_size, memory_size) = (entry.long()?, entry.long()?);
        if machine.class == Class::Bits32 {
            entry.skip(4)?;
        }
        let align = entry.long()?;
        found.push(ProgramHeader { kind, offset, address, file_size, memory_size, align });
    }
    Some(found)
}

/// The build-id among notes, each padded to 4 bytes (`ld --build-id`).
fn build_id(notes: &[u8], machine: Machine) -> Option<Vec<u8>> {
    let mut reader = Reader::new(notes, machine);
    loop {
        let (owner, length, kind) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let owner_size = usize::try_from(owner).ok()?;
        let size = usize::try_from(length).ok()?;
        let owner = reader.take(owner_size)?;
        reader.skip(owner_size.checked_next_multiple_of(4)?.checked_sub(owner_size)?)?;
        let descriptor = reader.take(size)?;
        if kind == NT_GNU_BUILD_ID && owner == b"GNU\0" && (2..=64).contains(&size) {
            return Some(descriptor.to_vec());
        }
        reader.skip(size.checked_next_multiple_of(4)?.checked_sub(size)?)?;
    }
}

impl Program {
    /// Its path. The kernel writes ` (deleted)` behind the name of a file that was replaced while it ran; what is there
    /// today may be the same build again.
    pub(crate) fn path(&self) -> &Path {
        let name = self.name.strip_suffix(b" (deleted)").unwrap_or(&self.name);
        Path::new(OsStr::from_bytes(name))
    }

    /// The file of the same build: at its path, or its debug file.
    ///
    /// # Errors
    /// In words, why there is none.
    pub(crate) fn open(&self, folders: &DebugFolders) -> Result<ElfFile, String> {
        let path = self.path();
        let id = match &self.build {
            Build::Id(id) => id,
            Build::Unnamed => {
                return Err(format!(
                    "{} has no build-id, so the file may have changed since",
                    path.display()
                ));
            }
            Build::NotSaved => {
                return Err(format!(
                    "the dump does not hold the build-id of {} (coredump_filter bit 4), so the file may have changed since",
                    path.display()
                ));
            }
        };
        if let Some(file) = folders.named(id) {
            return Ok(file);
        }
        let found = match ElfFile::open(path) {
            Ok(file) if file.build_id() == Some(id) => return Ok(file),
            Ok(file) => match file.build_id() {
                Some(other) => format!("the file there today is another build ({})", hex(other)),
                None => "the file there today has no build-id".to_owned(),
            },
            Err(reason) => reason,
        };
        folders
            .by_build_id(id)
            .map_err(|_| format!("{} of build {} is needed: {found}", path.display(), hex(id)))
    }
}
