"""What each dumper keeps of a mapping of a segment, as its own source says.

Kernel: vma_dump_size() in fs/coredump.c, and core(5). gcore: dump_mapping_p() and linux_find_memory_regions_full() in
gdb/linux-tdep.c (gdb 13), with the default `use-coredump-filter on` and `dump-excluded-mappings off`.
"""

from truth.live import PAGE

ANONYMOUS_SHARED = 1 << 1
FILE_PRIVATE = 1 << 2
FILE_SHARED = 1 << 3
ELF_HEADERS = 1 << 4
HUGETLB_SHARED = 1 << 6


def kernel(row, coredump_filter, linked):
    """How many bytes from the start of the row, and why not all of them. A segment is a file that has no links."""
    flags, size = row.vmflags.split(), row.end - row.start
    if "dd" in flags:
        return 0, "dontdump"
    if "ht" in flags:
        return (size, None) if coredump_filter & HUGETLB_SHARED else (0, "hugetlb")
    if "sh" in flags:
        bit = FILE_SHARED if linked else ANONYMOUS_SHARED
        return (size, None) if coredump_filter & bit else (0, "filter-shared")
    # SHM_RDONLY opens the segment without FMODE_WRITE, and do_mmap() then takes VM_SHARED away: what is left is a
    # private mapping of an executable file.
    if coredump_filter & FILE_PRIVATE:
        return size, None
    first_page = PAGE if coredump_filter & ELF_HEADERS and row.offset == 0 and "rd" in flags else 0
    return first_page, "read-only-attach" if first_page < size else None


def gcore(row, coredump_filter, linked):
    """The same; gdb goes by the ` (deleted)` of the name, and takes a read-only attachment for shared."""
    flags, size = row.vmflags.split(), row.end - row.start
    if "dd" in flags:
        return 0, "dontdump"
    if "ht" in flags:
        return (size, None) if coredump_filter & HUGETLB_SHARED else (0, "hugetlb")
    bit = FILE_SHARED if linked else ANONYMOUS_SHARED
    return (size, None) if coredump_filter & bit else (0, "filter-shared")


def kernel_permissions(row, saved):
    """p_flags: a PT_LOAD is there even where it is empty."""
    return row.permissions[:3]


def gcore_permissions(row, saved):
    """BFD always sets PF_R, and there is no PT_LOAD for what was left out."""
    return "r" + row.permissions[1:3] if saved else None


RULES = {"kernel": (kernel, kernel_permissions), "gcore": (gcore, gcore_permissions)}
