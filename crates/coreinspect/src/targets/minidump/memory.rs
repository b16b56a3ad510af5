//! Which memory a minidump holds: the lists Memory64List and MemoryList, and the stacks in ThreadList.

use minidump_common::format::{
    MINIDUMP_MEMORY_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR64, MINIDUMP_MEMORY_INFO,
    MINIDUMP_MEMORY_INFO_LIST, MINIDUMP_THREAD, MemoryProtection, MemoryState,
};
use scroll::Pread;

use super::names::Names;
use super::streams::{Kind, Streams};
use crate::core_file::Loads;
use crate::error::{Error, Warnings};
use crate::memory::Permissions;
use crate::position::{Address, FileOffset, Interval, Position};

/// The index of all that is there, and of the rights of memory that is not.
///
/// # Errors
/// [`Error::Read`].
pub(crate) fn read(
    streams: &Streams<'_>,
    names: Option<&Names>,
    warnings: &mut Warnings,
) -> Result<Loads, Error> {
    let mut runs = Runs::default();
    for run in streams.list::<MINIDUMP_MEMORY_DESCRIPTOR>(Kind::MemoryListStream, warnings)? {
        runs.add(run.start_of_memory_range, u64::from(run.memory.data_size), u64::from(run.memory.rva));
    }
    let (start, long_runs) = long_list(streams, warnings)?;
    let mut at = Some(start);
    for run in long_runs {
        // Of one that passes the end of every file nobody knows where the next stands.
        let Some(here) = at else { break };
        runs.add(run.start_of_memory_range, run.data_size, here);
        at = here.checked_add(run.data_size);
    }
    let mut memory = Loads::default();
    runs.index(&mut memory);
    match names {
        Some(names) => names.rights().for_each(|(range, permissions)| memory.add_region(range, permissions)),
        None => {
            for (range, permissions) in regions(streams, warnings)? {
                memory.add_region(range, permissions);
            }
        }
    }
    if memory.sort() {
        warnings.push("overlapping-memory", || {
            "some runs of memory overlap; for each byte coreinspect uses the one with the lowest start"
                .to_owned()
        });
    }
    // Stacks, which are in a list of memory too, or only here.
    for thread in streams.list::<MINIDUMP_THREAD>(Kind::ThreadListStream, warnings)? {
        let stack = thread.stack.memory;
        // Breakpad leaves the place out where it could not read a stack.
        if stack.rva != 0 {
            runs.add(thread.stack.start_of_memory_range, u64::from(stack.data_size), u64::from(stack.rva));
        }
    }
    runs.index(&mut memory);
    memory.sort();
    if runs.impossible > 0 {
        let count = runs.impossible;
        warnings.push("streams", || {
            format!(
                "{count} runs of memory pass the end of the address space or of every file; they are left out"
            )
        });
    }
    Ok(memory)
}

/// Runs of memory, and where the bytes of each stand.
#[derive(Default)]
struct Runs {
    list: Vec<(Interval<Address>, FileOffset)>,
    impossible: usize,
}

impl Runs {
    fn add(&mut self, address: u64, length: u64, at: u64) {
        let (range, at) = (Interval::with_length(Address::new(address), length), FileOffset::new(at));
        match range.zip(at.checked_add(length)) {
            Some((range, _)) if range.is_empty() => {}
            Some((range, _)) => self.list.push((range, at)),
            None => self.impossible = self.impossible.saturating_add(1),
        }
    }

    /// Hands what was added to `memory`, each once.
    fn index(&mut self, memory: &mut Loads) {
        self.list.sort_unstable();
        self.list.dedup();
        self.list.drain(..).for_each(|(range, at)| memory.add_run(range, at));
    }
}

/// Memory64List: a count and the place of the first run's bytes, 8 bytes each; the runs' bytes follow one another.
fn long_list(
    streams: &Streams<'_>,
    warnings: &mut Warnings,
) -> Result<(u64, Vec<MINIDUMP_MEMORY_DESCRIPTOR64>), Error> {
    let kind = Kind::Memory64ListStream;
    let bytes = streams.bytes(kind, "the stream Memory64List")?.unwrap_or_default();
    let endian = streams.byte_order().into();
    let count: u64 = bytes.pread_with(0, endian).unwrap_or(0);
    let start: u64 = bytes.pread_with(8, endian).unwrap_or(0);
    Ok((start, streams.rows(kind, bytes.get(16..).unwrap_or_default(), count, warnings)?))
}

/// MemoryInfoList: the rights of every mapping, in a minidump without their names.
fn regions(
    streams: &Streams<'_>,
    warnings: &mut Warnings,
) -> Result<Vec<(Interval<Address>, Permissions)>, Error> {
    let kind = Kind::MemoryInfoListStream;
    let bytes = streams.bytes(kind, "the stream MemoryInfoList")?.unwrap_or_default();
    let endian = streams.byte_order().into();
    let Ok(header) = bytes.pread_with::<MINIDUMP_MEMORY_INFO_LIST>(0, endian) else { return Ok(Vec::new()) };
    let rows = usize::try_from(header.size_of_header).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let rows: Vec<MINIDUMP_MEMORY_INFO> = streams.rows(kind, rows, header.number_of_entries, warnings)?;
    let committed = rows.into_iter().filter(|row| row.state & MemoryState::MEM_COMMIT.bits() != 0);
    Ok(committed
        .filter_map(|row| {
            let range = Interval::with_length(Address::new(row.base_address), row.region_size)?;
            Some((range, permissions(MemoryProtection::from_bits_truncate(row.protection))))
        })
        .collect())
}

fn permissions(protection: MemoryProtection) -> Permissions {
    use MemoryProtection as P;
    let readable = P::PAGE_READONLY
        | P::PAGE_READWRITE
        | P::PAGE_WRITECOPY
        | P::PAGE_EXECUTE_READ
        | P::PAGE_EXECUTE_READWRITE
        | P::PAGE_EXECUTE_WRITECOPY;
    let writable =
        P::PAGE_READWRITE | P::PAGE_WRITECOPY | P::PAGE_EXECUTE_READWRITE | P::PAGE_EXECUTE_WRITECOPY;
    let executable =
        P::PAGE_EXECUTE | P::PAGE_EXECUTE_READ | P::PAGE_EXECUTE_READWRITE | P::PAGE_EXECUTE_WRITECOPY;
    Permissions {
        read: protection.intersects(readable),
        write: protection.intersects(writable),
        execute: protection.intersects(executable),
    }
}
