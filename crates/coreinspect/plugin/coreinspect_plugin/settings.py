"""The verbs that say what the others work on, and for how long."""

import os

from .binary import Trouble
from .verbs import CORE, TIMEOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, List, Optional

    from .session import Session


def core(session: "Session", words: "List[str]") -> None:
    """`core [FILE]`: says which core is looked at, or names another; `core -` takes the debugger's own again."""
    if len(words) > 1:
        raise Trouble("give one core: core [FILE]")
    if words:
        session.name(None if words == ["-"] else os.path.abspath(os.path.expanduser(words[0])))
    session.debugger.write(session.core() + "\n")


def timeout(session: "Session", words: "List[str]") -> None:
    """`timeout [SECONDS]`: says how long a call of coreinspect may take, or sets it."""
    if words:
        session.binary.patience = seconds(words)
    patience = session.binary.patience
    session.debugger.write("no limit\n" if patience is None else "{:g} seconds\n".format(patience))


def seconds(words: "List[str]") -> "Optional[float]":
    """Seconds, or None for `off`."""
    if words == ["off"]:
        return None
    try:
        (word,) = words
        found = float(word)
    except ValueError:
        found = 0.0
    # A year is no limit, and poll(2) takes milliseconds as an int.
    if not 0 < found < 2_000_000:
        raise Trouble("give a number of seconds, or off: timeout [SECONDS]")
    return found


SETTINGS: "Dict[str, Callable[[Session, List[str]], None]]" = {CORE.name: core, TIMEOUT.name: timeout}
