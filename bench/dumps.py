"""Real dumps to measure on: compiles the C programs, starts a holder, lets gcore dump it."""

import contextlib
import mmap
import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
PT_LOAD = 1


@dataclass(frozen=True)
class Shape:
    """What the dumped process held: counts, and sizes in bytes."""

    segments: int
    segment_bytes: int
    file_mappings: int = 0
    anonymous_bytes: int = 0

    @property
    def bytes_in_dump(self):
        """An upper bound: gcore writes the mapped file page of every mapping, too."""
        return (
            self.segments * self.segment_bytes
            + self.file_mappings * mmap.PAGESIZE
            + self.anonymous_bytes
            + (16 << 20)
        )


@dataclass(frozen=True)
class Dump:
    """A core file and where its process had its first segment."""

    path: Path
    shape: Shape
    key: str
    address: int

    def segment_offset(self):
        """File offset of the first segment, from the program headers (elf(5))."""
        with self.path.open("rb") as core:
            header = core.read(64)
            (table,) = struct.unpack_from("=Q", header, 32)
            entry_size, count = struct.unpack_from("=HH", header, 54)
            for index in range(count):
                core.seek(table + index * entry_size)
                kind, _, offset, start, _, in_file, _, _ = struct.unpack("=IIQQQQQQ", core.read(56))
                if kind == PT_LOAD and start <= self.address < start + in_file:
                    return offset + self.address - start
        raise LookupError(f"{self.path}: no PT_LOAD holds {self.address:#x}")


def compile_program(name, folder):
    """Compiles programs/NAME.c and returns the path of the program."""
    program = folder / name
    subprocess.run(
        ["gcc", "-O2", "-Wall", "-Wextra", "-o", program, PROGRAMS / f"{name}.c"], check=True
    )
    return program


@contextlib.contextmanager
def held(holder, shape):
    """A running holder of that shape, as (pid, key, address); killed at the end."""
    numbers = (shape.segments, shape.segment_bytes, shape.file_mappings, shape.anonymous_bytes)
    process = subprocess.Popen([holder, *map(str, numbers)], stdout=subprocess.PIPE, text=True)
    try:
        words = process.stdout.readline().split()
        if len(words) != 3 or words[0] != "READY":
            raise RuntimeError("the holder did not start; its reason stands above")
        yield process.pid, f"0x{words[1]}", int(words[2], 16)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def make_dump(holder, shape, path):
    """Dumps a process of that shape as gcore(1) does, and sees the file onto the disk.

    gdb is run directly: gcore is a shell script, and ending that would not end its gdb.
    """
    with held(holder, shape) as (pid, key, address):
        commands = ("set height 0", f"attach {pid}", f"gcore {path}", "detach")
        subprocess.run(
            ["gdb", "-nx", "-batch", "--readnever", *(word for line in commands for word in ("-ex", line))],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    with path.open("rb") as core:
        os.fsync(core)
    return Dump(path, shape, key, address)
