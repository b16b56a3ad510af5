"""Counts the instructions of a job under callgrind, and holds them against the figures that are kept.

A count does not depend on how busy the machine is. It depends on libc, on valgrind and on the compiler: only where all three are
those of the kept figures does a count that rose fail anything.
"""

import json
import os
import re
import subprocess
from pathlib import Path

KEPT = Path(__file__).parent / "kept.json"
# What a count may rise by before it fails.
MOST_RISE = 0.03
# Functions that are kept of a job, and that are named.
FUNCTIONS_KEPT = 60
FUNCTIONS_NAMED = 8
ENVIRONMENT = {"PATH": os.environ["PATH"], "NO_COLOR": "1", "COLUMNS": "110", "LC_ALL": "C.UTF-8"}


def tools():
    """What a count depends on beside the program."""
    def first(command, pattern):
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        return re.search(pattern, text)[1]

    return {
        "libc": first(["getconf", "GNU_LIBC_VERSION"], r"(\S.*)"),
        "valgrind": first(["valgrind", "--version"], r"valgrind-(\S+)"),
        "rustc": first(["rustc", "--version"], r"rustc (\S+)"),
    }


class Instructions:
    """The counts of one run, under the scale's name ("full", "quick")."""

    def __init__(self, folder, scale):
        self.profile = folder / "callgrind.out"
        self.scale = scale
        self.jobs = {}
        kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        self.known = kept.get(scale, {})
        self.comparable = kept.get("tools") == tools()

    def count(self, job, command):
        """Runs `command` under callgrind; what it writes is the caller's to remove."""
        self.jobs[job] = [list(map(str, command)), self.run(command)]

    def run(self, command):
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.profile}", *map(str, command)]
        finished = subprocess.run(valgrind, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, errors="replace")
        collected = re.search(r"Collected : (\d+)", finished.stderr)
        if not collected:
            raise RuntimeError(f"callgrind counted nothing: {finished.stderr[-2000:]}")
        return int(collected[1])

    def functions(self, command):
        """Instructions by function, without those that it calls."""
        self.run(command)
        annotated = subprocess.run(["callgrind_annotate", "--auto=no", str(self.profile)], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True).stdout
        sums = {}
        for line in re.finditer(r"^\s*([\d,]+) \([^)]*\)\s+[^:\n]+:(.+?)(?: \[[^\]]*\])?$", annotated, re.MULTILINE):
            # The hash of a mangled name differs from build to build.
            name = re.sub(r"::h[0-9a-f]{16}$", "", line[2])
            sums[name] = sums.get(name, 0) + int(line[1].replace(",", ""))
        return dict(sorted(sums.items(), key=lambda item: -item[1])[:FUNCTIONS_KEPT])

    def of(self, job):
        """The count, and how it stands to the kept one, for a table."""
        if job not in self.jobs:
            return "", ""
        count = self.jobs[job][1]
        kept = self.known.get(job, {}).get("instructions")
        return f"{count / 1e6:.2f} M", f"{count / kept - 1:+.1%}" if kept else "new"

    def risen(self):
        """The jobs whose count rose by more than is let pass."""
        def rise(job):
            kept = self.known.get(job, {}).get("instructions")
            return self.jobs[job][1] / kept - 1 if kept else 0

        return [job for job in self.jobs if rise(job) > MOST_RISE]

    def explain(self, job, binary, with_symbols):
        """Lines that say which functions took more than in the kept figures."""
        command = [str(with_symbols) if word == str(binary) else word for word in self.jobs[job][0]]
        before = self.known[job].get("functions", {})
        grown = {name: count - before.get(name, 0) for name, count in self.functions(command).items()}
        for name, more in sorted(grown.items(), key=lambda item: -item[1])[:FUNCTIONS_NAMED]:
            if more > 0:
                yield f"    {more:+13,}  {name}"

    def keep(self, binary, with_symbols):
        """Writes this run's figures as those that later ones are held against."""
        kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        if not self.comparable:
            kept = {}
        kept["tools"] = tools()
        kept[self.scale] = {
            job: {
                "instructions": count,
                "functions": self.functions([str(with_symbols) if word == str(binary) else word for word in command]),
            }
            for job, (command, count) in self.jobs.items()
        }
        KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
