"""Types of the program in gdb, and values of them whose bytes are not all there."""

import re

import gdb

from .arguments import length
from .binary import Trouble
from .ranges import overlap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Tuple

    from .ranges import Ranges

MISSING = "<not in the dump>"
# How many runs of elements an array is shown in: gdb's own limit of elements bounds each.
MOST_RUNS = 200


def type_named(name: str) -> "gdb.Type":
    """A type as a user writes it: `struct queue`, `queue` where C would want `struct`, `unsigned char[16]`, `int *`."""
    plain, stars, dimensions = re.match(r"^(.*?)\s*(\**)\s*((?:\[\w+\]\s*)*)$", name).groups()  # type: ignore
    kind = plain_type(plain)
    for _ in stars:
        kind = kind.pointer()
    for words in reversed(re.findall(r"\[(\w+)\]", dimensions)):
        kind = kind.array(length(words) - 1)
    return kind


def plain_type(name: str) -> "gdb.Type":
    for spelling in (name, "struct " + name, "union " + name):
        try:
            return gdb.lookup_type(spelling)
        except gdb.error:
            continue
    try:
        # What C writes in other words than the symbols: unsigned, long long int.
        if re.match(r"^[\w :<>,]+$", name):
            return gdb.parse_and_eval("({} *) 0".format(name)).type.target()
    except gdb.error:
        pass
    raise Trouble('there is no type "{}" in the program\'s symbols (`file PROGRAM` loads them)'.format(name))


def with_gaps(raw: bytes, kind: "gdb.Type", missing: "Ranges", indent: str = "") -> str:
    """The value of `kind` in the bytes `raw` as gdb prints it, but for what has bytes that are not in the dump.

    The runs of `missing` are counted from the start of `raw`.
    """
    plain = kind.strip_typedefs()
    lost = overlap(missing, 0, plain.sizeof)
    if lost == 0:
        return str(gdb.Value(raw, kind).format_string())
    if lost == plain.sizeof:
        return MISSING
    if plain.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        parts = ["{} = {}".format(name, inner) for name, inner in members(raw, plain, missing, indent + "  ")]
    elif plain.code == gdb.TYPE_CODE_ARRAY:
        parts = elements(raw, plain, missing, indent + "  ")
    else:
        return "<{} of {} bytes are not in the dump>".format(lost, plain.sizeof)
    lines = ("{}  {}".format(indent, part) for part in parts)
    return "{{\n{}\n{}}}".format(",\n".join(lines), indent)


def members(raw: bytes, kind: "gdb.Type", missing: "Ranges", indent: str) -> "Iterator[Tuple[str, str]]":
    """The name and the text of each member of a struct or union."""
    value = gdb.Value(raw, kind)
    for field in kind.fields():
        bit = getattr(field, "bitpos", None)
        name = field.name or ""
        if bit is None:
            # A static member has none, nor has a base class whose place only the running program knows.
            if not hasattr(field, "bitpos"):
                continue
            yield name, "<its place is not known>"
        elif field.bitsize:
            end = (bit + field.bitsize + 7) // 8
            there = overlap(missing, bit // 8, end - bit // 8) == 0
            yield name, str(value[field].format_string()) if there else MISSING
        else:
            start = bit // 8
            end = start + field.type.sizeof
            yield name, with_gaps(raw[start:end], field.type, moved(missing, start), indent)


def elements(raw: bytes, kind: "gdb.Type", missing: "Ranges", indent: str) -> "List[str]":
    """The text of an array, run by run: gdb prints those that are whole, with its own limit and its own repeats."""
    element = kind.target()
    first, last = kind.range()
    size = element.sizeof
    parts: "List[str]" = []
    at = 0
    while at <= last - first and len(parts) < MOST_RUNS:
        state = overlap(missing, at * size, size)
        end = run_end(missing, at, size, last - first + 1) if state in (0, size) else at + 1
        bytes_of_run = raw[at * size : end * size]
        if state == size:
            text = MISSING
        elif state == 0:
            text = str(gdb.Value(bytes_of_run, element.array(end - at - 1)).format_string())
        else:
            text = with_gaps(bytes_of_run, element, moved(missing, at * size), indent)
        name = "[{}]".format(first + at) if end == at + 1 and state else "[{} to {}]".format(first + at, first + end - 1)
        parts.append("{} = {}".format(name, text))
        at = end
    return parts if at > last - first else parts + ["..."]


def run_end(missing: "Ranges", at: int, size: int, count: int) -> int:
    """Where the run of elements ends that are all there, or all missing, as element `at` is."""
    byte = at * size
    inside = [end for start, end in missing if start <= byte < end]
    edge = inside[0] if inside else min((start for start, _ in missing if start >= byte), default=count * size)
    return max(at + 1, min(count, edge // size))


def moved(missing: "Ranges", start: int) -> "Ranges":
    """The runs, counted from `start` on."""
    return [(begin - start, end - start) for begin, end in missing if end > start]
