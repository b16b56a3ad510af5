//! The report: plain data, and the JSON contract `coreinspect/1`. The only types here that derive `Serialize`.
//!
//! What is not known is `null`, never left out. Addresses and keys are strings, sizes and offsets numbers. Bytes that
//! are not UTF-8 are escaped as `\xNN`, and stand whole, as hex, in a sister field `..._hex`.

mod address_space;
mod build;
pub mod check;
mod content;
mod content_lock;
mod diff;
mod fault;
mod filled;
mod foreign;
mod handler;
mod holes;
mod key;
mod layouts;
mod locks;
pub mod look;
mod namespace;
mod page_map;
mod place;
mod pointer;
mod refs;
mod search;
mod shared;
mod text;
mod thread;
mod times;
mod value;
mod words;
mod written;

pub use address_space::{AddressSpace, MappingRow};
pub use build::Options;
pub use content::repeated;
pub use content_lock::ContentLock;
pub use diff::{Called, Diff, DiffEvidence, DiffField, DiffMissing, DiffRange, DiffSegment};
pub use fault::Fault;
pub use filled::{Fill, Filling, Made};
pub use foreign::{FaultWord, Foreign};
pub use handler::Handler;
pub use holes::{Hole, Holes};
pub use key::{Candidate, KeyReport, KnownKey, Searched};
pub use layouts::{
    CheckedFile, FileProblem, LayoutCheck, LayoutDefinition, LayoutEntry, LayoutField, Layouts, Origin,
};
pub use locks::{
    LockCycleStep, LockEntry, LockOwner, LockReport, LockWaiter, LookedAt, SystemVEntry, SystemVWaiter,
};
pub use look::Look;
pub use namespace::{Namespace, NamespaceSegment};
pub use page_map::{PageMap, PageRun};
pub use place::{Located, Place, PlaceError};
pub use pointer::Pointer;
pub use refs::{Asked, AskedPlace, Names, Reference, Refs, Stored, StoredPointer};
pub use search::{FoundAt, NotSearched, Search, SearchedSegment, SoughtPattern};
pub use shared::{Gathered, Outlier, Shared, SharedAttachment, SharedCopy, SharedSegment};
pub use text::{Hex, Text};
pub use thread::{Registers, Thread};
pub use times::Moment;
pub(crate) use value::Said;
pub use value::Value;
pub use words::{LossCode, State};
pub use written::{CollectedCrash, MadeAs, RestoredSegment, WrittenCore};

use serde::Serialize;

use crate::kind::Kind;
use crate::layout::Confidence;
use crate::retention::Code;
use crate::sidecar::FillSource;
use crate::targets::FoundBy;
use crate::writer::{Habits, Writer};

/// The name and version of the JSON contract.
pub const SCHEMA: &str = "coreinspect/1";

/// One dump.
#[derive(Clone, Debug, Serialize)]
pub struct Dump {
    /// Where it was read from.
    #[serde(flatten)]
    pub path: PathText,
    /// "elf-core"; null if it could not be read.
    pub kind: Option<&'static str>,
    /// Which program wrote it.
    pub writer: Option<Writer>,
    /// The machine's name, as uname(1) has it.
    pub machine: Option<String>,
    /// 32 or 64.
    pub class: Option<u8>,
    /// "little" or "big".
    pub byte_order: Option<&'static str>,
    /// Bytes of a page.
    pub page_size: Option<u64>,
    /// Bytes of the file.
    pub file_size: Option<u64>,
    /// Whether every byte that the headers promise is in the file.
    pub complete: Option<bool>,
    /// Who the process was.
    pub process: Process,
    /// The fault that killed it, and the segment that it has to do with; null if no fault did, or the dump does not say where.
    pub fault: Option<Fault>,
    /// The System V segments.
    pub segments: Vec<Segment>,
    /// Where bytes are from that the dump itself lacks.
    pub filled_with: Vec<FillSource>,
    /// What is lost, or could not be told.
    pub warnings: Vec<Warning>,
    /// Why it could not be read.
    pub error: Option<Error>,
    /// Mappings of POSIX shared memory, which are not System V; null if the dump names no mappings.
    pub posix_mappings: Option<usize>,
    /// Whether the names of the mappings are in the dump.
    pub named_mappings: Option<bool>,
    /// The kinds that were asked for, as a sentence calls them.
    #[serde(skip)]
    pub asked: String,
    /// How many mappings of other kinds there are, where none of those is that were asked for.
    #[serde(skip)]
    pub others: Vec<(Kind, usize)>,
    /// What the handler that stored the dump wrote beside it; null if nothing does. It is no part of the dump.
    pub handler: Option<Handler>,
}

/// A dump with the contract's name before it: a line of `jsonl`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Line<'a> {
    /// The contract's name.
    pub schema: &'static str,
    /// When it was looked at, in seconds since 1970; only where a process is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// The dump.
    #[serde(flatten)]
    pub dump: &'a Dump,
}

/// The segments of a namespace with the contract's name before them: a line of `jsonl`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NamespaceLine<'a> {
    /// The contract's name.
    pub schema: &'static str,
    /// The segments.
    pub namespace: &'a Namespace,
}

/// A path as text.
#[derive(Clone, Debug, Serialize)]
pub struct PathText {
    /// The path as it was given.
    pub path: String,
    /// The path's bytes, where they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
}

/// Who a process was.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Process {
    /// The process id.
    pub pid: Option<u32>,
    /// pr_fname.
    #[serde(flatten, with = "text::command")]
    pub command: Option<Text>,
    /// The mapped file that holds the program's headers.
    #[serde(flatten, with = "text::executable")]
    pub executable: Option<Text>,
    /// pr_psargs.
    #[serde(flatten, with = "text::arguments")]
    pub arguments: Option<Text>,
    /// The real user id.
    pub uid: Option<u32>,
    /// What killed it; null for a process that was alive.
    pub signal: Option<Signal>,
    /// The address whose access raised the signal.
    pub fault_address: Option<Hex>,
    /// Thread ids.
    pub threads: Vec<u32>,
    /// The same threads, with what is known of each.
    pub thread_states: Vec<Thread>,
}

/// A signal.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Signal {
    /// Its number on the target.
    pub number: u32,
    /// Its name.
    pub name: Option<&'static str>,
}

/// A segment of shared memory.
#[derive(Clone, Debug, Serialize)]
pub struct Segment {
    /// Its number in the listing, from 1. Those of System V come first.
    pub number: usize,
    /// "sysv", "posix", "memfd", "anonymous", "hugetlbfs" or "file"; null for one without a name, which may be of any.
    pub kind: Option<Kind>,
    /// The key, "0x" and 8 digits; null for other kinds than System V.
    pub key: Option<String>,
    /// The key as `key_t`, signed.
    pub key_t: Option<i32>,
    /// The mapping's name, as the dump has it.
    #[serde(flatten, with = "text::name")]
    pub name: Option<Text>,
    /// Whether it is IPC_PRIVATE.
    pub private: Option<bool>,
    /// The numbers of other IPC_PRIVATE segments that may be this one, attached again: they differ in nothing.
    pub may_be: Vec<usize>,
    /// How it was found: "name", "device", "content" or "sidecar".
    pub found_by: FoundBy,
    /// Why it is taken for a segment, where that is a heuristic.
    pub found_reasons: Vec<String>,
    /// What ftok(3) would have put into the key.
    pub key_parts: Option<KeyParts>,
    /// The segment's id, if known.
    pub shmid: Option<i32>,
    /// The size that shmget(2) was asked for, if known.
    pub size: Option<u64>,
    /// The owner's uid, if known.
    pub owner: Option<u32>,
    /// The mode, in octal, if known.
    pub perms: Option<String>,
    /// How many attachments there were, if known.
    pub nattch: Option<u64>,
    /// Who made it, if known.
    pub cpid: Option<u32>,
    /// Who attached or detached it last, if known.
    pub lpid: Option<u32>,
    /// When it was last attached, in seconds since 1970, if known.
    pub attached: Option<u64>,
    /// When it was last detached, alike.
    pub detached: Option<u64>,
    /// When it was made or changed (IPC_SET), alike.
    pub changed: Option<u64>,
    /// Whether it was removed (IPC_RMID) and is gone with its last attachment, if known.
    pub removed: Option<bool>,
    /// Bytes of it that attachments cover, each offset once.
    pub mapped: u64,
    /// Those of them that the dump holds.
    pub saved: u64,
    /// Those of them that it lacks, and `coreinspect fill` added.
    pub filled: u64,
    /// Where these are from: indices of the dump's `filled_with`.
    pub filled_from: Vec<usize>,
    /// "whole", "partial", "absent" or "cut-off": filled bytes count as missing.
    pub state: State,
    /// Where it was attached.
    pub attachments: Vec<Attachment>,
    /// Where another process has it, as addresses say that are stored in it; null if they do not, or were not looked at (a listing
    /// does not).
    pub foreign: Option<Foreign>,
    /// What its bytes say; null if none of them is saved.
    pub content: Option<Content>,
    /// Why bytes are missing, the best explanation first.
    pub causes: Vec<Cause>,
    /// What its pages are like; only where that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<PageMap>,
}

/// What ftok(3) would have put into a key: bits, not a claim.
#[derive(Clone, Debug, Serialize)]
pub struct KeyParts {
    /// Bits 24 to 31.
    pub project_id: String,
    /// The same as a character, if it is printable ASCII.
    pub project_char: Option<char>,
    /// Bits 16 to 23: the low byte of st_dev.
    pub device_low: String,
    /// Bits 0 to 15: the low half of st_ino.
    pub inode_low: String,
}

/// One attachment of a segment.
#[derive(Clone, Debug, Serialize)]
pub struct Attachment {
    /// The address of offset 0.
    pub base: Option<Hex>,
    /// The lowest mapped address.
    pub start: Hex,
    /// The address after the highest mapped one.
    pub end: Hex,
    /// Bytes that it covers.
    pub mapped: u64,
    /// Those of them that the dump holds.
    pub saved: u64,
    /// As for the segment.
    pub state: State,
    /// Its mappings, by address.
    pub mappings: Vec<Mapping>,
}

/// One mapping (VMA) of an attachment.
#[derive(Clone, Debug, Serialize)]
pub struct Mapping {
    /// The first address.
    pub start: Hex,
    /// The address after the last.
    pub end: Hex,
    /// The offset in the segment of the first byte.
    pub offset: u64,
    /// "rw-", "r--", ...; null where the dump does not say.
    pub permissions: Option<String>,
    /// Bytes of it that the dump holds.
    pub saved: u64,
    /// Bytes of it that the dump lacks, and `coreinspect fill` added.
    pub filled: u64,
    /// Runs of these.
    pub fills: Vec<Fill>,
    /// Runs of it that the dump lacks, filled or not.
    pub missing: Vec<Missing>,
}

/// A run of a mapping that the dump lacks.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    /// The first address.
    pub start: Hex,
    /// The address after the last.
    pub end: Hex,
    /// The offset in the segment of the first byte.
    pub offset: u64,
    /// "not-saved", "cut-off" or "not-readable".
    pub reason: &'static str,
}

/// Why bytes are missing.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    /// A stable word.
    pub code: Code,
    /// Whether nothing else can have done it.
    pub certain: bool,
    /// What in the dump says so.
    pub evidence: String,
    /// What makes the next dump whole.
    pub fix: String,
}

/// What a segment's bytes say.
#[derive(Clone, Debug, Serialize)]
pub struct Content {
    /// The layout's name; null if none fits: then `confidence` is "none", and `look` says what can be said.
    pub layout: Option<String>,
    /// "certain", "likely", "forced" or "none".
    pub confidence: Confidence,
    /// Why.
    pub reasons: Vec<String>,
    /// The base of the attachment that it was read from.
    pub attachment: Option<Hex>,
    /// The offset in the segment where the value begins.
    pub offset: u64,
    /// The decoded tree; null if no layout fits.
    pub value: Option<Value>,
    /// What is missing.
    pub unavailable: Vec<Unavailable>,
    /// The values that are locks.
    pub locks: Vec<ContentLock>,
    /// What does not hold, although the layout says that it must.
    pub findings: Vec<Finding>,
    /// What was not decoded, or is not shown, and why.
    pub limits: Vec<String>,
    /// Where the pointers in the value lead, as far as the dump tells.
    pub pointers: Vec<Pointer>,
    /// Other layouts that find the bytes likely.
    pub runners_up: Vec<RunnerUp>,
    /// What the bytes look like, where no layout fits them; null otherwise.
    pub look: Option<Look>,
    /// The value in a sentence, for people; `None` where its fields say it themselves.
    #[serde(skip)]
    pub summary: Option<String>,
}

/// A layout that finds the bytes likely too.
#[derive(Clone, Debug, Serialize)]
pub struct RunnerUp {
    /// Its name.
    pub layout: String,
    /// "certain" or "likely".
    pub confidence: Confidence,
    /// Why.
    pub reasons: Vec<String>,
}

/// Something that does not hold.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The field or struct; empty for the whole.
    pub path: String,
    /// Its first offset.
    pub start: u64,
    /// The offset after its last.
    pub end: u64,
    /// What is wrong.
    pub message: String,
}

/// A part of a value that the dump lacks.
#[derive(Clone, Debug, Serialize)]
pub struct Unavailable {
    /// The field; empty for the whole.
    pub path: String,
    /// The first missing offset.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
    /// Why.
    pub reason: &'static str,
}

/// Something that is lost, or could not be told.
#[derive(Clone, Debug, Serialize)]
pub struct Warning {
    /// A stable word.
    pub code: &'static str,
    /// What.
    pub message: String,
}

/// Why a dump could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct Error {
    /// A stable word.
    pub code: &'static str,
    /// What was read, where, what is wrong, what to do.
    pub message: String,
    /// Where in the file.
    pub offset: Option<u64>,
}

impl Segment {
    /// How many runs of it are missing, in each attachment.
    pub fn missing_runs(&self) -> usize {
        let mappings = self.attachments.iter().flat_map(|attachment| &attachment.mappings);
        mappings.map(|mapping| mapping.missing.len()).fold(0, usize::saturating_add)
    }

    /// What people call it: its key, or its name. As hostile as the dump.
    pub fn label(&self) -> String {
        text::label(self.key.as_deref(), self.name.as_ref())
    }
}

impl Dump {
    /// The same without its segments, and with an error of `code` instead: what was asked of it is not there.
    pub fn without_segments(mut self, code: &'static str, message: String) -> Self {
        self.segments = Vec::new();
        self.error = Some(Error { code, message, offset: None });
        self
    }

    /// Asks `name` for what is at the addresses of pointers that lead into mapped files.
    pub fn name_pointers(&mut self, mut name: impl FnMut(u64) -> Option<String>) {
        let contents = self.segments.iter_mut().filter_map(|segment| segment.content.as_mut());
        let pointers = contents.flat_map(|content| &mut content.pointers);
        for pointer in pointers.filter(|pointer| pointer.mapping.is_some()) {
            pointer.symbol = name(pointer.address.0);
        }
    }

    /// What does not hold of its segments, as a line each: "1 head.count: torn write: count 7, valid 6".
    pub fn findings(&self) -> impl Iterator<Item = String> + '_ {
        let contents = self.segments.iter().filter_map(|segment| Some((segment, segment.content.as_ref()?)));
        contents.flat_map(|(segment, content)| {
            content.findings.iter().map(move |finding| {
                let path = if finding.path.is_empty() { String::new() } else { format!(" {}", finding.path) };
                format!("{}{path}: {}", segment.number, finding.message)
            })
        })
    }

    /// Why a listing of this dump shows nothing that is known to be a segment; `None` if it does.
    pub fn nothing_certain(&self) -> Option<String> {
        let unnamed = self.segments.iter().filter(|segment| segment.found_by == FoundBy::Content).count();
        if unnamed == 0 || unnamed < self.segments.len() {
            return self.nothing_found();
        }
        let hidden = Habits::of(self.writer).hides;
        let found =
            if unnamed == 1 { "1 candidate was".to_owned() } else { format!("{unnamed} candidates were") };
        Some(format!(
            "no System V segment has a name in this dump{hidden}; {found} found by content, without proof"
        ))
    }

    /// Why a listing of this dump shows nothing; `None` if it shows a segment.
    pub fn nothing_found(&self) -> Option<String> {
        if let Some(error) = &self.error {
            return Some(error.message.clone());
        }
        if !self.segments.is_empty() {
            return None;
        }
        if self.named_mappings != Some(true) {
            let lost = self
                .warnings
                .iter()
                .rev()
                .find(|warning| ["no-nt-file", "nt-file", "no-maps"].contains(&warning.code));
            let why = lost.map_or("it does not name its mappings", |warning| warning.message.as_str());
            let hint = Habits::of(self.writer).hides;
            return Some(format!("no System V segment can be found: {why}{hint}"));
        }
        let mut text = format!("no {} segment", self.asked);
        if !self.others.is_empty() {
            text.push_str(&format!("; {}", others(&self.others)));
        }
        text.push_str(Habits::of(self.writer).hides);
        Some(text)
    }
}

/// What else a dump has: "3 POSIX mappings in /dev/shm are there (--kind posix shows them)".
fn others(counts: &[(Kind, usize)]) -> String {
    let what = |(kind, count): &(Kind, usize)| {
        let mappings = if *count == 1 { "mapping" } else { "mappings" };
        let place = if *kind == Kind::Posix { " in /dev/shm" } else { "" };
        format!("{count} {} {mappings}{place}", kind.label())
    };
    let parts: Vec<_> = counts.iter().map(what).collect();
    let listed = match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    };
    let one = counts.iter().map(|(_, count)| count).sum::<usize>() == 1;
    let (are, them) = if one { ("is", "it") } else { ("are", "them") };
    let words: Vec<_> = counts.iter().map(|(kind, _)| kind.word()).collect();
    format!("{listed} {are} there (--kind {} shows {them})", words.join(","))
}
