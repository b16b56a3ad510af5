"""A picture of a living process: a small core with the bytes of its segments as they are now, gone after the look at it."""

import os

from .binary import Binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional


class Picture:
    """`with Picture(binary, None, pid) as core:` takes one; with a core it is that core."""

    def __init__(self, binary: Binary, core: "Optional[str]", pid: "Optional[int]" = None) -> None:
        self.binary = binary
        self.core = core
        self.pid = pid
        self.folder: "Optional[str]" = None

    def __enter__(self) -> str:
        if self.core is not None:
            return self.core
        import tempfile

        # For this user alone (mode 0700): what a process shares may be secret.
        self.folder = tempfile.mkdtemp(prefix="coreinspect-")
        path = os.path.join(self.folder, "process-{}".format(self.pid))
        try:
            self.binary.output(["plugin", "--picture", str(self.pid), path])
        except BaseException:
            self.__exit__()
            raise
        return path

    def __exit__(self, *_: object) -> None:
        if self.folder is not None:
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
