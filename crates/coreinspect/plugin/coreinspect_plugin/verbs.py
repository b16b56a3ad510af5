"""What coreinspect can do: its table of commands, as `coreinspect plugin --verbs` prints it."""

from .binary import crashed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from .binary import Binary

# What a verb works on.
A_DUMP = ("dump", "segments", "dumps")


class Verb:
    """A word behind `shm`."""

    def __init__(self, row: "Dict[str, Any]") -> None:
        self.name: str = row["name"]
        self.words: "List[str]" = row["words"]
        self.takes: str = row["takes"]
        self.about: str = row["about"]
        # For people, at the debugger's prompt.
        self.help: str = row["help"]
        self.options: "List[str]" = row["options"]

    def summary(self) -> str:
        """The first sentence of what it does."""
        return self.about.split(". ")[0]

    def document(self) -> str:
        """The help, with the first sentence alone in its first line: debuggers list the verbs by it."""
        rest = self.about[len(self.summary()) + 2 :]
        return "\n\n".join(part for part in (self.summary(), rest, self.help.split("\n\n", 1)[-1]) if part)

    def on_dump(self, path: str, arguments: "List[str]") -> "List[str]":
        dump = [path] if self.takes in A_DUMP else []
        return self.words + dump + arguments


class Verbs:
    """The table, by name."""

    def __init__(self, table: "Dict[str, Any]") -> None:
        self.version: str = table["version"]
        self.layouts: "List[str]" = table["layouts"]
        self.by_name = {row["name"]: Verb(row) for row in table["verbs"]}


def ask(binary: "Binary") -> "Optional[Verbs]":
    """The table of `binary`; None if it is too old to have one."""
    import json

    chunks: "List[bytes]" = []
    status, _ = binary.at_load(lambda: binary.stream(["plugin", "--verbs"], chunks.append))
    if status < 0:
        raise crashed(status)
    if status != 0:
        return None
    try:
        return Verbs(json.loads(b"".join(chunks).decode("utf-8")))
    except (ValueError, KeyError, TypeError):
        return None


def wants_help(words: "List[str]") -> bool:
    return "-h" in words or "--help" in words


def own(name: str, takes: str, help: str) -> Verb:
    """A verb that only a debugger can do, and that coreinspect has no command for."""
    about = help.split("\n", 1)[0]
    row: "Dict[str, Any]" = dict(name=name, takes=takes, about=about, help=help)
    return Verb(dict(row, words=[], options=[]))


LAYOUT = own(
    "layout",
    "segments",
    """Prints the bytes of a segment as a type of the program.

Usage: shm layout SEGMENT TYPE [--at OFFSET]

The type is the debugger's own (struct queue, unsigned char[16]), and so is the printer; the bytes are read from the dump by
coreinspect. They begin at OFFSET, else at the place that is named (@ADDRESS, SEGMENT+OFFSET), else at the segment's start. A field whose bytes are not there is <not in the dump>. What a char * points to is the debugger's to find.
""",
)
CORE = own(
    "core",
    "nothing",
    """Says which core is looked at, or names another.

Usage: shm core [FILE]

It is for the core (or process) that the debugger looks at now: another core, another inferior, and it is forgotten.
`shm core -` takes the debugger's own again.
""",
)
TIMEOUT = own(
    "timeout",
    "nothing",
    """Says how long a call of coreinspect may take, or sets it.

Usage: shm timeout [SECONDS]

300 seconds at first; `shm timeout off` waits for ever. What runs when a core is loaded, and Tab, get 10 seconds at most. Ctrl-C
ends a call at any time.
""",
)
# In the order in which they are listed.
OWN = (LAYOUT, CORE, TIMEOUT)
