"""What both debuggers do alike: a verb is run on what is debugged, segments and words are completed, types laid over bytes."""

import os

from .arguments import address, offset
from .binary import Binary, Trouble, bare, crashed
from .ranges import gaps, mappings, saved
from .verbs import A_DUMP, OWN, Verb, Verbs, ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    from .ranges import Ranges


class Subject:
    """What is debugged: a core, a process of this machine, or something that coreinspect cannot reach, and why."""

    def __init__(self, core: "Optional[str]" = None, pid: "Optional[int]" = None, why: str = "") -> None:
        self.core = core
        self.pid = pid
        self.why = why

    def a_core(self) -> str:
        """The core; Trouble if there is none, with what to do instead."""
        if self.core is not None:
            return self.core
        if self.pid is not None:
            raise Trouble("process {0} is alive, and this works on a core: `gcore {0}` writes one".format(self.pid))
        raise Trouble(self.why)

    def path(self) -> str:
        """The core, or the living process in its place; Trouble if there is neither."""
        return "/proc/{}".format(self.pid) if self.core is None and self.pid is not None else self.a_core()


class Mapping:
    """A mapping of a live process that has a segment's name, as the debugger tells it."""

    def __init__(self, key: str, start: int, end: int, offset: "Optional[int]") -> None:
        self.key = key
        self.start = start
        self.end = end
        self.offset = offset

    def __str__(self) -> str:
        offset = "" if self.offset is None else "  offset {:#x}".format(self.offset)
        return "{}  {:#x}-{:#x}{}".format(self.key, self.start, self.end, offset)


class Debugger:
    """What a debugger must be able to say and do."""

    name = ""

    def subject(self) -> Subject:
        raise NotImplementedError

    def place(self) -> "Tuple[Any, Any]":
        """Where one looks (an inferior), and what is there; a core that the user named is for this alone."""
        raise NotImplementedError

    def width(self) -> "Optional[int]":
        """Columns; None for no limit."""
        raise NotImplementedError

    def colour(self) -> bool:
        raise NotImplementedError

    def write(self, text: str) -> None:
        raise NotImplementedError

    def note(self, text: str) -> None:
        """Something beside the output of a verb."""
        raise NotImplementedError

    def mapped_segments(self) -> "List[Mapping]":
        """The mappings of a live process that have a segment's name, as far as the debugger itself knows them."""
        return []

    def mapped_lines(self) -> str:
        return "\n".join(map(str, self.mapped_segments())) or "none has the name of a System V segment"


class Session:
    """The verbs, and what is known of the core that was looked at last."""

    def __init__(self, debugger: Debugger, binary: Binary, verbs: Verbs) -> None:
        self.debugger = debugger
        self.binary = binary
        self.verbs = verbs
        self.asked = False
        # Makes a command of a verb.
        self.register: "Callable[[Verb], object]" = lambda verb: None
        # The cores that the user named, by where they looked: what was there, and the core.
        self.named: "Dict[Any, Tuple[Any, str]]" = {}
        self.read: "Optional[Tuple[Tuple[str, int, int], Dict[str, Any]]]" = None

    def learn(self) -> None:
        """Takes the verbs of the binary that will be run: it may be another than the one that printed the plugin."""
        if self.asked:
            return
        table = ask(self.binary)
        self.asked = True
        if table is None:
            self.debugger.note(
                "{} is older than this plugin (made by coreinspect {}) and cannot say what it can do: some verbs may "
                "fail. Update it, or make the plugin with it: coreinspect plugin {}".format(
                    self.binary.path(), self.verbs.version, self.debugger.name
                )
            )
            return
        before, self.verbs = self.verbs.by_name, table
        for name, verb in table.by_name.items():
            if name not in before:
                self.register(verb)

    def verb(self, name: str) -> Verb:
        self.learn()
        found = self.verbs.by_name.get(name)
        if found is None:
            known = list(self.verbs.by_name) + [own.name for own in OWN]
            raise Trouble("there is no verb {}; there are: {}".format(name, ", ".join(known)))
        return found

    def name(self, core: "Optional[str]") -> None:
        """Looks at `core` for as long as the debugger looks at what it does now; None takes that back."""
        where, what = self.debugger.place()
        self.named.pop(where, None)
        if core is not None:
            self.named[where] = (what, core)

    def named_core(self) -> "Optional[str]":
        """The core that the user named, if the debugger still looks at what it did then."""
        if not self.named:
            return None
        where, what = self.debugger.place()
        then, core = self.named.get(where, (None, None))
        if core is not None and then != what:
            del self.named[where]
            return None
        return core

    def subject(self) -> Subject:
        named = self.named_core()
        return self.debugger.subject() if named is None else Subject(core=named)

    def memory(self) -> Subject:
        """What the debugger itself reads: addresses in its expressions are of this, whatever core the user named."""
        try:
            return self.debugger.subject()
        except Trouble:
            # It cannot tell; then the user has.
            named = self.named_core()
            if named is None:
                raise
            return Subject(core=named)

    def core(self) -> str:
        """The core that is looked at; Trouble if there is none."""
        return self.subject().a_core()

    # What a verb does.

    def run(self, verb: Verb, arguments: "List[str]") -> None:
        """Runs `verb` on what is debugged; prints what coreinspect prints."""
        if any(word in ("-", "-o-", "--output=-") for word in arguments):
            raise Trouble("standard input and output are the debugger's: name a file instead of -")
        # A second look: the binary may know more of it than the plugin did.
        verb = self.verb(verb.name)
        if verb.takes not in A_DUMP:
            self.stream(self.words(verb, arguments), arguments)
            return
        self.stream(verb.on_dump(self.subject().path(), arguments), arguments)
        if verb.name == "list":
            self.tell_other_core()

    def tell_other_core(self) -> None:
        """Says so if the core that the user named is another than the debugger's."""
        named = self.named_core()
        try:
            own = self.debugger.subject().core
        except Trouble:
            return  # the debugger cannot tell: that is why it was named
        if named is not None and named != own:
            self.debugger.note(
                "this is {}, which `shm core` named, and not what {} looks at; `shm core -` ends that".format(
                    named, self.debugger.name
                )
            )

    def stream(self, words: "List[str]", arguments: "List[str]") -> None:
        """Runs coreinspect and prints what it prints."""
        if not any(word.startswith("--color") for word in arguments):
            words += ["--color", "always" if self.debugger.colour() else "never"]
        import codecs

        decode = codecs.getincrementaldecoder("utf-8")("replace").decode

        def write(chunk: bytes) -> None:
            self.debugger.write(decode(chunk))

        status, complaints = self.binary.stream(words, write, self.debugger.width())
        if status < 0:
            raise crashed(status)
        if status > 1:
            raise Trouble(bare(complaints))
        if complaints:
            self.debugger.note(complaints.rstrip("\n"))

    def words(self, verb: Verb, arguments: "List[str]") -> "List[str]":
        """The command line for a verb that takes no dump."""
        if verb.takes != "process":
            return verb.words + arguments
        subject = self.subject()
        if subject.core is not None:
            raise Trouble("{} works on a running process, and this is a core".format(verb.name))
        if subject.pid is None:
            raise Trouble(subject.why)
        return verb.words + [str(subject.pid)] + arguments

    # What is known of a core.

    def dump(self, core: str) -> "Dict[str, Any]":
        """coreinspect's report on `core`, without contents; read again if the file has changed."""
        try:
            stat = os.stat(core)
        except OSError as error:
            raise Trouble("{}: {}".format(core, error.strerror))
        this = (core, stat.st_mtime_ns, stat.st_size)
        if self.read is None or self.read[0] != this:
            import json

            text = self.binary.output([core, "--json", "--no-content"])
            self.read = (this, json.loads(text.decode("utf-8"))["dumps"][0])
        return self.read[1]

    def segment(self, core: str, selector: str) -> "Dict[str, Any]":
        """The one segment that `selector` names."""
        import json

        text = self.binary.output(["show", core, selector, "--json", "--no-content"])
        found: "Dict[str, Any]" = json.loads(text.decode("utf-8"))["dumps"][0]["segments"][0]
        return found

    def unsaved(self, core: str) -> "List[Tuple[int, int, Dict[str, Any]]]":
        """The ranges of segments that have a PT_LOAD but no bytes: some debuggers show zeroes there.

        What has no PT_LOAD (rights unknown), and what lies behind the end of the file, is an error in all of them.
        """
        found = []
        for segment, mapping in mappings(self.dump(core)):
            for run in mapping["missing"]:
                if run["reason"] == "not-saved" and mapping["permissions"] is not None:
                    found.append((int(run["start"], 16), int(run["end"], 16), segment))
        return found

    def is_saved(self, core: str, address: int) -> bool:
        """Whether the byte at `address`, which must lie in a segment, is in the dump."""
        for _, mapping in mappings(self.dump(core)):
            if int(mapping["start"], 16) <= address < int(mapping["end"], 16):
                runs = ((int(run["start"], 16), int(run["end"], 16)) for run in mapping["missing"])
                return not any(start <= address < end for start, end in runs)
        raise Trouble("{:#x} lies in no segment of {}".format(address, core))

    # Completion.

    def complete(self, verb: Verb, before: "List[str]", word: str) -> "Optional[List[str]]":
        """What `word` behind `before` can become; None for the names of files."""
        last = before[-1] if before else ""
        if last == "--layout":
            candidates = list(self.verbs.layouts)
        elif last in ("-o", "--output", "--also-json", "--search", "--path", "-c", "--core", "--types"):
            return None
        elif word.startswith("-"):
            candidates = verb.options
        elif verb.takes in ("segments", "key"):
            candidates = self.selectors(word, numbers=verb.takes == "segments")
        elif verb.takes == "dumps":
            return None
        else:
            candidates = []
        return [candidate for candidate in candidates if candidate.startswith(word)]

    def selectors(self, word: str, numbers: bool = True) -> "List[str]":
        """The words that name the segments of the core: numbers, with `#` if `word` begins so, and keys."""
        subject = self.subject()
        if subject.core is None:
            return []
        segments = self.dump(subject.core)["segments"]
        taken = {segment["key_t"] for segment in segments}
        bare = [number for number in (segment["number"] for segment in segments) if numbers]
        found = [("#" if word[:1] == "#" or number in taken else "") + str(number) for number in bare]
        keys = [segment["key"] for segment in segments if segment["key"] and not segment["private"]]
        return found + sorted(set(keys))

    # A type over the bytes of a segment.

    def bytes_for(self, selector: str, size: int, at: "Optional[int]") -> "Tuple[bytes, Ranges]":
        """`size` bytes of a segment, and the runs of them that are not in the dump: from offset `at` on, else from the
        place that `selector` names.

        They come from the dump, by coreinspect: the debugger would show zeroes for what was not saved.
        """
        core = self.subject().path()
        segment = self.segment(core, selector)
        if at is None:
            at = start_of(segment, selector)
        window = ["--at", str(at), "--length", str(size)]
        found = self.binary.output(["extract", core, selector, "-o", "-", "-q"] + window)
        if len(found) < size:
            raise Trouble(
                "the type has {} bytes, and the segment only {} from offset {} on".format(size, len(found), at)
            )
        return found, gaps(saved(segment), at, size)


def start_of(segment: "Dict[str, Any]", selector: str) -> int:
    """The offset of the place that `selector` names in its segment; 0 where it names the segment alone."""
    name, plus, behind = selector.rpartition("+")
    if not plus or selector == segment["name"]:
        return offset_of(segment, address(selector))
    return offset_of(segment, address(name)) + offset(behind)


def offset_of(segment: "Dict[str, Any]", where: "Optional[int]") -> int:
    """The offset in a segment of an address in it; 0 for none."""
    for attachment in segment["attachments"]:
        for mapping in attachment["mappings"]:
            start = int(mapping["start"], 16)
            if where is not None and start <= where < int(mapping["end"], 16):
                return int(mapping["offset"]) + where - start
    return 0
