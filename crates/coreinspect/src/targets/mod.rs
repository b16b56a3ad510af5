//! What is analysed: a process as a dump, or the kernel, shows it.
//!
//! [`Target`] says what the analyses need, not who provides it. Bytes that are not there are [`Extent`]s too, never
//! zeroes.

mod completed;
mod core;
mod facts;
mod filled;
mod live;
#[cfg(feature = "minidump")]
mod minidump;
mod segment_facts;
mod system_call;

pub use self::completed::Completed;
pub use self::core::CoreTarget;
#[cfg(feature = "minidump")]
pub use self::minidump::MinidumpTarget;
pub use facts::{Facts, FileId, FoundBy, Told};
pub use live::LiveTarget;
pub use segment_facts::SegmentFacts;
pub use system_call::SystemCall;

use std::fs::File;
use std::sync::Arc;

use crate::error::{Error, Warning};
use crate::machine::Machine;
use crate::memory::{Dumped, Extent, Permissions};
use crate::pointer_tags::PointerTags;
use crate::position::{Address, Interval};
use crate::process::Process;
use crate::sidecar::FillSource;
#[cfg(feature = "minidump")]
use crate::source::Format;
use crate::source::{Beside, Source};
use crate::thread::Thread;
use crate::writer::{Habits, Writer};

pub use crate::core_file::AuxiliaryVector;

/// What kind of target it is, and of which machine.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The word of the JSON contract: "elf-core", "process", "minidump".
    pub kind: &'static str,
    /// Which program wrote the dump, where that can be told.
    pub writer: Option<Writer>,
    /// Machine, class and byte order.
    pub machine: Machine,
    /// Bytes of a page; `None` if the dump does not say.
    pub page_size: Option<u64>,
    /// Bytes of the file, decompressed; `None` for a running process, and for what was not read to its end.
    pub file_size: Option<u64>,
    /// The same without what `coreinspect fill` added.
    pub written: Option<u64>,
    /// Whether every byte that the headers promise is in the file; `None` if it was not read to its end.
    pub complete: Option<bool>,
    /// Bits of its pointers that are no part of the address.
    pub pointer_tags: PointerTags,
    /// Whether private memory was dumped, as the stack shows (coredump_filter bit 0).
    pub private_memory_saved: bool,
}

impl Identity {
    /// What the dump's writer does, as far as an analysis depends on it.
    pub fn habits(&self) -> Habits {
        Habits::of(self.writer)
    }
}

/// A mapping of a file (or of what the kernel names like one).
#[derive(Clone, Copy, Debug)]
pub struct Mapping<'a> {
    /// Its addresses.
    pub range: Interval<Address>,
    /// Where in the file it begins, in bytes; `None` if the dump claims a place that no file has.
    pub offset: Option<u64>,
    /// The name, as the dump has it.
    pub name: &'a [u8],
    /// What kind of shared memory it is, as far as the target knows more than the name.
    pub told: Told<'a>,
}

/// Reads headers and notes of the dump in `source`, whatever kind it is; no memory.
///
/// # Errors
/// Those of [`CoreTarget::read`] and of `MinidumpTarget::read`.
pub fn open(source: Arc<dyn Source>) -> Result<Box<dyn Target>, Error> {
    #[cfg(feature = "minidump")]
    if matches!(Format::of(&*source), Ok(Format::Minidump)) {
        // Its directory may name any place: of a stream all is kept.
        if let Some(stream) = source.stream() {
            stream
                .reach(crate::position::FileOffset::new(u64::MAX))
                .map_err(|source| Error::Refused { source })?;
        }
        return Ok(Box::new(MinidumpTarget::read(source)?));
    }
    filled::open(source)
}

/// As [`open`], with what a handler left beside the dump.
///
/// # Errors
/// Those of [`open`]. What lies beside it and cannot be used is left out.
pub fn open_beside(source: Arc<dyn Source>, beside: Beside) -> Result<Box<dyn Target>, Error> {
    Ok(completed::completed(open(source)?, beside))
}

/// A process to analyse.
pub trait Target: Send + Sync {
    /// What kind of target it is.
    fn identity(&self) -> &Identity;

    /// Who the process was.
    fn process(&self) -> &Process;

    /// Its threads, the dumping one first where the writer says so; as many as the target tells of.
    fn threads(&self) -> &[Thread] {
        &[]
    }

    /// The system call that the thread of this index is in; `None` if it is in none, or the target does not show it.
    fn system_call(&self, thread: usize) -> Option<SystemCall> {
        let registers = self.threads().get(thread)?.registers.as_ref()?;
        SystemCall::of_registers(registers, self.identity().machine)
    }

    /// The named mappings, in the target's order. `None`: it does not say which mappings there were.
    fn mappings(&self) -> Option<Box<dyn Iterator<Item = Mapping<'_>> + '_>>;

    /// The addresses of the named mappings, in the target's order; none if it does not say.
    fn named(&self) -> Vec<Interval<Address>> {
        self.mappings().into_iter().flatten().map(|mapping| mapping.range).collect()
    }

    /// The mapped memory that the target tells of, named or not, each run as it is told: sorted, without overlap.
    fn regions(&self) -> Vec<Interval<Address>> {
        let everything = Interval::clamped(Address::new(0), u64::MAX);
        let extents = self.memory(everything).into_iter();
        let told = extents.filter(|extent| matches!(extent.dumped, Dumped::Saved | Dumped::CutOff));
        told.map(|extent| extent.range).collect()
    }

    /// The rights of the mapping at `range`; `None` where the target does not say.
    fn permissions(&self, range: Interval<Address>) -> Option<Permissions>;

    /// What the kernel told the program of itself; empty where the target does not say.
    fn auxiliary(&self) -> AuxiliaryVector {
        AuxiliaryVector::default()
    }

    /// What the target has of `range`: extents that tile it without gap or overlap.
    fn memory(&self, range: Interval<Address>) -> Vec<Extent>;

    /// Copies saved bytes from `at` on; the count ends where the saved bytes do.
    ///
    /// # Errors
    /// [`Error::Read`].
    fn read(&self, at: Address, into: &mut [u8]) -> Result<usize, Error>;

    /// The first part of `range`, which must be saved, that is not known to be zero; empty, at its end, if all of it is. So that
    /// whoever looks for something need not read the holes of a sparse file.
    fn data(&self, range: Interval<Address>) -> Interval<Address> {
        range
    }

    /// Copies the saved bytes of `range` into `file`, which stands at the place to write. `range` must be saved.
    ///
    /// # Errors
    /// [`Error::Read`], also for what writing said.
    fn copy(&self, range: Interval<Address>, file: &mut File) -> Result<(), Error>;

    /// Where bytes are from that the dump itself lacks: by the indices of [`Extent::filled`].
    fn filled_from(&self) -> &[FillSource] {
        &[]
    }

    /// What was lost while the target was read.
    fn warnings(&self) -> &[Warning];
}
