"""Real dumps to measure on: compiles the C programs, starts a holder, lets gcore dump it."""

import contextlib
import mmap
import os
import resource
import signal
import struct
import subprocess
import tempfile
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
    segments_first: bool = False
    unknown: bool = False

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
def held(holder, shape, folder=None):
    """A running holder of that shape, as (pid, key, address); killed at the end. Its own core goes to `folder`."""
    numbers = (shape.segments, shape.segment_bytes, shape.file_mappings, shape.anonymous_bytes)
    order = ["first"] if shape.segments_first else ["unknown"] if shape.unknown else []
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    process = subprocess.Popen(
        [holder, *map(str, numbers), *order], stdout=subprocess.PIPE, text=True, cwd=folder,
        preexec_fn=folder and (lambda: resource.setrlimit(resource.RLIMIT_CORE, unlimited)),
    )
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


def kernel_writes_files():
    """Whether a process that dies leaves a file in its folder: not where a handler takes its core."""
    return Path("/proc/sys/kernel/core_pattern").read_text().strip() == "core"


def make_kernel_dump(holder, shape, path):
    """Has the kernel dump a process of that shape (core(5)); its notes come first."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        with held(holder, shape, folder) as (pid, key, address):
            os.kill(pid, signal.SIGABRT)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        core, = Path(folder).glob("core*")
        core.rename(path)
    return Dump(path, shape, key, address)


def pack(dump, path):
    """Compresses a dump by zstd as its command line does; the plain one is removed."""
    subprocess.run(["zstd", "-q", "-1", "-T0", "--rm", "-o", path, dump.path], check=True)
    return Dump(path, dump.shape, dump.key, dump.address)
