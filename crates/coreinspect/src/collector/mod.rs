//! The moment of a crash: stores the core that the kernel pipes, and what only the dying process can still tell.
//!
//! This runs as root, on whatever a hostile process left. So: the process is pinned before anything is believed of it;
//! nothing of the core is parsed, its bytes are only copied; no name from the process becomes a file name; files are begun
//! exclusively in a folder that only root writes to, and shown by rename when they are whole, to the process's user only
//! if all of its rights were that user's; nothing is executed but this program itself; what hangs is left behind after a
//! while; and whatever fails, the core is still stored.
//!
//! Of a crash of process 12 at time T, three files: `core.12.T.zst`, `core.12.T.json` (the sidecar, see
//! [`sidecar`]), and `core.12.T.shm`, a core of [`crate::core_writer`] with the segments that the kernel
//! leaves out.

mod dying;
mod missing;
mod shares;
pub(crate) mod sidecar;
mod store;
mod stream;
mod tables;

use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shmcore::Uid;

use crate::core_writer::{self, Plan, Written};
use crate::kind::Kinds;
use sidecar::{Outcome, Seen};

pub(crate) use dying::{Access, Dying, pid_of};
pub use missing::missing;
pub(crate) use store::{Limits, Store};
pub(crate) use stream::{CAN_COMPRESS, Cut, Stored, Storing};
pub(crate) use tables::Tables;

/// What the kernel said of the crash (core(5), "Naming of core dump files").
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kernel {
    /// `%P`: the process, in the initial PID namespace.
    pub pid: u32,
    /// `%i`: the thread that caused it, in its own namespace.
    pub thread: Option<u32>,
    /// `%s`: the signal.
    pub signal: Option<u32>,
    /// `%t`: when, in seconds since 1970.
    pub time: u64,
    /// `%d`: the dump mode (PR_GET_DUMPABLE).
    pub dumpable: Option<u32>,
    /// `%F`: the number of a descriptor of the process that we inherited (Linux 6.16).
    pub pidfd: Option<u32>,
}

/// Which segments are saved beside the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segments {
    /// All of them.
    All,
    /// Those of which the kernel leaves bytes out.
    Missing,
    /// None.
    None,
}

/// What is to be stored, and how much.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How the core is stored.
    pub storing: Storing,
    /// Which segments are saved beside it.
    pub segments: Segments,
    /// Of which kinds.
    pub kinds: Kinds,
    /// How much is kept of earlier crashes.
    pub limits: Limits,
    /// How long the process may be looked at, and its segments be copied.
    pub patience: Duration,
}

/// What the collector has others do.
pub(crate) struct Helpers<'h> {
    /// Reads /proc/sysvipc of the IPC namespace of a process.
    pub tables: fn(&Dying) -> io::Result<Tables>,
    /// Gives up all rights but those that storing takes: called before the first byte of the core is read.
    pub give_up_rights: &'h mut dyn FnMut(),
}

/// What was stored: file names in the folder.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// The core.
    pub core: Option<String>,
    /// What was stored of it.
    pub stored: Option<Stored>,
    /// The segments.
    pub segments: Option<String>,
    /// What was written of them.
    pub written: Option<Written>,
    /// The sidecar.
    pub sidecar: Option<String>,
    /// Earlier crashes that made room.
    pub removed: Vec<String>,
    /// What could not be done.
    pub problems: Vec<String>,
}

/// Stores `core` and what is known of the crash in the folder at `path`.
///
/// # Errors
/// The folder cannot be used, or the core cannot be stored. All else is a problem beside what was stored.
pub(crate) fn collect(
    kernel: &Kernel,
    core: &mut impl Read,
    path: &Path,
    settings: &Settings,
    helpers: &mut Helpers<'_>,
) -> io::Result<Collected> {
    let mut collected = Collected::default();
    let store = Store::open(path)?;
    store.remove_abandoned();
    let base = base(kernel, &store);
    collected.removed = store.make_room(&settings.limits, &base);

    let mut problem = |what: &str, error: &dyn std::fmt::Display| {
        collected.problems.push(format!("{what}: {error}"));
    };
    let dying = Dying::pin(kernel.pid, kernel.pidfd).map_err(|error| problem("the process", &error)).ok();
    let access = dying.as_ref().map_or(Access::Root, |dying| dying.access(kernel.dumpable));
    let user = dying.as_ref().and_then(Dying::user);
    let mut segments = store.begin(".shm").map_err(|error| problem("its segments' file", &error)).ok();
    let looked = dying.and_then(|dying| {
        let into = segments.as_mut().and_then(|pending| pending.file().try_clone().ok());
        let looked = look(dying, *kernel, settings.clone(), into, helpers.tables);
        if looked.is_none() {
            problem("the process", &"coreinspect could not look at it in time");
        }
        looked
    });
    let (seen, written) = match looked {
        Some(Looked { seen, written, problems }) => {
            problems.iter().for_each(|text| problem("the process", text));
            (Some(seen), written)
        }
        None => (None, None),
    };
    // An abandoned copy may still write to it.
    let segments = segments.filter(|_| written.is_some_and(|written| written.mappings > 0));

    (helpers.give_up_rights)();
    let mut pending = store.begin(".zst")?;
    let stored = stream::store_core(core, pending.file(), &store, settings.storing)?;
    let suffix = if settings.storing.compress && CAN_COMPRESS { ".zst" } else { "" };
    let core_name = (stored.bytes > 0 && !settings.storing.discard).then(|| format!("{base}{suffix}"));
    let segments_name = segments.is_some().then(|| format!("{base}.shm"));
    if stored.bytes == 0 {
        problem("the core", &"nothing came");
    }
    if let Some(cut) = stored.cut {
        let why = match cut {
            Cut::Limit => "it is larger than --max-core, so it was cut off",
            Cut::Disk => "the file system has no more room than --keep-free, so it was cut off",
        };
        problem("the core", &why);
    }

    // The core is shown last: whoever sees it sees all of it.
    if let (Some(pending), Some(name)) = (segments, &segments_name) {
        match pending.show(name, access) {
            Ok(()) => (collected.segments, collected.written) = (Some(name.clone()), written),
            Err(error) => collected.problems.push(format!("its segments' file: {error}")),
        }
    }
    let outcome = Outcome {
        core: core_name.as_deref(),
        stored: Some(stored),
        segments: collected.segments.as_deref(),
        access,
        problems: &collected.problems,
    };
    let text = match &seen {
        Some(seen) => seen.text(&outcome),
        None => sidecar::without_process(kernel, &outcome),
    };
    let sidecar = format!("{base}.json");
    match write_sidecar(&store, &text, &sidecar, access, user) {
        Ok(()) => collected.sidecar = Some(sidecar),
        Err(error) => collected.problems.push(format!("the sidecar: {error}")),
    }
    if let Some(name) = core_name {
        pending.show(&name, access)?;
        collected.core = Some(name);
    }
    collected.stored = Some(stored);
    let removed = store.make_room(&settings.limits, &base);
    collected.removed.extend(removed);
    Ok(collected)
}

/// A name that no crash has: two of one number in one second are told apart.
fn base(kernel: &Kernel, store: &Store) -> String {
    let base = format!("core.{}.{}", kernel.pid, kernel.time);
    let others = (1..100_u32).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone()).chain(others).find(|base| !store.has(base)).unwrap_or(base)
}

fn write_sidecar(store: &Store, text: &str, name: &str, access: Access, user: Option<Uid>) -> io::Result<()> {
    use std::io::Write;
    let mut pending = store.begin(".json")?;
    user.into_iter().for_each(|user| pending.charge(user));
    pending.file().write_all(text.as_bytes())?;
    pending.show(name, access)
}

/// What the process told.
struct Looked {
    seen: Seen,
    written: Option<Written>,
    problems: Vec<String>,
}

/// Looks at the process in a thread of its own, which is left behind if that takes too long: a file of it may lie on a file
/// system that a hostile process answers for.
fn look(
    dying: Dying,
    kernel: Kernel,
    settings: Settings,
    into: Option<std::fs::File>,
    tables: fn(&Dying) -> io::Result<Tables>,
) -> Option<Looked> {
    let (tell, told) = mpsc::channel();
    let patience = settings.patience;
    let spawned = thread::Builder::new().name("look".to_owned()).spawn(move || {
        // Nobody listens any more if it took too long.
        let _ = tell.send(look_at(&dying, &kernel, &settings, into, tables));
    });
    spawned.ok()?;
    told.recv_timeout(patience).ok()
}

fn look_at(
    dying: &Dying,
    kernel: &Kernel,
    settings: &Settings,
    into: Option<std::fs::File>,
    tables: fn(&Dying) -> io::Result<Tables>,
) -> Looked {
    let mut problems = Vec::new();
    if std::fs::read_to_string("/proc/sys/kernel/core_pipe_limit").is_ok_and(|limit| limit.trim() == "0") {
        let text = "kernel.core_pipe_limit is 0: the kernel does not wait for us, and the process may have been gone halfway";
        problems.push(text.to_owned());
    }
    let tables = match tables(dying) {
        Ok(tables) => Some(tables),
        Err(error) => {
            problems.push(format!("cannot read its IPC namespace: {error}"));
            None
        }
    };
    let seen = Seen::of(dying, kernel, &settings.kinds, tables.as_ref());
    let listed = tables.as_ref().map(Tables::segments).unwrap_or_default();
    let missing = match seen.filter {
        Some(filter) => missing(&seen.smaps, filter, &settings.kinds),
        None => Vec::new(),
    };
    let every = settings.segments == Segments::All || seen.filter.is_none();
    let choice =
        |area: &crate::proc_files::VirtualMemoryArea<'_>| every || missing.binary_search(&area.start).is_ok();
    let wanted = settings.segments != Segments::None && (every || !missing.is_empty());
    let written = into.filter(|_| wanted).and_then(|mut file| {
        let kinds = settings.kinds.clone();
        let plan =
            Plan { listed: &listed, kinds, proven_only: true, choice: Some(&choice), ..Plan::default() };
        let written = core_writer::write(dying.folder(), &plan, &mut file, &mut |_| {});
        written.map_err(|error| problems.push(format!("its segments cannot be saved: {error}"))).ok()
    });
    Looked { seen, written, problems }
}
