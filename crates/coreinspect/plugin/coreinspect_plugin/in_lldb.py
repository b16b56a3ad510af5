"""The commands in lldb."""

import os
import re
import shlex

import lldb

from .arguments import layout_arguments, length
from .binary import Binary, Trouble
from .ranges import overlap
from .session import Debugger, Mapping, Session, Subject
from .settings import SETTINGS
from .verbs import LAYOUT, OWN, Verb, Verbs, wants_help

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

    from .ranges import Ranges

# The states of a process that is no more there to be read.
GONE = (lldb.eStateInvalid, lldb.eStateUnloaded, lldb.eStateDetached, lldb.eStateExited)
SEGMENT = re.compile(r"^/SYSV([0-9a-f]{8}) \(deleted\)$")


class Lldb(Debugger):
    """lldb, as far as a verb needs it; `context` and `result` are those of the command that runs."""

    name = "lldb"

    def __init__(self, debugger: "lldb.SBDebugger") -> None:
        self.debugger = debugger
        self.result: "Optional[lldb.SBCommandReturnObject]" = None

    def target(self) -> "lldb.SBTarget":
        return self.debugger.GetSelectedTarget()

    def subject(self) -> Subject:
        process = self.target().GetProcess()
        if not process.IsValid():
            return Subject(why="there is neither a core nor a process: `target create --core FILE`")
        if process.GetPluginName().endswith("core"):
            return Subject(core=self.core(process))
        pid = process.GetProcessID()
        if process.GetState() in GONE:
            return Subject(why="process {} has ended, or lldb has let it go: there is nothing to read".format(pid))
        if is_ours(pid):
            return Subject(pid=pid)
        return Subject(
            why="the process is behind a server that this lldb did not start (gdb-remote, another machine), and coreinspect "
            "reads cores and processes of its own machine: run `coreinspect live {}` there, or write a core with gcore and "
            "look at that. {}".format(pid, self.told())
        )

    def place(self) -> "Tuple[Any, Any]":
        # No process has the number of another one; 0 is none.
        process = self.target().GetProcess()
        return (process.GetUniqueID() if process.IsValid() else 0), None

    def told(self) -> str:
        """What lldb itself knows of the segments; nothing where it has no name for any memory."""
        if not any(True for _ in self.named_regions()):
            return "lldb does not tell the names of memory here, so it cannot say where segments are"
        return "lldb itself knows these segments:\n" + self.mapped_lines()

    def core(self, process: "lldb.SBProcess") -> str:
        if hasattr(process, "GetCoreFile"):
            return os.path.abspath(str(process.GetCoreFile()))
        # Older ones do not tell, but map the file.
        cores = sorted(path for path in mapped_files() if is_elf_core(path))
        if len(cores) == 1:
            return cores[0]
        which = "it is one of: " + ", ".join(cores) if cores else "none is mapped"
        raise Trouble("this lldb does not say which core it reads, and {}; say `shm core FILE`".format(which))

    def width(self) -> "Optional[int]":
        return self.debugger.GetTerminalWidth() or None

    def colour(self) -> bool:
        return self.debugger.GetUseColor() and os.isatty(1)

    def write(self, text: str) -> None:
        assert self.result is not None
        self.result.Print(text)

    def note(self, text: str) -> None:
        assert self.result is not None
        lines = text.replace("coreinspect: ", "").splitlines()
        self.result.AppendWarning("\n".join("coreinspect: " + line for line in lines))

    def named_regions(self) -> "Iterator[Tuple[str, int, int]]":
        """The name, the start and the end of each region that has a name."""
        regions = self.target().GetProcess().GetMemoryRegions()
        region = lldb.SBMemoryRegionInfo()
        for index in range(regions.GetSize()):
            if regions.GetMemoryRegionAtIndex(index, region) and region.GetName():
                yield region.GetName(), region.GetRegionBase(), region.GetRegionEnd()

    def mapped_segments(self) -> "List[Mapping]":
        named = ((SEGMENT.match(name), start, end) for name, start, end in self.named_regions())
        return [Mapping("0x" + key.group(1), start, end, None) for key, start, end in named if key is not None]


def is_ours(pid: int) -> bool:
    """Whether the process runs here, and is debugged by a server that this lldb has started."""
    try:
        tracer = status_field(pid, "TracerPid")
        return tracer != 0 and status_field(tracer, "PPid") == os.getpid()
    except (OSError, ValueError):
        return False


def status_field(pid: int, name: str) -> int:
    with open("/proc/{}/status".format(pid)) as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise ValueError(name)


def mapped_files() -> "Set[str]":
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            rows = (line.rstrip("\n").split(None, 5) for line in maps)
            return {row[5] for row in rows if len(row) == 6 and row[5].startswith("/")}
    except OSError:
        return set()


def is_elf_core(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(18)
    except OSError:
        return False
    # e_type is 4 (ET_CORE), in the byte order that e_ident[EI_DATA] names (elf(5)).
    return start[:4] == b"\x7fELF" and start[16:18] == (b"\0\4" if start[5:6] == b"\2" else b"\4\0")


class Command:
    """A verb behind `shm`, as lldb wants it; a class is made of it for each verb."""

    session: Session
    verb: Verb

    def __init__(self, debugger: "lldb.SBDebugger", internal_dict: "Dict[str, Any]") -> None:
        pass

    def get_short_help(self) -> str:
        return self.verb.summary()

    def get_long_help(self) -> str:
        return self.verb.document()

    def __call__(
        self,
        debugger: "lldb.SBDebugger",
        command: str,
        context: "lldb.SBExecutionContext",
        result: "lldb.SBCommandReturnObject",
    ) -> None:
        front = self.session.debugger
        assert isinstance(front, Lldb)
        front.result = result
        try:
            words = words_of(command)
            if wants_help(words):
                result.Print(self.verb.help)
            else:
                self.act(words)
        except Trouble as trouble:
            result.SetError(str(trouble))
        except Exception as error:
            result.SetError("coreinspect's plugin: {}: {}".format(type(error).__name__, error))
        except KeyboardInterrupt:
            result.SetError("interrupted")
        finally:
            front.result = None

    def act(self, words: "List[str]") -> None:
        self.session.run(self.verb, words)


class Layout(Command):
    """`shm layout SEGMENT TYPE`."""

    def act(self, words: "List[str]") -> None:
        selector, name, at = layout_arguments(words)
        front = self.session.debugger
        assert isinstance(front, Lldb)
        target = front.target()
        kind = type_named(target, name)
        found, missing = self.session.bytes_for(selector, kind.GetByteSize(), at)
        data = lldb.SBData()
        data.SetData(lldb.SBError(), found, target.GetByteOrder(), target.GetAddressByteSize())
        value = target.CreateValueFromData(name.replace(" ", "_"), data, kind)
        front.write("({}) {}\n".format(kind.GetName(), shown(value, 0, missing, "")))


class Setting(Command):
    """`shm core [FILE]`, `shm timeout [SECONDS]`."""

    def act(self, words: "List[str]") -> None:
        SETTINGS[self.verb.name](self.session, words)


def words_of(command: str) -> "List[str]":
    try:
        return shlex.split(command)
    except ValueError as error:
        raise Trouble("{}: {}".format(error, command))


def type_named(target: "lldb.SBTarget", name: str) -> "lldb.SBType":
    """A type as a user writes it: `struct queue`, `unsigned char[16]`, `int *`."""
    parts = re.match(r"^(.*?)\s*(\**)\s*((?:\[\w+\]\s*)*)$", name)
    assert parts is not None
    plain, stars, dimensions = parts.groups()
    bare = re.sub(r"^(struct|union|enum|class)\s+", "", plain)
    kind = target.FindFirstType(bare)
    if not kind.IsValid():
        basic = {"unsigned": "unsigned int"}.get(bare, bare)
        kind = target.FindFirstType(basic)
    if not kind.IsValid():
        raise Trouble('there is no type "{}" in the program\'s symbols'.format(plain))
    for _ in stars:
        kind = kind.GetPointerType()
    for words in reversed(re.findall(r"\[(\w+)\]", dimensions)):
        kind = kind.GetArrayType(length(words))
    return kind


# How many elements of an array are shown; lldb's own limit of children.
MOST_ELEMENTS = 256


def shown(value: "lldb.SBValue", offset: int, missing: "Ranges", indent: str) -> str:
    """`value` much as lldb prints it; what has bytes that are not in the dump is told.

    lldb's own printer shows the text of a char array only if it stands in the memory of the target.
    """
    kind = value.GetType().GetCanonicalType()
    size = kind.GetByteSize()
    lost = overlap(missing, offset, size)
    if lost == size and size > 0:
        return "<not in the dump>"
    deeper = indent + "  "
    if kind.GetTypeClass() in (lldb.eTypeClassStruct, lldb.eTypeClassUnion, lldb.eTypeClassClass):
        parts = []
        for index in range(value.GetNumChildren()):
            child = value.GetChildAtIndex(index)
            inner = shown(child, offset + place(kind, child, index), missing, deeper)
            parts.append("{} = {}".format(child.GetName(), inner))
    elif kind.GetTypeClass() == lldb.eTypeClassArray:
        element = kind.GetArrayElementType()
        if lost == 0 and element.GetCanonicalType().GetBasicType() in CHARACTERS:
            return text(value.GetData().ReadRawData(lldb.SBError(), 0, size))
        count = value.GetNumChildren()
        step = element.GetByteSize()
        parts = [
            "[{}] = {}".format(index, shown(value.GetChildAtIndex(index), offset + index * step, missing, deeper))
            for index in range(min(count, MOST_ELEMENTS))
        ]
        if count > MOST_ELEMENTS:
            parts.append("... {} elements in all".format(count))
    elif lost:
        return "<{} of {} bytes are not in the dump>".format(lost, size)
    else:
        return " ".join(part for part in (value.GetValue(), value.GetSummary()) if part)
    return "{{\n{}\n{}}}".format("\n".join(deeper + part for part in parts), indent)


CHARACTERS = (lldb.eBasicTypeChar, lldb.eBasicTypeSignedChar)


def place(kind: "lldb.SBType", child: "lldb.SBValue", index: int) -> int:
    """The offset of a member: base classes come first among the children of a value."""
    bases = kind.GetNumberOfDirectBaseClasses()
    if index < bases:
        return int(kind.GetDirectBaseClassAtIndex(index).GetOffsetInBytes())
    return int(kind.GetFieldAtIndex(index - bases).GetOffsetInBytes())


def text(found: bytes) -> str:
    """Bytes as a C string literal, without the NULs at the end."""
    escapes = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x09: "\\t"}
    stripped = found.rstrip(b"\0")
    parts = (escapes.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else "\\{:03o}".format(byte)) for byte in stripped)
    return '"{}"'.format("".join(parts))


def load(
    table: "Dict[str, Any]",
    installed_by: "Optional[str]",
    loaded_before: bool,
    debugger: "lldb.SBDebugger",
    module: "ModuleType",
) -> "Callable[[], None]":
    """Makes the commands, each of a class in `module`, where lldb finds it by name."""
    session = Session(Lldb(debugger), Binary(installed_by), Verbs(table))
    interpreter = debugger.GetCommandInterpreter()

    def handle(line: str) -> bool:
        result = lldb.SBCommandReturnObject()
        interpreter.HandleCommand(line, result)
        return bool(result.Succeeded())

    if loaded_before:
        handle("command container delete shm")
    about = "What was in System V shared memory: coreinspect's commands, on the core that lldb looks at."
    handle("command container add -h '{}' shm".format(about.replace("'", "")))

    def make(verb: Verb, base: type = Command) -> None:
        name = "Shm" + verb.name.title().replace("-", "")
        setattr(module, name, type(name, (base,), {"session": session, "verb": verb, "__doc__": verb.about}))
        handle("command script add -c {}.{} shm {}".format(module.__name__, name, verb.name))

    session.register = make
    for verb in session.verbs.by_name.values():
        make(verb)
    for own in OWN:
        make(own, Layout if own is LAYOUT else Setting)
    return lambda: None
