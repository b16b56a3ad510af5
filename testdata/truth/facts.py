"""The expected facts of a segment, from what is saved of each of its mappings.

testdata/make feeds this with the bytes of the living segment and the rule of the dumper, testdata/check with what it
reads in the dump: the two must come out equal.
"""

import hashlib
import itertools
from typing import NamedTuple

FLAG_NAMES = {0: "empty", 1: "ready", 2: "read"}


class Mapping(NamedTuple):
    """One row: `runs` covers it from `start` to `end` with (length, bytes) or (length, reason)."""

    start: int
    end: int
    offset: int
    permissions: str
    runs: list

    @property
    def base(self):
        return self.start - self.offset


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def segment(mappings):
    """mapped, saved, state, sha256, mailbox and attachments of one segment, every offset counted once."""
    cells = offsets(mappings)
    return {
        **totals(cells),
        "sha256": sha256(saved_bytes(cells)),
        "mailbox": mailbox(cells),
        "attachments": [attachment(base, mappings) for base in bases(mappings)],
    }


def bases(mappings):
    """In the order of their lowest mapped address."""
    lowest = {}
    for row in mappings:
        lowest[row.base] = min(row.start, lowest.get(row.base, row.start))
    return sorted(lowest, key=lowest.get)


def attachment(base, mappings):
    own = sorted(row for row in mappings if row.base == base)
    return {
        "base": hex(base),
        "start": hex(own[0].start),
        "end": hex(own[-1].end),
        **totals(offsets(own)),
        "mappings": [mapping(row) for row in own],
    }


def mapping(row):
    missing, at = [], row.start
    for length, what in row.runs:
        if isinstance(what, str):
            offset = row.offset + at - row.start
            missing.append({"start": hex(at), "end": hex(at + length), "offset": offset, "reason": what})
        at += length
    data = saved_bytes(offsets([row]))
    return {
        "start": hex(row.start),
        "end": hex(row.end),
        "offset": row.offset,
        "permissions": row.permissions,
        "saved": len(data),
        "sha256": sha256(data),
        "missing": missing,
    }


class Cells(NamedTuple):
    """The segment from offset 0: what each byte is, and its value where it is saved."""

    kinds: bytearray
    values: bytearray


UNMAPPED, NOT_SAVED, CUT_OFF, SAVED = range(4)  # where mappings overlap, the highest wins
MISSING = {"not-saved": NOT_SAVED, "cut-off": CUT_OFF}


def offsets(mappings):
    size = max(row.offset + row.end - row.start for row in mappings)
    cells = Cells(bytearray(size), bytearray(size))
    for row in mappings:
        at = row.offset
        for length, what in row.runs:
            here = slice(at, at + length)
            if isinstance(what, str):
                cells.kinds[here] = bytes(max(kind, MISSING[what]) for kind in cells.kinds[here])
            else:
                cells.kinds[here] = bytes([SAVED]) * length
                cells.values[here] = what
            at += length
    return cells


def saved_bytes(cells):
    return bytes(itertools.compress(cells.values, (kind == SAVED for kind in cells.kinds)))


def totals(cells):
    mapped, saved = len(cells.kinds) - cells.kinds.count(UNMAPPED), cells.kinds.count(SAVED)
    if CUT_OFF in cells.kinds:
        state = "cut-off"
    elif saved == mapped:
        state = "whole"
    else:
        state = "partial" if saved else "absent"
    return {"mapped": mapped, "saved": saved, "state": state}


def mailbox(cells):
    """A flag in byte 0, then a message up to its NUL, or as far as it is saved without a gap."""

    def saved(offset):
        return offset < len(cells.kinds) and cells.kinds[offset] == SAVED

    flag = cells.values[0] if saved(0) else None
    end = 1
    while saved(end) and cells.values[end] != 0:
        end += 1
    data = bytes(cells.values[1:end])
    message = {"length": len(data), "text": text(data), "hex": data.hex(), "terminated": saved(end)}
    return {"flag": flag, "flag_name": FLAG_NAMES.get(flag), "message": message if saved(1) else None}


def text(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
