"""Compares the expected facts of a dump with what the dump says, read by truth.elfcore."""

import re

from truth import facts

SEGMENT_NAME = re.compile(r"/SYSV[0-9a-f]{8} \(deleted\)")


def differences(expected, core):
    """One line for each fact of the expected document that the dump denies."""
    found = []

    def compare(what, left, right):
        if left != right:
            found.append(f"{what}: expected {left!r}, the dump says {right!r}")

    for name, value in {
        "writer": core.writer,
        "class": core.class_,
        "byte_order": core.byte_order,
        "machine": core.machine,
        "page_size": core.page_size,
        "file_size": len(core.data),
        "loads_sorted": core.loads == sorted(core.loads),
        "complete": core.complete(),
    }.items():
        compare(name, expected[name], value)

    process = core.process()
    threads = process.pop("threads")
    if (expected["writer"], expected["byte_order"]) == ("qemu-user", "big"):
        del process["uid"]  # qemu-user swaps 16 of its 32 bits: linux-user/elfload.c, bswap_psinfo()
    compare("first thread", expected["first_thread"], threads[0])
    compare("threads", expected["threads"], sorted(threads))
    for name, value in process.items():
        compare(name, expected[name], value)

    for segment in expected["segments"]:
        compare_segment(segment, core, compare)
    for other in expected["others"]:
        compare_other(other, core, compare)

    known = expected["segments"] + [other for other in expected["others"] if other["named_like_a_segment"]]
    names = {item["name"] for item in known} - {None}
    compare("names", names, {row.name for row in core.files if SEGMENT_NAME.fullmatch(row.name)})
    return found


def compare_segment(expected, core, compare):
    label, key = expected["key"], int(expected["key"], 16)
    if expected["name"] is not None:
        compare(f"{label} name", f"/SYSV{key:08x} (deleted)", expected["name"])
    compare(f"{label} private", expected["private"], key == 0)
    mappings = []
    for attachment in expected["attachments"]:
        for mapping in attachment["mappings"]:
            mappings.append(read_mapping(mapping, core))
            compare_name(label, mapping, expected["name"], core, compare)
    read = facts.segment(mappings)
    for name, value in read.items():
        if name != "attachments":
            compare(f"{label} {name}", expected[name], value)
    compare(f"{label} attachments", without_live(expected["attachments"]), read["attachments"])


def compare_other(expected, core, compare):
    label = expected["name"]
    compare_name(label, expected, expected["name"], core, compare)
    read = facts.mapping(read_mapping(expected, core))
    compare(label, {name: expected[name] for name in read}, read)


def compare_name(label, mapping, name, core, compare):
    row = next((row for row in core.files if hex(row.start) == mapping["start"]), None)
    if name is None:
        compare(f"{label} NT_FILE", None, row)
    else:
        wanted = (mapping["start"], mapping["end"], mapping["offset"], name)
        compare(f"{label} NT_FILE", wanted, row and (hex(row.start), hex(row.end), row.offset, row.name))


def read_mapping(mapping, core):
    start, end = int(mapping["start"], 16), int(mapping["end"], 16)
    load = core.load_at(start)
    permissions = load.permissions if load else None
    return facts.Mapping(start, end, mapping["offset"], permissions, list(core.runs(start, end)))


def without_live(attachments):
    return [
        {**attachment, "mappings": [{k: v for k, v in m.items() if k != "live"} for m in attachment["mappings"]]}
        for attachment in attachments
    ]
