"""scan_drgn.py CORE LOW HIGH: as scan.c, with drgn's search_memory_u64."""

import sys

import drgn

program = drgn.Program()
program.set_core_dump(sys.argv[1])
print(sum(1 for _ in program.search_memory_u64((int(sys.argv[2], 0), int(sys.argv[3], 0) - 1))))
