//! What decides, beside the rules for mappings, whether a running process would leave a core behind, and where: the
//! files of /proc that core(5) names.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use super::ProcessFolder;

/// The settings for one process. `None` is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpSettings {
    /// /proc/PID/coredump_filter.
    pub filter: Option<u32>,
    /// RLIMIT_CORE, soft: bytes; the kernel obeys it.
    pub soft_limit: Option<Limit>,
    /// RLIMIT_CORE, hard: as far as the process may raise the soft one.
    pub hard_limit: Option<Limit>,
    /// kernel.core_pattern, as it is.
    pub pattern: Option<Vec<u8>>,
    /// Where the kernel's core goes.
    pub destination: Option<Destination>,
    /// kernel.core_pipe_limit: how many handlers may run at once and look at the dying process; 0: any number, and none
    /// is waited for.
    pub pipe_limit: Option<u64>,
    /// kernel.core_sort_vma: whether small mappings are written first.
    pub sorted: bool,
    /// Whether the process may be dumped (PR_SET_DUMPABLE; prctl(2)). Known to be `false` where the kernel gave the files
    /// of /proc/PID to root although the process is somebody else's.
    pub dumpable: Option<bool>,
    /// fs.suid_dumpable: 2 lets processes that are not dumpable be dumped for root.
    pub suid_dumpable: Option<u64>,
    /// Threads, each of which has notes of its own.
    pub threads: u64,
}

/// A limit of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// At most so many.
    Bytes(u64),
    /// `unlimited`.
    None,
}

/// What kernel.core_pattern says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Empty: no core.
    Nowhere,
    /// `|PROGRAM ...`: the kernel writes all of it into a pipe and asks no limit; what is kept is the program's affair.
    Program(Vec<u8>),
    /// `@PATH`: a socket, since Linux 6.16; as for a program.
    Socket(Vec<u8>),
    /// A file.
    File {
        /// The pattern; relative ones are of the process's current folder.
        pattern: Vec<u8>,
        /// The folder, if it can be told: a pattern with `%` before its last `/` has none yet.
        folder: Option<PathBuf>,
        /// Bytes that are free for unprivileged users.
        free: Option<u64>,
        /// Whether the folder is there.
        exists: bool,
    },
}

impl DumpSettings {
    /// Reads them for `process`. What cannot be read stays unknown.
    pub fn of(process: &ProcessFolder) -> Self {
        let folder = PathBuf::from(format!("/proc/{}", process.pid()));
        let owner = process.file("maps").and_then(|file| file.metadata()).map(|file| file.uid()).ok();
        // The second number is the effective one.
        let effective = process.status("Uid").and_then(|words| {
            std::str::from_utf8(&words).ok()?.split_whitespace().nth(1)?.parse::<u32>().ok()
        });
        let dumpable = match (owner, effective) {
            (Some(0), Some(uid)) if uid != 0 => Some(false),
            (Some(owner), Some(uid)) if owner == uid && uid != 0 => Some(true),
            // Root's files are root's either way.
            _ => None,
        };
        let limits = process.read("limits").unwrap_or_default();
        let (soft_limit, hard_limit) = core_limits(&limits);
        let filter = process.read("coredump_filter").ok();
        let filter =
            filter.and_then(|text| u32::from_str_radix(std::str::from_utf8(&text).ok()?.trim(), 16).ok());
        let pattern = fs::read("/proc/sys/kernel/core_pattern").ok();
        let pattern = pattern.map(|pattern| pattern.trim_ascii_end().to_vec());
        Self {
            filter,
            soft_limit,
            hard_limit,
            destination: pattern.as_deref().map(|pattern| Destination::of(pattern, &folder)),
            pattern,
            pipe_limit: setting("/proc/sys/kernel/core_pipe_limit"),
            sorted: setting("/proc/sys/kernel/core_sort_vma") == Some(1),
            dumpable,
            suid_dumpable: setting("/proc/sys/fs/suid_dumpable"),
            threads: process.status_number("Threads").map_or(1, u64::from),
        }
    }

    /// Whether the kernel obeys RLIMIT_CORE: only where it writes the file itself (core(5)).
    pub fn limit(&self) -> Option<u64> {
        match (&self.destination, self.soft_limit) {
            (Some(Destination::Program(_) | Destination::Socket(_)), _) => None,
            (_, Some(Limit::Bytes(bytes))) => Some(bytes),
            _ => None,
        }
    }

    /// Why the kernel would write no core at all, in words; `None` if it would, as far as can be known.
    pub fn no_core(&self) -> Option<NoCore> {
        /// Linux include/linux/elf.h ELF_EXEC_PAGESIZE: fs/binfmt_elf.c `min_coredump`.
        const LEAST: u64 = 4096;
        match (&self.destination, self.dumpable, self.suid_dumpable) {
            (_, Some(false), Some(0 | 1)) => Some(NoCore::NotDumpable),
            // With 2 the kernel wants a pipe or an absolute path.
            (Some(Destination::File { pattern, .. }), Some(false), _) if !pattern.starts_with(b"/") => {
                Some(NoCore::NotDumpable)
            }
            (Some(Destination::Nowhere), ..) => Some(NoCore::Nowhere),
            (Some(Destination::File { exists: false, folder: Some(folder), .. }), ..) => {
                Some(NoCore::NoFolder(folder.clone()))
            }
            _ => self.limit().filter(|limit| *limit < LEAST).map(NoCore::Limit),
        }
    }
}

/// Why there would be no core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoCore {
    /// PR_SET_DUMPABLE is off.
    NotDumpable,
    /// kernel.core_pattern is empty.
    Nowhere,
    /// The folder is not there.
    NoFolder(PathBuf),
    /// RLIMIT_CORE is below a page.
    Limit(u64),
}

impl Destination {
    fn of(pattern: &[u8], process: &Path) -> Self {
        match pattern {
            [] => Self::Nowhere,
            [b'|', program @ ..] => Self::Program(program.trim_ascii().to_vec()),
            [b'@', path @ ..] => Self::Socket(path.to_vec()),
            pattern => {
                let name = pattern.iter().rposition(|byte| *byte == b'/');
                let (above, _) = pattern.split_at(name.map_or(0, |at| at.saturating_add(1)));
                let relative = PathBuf::from(std::ffi::OsString::from_vec(above.to_vec()));
                // A core goes by the root folder of the process, a relative one by its current folder.
                let start = process.join(if relative.has_root() { "root" } else { "cwd" });
                let inside = relative.strip_prefix("/").unwrap_or(&relative);
                let folder = (!above.contains(&b'%')).then(|| start.join(inside));
                let free = folder.as_deref().and_then(|folder| statvfs(folder).ok());
                // Their width differs between machines.
                #[allow(clippy::useless_conversion)]
                let free = free.map(|free| {
                    u64::from(free.blocks_available()).saturating_mul(u64::from(free.fragment_size()))
                });
                let exists =
                    folder.as_deref().is_none_or(|folder| fs::metadata(folder).is_ok_and(|it| it.is_dir()));
                let folder = folder.map(|folder| fs::canonicalize(&folder).unwrap_or(relative));
                Self::File { pattern: pattern.to_vec(), folder, free, exists }
            }
        }
    }
}

/// Soft and hard limit of the line `Max core file size` (proc_pid_limits(5)).
fn core_limits(limits: &[u8]) -> (Option<Limit>, Option<Limit>) {
    let mut lines = limits.split(|byte| *byte == b'\n');
    let words = lines.find_map(|line| line.strip_prefix(b"Max core file size")).unwrap_or_default();
    let mut words =
        words.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(|word| match word {
            b"unlimited" => Some(Limit::None),
            word => number(word).map(Limit::Bytes),
        });
    (words.next().flatten(), words.next().flatten())
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn setting(path: &str) -> Option<u64> {
    number(fs::read(path).ok()?.trim_ascii())
}
