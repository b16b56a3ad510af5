//! What is written down of a process while it lives, and read beside its dump: the note of coreinspect's own cores
//! ([`Note`]) and the file beside a collected one ([`Sidecar`]).
//!
//! Both are JSON, described by `schema/sidecar-1.json` (`coreinspect schema --sidecar`). Addresses are strings `0x...`,
//! names UTF-8 with `\xNN` for each byte that is none, times seconds since 1970. What is not known is null.

use serde::{Deserialize, Serialize};

/// `format` of a [`Note`].
pub const NOTE: &str = "coreinspect-segments/1";
/// `format` of a [`Sidecar`].
pub const SIDECAR: &str = "coreinspect-sidecar/1";

/// The note of owner `coreinspect`, type 0x53484d02.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// [`NOTE`].
    pub format: &'static str,
    /// `untag_mask` of /proc/PID/status, `0x...`: the bits of its pointers that the kernel takes for the address (x86 with LAM).
    pub untag_mask: Option<String>,
    /// The segments that the process has attached.
    pub segments: Vec<Segment>,
}

/// A segment. Sources: the inode and the size of /proc/PID/map_files/START-END, and /proc/sysvipc/shm.
///
/// All but `key` and `mappings` is null where the mapping was not proven to be of a segment; all but `shmid` and `size` of
/// the rest where the process's IPC namespace could not be looked into.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Segment {
    /// "posix", "memfd", "anonymous", "hugetlbfs" or "file"; null for one of System V.
    #[serde(default)]
    pub kind: Option<String>,
    /// The mapping's name, of other kinds than System V.
    #[serde(default)]
    pub name: Option<String>,
    /// The device of its file, of other kinds: major and minor number, hexadecimal.
    #[serde(default)]
    pub device: Option<String>,
    /// The inode of its file, of other kinds.
    #[serde(default)]
    pub inode: Option<u64>,
    /// `0x...`; null for other kinds than System V.
    pub key: Option<String>,
    /// Its number.
    pub shmid: Option<i32>,
    /// Bytes, as shmget(2) was asked for.
    pub size: Option<u64>,
    /// The user who owns it.
    pub owner: Option<u32>,
    /// The group that owns it.
    pub group: Option<u32>,
    /// The user who created it.
    pub creator: Option<u32>,
    /// The group of who created it.
    pub creator_group: Option<u32>,
    /// Octal, with SHM_DEST (1000) and SHM_LOCKED (2000) as /proc/sysvipc/shm has them.
    pub perms: Option<String>,
    /// How often it is attached.
    pub nattch: Option<u64>,
    /// The process that created it.
    pub cpid: Option<i32>,
    /// The process that attached or detached it last.
    pub lpid: Option<i32>,
    /// When it was attached last.
    pub attached: Option<u64>,
    /// When it was detached last.
    pub detached: Option<u64>,
    /// When it was created, or its owner or mode changed last.
    pub changed: Option<u64>,
    /// Where the process has it.
    pub mappings: Vec<SegmentMapping>,
}

/// A mapping of a segment.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SegmentMapping {
    /// Its first address.
    pub start: String,
    /// The address behind its last byte.
    pub end: String,
    /// The offset of its first byte in the segment.
    pub offset: u64,
}

/// The file beside a core that `coreinspect collect` stored.
#[derive(Clone, Debug, Serialize)]
pub struct Sidecar<'a> {
    /// [`SIDECAR`].
    pub format: &'static str,
    /// When it was written.
    pub collected: u64,
    /// The core beside it.
    pub core: StoredCore<'a>,
    /// The file name of the segments that are saved beside it.
    pub saved_segments: Option<&'a str>,
    /// The user to whom the files belong; null for root alone.
    pub user: Option<u32>,
    /// The process.
    pub process: &'a Process,
    /// Its segments.
    pub segments: &'a [Segment],
    /// All its mappings; null if it could not be looked at.
    pub mappings: Option<&'a [Mapping]>,
    /// The tables of its IPC namespace.
    pub sysvipc: Option<&'a Tables>,
    /// What could not be done, in words.
    pub problems: &'a [String],
}

/// What was stored of a core.
#[derive(Clone, Debug, Serialize)]
pub struct StoredCore<'a> {
    /// Its file name; null if none was stored.
    pub file: Option<&'a str>,
    /// Bytes that were stored, before they were compressed.
    pub bytes: Option<u64>,
    /// Why it was cut short.
    pub cut: Option<CutBy>,
}

/// What cut a core short.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CutBy {
    /// It was larger than is allowed.
    Limit,
    /// The file system was full but for what stays free.
    Disk,
}

/// The process that crashed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Process {
    /// Its number in the initial PID namespace.
    pub pid: u32,
    /// Its number in each of its PID namespaces, from the handler's inwards.
    #[serde(default)]
    pub namespace_pids: Vec<u32>,
    /// The thread that caused the dump, in its own PID namespace.
    pub tid: Option<u32>,
    /// The signal's number.
    pub signal: Option<u32>,
    /// When the kernel began to dump it.
    pub time: Option<u64>,
    /// The name of its first thread.
    pub command: Option<String>,
    /// The program.
    pub executable: Option<String>,
    /// The command line, blanks between the words.
    pub arguments: Option<String>,
    /// Its real, effective, saved and file-system user.
    pub uid: Option<[u32; 4]>,
    /// Its real, effective, saved and file-system group.
    pub gid: Option<[u32; 4]>,
    /// PR_GET_DUMPABLE, as the kernel told the handler.
    pub dumpable: Option<u32>,
    /// AT_SECURE: whether its program gave it rights that its user does not have.
    pub secure: Option<bool>,
    /// What the kernel saves of it, as core(5) has it: `0x...`.
    pub coredump_filter: Option<String>,
    /// `untag_mask` of /proc/PID/status, `0x...`: the bits of its pointers that the kernel takes for the address (x86 with LAM).
    #[serde(default)]
    pub untag_mask: Option<String>,
    /// /proc/PID/cgroup.
    pub cgroup: Option<String>,
}

/// A mapping, as /proc/PID/smaps has it.
#[derive(Clone, Debug, Serialize)]
pub struct Mapping {
    /// Its first address.
    pub start: String,
    /// The address behind its last byte.
    pub end: String,
    /// `rwxs`.
    pub permissions: String,
    /// The offset of its first byte in its file.
    pub offset: u64,
    /// Major and minor number of its file's device, hexadecimal.
    pub device: String,
    /// Of its file.
    pub inode: u64,
    /// The name of its file.
    pub name: Option<String>,
    /// The two-letter words of `VmFlags`.
    pub flags: Option<String>,
}

/// Files of /proc/sysvipc, as they were.
#[derive(Clone, Debug, Serialize)]
pub struct Tables {
    /// Segments.
    pub shm: Option<String>,
    /// Semaphores.
    pub sem: Option<String>,
    /// Message queues.
    pub msg: Option<String>,
    /// Each semaphore of the sets: 10,000 at most.
    pub semaphores: Vec<Semaphore>,
}

/// A semaphore, as semctl(2) told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Semaphore {
    /// The set.
    pub semid: i32,
    /// Its number in the set, from 0.
    pub number: i32,
    /// GETVAL.
    pub value: i32,
    /// GETPID: the process that changed it last.
    pub pid: Option<i32>,
    /// GETNCNT: threads that wait for it to grow.
    pub waiting: i32,
    /// GETZCNT: threads that wait for it to be 0.
    pub waiting_for_zero: i32,
}

/// `format` of a [`FillNote`].
pub const FILL: &str = "coreinspect-fill/1";

/// The note of owner `coreinspect`, type 0x53484d03: what `coreinspect fill` added to a core.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FillNote {
    /// [`FILL`].
    pub format: String,
    /// The core before.
    pub core: FilledCore,
    /// Where the bytes are from.
    pub sources: Vec<FillSource>,
    /// Each range, by address.
    pub fills: Vec<FilledRange>,
}

/// A core before it was filled: the first bytes of the file, but for the ELF header.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FilledCore {
    /// Its bytes.
    pub size: u64,
    /// Its ELF header, in hexadecimal.
    pub header: String,
}

/// Where bytes are from that a core was filled with.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct FillSource {
    /// What it is.
    pub kind: SourceKind,
    /// The name of its file, or `/proc/PID`.
    pub name: String,
    /// The process.
    pub pid: Option<u32>,
    /// Its command.
    pub command: Option<String>,
    /// Of when its bytes are: seconds since 1970.
    pub time: Option<u64>,
    /// What that time is of.
    pub time_of: Option<TimeOf>,
}

/// What bytes are from.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Another dump.
    #[default]
    Dump,
    /// A running process.
    Process,
    /// A file with the bytes of a segment alone.
    File,
    /// The core itself, which has them at another attachment of the segment.
    Itself,
}

/// What the time of a source is of.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeOf {
    /// The end of the process, as the handler of its dump noted it.
    Death,
    /// The last change of the file.
    File,
    /// The reading of the process.
    Reading,
}

/// A range that was filled.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FilledRange {
    /// Its first address.
    pub start: String,
    /// The address behind its last byte.
    pub end: String,
    /// Where its bytes stand in the file.
    pub at: u64,
    /// The index of the source.
    pub source: usize,
}
