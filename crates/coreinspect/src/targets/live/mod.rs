//! A running process as a [`Target`].
//!
//! It is not stopped and nothing is written into it, so bytes that it changes meanwhile may be torn, and the report says so.
//! Mappings are those of the moment when it was opened. What is read later is the same process's or nothing's: see
//! [`ProcessMemory`] and [`ProcessFolder`]. A picture ([`LiveTarget::pictures`]) is taken while it stands still.

mod areas;
mod memory;
mod picture;
mod segment_file;
mod who;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use super::{AuxiliaryVector, FoundBy, Identity, Mapping, SystemCall, Target, Told};
use crate::error::{Error, Warning};
use crate::kind::{Kind, Kinds};
use crate::memory::{Dumped, Extent, Permissions};
use crate::position::{Address, Interval, Position};
use crate::proc_files::{ProcessFolder, SleepingCall};
use crate::process::Process;
use crate::thread::Thread;
use areas::{Area, Content, areas_of};
use memory::ProcessMemory;
use picture::Picture;

/// A running process.
#[derive(Debug)]
pub struct LiveTarget {
    folder: ProcessFolder,
    /// What was looked for.
    kinds: Kinds,
    /// /proc/PID/maps, as it was.
    maps: Vec<u8>,
    /// By address.
    areas: Vec<Area>,
    memory: ProcessMemory,
    /// What its segments held while it stood still.
    picture: Option<Picture>,
    identity: Identity,
    process: Process,
    threads: Vec<Thread>,
    warnings: Vec<Warning>,
}

impl LiveTarget {
    /// Looks at process `pid`: its mappings, and which segments of `kinds` they are of. No memory is read.
    ///
    /// # Errors
    /// [`Error::Process`]: it is not there, or it is not ours to look at.
    pub fn open(pid: u32, kinds: &Kinds) -> Result<Self, Error> {
        Self::of(ProcessFolder::open(pid)?, kinds)
    }

    /// As [`LiveTarget::open`], of the process whose folder is open already.
    ///
    /// # Errors
    /// As [`LiveTarget::open`].
    pub fn of(folder: ProcessFolder, kinds: &Kinds) -> Result<Self, Error> {
        let pid = folder.pid();
        let failed = |source| Error::Process { pid, what: "its mappings", source };
        let maps = folder.read("maps").map_err(failed)?;
        if maps.is_empty() && !folder.is_running() {
            return Err(failed(std::io::ErrorKind::NotFound.into()));
        }
        let memory = ProcessMemory::of(&folder);
        let mut warnings = Vec::new();
        let areas = areas_of(&folder, &maps, kinds, &mut warnings);
        if areas.iter().any(Area::is_segment) {
            let torn = areas::torn(&areas, who::stands_still(&folder));
            warnings.splice(..0, torn.map(|why| Warning::new("live", why)));
            warnings.extend(memory.refusal().map(|why| Warning::new("no-rights", why)));
        }
        let identity = who::identity(&folder);
        let process = who::process(&folder);
        let threads = who::threads(&folder, &process.threads);
        let kinds = kinds.clone();
        Ok(Self { folder, kinds, maps, areas, memory, picture: None, identity, process, threads, warnings })
    }

    /// Opens the processes `pids` and copies the segments of `kinds` into an unlinked file while all of them stand still. Tells for
    /// how long they did.
    ///
    /// # Errors
    /// [`Error::Process`]: one cannot be looked at, cannot be stopped, or the copy could not be written. None stays stopped.
    pub fn pictures(pids: &[u32], kinds: &Kinds) -> Result<(Vec<Self>, Duration), Error> {
        let mut targets = pids.iter().map(|pid| Self::open(*pid, kinds)).collect::<Result<Vec<_>, _>>()?;
        picture::take(&mut targets).map(|paused| (targets, paused))
    }

    /// The process's folder in /proc.
    pub fn folder(&self) -> &ProcessFolder {
        &self.folder
    }

    /// Whether what is read of its segments is a picture of one moment.
    pub fn stands_still(&self) -> bool {
        self.picture.is_some()
    }

    /// What happened to the process since it was opened, in words; `None` if it still runs the same program.
    pub fn changed(&self) -> Option<&'static str> {
        if !self.folder.is_running() {
            return Some(
                "the process ended while it was read: what coreinspect had not read by then is missing",
            );
        }
        if self.memory.is_gone() {
            return Some(
                "the process executed another program while it was read: what coreinspect had not read by then is missing",
            );
        }
        None
    }

    fn area(&self, address: Address) -> Option<&Area> {
        let after = self.areas.partition_point(|area| area.range.start() <= address);
        self.areas.get(after.checked_sub(1)?).filter(|area| area.range.contains(address))
    }

    /// Whether bytes of `area` can be had.
    fn dumped(&self, area: &Area) -> Dumped {
        let pictured = self.picture.as_ref().is_some_and(|picture| picture.has(area.range));
        match pictured || area.file().is_some() || self.memory.allows() {
            true => Dumped::Saved,
            false => Dumped::NotReadable,
        }
    }

    /// The bytes of `area` at `at`, as far as one source has them.
    fn read_area(&self, area: &Area, at: Address, into: &mut [u8]) -> usize {
        if let Some(count) = self.picture.as_ref().and_then(|picture| picture.read(at, into)) {
            return count;
        }
        let from_file =
            area.file().zip(area.offset_of(at)).and_then(|(file, offset)| file.read(offset, into));
        from_file.unwrap_or_else(|| self.memory.read(at, into))
    }
}

impl Target for LiveTarget {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn threads(&self) -> &[Thread] {
        &self.threads
    }

    fn system_call(&self, thread: usize) -> Option<SystemCall> {
        let id = self.threads.get(thread)?.id?;
        let call = SleepingCall::parse(&self.folder.read(&format!("task/{id}/syscall")).ok()?)?;
        Some(SystemCall {
            number: call.number,
            arguments: call.arguments,
            stack_pointer: Some(Address::new(call.stack_pointer)),
            program_counter: Some(Address::new(call.program_counter)),
        })
    }

    fn mappings(&self) -> Option<Box<dyn Iterator<Item = Mapping<'_>> + '_>> {
        let named = self.areas.iter().filter(|area| area.name.starts_with(b"/"));
        Some(Box::new(named.map(|area| Mapping {
            range: area.range,
            offset: Some(area.offset),
            name: &area.name,
            told: match &area.content {
                Content::Private => Told::Private,
                Content::Other => Told::ByName,
                Content::File(facts) => Told::Of(Kind::File, FoundBy::Device, facts),
                Content::Segment { kind, found_by, facts, .. } => Told::Of(*kind, *found_by, facts),
            },
        })))
    }

    fn permissions(&self, range: Interval<Address>) -> Option<Permissions> {
        Some(self.area(range.start())?.permissions)
    }

    fn auxiliary(&self) -> AuxiliaryVector {
        let vdso = self.areas.iter().find(|area| area.name == b"[vdso]");
        AuxiliaryVector { vdso: vdso.map(|area| area.range.start()), ..AuxiliaryVector::default() }
    }

    fn memory(&self, range: Interval<Address>) -> Vec<Extent> {
        let mut extents = Vec::<Extent>::new();
        let mut add = |start: Address, end: Address, dumped| {
            let Some(range) = Interval::new(start, end).filter(|range| !range.is_empty()) else { return };
            match extents.last_mut().filter(|last| last.dumped == dumped) {
                Some(last) => last.range = Interval::new(last.range.start(), end).unwrap_or(last.range),
                None => extents.push(Extent { range, dumped, filled: None }),
            }
        };
        let mut at = range.start();
        let first = self.areas.partition_point(|area| area.range.end() <= range.start());
        for area in self.areas.iter().skip(first) {
            let Some(part) = area.range.intersection(range) else { break };
            add(at, part.start(), Dumped::NotSaved);
            add(part.start(), part.end(), self.dumped(area));
            at = part.end();
        }
        add(at, range.end(), Dumped::NotSaved);
        extents
    }

    fn read(&self, at: Address, into: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0_usize;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let Some(at) = at.checked_add(done as u64) else { break };
            let Some(area) = self.area(at) else { break };
            let left = area.range.end().offset_from(at).unwrap_or(0);
            let length = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let Some(part) = rest.get_mut(..length) else { break };
            let count = self.read_area(area, at, part);
            if count == 0 {
                break;
            }
            done = done.saturating_add(count);
        }
        Ok(done)
    }

    fn data(&self, range: Interval<Address>) -> Interval<Address> {
        let Some(area) = self.area(range.start()) else { return range };
        let Some(within) = area.range.intersection(range) else { return range };
        let Some((file, offset)) = area.file().zip(area.offset_of(within.start())) else { return within };
        let Some((skipped, length)) = file.data(offset, within.length()) else { return within };
        let start = within.start().checked_add(skipped).unwrap_or(within.end());
        Interval::clamped(start, length)
    }

    fn copy(&self, range: Interval<Address>, file: &mut File) -> Result<(), Error> {
        const BLOCK: u64 = 256 << 10;
        let pid = self.folder.pid();
        let failed = |source| Error::Process { pid, what: "its memory", source };
        let start = file.stream_position().map_err(failed)?;
        let mut block = vec![0; usize::try_from(range.length().min(BLOCK)).unwrap_or(0)];
        let mut at = range.start();
        while let Some(rest) = Interval::new(at, range.end()).filter(|rest| !rest.is_empty()) {
            let data = self.data(rest);
            let wanted = usize::try_from(data.length()).unwrap_or(usize::MAX).min(block.len());
            at = data.start();
            if wanted > 0 {
                let count = self.read(at, block.get_mut(..wanted).unwrap_or_default())?;
                let bytes = block.get(..count).filter(|bytes| !bytes.is_empty());
                let bytes = bytes.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
                let inside = at.offset_from(range.start()).unwrap_or(0);
                file.seek(SeekFrom::Start(start.saturating_add(inside))).map_err(failed)?;
                file.write_all(bytes).map_err(failed)?;
                at = at.checked_add(count as u64).unwrap_or(range.end());
            }
        }
        Ok(())
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl LiveTarget {
    /// The mappings of segments, with what is known of each.
    fn segments(&self) -> impl Iterator<Item = (&Area, FoundBy)> {
        self.areas.iter().filter_map(|area| match &area.content {
            Content::Segment { found_by, .. } => Some((area, *found_by)),
            _ => None,
        })
    }
}
