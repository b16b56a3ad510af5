"""Runs contestants in turn and keeps what each run took."""

import os
import random
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

DROP_CACHES = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True)
class Run:
    """One run: seconds of wall and processor time, bytes resident at the peak, bytes read from the disk."""

    seconds: float
    processor: float
    peak: int
    read: int


@dataclass
class Contestant:
    """A command under a name that fits in a table, and the file it writes, if any."""

    name: str
    command: list
    writes: Path | None = None
    runs: list = field(default_factory=list)
    anonymous: int | None = None

    @property
    def median(self):
        return statistics.median(run.seconds for run in self.runs)

    @property
    def processor(self):
        return statistics.median(run.processor for run in self.runs)

    @property
    def quartiles(self):
        first, _, third = statistics.quantiles((run.seconds for run in self.runs), n=4)
        return first, third

    @property
    def peak(self):
        return max(run.peak for run in self.runs)

    @property
    def read(self):
        return statistics.median(run.read for run in self.runs)


class Meter:
    """Runs commands under programs/measure.c, which says why it is needed."""

    def __init__(self, program):
        self.program = program

    def run(self, contestant, sampled=False):
        """One run. With `sampled` its time means nothing and its peak is RssAnon's.

        What it wrote is removed at once, still dirty, so that the disk stays out of the next run.
        """
        command = [self.program, *(["-s"] if sampled else []), *contestant.command]
        line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        if contestant.writes:
            contestant.writes.unlink(missing_ok=True)
        wall, processor, peak, blocks, anonymous, status = map(int, line.split())
        if status != 0:
            raise RuntimeError(f"{contestant.name}: exit status {status}: {contestant.command}")
        return Run(wall / 1e9, processor / 1e9, (anonymous if sampled else peak) << 10, blocks * 512)

    def compare(self, contestants, rounds, before_each=lambda contestant: None):
        """Runs all contestants `rounds` times, one after the other.

        The order is shuffled anew for each round: in a fixed order one of them would always run
        in the caches that gdb left behind.
        """
        shuffled = random.Random(1)
        for contestant in contestants:
            self.run(contestant)
        for _ in range(rounds):
            for contestant in shuffled.sample(contestants, len(contestants)):
                before_each(contestant)
                contestant.runs.append(self.run(contestant))
        for contestant in contestants:
            contestant.anonymous = self.run(contestant, sampled=True).peak


def drop_from_page_cache(path):
    """Has the kernel forget the pages of a file, all cached pages where that is allowed."""
    with open(path, "rb") as file:
        os.fsync(file)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if os.access(DROP_CACHES, os.W_OK):
        os.sync()
        try:
            DROP_CACHES.write_text("3\n")
        except OSError:
            pass  # a container that may not: the advice above did the core itself
