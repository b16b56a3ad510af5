//! Whether a thread that a lock names still runs.

use crate::proc_files::ProcessFolder;

/// Whether thread `tid` lives, which holds a lock in the mapping called `name` of the running process `beside`; `None` if that
/// cannot be told. An id is one of a PID namespace, so both must see the same; and one that does not map the memory is
/// another's by now.
pub(crate) fn lives(tid: u32, beside: u32, name: &[u8]) -> Option<bool> {
    let namespace = |pid| ProcessFolder::open(pid).ok()?.link("ns/pid").ok();
    if namespace(beside)? != namespace(std::process::id())? {
        return None;
    }
    let Ok(folder) = ProcessFolder::open(tid) else { return Some(false) };
    let maps = folder.read("maps").ok()?;
    Some(memchr::memmem::find(&maps, name).is_some())
}
