//! What no core holds, written down while the process is still there: JSON beside the core.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Access, Cut, Dying, Kernel, Stored, Tables};
use crate::core_writer::{attached, escaped, segment_facts};
use crate::kind::Kinds;
use crate::proc_files::{MemoryArea, smaps};
use crate::sidecar::{self, CutBy, Mapping, Process, Segment, Sidecar, StoredCore};

/// What was seen of the process before its core was read.
#[derive(Debug)]
pub(crate) struct Seen {
    process: Process,
    segments: Vec<Segment>,
    mappings: Vec<Mapping>,
    sysvipc: Option<sidecar::Tables>,
    /// Its mappings, for whoever must know which of them the core lacks.
    pub smaps: Vec<u8>,
    /// coredump_filter; `None` if it could not be read.
    pub filter: Option<u32>,
}

impl Seen {
    /// Reads what /proc says of `dying`; what cannot be read is null.
    pub(crate) fn of(dying: &Dying, kernel: &Kernel, kinds: &Kinds, tables: Option<&Tables>) -> Self {
        let folder = dying.folder();
        let read = |name| folder.read(name).unwrap_or_default();
        let text = |bytes: &[u8]| (!bytes.is_empty()).then(|| escaped(bytes));
        let link = |name| folder.link(name).ok().and_then(|target| text(&target));
        let (maps, smaps) = (read("maps"), read("smaps"));
        let listed = tables.map(Tables::segments).unwrap_or_default();
        let credentials = folder.credentials();
        let filter = std::str::from_utf8(&read("coredump_filter"))
            .ok()
            .and_then(|hexadecimal| u32::from_str_radix(hexadecimal.trim(), 16).ok());
        let command = folder.read("comm").ok();
        let command = command.as_deref().map(|comm| comm.strip_suffix(b"\n").unwrap_or(comm));
        let process = Process {
            pid: folder.pid(),
            namespace_pids: numbers(folder.status("NSpid")),
            tid: kernel.thread,
            signal: kernel.signal.or_else(|| dying.signal()),
            time: Some(kernel.time),
            command: command.and_then(text),
            executable: link("exe"),
            arguments: text(&read("cmdline")).map(|words| words.trim_end_matches('\0').replace('\0', " ")),
            uid: credentials.map(|credentials| credentials.user),
            gid: credentials.map(|credentials| credentials.group),
            dumpable: kernel.dumpable,
            secure: dying.is_secure(),
            coredump_filter: filter.map(|filter| format!("{filter:#x}")),
            untag_mask: folder.untag_mask().map(|mask| format!("{mask:#x}")),
            cgroup: text(read("cgroup").trim_ascii_end()),
        };
        let sysvipc = tables.map(|tables| sidecar::Tables {
            shm: text(&tables.shm),
            sem: text(&tables.sem),
            msg: text(&tables.msg),
            semaphores: tables.semaphores(),
        });
        Self {
            process,
            segments: segment_facts(&attached(folder, &maps, kinds), &listed),
            mappings: smaps::parse(&smaps).map(|area| mapping(&area)).collect(),
            sysvipc,
            smaps,
            filter,
        }
    }

    /// The text of the sidecar, and what became of the core.
    pub(crate) fn text(&self, outcome: &Outcome<'_>) -> String {
        let mut document = document(outcome, &self.process);
        document.segments = &self.segments;
        document.mappings = Some(&self.mappings);
        document.sysvipc = self.sysvipc.as_ref();
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }
}

/// What became of the core, and what went wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<'a> {
    /// The core's file name; `None` if none was stored.
    pub core: Option<&'a str>,
    /// What was stored of it.
    pub stored: Option<Stored>,
    /// The file name of the segments that are saved beside it.
    pub segments: Option<&'a str>,
    /// To whom it belongs.
    pub access: Access,
    /// What could not be done, in words.
    pub problems: &'a [String],
}

/// The text of a sidecar of a process that could not be looked at.
pub(crate) fn without_process(kernel: &Kernel, outcome: &Outcome<'_>) -> String {
    let process = Process {
        pid: kernel.pid,
        tid: kernel.thread,
        signal: kernel.signal,
        time: Some(kernel.time),
        dumpable: kernel.dumpable,
        ..Process::default()
    };
    serde_json::to_string_pretty(&document(outcome, &process)).unwrap_or_default()
}

/// A sidecar that knows of no segment and no mapping yet.
fn document<'a>(outcome: &Outcome<'a>, process: &'a Process) -> Sidecar<'a> {
    let cut = outcome.stored.and_then(|stored| stored.cut).map(|cut| match cut {
        Cut::Limit => CutBy::Limit,
        Cut::Disk => CutBy::Disk,
    });
    Sidecar {
        format: sidecar::SIDECAR,
        collected: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()),
        core: StoredCore { file: outcome.core, bytes: outcome.stored.map(|stored| stored.bytes), cut },
        saved_segments: outcome.segments,
        user: match outcome.access {
            Access::User(user) => Some(user.as_raw()),
            Access::Root => None,
        },
        process,
        segments: &[],
        mappings: None,
        sysvipc: None,
        problems: outcome.problems,
    }
}

fn numbers(text: Option<Vec<u8>>) -> Vec<u32> {
    let text = text.unwrap_or_default();
    let words = std::str::from_utf8(&text).unwrap_or_default().split_ascii_whitespace();
    words.map_while(|word| word.parse().ok()).collect()
}

fn mapping(area: &MemoryArea<'_>) -> Mapping {
    let flags = area.field(b"VmFlags").map(escaped);
    let area = area.area;
    Mapping {
        start: format!("{:#x}", area.start),
        end: format!("{:#x}", area.end),
        permissions: escaped(&area.permissions),
        offset: area.offset,
        device: format!("{:02x}:{:02x}", area.device.major, area.device.minor),
        inode: area.inode,
        name: (!area.name.is_empty()).then(|| escaped(area.name)),
        flags,
    }
}
