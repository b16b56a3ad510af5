"""The coreinspect binary: where it is, and how it is run."""

import os

TYPE_CHECKING = False  # typing takes longer to import than all of us
if TYPE_CHECKING:
    from typing import Callable, Dict, List, Optional, Tuple


class Trouble(Exception):
    """What cannot be done, in a sentence for the user."""


class Binary:
    """The binary named by $COREINSPECT, else the one that installed the plugin, else the one in $PATH."""

    def __init__(self, installed_by: "Optional[str]") -> None:
        self.installed_by = installed_by

    def path(self) -> str:
        named = os.environ.get("COREINSPECT")
        if named:
            return named
        if self.installed_by and os.access(self.installed_by, os.X_OK):
            return self.installed_by
        import shutil

        found = shutil.which("coreinspect")
        if found is None:
            raise Trouble(
                "coreinspect is not in PATH; install it, or name it by the environment variable COREINSPECT "
                "before the debugger starts"
            )
        return found

    def stream(
        self, arguments: "List[str]", write: "Callable[[bytes], None]", columns: "Optional[int]" = None
    ) -> "Tuple[int, str]":
        """Runs it, hands what it prints to `write` as it comes, and answers its status and its complaints.

        Whatever ends us, be it Ctrl-C or a user who has seen enough of the pager, ends it too.
        """
        import select
        import subprocess

        environment = surroundings()
        if columns:
            environment["COLUMNS"] = str(columns)
        command = [self.path()] + arguments
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            raise Trouble("cannot run {}: {}".format(command[0], error.strerror))
        assert process.stdout is not None and process.stderr is not None
        complaints = b""
        # poll, not read: a signal interrupts it.
        poll = select.poll()
        streams = {stream.fileno(): stream for stream in (process.stdout, process.stderr)}
        try:
            for descriptor in streams:
                poll.register(descriptor, select.POLLIN)
            while streams:
                for descriptor, _ in poll.poll():
                    chunk = os.read(descriptor, 1 << 16)
                    if not chunk:
                        poll.unregister(descriptor)
                        del streams[descriptor]
                    elif descriptor == process.stdout.fileno():
                        write(chunk)
                    else:
                        complaints += chunk
            status = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
            process.stderr.close()
        return status, complaints.decode("utf-8", "replace")

    def output(self, arguments: "List[str]") -> bytes:
        """What it prints, where it has nothing to complain of."""
        chunks: "List[bytes]" = []
        status, complaints = self.stream(arguments, chunks.append)
        if status < 0:
            raise Trouble("coreinspect was ended by signal {}".format(-status))
        if status > 1:
            raise Trouble(bare(complaints) or "coreinspect ended with status {}".format(status))
        return b"".join(chunks)


def surroundings() -> "Dict[str, str]":
    """The environment, without what a terminal or Python has put there."""
    environment: "Dict[str, str]" = dict(os.environ)
    environment.pop("COLUMNS", None)
    # Python speaks UTF-8 where the locale is C (PEP 538); the terminal need not.
    is_c = not environment.get("LC_ALL") and environment.get("LANG", "C") in ("", "C", "POSIX")
    if is_c and environment.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8"):
        del environment["LC_CTYPE"]
    return environment


def bare(complaints: str) -> str:
    """What coreinspect said on standard error, without its name before each line."""
    name = "coreinspect: "
    lines = [line[len(name) :] if line.startswith(name) else line for line in complaints.splitlines()]
    return "\n".join(lines)
