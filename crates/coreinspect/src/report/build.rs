//! From a target to its report.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use shmcore::{Key, ShmId};

use super::content::Decoding;
use super::foreign::Elsewhere;
use super::{
    Attachment, Cause, Dump, Error, Fault, Fill, Foreign, Hex, KeyParts, Mapping, Missing, PathText, Place,
    Process, Segment, Signal, State, Text, Thread, Warning,
};
use crate::debug_files::named_program::{Held, can_have_run};
use crate::kind::{Kind, Kinds, without_deleted};
use crate::known_keys::can_be_of_ftok;
use crate::layout::{BUILTIN, Layout};
use crate::machine::SignalNumbering;
use crate::memory::Dumped;
use crate::process;
use crate::shm::{self, SharedMemory};
use crate::targets::{FoundBy, Target};
use crate::unnamed::{self, Sister};
use crate::{error, refs, retention};

/// What a report holds beyond what every one does.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which kinds of shared memory it is of.
    pub kinds: Kinds,
    /// Leave out what the bytes say: `content` is null.
    pub no_content: bool,
    /// Whole messages, not their first 4,096 bytes.
    pub full: bool,
    /// The layout that the user named; `None`: every one is asked.
    pub layout: Option<Arc<dyn Layout>>,
    /// The layout by which bytes are read that no layout fits; `None`: they are not decoded.
    pub otherwise: Option<&'static dyn Layout>,
    /// Layouts that are asked beside the built-in ones, and before them.
    pub layouts: Vec<Arc<dyn Layout>>,
    /// The program that the user says it is a dump of.
    pub program: Option<PathBuf>,
    /// The offset in the segment where decoding begins.
    pub at: u64,
    /// Places at which decoding begins in the segments that they name, and not at [`Self::at`].
    pub places: Vec<Place>,
    /// Decode so many values, one behind the other.
    pub count: Option<u64>,
    /// The registers of every thread too. They may hold secrets.
    pub registers: bool,
    /// Look at all of each segment for what a listing does not ask: addresses that another process stored.
    pub closely: bool,
    /// Look for segments that the dump has no name for, also where every one should have one.
    pub find_unnamed: bool,
    /// Segments of other dumps, to recognise nameless ones by.
    pub sisters: Vec<Arc<Sister>>,
}

impl Options {
    /// What bytes say is left out.
    pub fn without_content() -> Self {
        Self { no_content: true, ..Self::default() }
    }

    /// The segments of `target`: by their names, and those without one that are worth telling.
    pub(crate) fn segments(&self, target: &dyn Target) -> SharedMemory {
        let mut memory = SharedMemory::of(target);
        let layouts = self.layouts.iter().map(Arc::as_ref).chain(BUILTIN.iter().copied());
        let sisters: Vec<_> = self.sisters.iter().map(Arc::as_ref).collect();
        unnamed::add(target, &mut memory, layouts, &sisters, self.find_unnamed);
        memory.add_kinds(target, &self.kinds);
        memory
    }

    /// Whether `segment` is listed. What was named is chosen from all that are.
    fn shows(&self, segment: &shm::Segment) -> bool {
        self.kinds.list(segment.kind) || !self.kinds.named().is_empty()
    }

    /// What speaks against the program and the types that the user named for the dump of `target`.
    fn doubts(&self, target: &dyn Target) -> Vec<Warning> {
        let types = self.layout.as_ref().and_then(|layout| layout.doubt(target));
        let program = self.program.as_deref().and_then(|program| match Held::against(program, target) {
            Held::Other(doubt) => Some(Warning { code: "other-build", message: doubt }),
            Held::Unknown if !can_have_run(target, program) => {
                let message = format!("it does not look like a dump of {}", program.display());
                Some(Warning { code: "other-program", message })
            }
            Held::Same | Held::Unknown => None,
        });
        let types = types.map(|message| Warning { code: "other-build", message });
        let types = types.filter(|types| program.as_ref().is_none_or(|known| known.message != types.message));
        program.into_iter().chain(types).collect()
    }
}

impl Dump {
    /// The report of `target` with the segments in `memory`.
    ///
    /// # Errors
    /// [`error::Error::Read`] while content was decoded.
    pub fn of(
        path: &Path,
        target: &dyn Target,
        memory: &SharedMemory,
        options: &Options,
    ) -> Result<Self, error::Error> {
        let identity = target.identity();
        let elsewhere = Elsewhere::new(target, &memory.segments, options.closely);
        let numbered = (1_usize..).zip(&memory.segments).zip(retention::causes(target, memory));
        let mut segments = Vec::with_capacity(memory.segments.len());
        let mut foreign = Vec::new();
        for ((number, segment), causes) in numbered.filter(|((_, segment), _)| options.shows(segment)) {
            let found = elsewhere.base(number.saturating_sub(1))?;
            let segment = Segment::of(number, segment, causes);
            segments.push(Segment { foreign: found.map(Foreign::from), ..segment });
            foreign.push(found);
        }
        let others = if segments.is_empty() { others(memory) } else { Vec::new() };
        let mut this = Self {
            path: path.into(),
            kind: Some(identity.kind),
            writer: identity.writer,
            machine: Some(identity.machine.to_string()),
            class: Some(identity.machine.class.bits()),
            byte_order: Some(identity.machine.byte_order.name()),
            page_size: identity.page_size,
            file_size: identity.file_size,
            complete: identity.complete,
            process: Process::of(target, options),
            fault: Fault::of(target, &memory.segments).map(|fault| elsewhere.explained(fault)).transpose()?,
            segments,
            filled_with: target.filled_from().to_vec(),
            warnings: target
                .warnings()
                .iter()
                .chain(&memory.warnings)
                .map(Warning::from)
                .chain(options.doubts(target))
                .collect(),
            error: None,
            posix_mappings: target.mappings().map(|_| memory.posix_mappings),
            named_mappings: Some(target.mappings().is_some()),
            asked: options.kinds.label(),
            others,
            handler: None,
        };
        if !options.no_content {
            this.decode(target, &memory.segments, &foreign, options)?;
        }
        // A handler's own words are heard later.
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(crate::source::Handler::is_named_by_systemd) {
            this.fix_truncation(crate::source::Handler::LIMIT_OF_SYSTEMD);
        }
        Ok(this)
    }

    /// Adds what the bytes of the segments say, in the place of what was added before. `segments` are all of `target`, `foreign`
    /// belongs to those that are reported.
    pub(crate) fn decode(
        &mut self,
        target: &dyn Target,
        segments: &[shm::Segment],
        foreign: &[Option<refs::Foreign>],
        options: &Options,
    ) -> Result<(), error::Error> {
        let located = options.places.iter().filter_map(|place| place.locate(self).ok());
        let starts = located.filter_map(|place| Some((place.segment.number, place.offset?.get())));
        let starts: BTreeMap<_, _> = starts.collect();
        let decoding = Decoding::new(target, segments, options);
        for (index, reported) in self.segments.iter_mut().enumerate() {
            let segment = reported.number.checked_sub(1).and_then(|index| segments.get(index));
            let at = starts.get(&reported.number).copied().unwrap_or(options.at);
            let foreign = foreign.get(index).copied().flatten().map(|foreign| (reported.number, foreign));
            reported.content = segment.map_or(Ok(None), |segment| decoding.content(segment, at, foreign))?;
        }
        Ok(())
    }

    /// The report of a dump that could not be read.
    pub fn unreadable(path: &Path, file_size: Option<u64>, error: &error::Error) -> Self {
        Self {
            path: path.into(),
            kind: None,
            writer: None,
            machine: None,
            class: None,
            byte_order: None,
            page_size: None,
            file_size,
            complete: None,
            process: Process::default(),
            fault: None,
            segments: Vec::new(),
            filled_with: Vec::new(),
            warnings: Vec::new(),
            error: Some(Error { code: error.code(), message: error.to_string(), offset: error.offset() }),
            posix_mappings: None,
            named_mappings: None,
            asked: Kind::SystemV.label().to_owned(),
            others: Vec::new(),
            handler: None,
        }
    }
}

impl From<&Path> for PathText {
    fn from(path: &Path) -> Self {
        let text = Text::new(path.as_os_str().as_bytes());
        Self { path: text.escaped(), path_hex: text.hex() }
    }
}

impl From<&error::Warning> for Warning {
    fn from(warning: &error::Warning) -> Self {
        Self { code: warning.code, message: warning.message.clone() }
    }
}

impl Process {
    pub(super) fn of(target: &dyn Target, options: &Options) -> Self {
        let process = target.process();
        let numbering = target.identity().machine.signals();
        let text = |bytes: &Option<Vec<u8>>| bytes.clone().map(Text::new);
        Self {
            pid: process.pid,
            command: text(&process.command),
            executable: text(&process.executable),
            arguments: text(&process.arguments),
            uid: process.uid,
            signal: process.signal.map(|signal| Signal::new(signal, numbering)),
            fault_address: process.fault_address.map(Hex::from),
            threads: process.threads.clone(),
            thread_states: Thread::all(target, options.registers),
        }
    }
}

impl Signal {
    pub(super) fn new(signal: process::Signal, numbering: SignalNumbering) -> Self {
        Self { number: signal.number(), name: signal.name(numbering) }
    }
}

impl Segment {
    /// The report of `segment` without its content.
    fn of(number: usize, segment: &shm::Segment, causes: Vec<retention::Cause>) -> Self {
        let key = segment.key;
        let facts = &segment.facts;
        let seconds =
            |time: Option<SystemTime>| Some(time?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs());
        let pid = |pid: Option<shmcore::Pid>| u32::try_from(pid?.as_raw()).ok();
        let (mapped, saved) = (segment.mapped(), segment.saved());
        let from: BTreeSet<_> = segment.pieces().iter().filter_map(|piece| piece.filled).collect();
        Self {
            number,
            kind: Some(segment.kind).filter(|_| segment.found_by != FoundBy::Content),
            key: key.map(|key| key.to_string()),
            key_t: key.map(Key::raw),
            name: segment.name.as_deref().map(Text::new),
            private: segment.is_private(),
            may_be: segment.twins.iter().map(|index| index.saturating_add(1)).collect(),
            found_by: segment.found_by,
            found_reasons: segment.reasons.clone(),
            key_parts: key.and_then(KeyParts::of),
            shmid: facts.shmid.map(ShmId::raw),
            size: facts.size,
            owner: facts.owner.map(shmcore::Uid::as_raw),
            perms: facts.permissions.map(|permissions| permissions.to_string()),
            nattch: facts.attach_count,
            cpid: pid(facts.creator_pid),
            lpid: pid(facts.last_pid),
            attached: seconds(facts.attached),
            detached: seconds(facts.detached),
            changed: seconds(facts.changed),
            removed: removed(segment),
            mapped,
            saved,
            filled: segment.filled(),
            filled_from: from.into_iter().collect(),
            state: state(mapped, saved, segment.bytes_that_are(Dumped::CutOff) > 0),
            attachments: segment.attachments.iter().map(Attachment::from).collect(),
            content: None,
            foreign: None,
            causes: causes.into_iter().map(Cause::from).collect(),
            map: None,
        }
    }
}

/// Whether a segment was removed: of a file its name tells, and a memfd never had one.
fn removed(segment: &shm::Segment) -> Option<bool> {
    match segment.kind {
        Kind::SystemV => segment.facts.permissions.map(shmcore::Permissions::is_removed),
        Kind::Posix | Kind::Hugetlbfs | Kind::File => Some(without_deleted(segment.name.as_deref()?).1),
        Kind::Memfd | Kind::Anonymous => None,
    }
}

/// How many mappings of kinds that are not listed `memory` has.
fn others(memory: &SharedMemory) -> Vec<(Kind, usize)> {
    let mut counts = memory.other_mappings.clone();
    for segment in &memory.segments {
        let mappings = segment.attachments.iter().map(|attachment| attachment.mappings.len()).sum();
        match counts.iter_mut().find(|(kind, _)| *kind == segment.kind) {
            Some((_, count)) => *count = count.saturating_add(mappings),
            None => counts.push((segment.kind, mappings)),
        }
    }
    counts
}

/// The contract's word for how much of `mapped` bytes is saved.
pub(super) fn state(mapped: u64, saved: u64, cut_off: bool) -> State {
    match saved {
        _ if cut_off => State::CutOff,
        saved if saved == mapped => State::Whole,
        0 => State::Absent,
        _ => State::Partial,
    }
}

impl KeyParts {
    /// The parts of `key`; `None` where ftok(3) cannot have made it.
    pub fn of(key: Key) -> Option<Self> {
        let parts = key.parts();
        can_be_of_ftok(key).then(|| Self {
            project_id: format!("{:#x}", parts.project_id),
            project_char: parts.project_char(),
            device_low: format!("{:#x}", parts.device_low),
            inode_low: format!("{:#x}", parts.inode_low),
        })
    }
}

impl From<&shm::Attachment> for Attachment {
    fn from(attachment: &shm::Attachment) -> Self {
        let (mapped, saved) = (attachment.mapped(), attachment.saved());
        Self {
            base: attachment.base.map(Hex::from),
            start: attachment.start().into(),
            end: attachment.end().into(),
            mapped,
            saved,
            state: state(
                mapped,
                saved,
                attachment.mappings.iter().any(|mapping| mapping.lacks(Dumped::CutOff)),
            ),
            mappings: attachment.mappings.iter().map(Mapping::from).collect(),
        }
    }
}

impl From<&shm::Mapping> for Mapping {
    fn from(mapping: &shm::Mapping) -> Self {
        let fills = mapping.filled().filter_map(|(range, from)| {
            let offset = mapping.offsets(range)?.start().get();
            Some(Fill { start: range.start().into(), end: range.end().into(), offset, from })
        });
        let fills: Vec<_> = fills.collect();
        let missing = mapping.missing().filter_map(|extent| {
            Some(Missing {
                start: extent.range.start().into(),
                end: extent.range.end().into(),
                offset: mapping.offsets(extent.range)?.start().get(),
                reason: extent.dumped.reason()?,
            })
        });
        Self {
            start: mapping.range.start().into(),
            end: mapping.range.end().into(),
            offset: mapping.offset.get(),
            permissions: mapping.permissions.map(|permissions| permissions.to_string()),
            saved: mapping.saved(),
            filled: fills
                .iter()
                .fold(0, |sum, fill| sum.saturating_add(fill.end.0.saturating_sub(fill.start.0))),
            fills,
            missing: missing.collect(),
        }
    }
}

impl From<retention::Cause> for Cause {
    fn from(cause: retention::Cause) -> Self {
        Self { code: cause.code, certain: cause.certain, evidence: cause.evidence, fix: cause.fix }
    }
}
