"""The coreinspect binary: where it is, and how it is run."""

import os

TYPE_CHECKING = False  # typing takes longer to import than all of us
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple


# Seconds that a verb may take, until `shm timeout` says something else.
PATIENCE = 300.0
# Seconds for what nobody asked for and everybody waits for: the look at a core that is loaded, completion.
AT_LOAD = 10.0


class Trouble(Exception):
    """What cannot be done, in a sentence for the user."""


class Binary:
    """The binary named by $COREINSPECT, else the one that installed the plugin, else the one in $PATH."""

    def __init__(self, installed_by: "Optional[str]") -> None:
        self.installed_by = installed_by
        # Seconds that a call may take; None for no limit.
        self.patience: "Optional[float]" = PATIENCE

    def at_load(self, work: "Callable[[], Any]") -> "Any":
        """Does `work`, each call of which may take AT_LOAD seconds at most."""
        before = self.patience
        self.patience = AT_LOAD if before is None else min(before, AT_LOAD)
        try:
            return work()
        finally:
            self.patience = before

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

        Whatever ends us, be it Ctrl-C or a user who has seen enough of the pager, ends it too; so does its time limit, for
        which only the time counts that we wait for it: a user may read a page for as long as he likes.
        """
        import select
        import subprocess
        import time

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
        left = self.patience
        streams = {stream.fileno(): stream for stream in (process.stdout, process.stderr)}
        try:
            for descriptor in streams:
                poll.register(descriptor, select.POLLIN)
            while streams:
                since = time.monotonic()
                ready = poll.poll(None if left is None else max(0, left) * 1000)
                if left is not None:
                    left -= time.monotonic() - since
                if not ready:
                    raise too_slow(self.patience)
                for descriptor, _ in ready:
                    chunk = os.read(descriptor, 1 << 16)
                    if not chunk:
                        poll.unregister(descriptor)
                        del streams[descriptor]
                    elif descriptor == process.stdout.fileno():
                        write(chunk)
                    else:
                        complaints += chunk
            try:
                status = process.wait(left)
            except subprocess.TimeoutExpired:
                raise too_slow(self.patience)
        finally:
            process.stdout.close()
            process.stderr.close()
            if process.poll() is None:
                process.kill()
                try:
                    process.wait(1)
                except subprocess.TimeoutExpired:
                    pass  # it hangs in the kernel: on a disk, on a file server
        return status, complaints.decode("utf-8", "replace")

    def output(self, arguments: "List[str]") -> bytes:
        """What it prints, where it has nothing to complain of."""
        chunks: "List[bytes]" = []
        status, complaints = self.stream(arguments, chunks.append)
        if status < 0:
            raise crashed(status)
        if status > 1:
            raise Trouble(bare(complaints) or "coreinspect ended with status {}".format(status))
        return b"".join(chunks)


def too_slow(seconds: "Optional[float]") -> Trouble:
    limit = "{:g} seconds".format(seconds or 0)
    return Trouble("coreinspect took more than {} and was ended; `shm timeout` sets the limit of verbs".format(limit))


def crashed(status: int) -> Trouble:
    return Trouble("coreinspect was ended by signal {}".format(-status))


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
