"""What is true of a process and of the segments that it attaches, asked of the kernel while it lives.

The bytes of a segment are read by this process, which attaches it by its shmid, so they owe nothing to the process
that will be dumped. Sources: proc(5), proc_pid_smaps(5), shmctl(2), shmop(2); struct shmid_ds is that of x86-64.
"""

import contextlib
import ctypes
import os
import struct
from typing import NamedTuple

IPC_RMID = 0
IPC_STAT = 2
SHM_RDONLY = 0o10000
SHM_DEST = 0o1000
AT_PAGESZ = 6
PAGE = 4096

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


def checked(result):
    if result == -1 or result == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


@contextlib.contextmanager
def private_ipc_namespace(placeholder):
    """Moves this process into a new IPC namespace, and empties it at the end: huge pages are then free at once.

    The placeholder takes shmid 0, whose name gcore leaves out.
    """
    clone_newipc = 0x08000000
    checked(libc.unshare(clone_newipc))
    try:
        if placeholder:
            checked(libc.shmget(0, PAGE, 0o600))
        yield
    finally:
        for shmid in shmids():
            checked(libc.shmctl(shmid, IPC_RMID, None))


class Row(NamedTuple):
    """One VMA, as /proc/PID/smaps shows it."""

    start: int
    end: int
    permissions: str
    offset: int
    device: str
    inode: int
    name: str
    vmflags: str

    @property
    def base(self):
        return self.start - self.offset


def rows(pid):
    found, head = [], None
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="surrogateescape") as smaps:
        for line in smaps:
            first, _, rest = line.partition(" ")
            if first == "VmFlags:":
                start, end, permissions, offset, device, inode, name = head
                found.append(Row(start, end, permissions, offset, device, inode, name, rest.strip()))
            elif not first.endswith(":"):
                permissions, offset, device, inode, *name = rest.rstrip("\n").split(None, 4)
                start, end = (int(part, 16) for part in first.split("-"))
                head = (start, end, permissions, int(offset, 16), device, int(inode), name[0] if name else "")
    return found


class Segment(NamedTuple):
    shmid: int
    key: int
    size: int
    mode: int
    uid: int
    gid: int
    cpid: int
    lpid: int
    nattch: int
    removed: bool
    file: tuple  # device and inode of its mappings
    content: bytes  # up to the end of the last page


def shmids():
    with open("/proc/sysvipc/shm", encoding="ascii") as table:
        return [int(line.split()[1]) for line in list(table)[1:]]


def segments():
    """Every segment of this IPC namespace."""
    return [segment(shmid) for shmid in shmids()]


def segment(shmid):
    ds = ctypes.create_string_buffer(256)
    checked(libc.shmctl(shmid, IPC_STAT, ds))
    key, uid, gid, _, _, mode = struct.unpack_from("=6I", ds, 0)
    size, _, _, _, cpid, lpid, nattch = struct.unpack_from("=Q3Q2iQ", ds, 48)

    address = checked(libc.shmat(shmid, None, SHM_RDONLY))
    row = next(row for row in rows("self") if row.start == address)
    content = ctypes.string_at(address, row.end - row.start)
    checked(libc.shmdt(ctypes.c_void_p(address)))
    return Segment(
        shmid, key, size, mode & 0o777, uid, gid, cpid, lpid, nattch, bool(mode & SHM_DEST),
        (row.device, row.inode), content,
    )


def read(pid, name, mode="r"):
    with open(f"/proc/{pid}/{name}", mode) as file:
        return file.read()


class Process(NamedTuple):
    pid: int
    word: int  # bytes of a long: 4 or 8
    machine: int  # e_machine
    command: str
    arguments: list
    executable: str
    uid: int
    threads: dict  # tid -> name
    coredump_filter: int
    page_size: int
    rows: list
    files: list  # shared memory, or what is named like it, segments included


class File(NamedTuple):
    row: Row
    linked: bool  # it has a name in a folder
    content: bytes


def file(pid, row):
    with open(f"/proc/{pid}/map_files/{row.start:x}-{row.end:x}", "rb") as mapped:
        return File(row, os.fstat(mapped.fileno()).st_nlink > 0, mapped.read())


def process(pid):
    elf = read(pid, "exe", "rb")
    word = {1: 4, 2: 8}[elf[4]]
    auxv = read(pid, "auxv", "rb")
    entries = dict(struct.iter_unpack("=II" if word == 4 else "=QQ", auxv))
    mapped = rows(pid)
    status = dict(line.split(":", 1) for line in read(pid, "status").splitlines())
    return Process(
        pid=pid,
        word=word,
        machine=struct.unpack_from("=H", elf, 18)[0],
        command=read(pid, "comm").rstrip("\n"),
        arguments=read(pid, "cmdline").split("\0")[:-1],
        executable=os.readlink(f"/proc/{pid}/exe"),
        uid=int(status["Uid"].split()[0]),
        threads={int(tid): read(pid, f"task/{tid}/comm").rstrip("\n") for tid in os.listdir(f"/proc/{pid}/task")},
        coredump_filter=int(read(pid, "coredump_filter"), 16),
        page_size=entries[AT_PAGESZ],
        rows=mapped,
        files=[file(pid, row) for row in mapped if "SYSV" in row.name or row.name.startswith("/dev/shm/")],
    )


def asleep(pid):
    """Whether every thread waits, so that the dump will show what was seen."""
    tids = os.listdir(f"/proc/{pid}/task")
    return all(read(pid, f"task/{tid}/stat").rpartition(")")[2].split()[0] == "S" for tid in tids)
