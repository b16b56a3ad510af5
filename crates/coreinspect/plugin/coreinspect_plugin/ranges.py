"""Which bytes of a segment are in the dump, and which are missing."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Tuple

    Ranges = List[Tuple[int, int]]


def mappings(dump: "Dict[str, Any]") -> "Iterable[Tuple[Dict[str, Any], Dict[str, Any]]]":
    """Every mapping of a dump, with its segment."""
    for segment in dump["segments"]:
        for attachment in segment["attachments"]:
            for mapping in attachment["mappings"]:
                yield segment, mapping


def saved(segment: "Dict[str, Any]") -> "Ranges":
    """The offsets of a segment that some attachment has saved, sorted."""
    runs = []
    for attachment in segment["attachments"]:
        for mapping in attachment["mappings"]:
            at = mapping["offset"]
            for run in mapping["missing"]:
                runs.append((at, run["offset"]))
                at = run["offset"] + int(run["end"], 16) - int(run["start"], 16)
            length = int(mapping["end"], 16) - int(mapping["start"], 16)
            runs.append((at, mapping["offset"] + length))
    return sorted(run for run in runs if run[0] < run[1])


def gaps(runs: "Ranges", at: int, size: int) -> "Ranges":
    """What the sorted `runs` leave uncovered of `size` bytes from `at` on, counted from `at`."""
    found = []
    reached = at
    for start, end in runs + [(at + size, at + size)]:
        if start > reached:
            found.append((reached - at, min(start, at + size) - at))
        reached = max(reached, end)
        if reached >= at + size:
            break
    return found


def overlap(missing: "Ranges", start: int, size: int) -> int:
    """How many of `size` bytes from `start` on are missing."""
    parts = (min(start + size, end) - max(start, begin) for begin, end in missing)
    return sum(part for part in parts if part > 0)


def describe(runs: "List[Tuple[int, int, Dict[str, Any]]]") -> str:
    """`0x1000-0x2000 (segment 1, key 0x7800c028), ...`; the first four."""
    shown = ["{:#x}-{:#x} ({})".format(start, end, label(segment)) for start, end, segment in runs[:4]]
    more = len(runs) - len(shown)
    return ", ".join(shown) + (", and {} more ranges".format(more) if more else "")


def label(segment: "Dict[str, Any]") -> str:
    return "segment {}, key {}".format(segment["number"], segment["key"] or "unknown")
