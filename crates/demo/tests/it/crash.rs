use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;

use crate::process::Place;
use crate::skip;

fn cores_come_to_the_working_directory() -> bool {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.trim() != "core" {
        skip(&format!("kernel.core_pattern is {:?}, not \"core\"", pattern.trim()));
        return false;
    }
    if getrlimit(Resource::RLIMIT_CORE).unwrap().1 == 0 {
        skip("the hard limit on the size of cores is 0");
        return false;
    }
    true
}

/// `core`, or `core.PID` with kernel.core_uses_pid.
fn core(directory: &Path) -> PathBuf {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut cores = names.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("core"));
    let core = cores.next().expect("a core in the working directory");
    assert_eq!(cores.next(), None);
    core
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_crashing_writer_leaves_a_core_and_no_segment() {
    if !cores_come_to_the_working_directory() {
        return;
    }
    for (how, signal) in [("abort", Signal::SIGABRT), ("segv", Signal::SIGSEGV)] {
        let place = Place::new();
        // Flag, message and NUL as they lie in the segment; nowhere else does a 1 precede the message.
        let mut writer = place.writer(&["--message", "famous last words", "--crash", how]);
        let status = writer.child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal as i32));
        assert!(status.core_dumped());
        assert!(place.segment().is_none(), "a crash leaks nothing");

        let core = fs::read(core(place.path())).unwrap();
        assert!(core.starts_with(b"\x7fELF"));
        assert!(holds(&core, format!("/SYSV{:08x} (deleted)\0", place.key().bits()).as_bytes()));
        assert!(holds(&core, b"\x01famous last words\0"));
    }
}

#[test]
fn a_leaking_crash_leaves_the_segment_too() {
    let place = Place::new();
    let mut writer = place.writer(&["--leak", "--crash", "abort"]);
    assert_eq!(writer.child.wait().unwrap().signal(), Some(Signal::SIGABRT as i32));
    let status = place.segment().unwrap().status().unwrap();
    assert_eq!((status.attach_count(), status.id().to_string().as_str()), (0, writer.said("shmid")));
}

#[test]
fn a_crashing_reader_sets_the_flag_unless_read_only() {
    if !cores_come_to_the_working_directory() {
        return;
    }
    let place = Place::new();
    let message = "A".repeat(6000);
    let mut writer = place.writer(&["--size", "8192", "--message", &message]);
    for (arguments, flag) in [(&["--read-only"][..], 1), (&[], 2)] {
        let reader = place.run(&[&["reader", "--crash", "abort"], arguments].concat());
        assert_eq!(reader.status.signal(), Some(Signal::SIGABRT as i32), "{reader:?}");
        assert!(String::from_utf8_lossy(&reader.stdout).ends_with(&format!("message: \"{message}\"\n")));
        let path = core(place.path());
        let core = fs::read(&path).unwrap();
        let segment = [&[flag], message.as_bytes()].concat();
        assert!(holds(&core, &segment[..4096]));
        // Of a read-only attach the kernel saves the first page (core(5), coredump_filter, bit 2).
        let filter = fs::read_to_string("/proc/self/coredump_filter").unwrap();
        let whole = flag == 2 || u32::from_str_radix(filter.trim(), 16).unwrap() & 4 != 0;
        assert_eq!(holds(&core, &segment), whole, "{arguments:?}, coredump_filter {filter}");
        fs::remove_file(path).unwrap();
    }
    assert_eq!(writer.end().0, Some(0));
}
