"""How long threads were ready to run and no processor took them: on a busy machine that is most of the time,
and no deadline of what they do may count it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path


def ready_times(process: int | str) -> dict[str, int]:
    """For each thread of a process (a number, or "self") how long it has been ready and did not run, in
    nanoseconds, where the system says so."""
    times = {}
    for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            times[path.parent.name] = int(path.read_text().split()[1])
    return times


def seconds_ready(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """The longest that any of the threads was ready between two such times."""
    return max((time - before.get(thread, 0) for thread, time in now.items()), default=0) / 1e9
