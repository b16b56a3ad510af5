//! Where a thread that waits was called: the function of the program, and that of the C library which it waits in.

use std::collections::HashMap;

use crate::debug_files::DebugFolders;
use crate::debug_files::symbols::{Symbol, Symbols};
use crate::lock_shapes::Kind;
use crate::refs::frames::{self, Stack};
use crate::targets::Target;

/// Where a thread that waits was called. `None` is unknown: no programs, or their frames cannot be unwound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The innermost function that is none of the C library.
    pub function: Option<String>,
    /// Its source file.
    pub file: Option<String>,
    /// The line that it was at.
    pub line: Option<u32>,
    /// The function of the C library that it called: `pthread_mutex_lock`.
    pub call: Option<String>,
}

/// How the functions that wait begin, without underscores, and for what they wait.
const CALLS: &[(&str, Option<Kind>)] = &[
    ("pthread_mutex", Some(Kind::Mutex)),
    ("pthread_rwlock", Some(Kind::Rwlock)),
    ("pthread_cond", Some(Kind::Condition)),
    ("pthread_barrier", Some(Kind::Barrier)),
    ("sem_", Some(Kind::Semaphore)),
    ("semop", None),
    ("semtimedop", None),
    ("msgrcv", None),
    ("msgsnd", None),
    ("syscall", None),
];

/// How files of libraries begin whose functions wait for their callers.
const LIBRARIES: &[&str] =
    &["libc.so", "libc-2", "libc.musl", "ld-musl", "libpthread", "ld-linux", "ld-2", "libstdc++", "libc++"];

/// How else functions begin that wait for their callers, where the C library is a part of the program.
const INNER: &[&str] = &["futex", "lll_", "do_futex", "pthread_", "timedwait", "clock_"];

impl Caller {
    /// The kind of lock that the function waits for.
    pub(super) fn kind(&self) -> Option<Kind> {
        let call = self.call.as_deref()?;
        CALLS.iter().find(|(start, _)| call.starts_with(start)).and_then(|(_, kind)| *kind)
    }

    fn of(stack: Stack) -> Self {
        let calls = stack.libraries.iter().rev().map(|symbol| bare(&symbol.name));
        let call = calls.into_iter().find(|name| waits(name)).map(|name| documented(name).to_owned());
        let (file, line) = stack.line.unzip();
        Self { function: stack.caller.map(|symbol| symbol.name), file, line, call }
    }
}

/// Where the threads of these indices, which wait in a system call, were called. `own_library`: the C library is a file of its
/// own.
pub(super) fn name(
    target: &dyn Target,
    folders: &DebugFolders,
    threads: &[usize],
    own_library: bool,
) -> HashMap<usize, Caller> {
    if threads.is_empty() {
        return HashMap::new();
    }
    let symbols = Symbols::of(target, folders.clone());
    let is_library = |symbol: &Symbol| {
        let file = symbol.file.file_name().unwrap_or_default().to_string_lossy();
        let inner = || {
            let name = bare(&symbol.name);
            waits(name) || INNER.iter().any(|start| name.starts_with(start))
        };
        LIBRARIES.iter().any(|start| file.starts_with(start)) || !own_library && inner()
    };
    let stacks = frames::innermost(target, &symbols, folders, threads, &is_library);
    stacks.into_iter().map(|(thread, stack)| (thread, Caller::of(stack))).collect()
}

/// The documented function that one of its parts, `pthread_mutex_lock_full`, belongs to.
fn documented(name: &str) -> &str {
    let parts = ["_full", "_common", "_slow64", "_slow"];
    parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
}

/// Whether a function of this name is one that waits.
fn waits(name: &str) -> bool {
    CALLS.iter().any(|(start, _)| name.starts_with(start))
}

/// A function's name without the underscores and versions that libraries put around it.
fn bare(function: &str) -> &str {
    let name = function.trim_start_matches('_');
    let name = name.strip_prefix("GI_").unwrap_or(name).trim_start_matches('_');
    let name = name.split(['@', '.']).next().unwrap_or(name);
    name.strip_prefix("new_").unwrap_or(name)
}
