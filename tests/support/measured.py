"""Runs a piece of Python in a process of its own and says what it took."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

# Not ru_maxrss: Linux lets a process begin with its parent's.
_AFTERWARDS = """
import json, resource
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("\\n" + json.dumps([used.ru_utime + used.ru_stime, int(peak)]))
"""


class Used(NamedTuple):
    """What the code printed, seconds of processor time, bytes of memory at the most."""

    out: str
    seconds: float
    memory: int


def measured(code: str, *arguments: str) -> Used:
    """Run code (arguments are sys.argv[1:]) to its end; raises CalledProcessError if it fails."""
    command = [sys.executable, "-c", code + _AFTERWARDS, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    out, _, last = done.stdout.rstrip("\n").rpartition("\n")
    seconds, kilobytes = json.loads(last)
    return Used(out.rstrip("\n"), seconds, kilobytes * 1024)
