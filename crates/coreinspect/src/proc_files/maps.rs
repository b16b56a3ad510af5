//! /proc/PID/maps (proc_pid_maps(5)), as bytes: names are not always UTF-8.

/// A device number (makedev(3)), as the kernel prints it: of a file system, its `st_dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// Its class; 0 for file systems without a disk.
    pub major: u64,
    /// Its number within the class.
    pub minor: u64,
}

/// A line of /proc/PID/maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtualMemoryArea<'a> {
    /// The first address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
    /// `rwxp` or `rwxs`.
    pub permissions: [u8; 4],
    /// Where in the file it begins, in bytes.
    pub offset: u64,
    /// The device of the file system that the file lies on.
    pub device: Device,
    /// The file's inode; of a System V segment the shmid.
    pub inode: u64,
    /// The file's name; empty for anonymous memory. The kernel writes a newline in it as `\012`.
    pub name: &'a [u8],
}

impl VirtualMemoryArea<'_> {
    /// Bytes.
    pub fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Its file below /proc/PID, which is the mapped file itself (fs/proc/base.c, `dname_to_vma_addr`: nothing is padded).
    pub fn map_file(&self) -> String {
        format!("map_files/{:x}-{:x}", self.start, self.end)
    }
}

/// The lines of `maps`; one that is none of proc_pid_maps(5) is passed over.
pub(crate) fn parse(maps: &[u8]) -> impl Iterator<Item = VirtualMemoryArea<'_>> {
    maps.split(|byte| *byte == b'\n').filter_map(line)
}

/// The mapping that `line` describes; `None` if it is no line of proc_pid_maps(5).
pub(super) fn line(line: &[u8]) -> Option<VirtualMemoryArea<'_>> {
    let mut rest = line;
    let mut word = || {
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let (word, left) = rest.split_at_checked(end)?;
        rest = left.trim_ascii_start();
        std::str::from_utf8(word).ok()
    };
    let (start, end) = word()?.split_once('-')?;
    let permissions = word()?.as_bytes().try_into().ok()?;
    let offset = u64::from_str_radix(word()?, 16).ok()?;
    let (major, minor) = word()?.split_once(':')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    let device = Device { major: number(major)?, minor: number(minor)? };
    let inode = word()?.parse().ok()?;
    Some(VirtualMemoryArea {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        permissions,
        offset,
        device,
        inode,
        name: rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let maps = b"7f4afe3ad000-7f4afe3ae000 rw-s 00000000 00:01 98304                      /SYSV770068da (deleted)\n\
            7ffd0-7ffd1 ---p 0000a000 fe:00 0 \n\nnot a line\n55-66 r-xp 0 00:00 1 /a b \xff\n";
        let areas: Vec<_> = parse(maps).collect();
        assert_eq!(areas.len(), 3);
        assert_eq!(areas[0].start, 0x7f4a_fe3a_d000);
        assert_eq!(areas[0].permissions, *b"rw-s");
        assert_eq!(areas[0].inode, 98304);
        assert_eq!(areas[0].name, b"/SYSV770068da (deleted)");
        assert_eq!(areas[0].device, Device { major: 0, minor: 1 });
        assert_eq!(areas[1].device, Device { major: 0xfe, minor: 0 });
        assert_eq!((areas[1].offset, areas[1].name), (0xa000, b"".as_slice()));
        assert_eq!(areas[2].name, b"/a b \xff");
    }
}
