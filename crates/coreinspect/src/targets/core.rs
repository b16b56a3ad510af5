//! An ELF core as a [`Target`].

use std::fs::File;
use std::sync::Arc;

use super::{AuxiliaryVector, FoundBy, Identity, Mapping, SegmentFacts, Target, Told};
use crate::core_file::{CoreFile, FileTable, ThreadStatus};
use crate::error::{Error, Warning};
use crate::machine::{ByteOrder, SignalNumbering};
use crate::memory::{Dumped, Extent, Permissions};
use crate::position::{Address, FileOffset, Interval};
use crate::process::{Process, Signal};
use crate::source::{Source, Stream};
use crate::thread::Thread;
use crate::writer::{Habits, WrittenSignal};

/// A process as its ELF core shows it.
pub struct CoreTarget {
    source: Arc<dyn Source>,
    core: CoreFile,
    identity: Identity,
    process: Process,
    threads: Vec<Thread>,
    /// Of coreinspect's own cores.
    facts: SegmentFacts,
    warnings: Vec<Warning>,
}

impl CoreTarget {
    /// Reads headers and notes of the core in `source`; no memory.
    ///
    /// # Errors
    /// Those of [`CoreFile::read`].
    pub fn read(source: Arc<dyn Source>) -> Result<Self, Error> {
        let core = CoreFile::read(&*source)?;
        let page_size = core
            .auxiliary()
            .page_size
            // gdb writes 1 there: a unit, not a page.
            .or_else(|| core.files().map(|files| files.page_size()).filter(|size| *size > 1));
        let mut warnings = core.warnings().to_vec();
        let facts = match core.segment_facts().map(|range| source.bytes(range)) {
            None => SegmentFacts::default(),
            Some(Ok(json)) => SegmentFacts::read(&json).unwrap_or_else(|why| {
                let message = format!("coreinspect's own note of the segments cannot be used: {why}");
                warnings.push(Warning::new("notes", message));
                SegmentFacts::default()
            }),
            Some(Err(source)) => {
                return Err(Error::Read { what: "the notes", at: FileOffset::new(0), source });
            }
        };
        let file_size = source.stream().is_none_or(Stream::size_is_known).then(|| source.size());
        let identity = Identity {
            kind: "elf-core",
            writer: core.writer(),
            machine: core.machine(),
            page_size,
            file_size,
            written: file_size,
            complete: core.complete(),
            pointer_tags: facts.pointer_tags(core.machine(), core.pointer_tags()),
            private_memory_saved: core.auxiliary().stack.is_some_and(|stack| {
                let byte = Interval::clamped(stack, 1);
                core.loads()
                    .extents(byte, source.size())
                    .iter()
                    .all(|extent| extent.dumped != Dumped::NotSaved)
            }),
        };
        let process = process(&core);
        let threads = core.threads().iter().map(thread).collect();
        Ok(Self { source, core, identity, process, threads, facts, warnings })
    }

    /// Where the note of what was filled stands.
    pub(super) fn fill_note(&self) -> Option<Interval<FileOffset>> {
        self.core.fill()
    }

    /// The same with a warning more.
    pub(super) fn warned(mut self, warning: Warning) -> Self {
        self.warnings.push(warning);
        self
    }
}

fn thread(status: &ThreadStatus) -> Thread {
    Thread {
        id: Some(status.id).filter(|id| *id != 0),
        name: None,
        signal: status.signal,
        registers: status.registers.clone(),
        thread_pointer: status.thread_pointer,
    }
}

/// What the notes say of the process.
fn process(core: &CoreFile) -> Process {
    let numbering = core.machine().signals();
    let signal = fatal_signal(core, numbering);
    let info = core.process();
    Process {
        // valgrind writes 0 for what it does not know; no process has it.
        pid: info.map(|info| info.pid).filter(|pid| *pid != 0).or_else(|| only_thread(core)),
        command: info.and_then(|info| given(&info.command)),
        executable: executable(core).map(<[u8]>::to_vec),
        arguments: info.and_then(|info| given(&info.arguments)),
        uid: info.and_then(|info| info.uid).filter(|uid| *uid == 0 || !uid_is_scrambled(core)),
        signal,
        fault_address: core
            .signal()
            .filter(|info| info.signal == signal)
            .and_then(|info| info.fault_address(numbering)),
        signal_code: core
            .signal()
            .filter(|info| signal.is_some() && info.signal == signal)
            .map(|info| info.code),
        threads: core.threads().iter().map(|thread| thread.id).filter(|id| *id != 0).collect(),
    }
}

/// The id of the only thread, which is the process's: minidump-2-core writes it there alone.
fn only_thread(core: &CoreFile) -> Option<u32> {
    match core.threads() {
        [only] => Some(only.id).filter(|id| *id != 0),
        _ => None,
    }
}

/// Whether pr_uid was swapped as if it had 16 bits: qemu-user (linux-user/elfload.c `bswap_psinfo`) does that to every
/// pr_uid of a guest whose byte order is not its own, which writes 70,000 as 292,552,704.
fn uid_is_scrambled(core: &CoreFile) -> bool {
    let whole = core.process().is_some_and(|info| !info.small_uid);
    Habits::of(core.writer()).emulator && core.machine().byte_order == ByteOrder::Big && whole
}

/// Every process has a name and an argv[0]; a writer that writes none (createdump) does not know them.
fn given(bytes: &[u8]) -> Option<Vec<u8>> {
    (!bytes.is_empty()).then(|| bytes.to_vec())
}

/// The signal that ended the process; `None` if it was alive, as far as the writer tells.
fn fatal_signal(core: &CoreFile, numbering: SignalNumbering) -> Option<Signal> {
    let first = core.threads().first().and_then(|thread| thread.signal);
    match Habits::of(core.writer()).signal {
        WrittenSignal::Stopped => {
            first.filter(|signal| *signal != Signal::TRAP && signal.number() != numbering.stop())
        }
        WrittenSignal::Nothing => None,
        WrittenSignal::AbortAlways if core.signal().is_none() => {
            let all_aborted = core.threads().iter().all(|thread| thread.signal == Some(Signal::ABRT));
            first.filter(|_| !all_aborted)
        }
        _ => first.or_else(|| core.signal().and_then(|info| info.signal)),
    }
}

/// The mapping that holds the program's own headers. Never the first row, nor what argv says: neither must be it.
fn executable(core: &CoreFile) -> Option<&[u8]> {
    let auxiliary = core.auxiliary();
    let holding = |address: Option<Address>| {
        let address = address?;
        core.files()?.rows().find(|row| row.range.contains(address)).map(|row| row.name)
    };
    holding(auxiliary.program_headers).or_else(|| holding(auxiliary.entry))
}

impl Target for CoreTarget {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn threads(&self) -> &[Thread] {
        &self.threads
    }

    fn mappings(&self) -> Option<Box<dyn Iterator<Item = Mapping<'_>> + '_>> {
        let rows = self.core.files()?.rows();
        Some(Box::new(rows.map(|row| Mapping {
            range: row.range,
            offset: row.offset,
            name: row.name,
            told: match self.facts.of(row.range) {
                Some((kind, facts)) => Told::Of(kind, FoundBy::Device, facts),
                None => Told::ByName,
            },
        })))
    }

    fn named(&self) -> Vec<Interval<Address>> {
        self.core.files().into_iter().flat_map(FileTable::ranges).collect()
    }

    fn regions(&self) -> Vec<Interval<Address>> {
        self.core.loads().ranges().collect()
    }

    fn permissions(&self, range: Interval<Address>) -> Option<Permissions> {
        self.core.loads().permissions(range)
    }

    fn auxiliary(&self) -> AuxiliaryVector {
        self.core.auxiliary()
    }

    fn memory(&self, range: Interval<Address>) -> Vec<Extent> {
        self.core.loads().extents(range, self.source.size())
    }

    fn read(&self, at: Address, into: &mut [u8]) -> Result<usize, Error> {
        self.core.loads().read(&*self.source, at, into)
    }

    fn data(&self, range: Interval<Address>) -> Interval<Address> {
        self.core.loads().data(&*self.source, range)
    }

    fn copy(&self, range: Interval<Address>, file: &mut File) -> Result<(), Error> {
        self.core.loads().copy(&*self.source, range, file)
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}
