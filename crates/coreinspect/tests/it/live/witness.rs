//! What others say of the same process and the same dump: the kernel, gdb, readelf, eu-readelf.

use std::path::Path;
use std::process::Command;

use crate::tools::have;

/// A mapping of a System V segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// In bytes.
    pub(crate) offset: u64,
    pub(crate) name: String,
}

/// A row of /proc/PID/maps.
#[derive(Clone, Debug)]
pub(crate) struct LiveRow {
    pub(crate) row: Row,
    /// As `rw-s`.
    pub(crate) rights: String,
    /// Of a segment: its shmid.
    pub(crate) inode: i32,
}

fn hex(digits: &str) -> u64 {
    let digits = digits.trim_start_matches("0x");
    u64::from_str_radix(digits, 16).unwrap_or_else(|error| panic!("{digits}: {error}"))
}

fn is_segment(name: &str) -> bool {
    name.starts_with("/SYSV")
}

/// The mappings of segments, by address: proc_pid_maps(5).
pub(crate) fn maps(pid: u32) -> Vec<LiveRow> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let rows = maps.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let &[range, rights, offset, _device, inode, ref name @ ..] = words.as_slice() else {
            panic!("{line}")
        };
        let (start, end) = range.split_once('-').unwrap();
        let name = name.join(" ");
        let row = Row { start: hex(start), end: hex(end), offset: hex(offset), name };
        is_segment(&row.name).then(|| LiveRow {
            row,
            rights: rights.to_owned(),
            inode: inode.parse().unwrap(),
        })
    });
    rows.collect()
}

fn ask(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C").env_remove("DEBUGINFOD_URLS").output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `info proc mappings` of gdb: start, end, size, offset in bytes, file.
pub(crate) fn gdb(core: &Path) -> Option<Vec<Row>> {
    if !have("gdb") {
        return None;
    }
    let mut gdb = Command::new("gdb");
    let output = ask(gdb.args(["-batch", "-nx", "-ex", "info proc mappings", "-c"]).arg(core));
    let rows = output.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let &[start, end, _size, offset, ref name @ ..] = words.as_slice() else { return None };
        let name = name.join(" ");
        is_segment(&name).then(|| Row { start: hex(start), end: hex(end), offset: hex(offset), name })
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    Some(rows)
}

/// NT_FILE as `eu-readelf -n` shows it: range, offset and length in bytes, file. (readelf of Debian 12 says that it "cannot
/// decode 64-bit note in 32-bit build".)
pub(crate) fn eu_readelf(core: &Path) -> Option<Vec<Row>> {
    if !have("eu-readelf") {
        return None;
    }
    let output = ask(Command::new("eu-readelf").arg("-n").arg(core));
    let rows = output.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let &[range, offset, _length, ref name @ ..] = words.as_slice() else { return None };
        let name = name.join(" ");
        let (start, end) = range.split_once('-').filter(|_| is_segment(&name))?;
        Some(Row { start: hex(start), end: hex(end), offset: hex(offset), name })
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    Some(rows)
}

/// The ranges of memory that the PT_LOADs have bytes of, as `readelf -l` shows them.
pub(crate) fn readelf_loads(core: &Path) -> Option<Vec<std::ops::Range<u64>>> {
    if !have("readelf") {
        return None;
    }
    let output = ask(Command::new("readelf").arg("-lW").arg(core));
    let loads = output.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let &["LOAD", _offset, address, _physical, file_size, ..] = words.as_slice() else { return None };
        let start = hex(address);
        Some(start..start + hex(file_size))
    });
    Some(loads.collect())
}
