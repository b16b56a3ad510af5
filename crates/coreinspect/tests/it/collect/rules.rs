//! Which segments are stored beside the core: those of which the kernel leaves bytes out (core(5), Linux fs/coredump.c
//! `vma_dump_size`).

use coreinspect::internals::collector::missing;
use coreinspect::kind::Kinds;

/// A mapping of smaps(5): its first page, how many it has, and VmFlags beyond `rd mr mw me`.
fn mapping(page: u64, pages: u64, inode: u64, flags: &str) -> String {
    let rights = if flags.contains("wr") { "rw-s" } else { "r--s" };
    let (start, end) = (page << 12, (page + pages) << 12);
    format!(
        "{start:x}-{end:x} {rights} 00000000 00:01 {inode} /SYSV7bee000{inode} (deleted)\n\
         KernelPageSize:        4 kB\nVmFlags: rd mr mw me {flags}\n"
    )
}

#[test]
fn what_the_kernel_keeps_is_not_stored_once_more() {
    let smaps = [
        mapping(0x100, 2, 1, "wr sh ms"),
        mapping(0x200, 2, 2, "ms"),
        // Its first page is all of it, and bit 4 keeps that.
        mapping(0x300, 1, 3, "ms"),
        mapping(0x400, 2, 4, "wr sh ms dd"),
        mapping(0x500, 512, 5, "wr sh ms ht"),
    ]
    .concat();
    let pages = |filter| {
        missing(smaps.as_bytes(), filter, &Kinds::default()).into_iter().map(|start| start >> 12).collect()
    };
    let expected: [(u32, Vec<u64>); 5] = [
        (0x33, vec![0x200, 0x400, 0x500]),
        (0x37, vec![0x400, 0x500]),
        (0x77, vec![0x400]),
        (0x23, vec![0x200, 0x300, 0x400, 0x500]),
        (0x31, vec![0x100, 0x200, 0x400, 0x500]),
    ];
    for (filter, starts) in expected {
        let told: Vec<u64> = pages(filter);
        assert_eq!(told, starts, "{filter:#x}");
    }
}
