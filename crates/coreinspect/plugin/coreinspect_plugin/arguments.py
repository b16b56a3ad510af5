"""The words behind the verbs that only a debugger has."""

from .binary import Trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Tuple


def layout_arguments(words: "List[str]") -> "Tuple[str, str, Optional[int]]":
    """SEGMENT, TYPE and the offset, if one is given, of `layout SEGMENT TYPE [--at OFFSET]`; a type may be of several words."""
    usage = "give a segment and a type: layout SEGMENT TYPE [--at OFFSET]"
    plain: "List[str]" = []
    at = None
    rest = iter(words)
    for word in rest:
        if word == "--at":
            at = offset(next(rest, ""))
        elif word.startswith("--at="):
            at = offset(word[len("--at=") :])
        else:
            plain.append(word)
    if len(plain) < 2:
        raise Trouble(usage)
    return plain[0], " ".join(plain[1:]), at


def offset(word: str) -> int:
    """A number as coreinspect reads it: 4096 or 0x1000."""
    try:
        found = int(word, 16 if word[:2].lower() == "0x" else 10)
    except ValueError:
        found = -1
    if found < 0:
        raise Trouble('--at takes an offset, as 4096 or 0x1000, and not "{}"'.format(word))
    return found


def length(word: str) -> int:
    """The length of an array, between its brackets."""
    try:
        found = int(word, 0)
    except ValueError:
        found = 0
    if found < 1:
        raise Trouble("[{}] is no length of an array".format(word))
    return found


def address(selector: str) -> "Optional[int]":
    """The address in `@ADDRESS`; None for a selector of another kind."""
    try:
        return int(selector[1:], 16) if selector.startswith("@") else None
    except ValueError:
        return None
