//! What the handler may cost and do: little.

use nix::sys::resource::{Resource, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities, set_no_new_privs};

/// Bytes of memory, and seconds of a processor: a core of 100 GiB takes some minutes to compress.
const MEMORY: u64 = 1 << 30;
const SECONDS: u64 = 60 * 60;

/// Limits this process. What cannot be limited is not: the core is worth more.
pub(super) fn limit_cost() {
    for (resource, most) in [
        (Resource::RLIMIT_AS, MEMORY),
        (Resource::RLIMIT_CPU, SECONDS),
        // The kernel's word for a handler that must not be dumped itself: with 0 it starts the next one for the crash of this
        // one, and so on for ever (fs/coredump.c, `do_coredump`).
        (Resource::RLIMIT_CORE, 1),
    ] {
        let _ = setrlimit(resource, most, most);
    }
    // What still runs on the machine goes first.
    let _ = rustix::process::nice(10);
    let _ = set_no_new_privs(true);
}

/// Gives up, in this thread, every capability but the one to give a file to its user. The folder is our own: nothing else
/// takes a capability.
pub(super) fn give_up() {
    let Ok(sets) = capabilities(None) else { return };
    let kept = sets.permitted & CapabilitySet::CHOWN;
    let kept = rustix::thread::CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    let _ = set_capabilities(None, kept);
}
