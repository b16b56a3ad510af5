"""A small reader of ELF cores, sharing nothing with coreinspect: what testdata/check needs.

Sources: elf(5), core(5), linux/elfcore.h, asm/elf.h, asm-generic/siginfo.h; NT_FILE: fill_files_note() in
fs/binfmt_elf.c.
"""

import struct
from typing import NamedTuple

MACHINES = {3: "i386", 4: "m68k", 8: "mips", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 42: "sh", 62: "x86_64", 183: "aarch64",
            243: "riscv64"}
OTHER_WORD = {"mips": (64, "mips64"), "x86_64": (32, "x32")}  # the same machine with words of so many bits
SHORT_UIDS = {"i386", "x32", "arm", "m68k", "sh"}  # __kernel_uid_t, or __compat_uid_t, is a short: asm/posix_types.h
PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_PRPSINFO, NT_AUXV = 1, 3, 6
NT_SIGINFO, NT_FILE = 0x53494749, 0x46494C45
AT_PHDR, AT_PAGESZ = 3, 6


class Load(NamedTuple):
    start: int
    end: int
    permissions: str
    file_offset: int
    file_size: int
    align: int


class NamedRow(NamedTuple):
    start: int
    end: int
    offset: int  # bytes
    name: str


class ElfCore:
    def __init__(self, data):
        self.data = data
        self.byte_order = {1: "little", 2: "big"}[data[5]]
        self.order = {"little": "<", "big": ">"}[self.byte_order]
        if data[:4] != b"\x7fELF" or self.unpack("H", data, 16)[0] != 4:
            raise ValueError("not an ELF core")
        self.class_ = {1: 32, 2: 64}[data[4]]
        self.wide = self.class_ == 64
        self.word = "Q" if self.wide else "I"
        self.machine = MACHINES[self.unpack("H", data, 18)[0]]
        if self.class_ == OTHER_WORD.get(self.machine, (0,))[0]:
            self.machine = OTHER_WORD[self.machine][1]
        elif (self.machine, self.byte_order) == ("ppc64", "little"):
            self.machine = "ppc64le"
        headers = self.program_headers()
        self.loads = [load for kind, load in headers if kind == PT_LOAD]
        self.notes = [note for kind, load in headers if kind == PT_NOTE for note in self.note_list(load)]
        self.auxv = dict(struct.iter_unpack(self.order + "2" + self.word, self.note(NT_AUXV)))
        self.page_size = self.auxv[AT_PAGESZ]
        self.files = self.file_rows()
        if {load.align for load in self.loads} == {1}:
            self.writer = "gcore"
        else:
            self.writer = "kernel" if self.all_notes(NT_SIGINFO) else "qemu-user"

    def unpack(self, shape, data, at=0):
        return struct.unpack_from(self.order + shape, data, at)

    def program_headers(self):
        offset = self.unpack("Q", self.data, 32)[0] if self.wide else self.unpack("I", self.data, 28)[0]
        size, count = self.unpack("2H", self.data, 54 if self.wide else 42)
        return [self.program_header(offset + i * size) for i in range(count)]

    def program_header(self, at):
        if self.wide:
            kind, flags, offset, address, _, in_file, in_memory, align = self.unpack("2I6Q", self.data, at)
        else:
            kind, offset, address, _, in_file, in_memory, flags, align = self.unpack("8I", self.data, at)
        permissions = "".join(c if flags & bit else "-" for c, bit in (("r", 4), ("w", 2), ("x", 1)))
        return kind, Load(address, address + in_memory, permissions, offset, in_file, align)

    def note_list(self, header):
        at, end = header.file_offset, header.file_offset + header.file_size
        while at < end:
            name_size, size, kind = self.unpack("3I", self.data, at)
            name = self.data[at + 12 : at + 12 + name_size].rstrip(b"\0")
            at += 12 + (name_size + 3 & ~3)
            yield name, kind, self.data[at : at + size]
            at += size + 3 & ~3

    def all_notes(self, kind):
        return [data for name, found, data in self.notes if (name, found) == (b"CORE", kind)]

    def note(self, kind):
        (data,) = self.all_notes(kind)
        return data

    def file_rows(self):
        if not self.all_notes(NT_FILE):
            return []
        note = self.note(NT_FILE)
        count, unit = self.unpack("2" + self.word, note)
        table = 2 * struct.calcsize(self.word)
        rows = list(struct.iter_unpack(self.order + "3" + self.word, note[table : table + count * 3 * table // 2]))
        names = note[table + count * 3 * table // 2 :].split(b"\0")
        decoded = [name.decode("utf-8", "surrogateescape") for name in names]
        return [NamedRow(start, end, offset * unit, name) for (start, end, offset), name in zip(rows, decoded)]

    def process(self):
        info, status = self.note(NT_PRPSINFO), self.all_notes(NT_PRSTATUS)
        uid, pid, names, tid = (16, 24, 40, 32) if self.wide else (8, 16, 32, 24)
        short = self.machine in SHORT_UIDS
        if short:
            pid, names = pid - 4, names - 4
        if self.machine == "m68k":
            tid = 22  # a long stands at any even address
        siginfo = (self.all_notes(NT_SIGINFO) or [bytes(24)])[0]
        signal, code = self.unpack("3i", siginfo, 0)[:: 1 if self.machine.startswith("mips") else 2][:2]
        current = self.unpack("h", status[0], 12)[0]
        address = self.unpack(self.word, siginfo, 16 if self.wide else 12)[0]
        executable = [row.name for row in self.files if row.start <= self.auxv[AT_PHDR] < row.end]
        return {
            "pid": self.unpack("i", info, pid)[0],
            "command": info[names : names + 16].split(b"\0")[0].decode(),
            "arguments": info[names + 16 : names + 96].split(b"\0")[0].decode().rstrip(" "),
            "executable": executable[0] if executable else None,
            "uid": self.unpack("H" if short else "I", info, uid)[0],
            "signal": current or None,
            "fault_address": hex(address) if current and signal in (4, 7, 8, 11) and code > 0 else None,
            "threads": [self.unpack("i", note, tid)[0] for note in status],
        }

    def complete(self):
        return all(load.file_offset + load.file_size <= len(self.data) for load in self.loads)

    def load_at(self, address):
        return next((load for load in self.loads if load.start <= address < load.end), None)

    def runs(self, start, end):
        """(length, bytes) for what is saved of start..end, (length, reason) for what is not."""
        while start < end:
            load = self.load_at(start)
            if load is None:
                after = min([other.start for other in self.loads if other.start > start] + [end])
                length, what = min(after, end) - start, "not-saved"
            else:
                length = min(end, load.end) - start
                within = start - load.start
                promised = load.file_size - within
                if promised <= 0:
                    what = "not-saved"
                else:
                    length = min(length, promised)
                    at = load.file_offset + within
                    what = self.data[at : at + length] or "cut-off"
                    if isinstance(what, bytes):
                        length = len(what)
            yield length, what
            start += length
