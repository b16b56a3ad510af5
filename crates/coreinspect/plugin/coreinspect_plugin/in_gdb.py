"""The commands and functions in gdb."""

import re
import sys

import gdb

from .arguments import layout_arguments
from .binary import Binary, Trouble
from .gdb_types import type_named, with_gaps
from .ranges import describe, label
from .session import Debugger, Mapping, Session, Subject
from .settings import SETTINGS
from .verbs import LAYOUT, OWN, Verb, Verbs, wants_help

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Set, Tuple

# A row of `info proc mappings`: start, end, size, offset, in newer versions rights, and the name.
MAPPING = re.compile(
    r"^\s*(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)\s+(?:[-rwxsp]+\s+)?/SYSV([0-9a-f]{8}) \(deleted\)$"
)
# What `info files` says of a core: its path stands between ` and ', and may hold whatever stands behind it.
CORE_PATH = re.compile(r"^Local core dump file:\n\t`(.*?)', file type [\w.-]+\.$", re.DOTALL | re.MULTILINE)


class Gdb(Debugger):
    """gdb, as far as a verb needs it."""

    name = "gdb"

    def subject(self) -> Subject:
        core = core_file()
        if core is not None:
            return Subject(core=core)
        inferior = gdb.selected_inferior()
        if inferior.pid == 0:
            return Subject(why="inferior {} has neither a core nor a process: `core-file FILE`".format(inferior.num))
        target = kind(inferior)
        if target == "native" or target is None:
            return Subject(pid=inferior.pid)
        return Subject(
            why="the process is behind target {}, and coreinspect reads cores and processes of its own machine: run "
            "`coreinspect live {}` there, or write a core with `generate-core-file` and look at that. gdb itself knows "
            "these segments:\n{}".format(
                target, inferior.pid, self.mapped_lines()
            )
        )

    def place(self) -> "Tuple[Any, Any]":
        inferior = gdb.selected_inferior()
        try:
            return inferior.num, (inferior.pid, core_file())
        except Trouble:
            return inferior.num, inferior.pid

    def width(self) -> "Optional[int]":
        columns: "Optional[int]" = gdb.parameter("width")
        return columns or None

    def colour(self) -> bool:
        try:
            wanted = bool(gdb.parameter("style enabled"))
        except (gdb.error, RuntimeError):
            return False
        return wanted and sys.__stdout__ is not None and sys.__stdout__.isatty()

    def write(self, text: str) -> None:
        gdb.write(text)

    def note(self, text: str) -> None:
        gdb.flush()
        gdb.write("".join("coreinspect: {}\n".format(line) for line in text.replace("coreinspect: ", "").splitlines()),
                  gdb.STDERR)

    def mapped_segments(self) -> "List[Mapping]":
        try:
            listing = gdb.execute("info proc mappings", to_string=True)
        except gdb.error:
            return []
        rows = (MAPPING.match(line.rstrip()) for line in listing.splitlines())
        return [Mapping("0x" + row[4], int(row[1], 16), int(row[2], 16), int(row[3], 16)) for row in rows if row]


def core_file() -> "Optional[str]":
    """The core of the selected inferior, as gdb names it; Trouble if gdb cannot."""
    try:
        found = CORE_PATH.search(gdb.execute("info files", to_string=True))
    except UnicodeDecodeError:
        raise Trouble("gdb cannot say which core it reads, a name that is not UTF-8; say `shm core FILE`")
    return found.group(1) if found is not None else None


def kind(inferior: "gdb.Inferior") -> "Optional[str]":
    """What is behind an inferior: "core", "native", "remote", ...; None where gdb is too old to say."""
    connection = getattr(inferior, "connection", None)
    return connection.type if connection is not None else None


def guarded(work: "Callable[[], Any]") -> "Any":
    """Does `work`; what goes wrong is an error of gdb's, not a traceback."""
    try:
        return work()
    except Trouble as trouble:
        raise gdb.GdbError(str(trouble))
    except (gdb.error, gdb.GdbError):
        raise
    except KeyboardInterrupt:
        raise gdb.GdbError("Quit")
    except Exception as error:
        raise gdb.GdbError("coreinspect's plugin: {}: {}".format(type(error).__name__, error))


class Command(gdb.Command):
    """A verb behind `shm`."""

    def __init__(self, prefix: str, session: Session, verb: Verb) -> None:
        self.__doc__ = verb.document()
        self.session = session
        self.verb = verb
        super().__init__(prefix + " " + verb.name, gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        self.dont_repeat()
        words = gdb.string_to_argv(argument)
        if wants_help(words):
            gdb.write(self.verb.help)
        else:
            guarded(lambda: self.act(words))

    def act(self, words: "List[str]") -> None:
        self.session.run(self.verb, words)
        if self.verb.name == "list" and not words:
            explain(self.session)

    def complete(self, text: str, word: "Optional[str]") -> "Any":
        if word is None:
            return []
        before, last = split(text)
        try:
            found = self.session.binary.at_load(lambda: self.candidates(before, last))
        except (Exception, KeyboardInterrupt):
            return []  # there is no place to complain in
        # gdb completes from its last word break on, which # and - are too.
        skip = len(last) - len(word)
        return gdb.COMPLETE_FILENAME if found is None else [candidate[skip:] for candidate in found]

    def candidates(self, before: "List[str]", last: str) -> "Optional[List[str]]":
        return self.session.complete(self.verb, before, last)


class Layout(Command):
    """`shm layout SEGMENT TYPE`."""

    def act(self, words: "List[str]") -> None:
        selector, name, at = layout_arguments(words)
        kind = type_named(name)
        found, missing = self.session.bytes_for(selector, kind.sizeof, at)
        value = gdb.Value(found, kind)
        if missing:
            gdb.write("{}\n".format(with_gaps(found, kind, missing)))
        elif hasattr(gdb, "add_history"):
            gdb.write("${} = {}\n".format(gdb.add_history(value), value.format_string()))
        else:
            gdb.write("{}\n".format(value.format_string()))

    def candidates(self, before: "List[str]", last: str) -> "Optional[List[str]]":
        if not before:
            return self.session.complete(self.verb, before, last)
        if before[-1] == "--at":
            return []
        listing = gdb.execute("info types ^{}".format(re.escape(last)), to_string=True)
        names = re.findall(r"^(?:\d+:)?\s+(?:typedef .*?)?((?:struct |union |enum )?\w+);?$", listing, re.MULTILINE)
        if before[-1] in ("struct", "union", "enum"):
            names = [name.split()[-1] for name in names if name.startswith(before[-1] + " ")]
        else:
            names += [name.split()[-1] for name in names]
        return sorted({name for name in names if name.startswith(last)} | words_before_tags(last))


class Setting(Command):
    """`shm core [FILE]`, `shm timeout [SECONDS]`."""

    def act(self, words: "List[str]") -> None:
        SETTINGS[self.verb.name](self.session, words)

    def candidates(self, before: "List[str]", last: str) -> "Optional[List[str]]":
        return None if self.verb.name == "core" else []


class Prefix(gdb.Command):
    """What was in System V shared memory: coreinspect's commands, on the core that gdb looks at.

SEGMENT is a key in any spelling (0x7800c028, SYSV7800c028), @ADDRESS inside it, or its number in `shm list`; +OFFSET behind it names a place in it.
Everything is read from the dump itself, never through gdb's memory, which may show zeroes for bytes that were not saved.
In expressions, $shm(KEY) is the address of a segment and $shm_saved(ADDRESS) tells whether its byte is in the dump."""

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self.session = session
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument: str, from_tty: bool) -> None:
        self.dont_repeat()
        words = gdb.string_to_argv(argument)
        guarded(lambda: self.act(words))

    def act(self, words: "List[str]") -> None:
        if not words:
            gdb.execute("help " + self.name)
            return
        # No verb that was known when the plugin was loaded; perhaps the binary is newer.
        self.session.run(self.session.verb(words[0]), words[1:])


class Address(gdb.Function):
    """$shm(KEY): the address of offset 0 of a segment, named as `shm show` takes it; the lowest, if there are several.

KEY is a number (0x7800c028) or a string ("1", the number in `shm list`, or "SYSV7800c028")."""

    def __init__(self, session: Session) -> None:
        self.session = session
        super().__init__("shm")

    def invoke(self, *segment: "gdb.Value") -> "Any":
        return guarded(lambda: pointer(self.base(selector_of(segment))))

    def base(self, selector: str) -> int:
        # An address is of use only in the memory that gdb reads.
        subject = self.session.memory()
        mappings = self.session.debugger.mapped_segments() if subject.core is None else []
        bases = [mapping.start - (mapping.offset or 0) for mapping in mappings if mapping.key == selector]
        if bases:
            return min(bases)
        found = self.session.segment(subject.path(), selector)
        return min(int(attachment["base"], 16) for attachment in found["attachments"])


class Saved(gdb.Function):
    """$shm_saved(ADDRESS): 1 if the byte there is in the dump, 0 if it was not saved, whatever gdb shows there.

An address outside all segments is an error."""

    def __init__(self, session: Session) -> None:
        self.session = session
        super().__init__("shm_saved")

    def invoke(self, *address: "gdb.Value") -> int:
        return int(guarded(lambda: self.session.is_saved(self.session.memory().a_core(), address_of(address))))


def selector_of(arguments: "Tuple[gdb.Value, ...]") -> str:
    """A key as coreinspect reads it: a number is a key_t, whatever its sign; a string any selector."""
    code = code_of(arguments)
    if code in (gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_PTR):
        try:
            return str(arguments[0].string())
        except (gdb.error, UnicodeDecodeError):
            pass
    elif code in NUMBERS:
        return "0x{:08x}".format(int(arguments[0]) & 0xFFFFFFFF)
    raise Trouble('give one segment, a number or a string: $shm(0x7800c028), $shm("1")')


def address_of(arguments: "Tuple[gdb.Value, ...]") -> int:
    if code_of(arguments) in NUMBERS + (gdb.TYPE_CODE_PTR,):
        return int(arguments[0]) & 0xFFFFFFFFFFFFFFFF
    raise Trouble("give one address: $shm_saved(&queue->count)")


def code_of(arguments: "Tuple[gdb.Value, ...]") -> "Optional[int]":
    """What kind of value the one argument is; None if there is another number of them."""
    if len(arguments) != 1:
        return None
    code: int = arguments[0].type.strip_typedefs().code
    return code


NUMBERS = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_BOOL)


def pointer(address: int) -> "gdb.Value":
    try:
        return gdb.Value(address).cast(gdb.lookup_type("void").pointer())
    except gdb.error:  # a language without void
        return gdb.Value(address)


def split(text: str) -> "Tuple[List[str], str]":
    """The whole words before the last, and the last, which may be empty."""
    words = text.split()
    last = words.pop() if words and not text[-1:].isspace() else ""
    return words, last


def words_before_tags(last: str) -> "Set[str]":
    return {word for word in ("struct", "union", "enum") if last and word.startswith(last)}


def explain(session: Session) -> None:
    """What gdb says and shows of the segments of a core, and what is meant by it."""
    core = session.subject().core
    if core is None or session.named_core() is not None:
        return  # gdb looks at no core, or at another
    named = [segment for segment in session.dump(core)["segments"] if segment["name"]]
    if named:
        session.debugger.note(
            "gdb's warning \"Can't open file {} during file-backed mapping note processing\" means that there is no such "
            "file: it is the kernel's name of {}. What was saved of it is in the core.".format(
                named[0]["name"], "the segment " + label(named[0])
            )
        )
    warn_of_zeroes(session, core)


def warn_of_zeroes(session: Session, core: str) -> None:
    runs = [run for run in session.unsaved(core) if is_zero_in_gdb(run[0])]
    if runs:
        session.debugger.note(
            "gdb shows zeroes for shared memory that was not saved: {}; `shm list` says why".format(describe(runs))
        )


def is_zero_in_gdb(address: int) -> bool:
    """Whether gdb reads a zero there: up to 15 it does where a core has no bytes, 16 and 17 answer an error, 18
    <unavailable>, and none does where something else gives it the bytes."""
    try:
        return bytes(gdb.selected_inferior().read_memory(address, 1)) == b"\0"
    except gdb.error:
        return False


class Watch:
    """Warns once when a core is loaded, and only of what would mislead."""

    def __init__(self, session: Session) -> None:
        self.session = session
        gdb.events.new_thread.connect(self.on_thread)

    def on_thread(self, event: "Any") -> None:
        # The first thread is told of after the core is in place; a process that makes threads is none of our business.
        if event.inferior_thread.num == 1 and kind(gdb.selected_inferior()) in ("core", None):
            self.look()

    def look(self) -> None:
        """A core without segments, and a missing binary, are no reason to speak before anybody asked."""
        try:
            core = self.session.subject().core
            if core is not None and self.session.named_core() is None:
                self.session.binary.at_load(lambda: warn_of_zeroes(self.session, core))
        except Exception:
            pass
        except KeyboardInterrupt:
            gdb.write("coreinspect: interrupted; `shm list` looks at the core\n", gdb.STDERR)

    def end(self) -> None:
        gdb.events.new_thread.disconnect(self.on_thread)


def is_taken(command: str) -> bool:
    listing = gdb.execute("complete " + command, to_string=True).splitlines()
    return command in listing


def load(table: "Dict[str, Any]", installed_by: "Optional[str]", loaded_before: bool) -> "Callable[[], None]":
    """Makes the commands; answers how to undo what a second load would do twice."""
    prefix = "coreinspect" if not loaded_before and is_taken("shm") else "shm"
    session = Session(Gdb(), Binary(installed_by), Verbs(table))
    Prefix(prefix, session)
    session.register = lambda verb: Command(prefix, session, verb)
    for verb in session.verbs.by_name.values():
        session.register(verb)
    for own in OWN:
        (Layout if own is LAYOUT else Setting)(prefix, session, own)
    Address(session)
    Saved(session)
    watch = Watch(session)
    if gdb.selected_inferior().pid:
        watch.look()
    return watch.end

