//! /proc/PID/smaps (proc_pid_smaps(5)): what each mapping has in memory, and its flags.

use super::VirtualMemoryArea;
use super::maps;

/// A mapping of /proc/PID/smaps.
#[derive(Clone, Copy, Debug)]
pub struct MemoryArea<'a> {
    /// The line that it has in /proc/PID/maps.
    pub area: VirtualMemoryArea<'a>,
    /// The lines that follow: `Name:` and a value each.
    fields: &'a [u8],
}

impl<'a> MemoryArea<'a> {
    /// Bytes of it in memory (`Rss`); of a segment those that this process has touched or that lie ready in its page table,
    /// not what the segment has.
    pub fn resident(&self) -> Option<u64> {
        self.bytes(b"Rss")
    }

    /// Bytes of it in swap space. Of shared memory too, since Linux 4.5.
    pub fn swapped(&self) -> Option<u64> {
        self.bytes(b"Swap")
    }

    /// Bytes of a page of it: more than the machine's for huge pages (SHM_HUGETLB).
    pub fn page_size(&self) -> Option<u64> {
        self.bytes(b"KernelPageSize")
    }

    /// Whether it has a flag of `VmFlags`, by its two letters: `dd` (MADV_DONTDUMP), `ht` (huge pages), `io`, `sh`, ...
    /// `None` where the kernel does not tell flags.
    pub fn has_flag(&self, flag: &[u8; 2]) -> Option<bool> {
        let flags = self.field(b"VmFlags")?;
        Some(flags.split(|byte| byte.is_ascii_whitespace()).any(|word| word == flag))
    }

    /// The value of a field that counts kB, in bytes.
    pub fn bytes(&self, name: &[u8]) -> Option<u64> {
        let value = self.field(name)?.strip_suffix(b" kB")?;
        std::str::from_utf8(value).ok()?.parse::<u64>().ok()?.checked_mul(1024)
    }

    /// The value of a field, without white space around it.
    pub fn field(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut lines = self.fields.split(|byte| *byte == b'\n');
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(b":")).map(<[u8]>::trim_ascii)
    }
}

/// The mappings of `smaps`, in its order. Fields before the first mapping are passed over.
pub(crate) fn parse(smaps: &[u8]) -> impl Iterator<Item = MemoryArea<'_>> {
    let mut rest = smaps;
    std::iter::from_fn(move || {
        loop {
            let (line, after) = split_line(rest)?;
            rest = after;
            let Some(area) = maps::line(line) else { continue };
            let mut end = after;
            while let Some((_, after)) = split_line(end).filter(|(line, _)| maps::line(line).is_none()) {
                end = after;
            }
            let fields = after.get(..after.len().saturating_sub(end.len())).unwrap_or_default();
            rest = end;
            return Some(MemoryArea { area, fields });
        }
    })
}

/// The first line, without its end, and what follows; `None` at the end.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let (line, rest) = text.split_at_checked(end)?;
    Some((line, rest.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_of_the_kernel_are_read() {
        let smaps = b"Name: none\n\
            7f01-7f05 rw-s 00000000 00:01 98304                      /SYSV770068da (deleted)\n\
            Size:                 16 kB\nKernelPageSize:        4 kB\nRss:                   8 kB\nSwap:                  4 kB\n\
            VmFlags: rd wr sh mr mw me ms dd sd \n\
            8000-9000 r--p 00000000 fe:00 7 /a\nRss: x kB\n\
            9000-a000 r--p 00000000 00:00 0 \n";
        let areas: Vec<_> = parse(smaps).collect();
        assert_eq!(areas.len(), 3);
        assert_eq!((areas[0].area.inode, areas[0].area.start), (98304, 0x7f01));
        assert_eq!(
            (areas[0].resident(), areas[0].swapped(), areas[0].page_size()),
            (Some(8192), Some(4096), Some(4096))
        );
        assert_eq!((areas[0].has_flag(b"dd"), areas[0].has_flag(b"ht")), (Some(true), Some(false)));
        assert_eq!((areas[1].resident(), areas[1].has_flag(b"dd")), (None, None));
        assert_eq!((areas[2].area.start, areas[2].resident()), (0x9000, None));
    }

    #[test]
    fn our_own_agree_with_our_own_maps() {
        let smaps = std::fs::read("/proc/self/smaps").unwrap();
        let areas: Vec<_> = parse(&smaps).collect();
        assert!(areas.len() > 5 && areas.iter().any(|area| area.area.name == b"[stack]"));
        assert!(areas.iter().all(|area| area.bytes(b"Size") == Some(area.area.length())));
        assert!(areas.iter().any(|area| area.resident() > Some(0)));
    }
}
