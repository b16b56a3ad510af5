"""scan_numpy.py CORE LOW HIGH: as scan.c, with numpy."""

import struct
import sys

import numpy

CHUNK = 4 << 20

path, low, high = sys.argv[1], int(sys.argv[2], 0), int(sys.argv[3], 0)
found = 0
with open(path, "rb", buffering=0) as core:
    header = core.read(64)
    (table,) = struct.unpack_from("=Q", header, 32)
    size, count = struct.unpack_from("=HH", header, 54)
    for index in range(count):
        core.seek(table + index * size)
        kind, _, offset, _, _, left, _, _ = struct.unpack("=IIQQQQQQ", core.read(56))
        core.seek(offset)
        while kind == 1 and left >= 8:
            words = numpy.fromfile(core, dtype=numpy.uint64, count=min(left, CHUNK) // 8)
            found += int(numpy.count_nonzero(words - numpy.uint64(low) < numpy.uint64(high - low)))
            left -= words.nbytes
print(found)
