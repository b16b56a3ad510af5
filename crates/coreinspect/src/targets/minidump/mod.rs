//! A minidump of a Linux process, as lldb, Breakpad, Crashpad and minidump-writer write it, as a [`Target`].
//!
//! What a stream is and how it is laid out: Microsoft's minidumpapiset.h, Breakpad's `minidump_format.h`, LLVM's
//! `BinaryFormat/Minidump.h`; the structures are those of the crate minidump-common. The stream LinuxMaps is the text of
//! /proc/PID/maps: it names the segments, and the inode in it is the shmid.

mod memory;
mod names;
mod process;
mod streams;
mod threads;

use std::fs::File;
use std::sync::Arc;

use minidump_common::format::{MINIDUMP_SYSTEM_INFO, PlatformId, ProcessorArchitecture};
use num_traits::FromPrimitive;

use super::{Identity, Mapping, Target};
use crate::core_file::{AuxiliaryVector, Loads, Reader};
use crate::error::{Error, Warning, Warnings};
use crate::machine::{ByteOrder, Class, Machine};
use crate::memory::{Dumped, Extent, Permissions};
use crate::pointer_tags::PointerTags;
use crate::position::{Address, FileOffset, Interval};
use crate::process::Process;
use crate::source::{Format, Source};
use crate::thread::Thread;
use crate::writer::Writer;
use names::Names;
use streams::{Kind, Streams};

/// A process as its minidump shows it.
pub struct MinidumpTarget {
    source: Arc<dyn Source>,
    identity: Identity,
    process: Process,
    threads: Vec<Thread>,
    memory: Loads,
    names: Option<Names>,
    warnings: Vec<Warning>,
}

impl MinidumpTarget {
    /// Reads the streams of the minidump in `source`; no memory.
    ///
    /// # Errors
    /// [`Error::NotACore`] for another system's minidump, [`Error::CutOff`], [`Error::BadHeader`], [`Error::Read`].
    pub fn read(source: Arc<dyn Source>) -> Result<Self, Error> {
        if let Some(stream) = source.stream() {
            // What a stream of it points at may stand anywhere: it is kept whole, and it is seldom large.
            let end = FileOffset::new(u64::MAX);
            stream.reach(end).map_err(|source| Error::Refused { source })?;
        }
        let mut warnings = Warnings::default();
        let streams = Streams::read(&*source, &mut warnings)?;
        let machine = machine(&streams)?;
        let names = match streams.bytes(Kind::LinuxMaps, "the stream LinuxMaps")? {
            Some(text) => Some(Names::of(text)),
            None => {
                warnings.push("no-maps", || {
                    "the minidump has no stream LinuxMaps: the names of its mappings are not in it".to_owned()
                });
                None
            }
        };
        let memory = memory::read(&streams, names.as_ref(), &mut warnings)?;
        let auxiliary = match streams.bytes(Kind::LinuxAuxv, "the stream LinuxAuxv")? {
            Some(bytes) => AuxiliaryVector::read(Reader::new(&bytes, machine)),
            None => AuxiliaryVector::default(),
        };
        let writer = writer(&streams);
        let (process, threads) = process::read(&streams, machine, writer, &auxiliary, names.as_ref())?;
        let promised_end = streams.promised_end().max(memory.promised_end()).get();
        let missing = promised_end.saturating_sub(source.size());
        if missing > 0 {
            warnings.push("truncated", || {
                format!(
                    "the file has {} bytes and ends {missing} before its streams say: it was cut short",
                    source.size()
                )
            });
        }
        let stack_saved = auxiliary.stack.is_some_and(|stack| {
            let extents = memory.extents(Interval::clamped(stack, 1), source.size());
            extents.iter().all(|extent| extent.dumped != Dumped::NotSaved)
        });
        let identity = Identity {
            kind: "minidump",
            writer,
            machine,
            page_size: auxiliary.page_size,
            file_size: Some(source.size()),
            written: Some(source.size()),
            pointer_tags: PointerTags::of(machine),
            complete: Some(missing == 0 && !warnings.has("streams")),
            private_memory_saved: stack_saved,
        };
        Ok(Self { source, identity, process, threads, memory, names, warnings: warnings.into_list() })
    }
}

/// The machine that the stream SystemInfo names.
fn machine(streams: &Streams<'_>) -> Result<Machine, Error> {
    let info: Option<MINIDUMP_SYSTEM_INFO> = streams.structure(Kind::SystemInfoStream)?;
    let Some(info) = info else {
        if streams.promised_end().get() > streams.size() {
            let at = FileOffset::new(streams.size());
            return Err(Error::CutOff { what: "before the stream SystemInfo", at });
        }
        let what = "the minidump has no stream SystemInfo, which names its machine".to_owned();
        return Err(Error::BadHeader { what, at: FileOffset::new(0) });
    };
    match PlatformId::from_u32(info.platform_id) {
        Some(PlatformId::Linux | PlatformId::Android) => {}
        _ => return Err(Error::NotACore { format: Format::ForeignMinidump }),
    }
    use ProcessorArchitecture as Processor;
    let (number, class) = match Processor::from_u16(info.processor_architecture) {
        Some(Processor::PROCESSOR_ARCHITECTURE_INTEL) => (3, Class::Bits32),
        Some(Processor::PROCESSOR_ARCHITECTURE_AMD64) => (62, Class::Bits64),
        Some(Processor::PROCESSOR_ARCHITECTURE_ARM) => (40, Class::Bits32),
        Some(Processor::PROCESSOR_ARCHITECTURE_ARM64 | Processor::PROCESSOR_ARCHITECTURE_ARM64_OLD) => {
            (183, Class::Bits64)
        }
        Some(Processor::PROCESSOR_ARCHITECTURE_MIPS) => (8, Class::Bits32),
        Some(Processor::PROCESSOR_ARCHITECTURE_MIPS64) => (8, Class::Bits64),
        Some(Processor::PROCESSOR_ARCHITECTURE_PPC) => (20, Class::Bits32),
        Some(Processor::PROCESSOR_ARCHITECTURE_PPC64) => (21, Class::Bits64),
        // Breakpad's client of the riscv64 (minidump_cpu_types.h, MD_CPU_ARCHITECTURE_RISCV64); minidump-common has no
        // name for it.
        _ if info.processor_architecture == 0x8006 => (243, Class::Bits64),
        _ => {
            let what =
                format!("the stream SystemInfo names the processor {:#x}", info.processor_architecture);
            let at = streams.place(Kind::SystemInfoStream).unwrap_or(FileOffset::new(0));
            return Err(Error::BadHeader { what, at });
        }
    };
    Ok(Machine { number, class, byte_order: streams.byte_order() })
}

/// Which program wrote it, by the streams that each alone has.
fn writer(streams: &Streams<'_>) -> Option<Writer> {
    let any = |kinds: &[u32]| kinds.iter().any(|kind| streams.has(*kind));
    let one = |kind: Kind| streams.has(u32::from(kind));
    // LLVM's Minidump.h: LLDBGenerated (since lldb 20), LinuxProcStat, LinuxProcUptime, LinuxProcFD.
    if any(&[0x4c4c_4442, 0x4767_000b, 0x4767_000c, 0x4767_000d]) {
        return Some(Writer::Lldb);
    }
    if one(Kind::CrashpadInfoStream) {
        return Some(Writer::Crashpad);
    }
    // What is left copies these files of /proc, Breakpad and its successor alone; the successor asks for more than its
    // elder ever did.
    if ![Kind::LinuxCpuInfo, Kind::LinuxMaps, Kind::LinuxEnviron].into_iter().all(one) {
        return None;
    }
    let newer =
        [Kind::MozLinuxLimits, Kind::MozSoftErrors, Kind::MemoryInfoListStream, Kind::HandleDataStream];
    Some(if newer.into_iter().any(one) { Writer::MinidumpWriter } else { Writer::Breakpad })
}

impl Target for MinidumpTarget {
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
        Some(Box::new(self.names.as_ref()?.mappings()))
    }

    fn permissions(&self, range: Interval<Address>) -> Option<Permissions> {
        self.memory.permissions(range)
    }

    fn memory(&self, range: Interval<Address>) -> Vec<Extent> {
        self.memory.extents(range, self.source.size())
    }

    fn read(&self, at: Address, into: &mut [u8]) -> Result<usize, Error> {
        self.memory.read(&*self.source, at, into)
    }

    fn data(&self, range: Interval<Address>) -> Interval<Address> {
        self.memory.data(&*self.source, range)
    }

    fn copy(&self, range: Interval<Address>, file: &mut File) -> Result<(), Error> {
        self.memory.copy(&*self.source, range, file)
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl From<ByteOrder> for scroll::Endian {
    fn from(order: ByteOrder) -> Self {
        match order {
            ByteOrder::Little => Self::Little,
            ByteOrder::Big => Self::Big,
        }
    }
}
