"""Whether a long run needs more and more memory, and whether it becomes slower.

As a corpus grows, its inputs take more time. So the speed of an old process is compared with that of a young
one that goes on from the same corpus.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fuzz.bench.two_processes import REMEDIES, fuzzing

SAMPLE_SECONDS = 5.0
EARLY, LATE = 6, 12
"""Memory is compared with that after the first sixth of the time. Speed is measured in the last twelfth."""
MEMORY_BAR, SPEED_BAR = 1.2, 0.8


class Sample(NamedTuple):
    """A process at one moment: seconds since its start, resident MiB, CPU seconds used, executions done."""

    seconds: float
    memory: float
    cpu: float
    executions: int


@dataclasses.dataclass(frozen=True, slots=True)
class Steady:
    """A run of `seconds`: resident MiB after the first sixth of it and the most after that; executions a CPU
    second in its last twelfth, and those of a young process on the same corpus of `inputs` programs. `died`
    are lines about processes that had to be replaced, which ends the comparison. `samples` are the run's own,
    for whoever asks when memory rose."""

    seconds: float
    executions: int
    inputs: int
    memory: float
    most: float
    old: float
    young: float
    died: list[str]
    samples: list[Sample]

    @property
    def growth(self) -> float:
        """The most memory, as a multiple of that after the first sixth."""
        return self.most / self.memory

    @property
    def kept(self) -> float:
        """The old process's speed, as a part of the young one's."""
        return self.old / self.young

    @property
    def reached(self) -> bool:
        """Whether both bars are."""
        return self.growth <= MEMORY_BAR and self.kept >= SPEED_BAR and not self.died


def measure_steady(seconds: float, seed: int, stop: threading.Event) -> Steady | None:
    """Fuzz for so long with one process, then for a sixth of it with another. None if it was stopped: a part
    of the time says nothing. It may run beside other work, since speeds are of CPU seconds."""
    died: list[str] = []
    with tempfile.TemporaryDirectory(prefix="zapfuzz-bench-") as corpus:
        long = _samples(seconds, seed, corpus, stop, died)
        inputs = sum(1 for _ in Path(corpus).iterdir())
        young = _samples(seconds / EARLY, seed + 1, corpus, stop, died)
    if stop.is_set():
        return None
    grown = [each for each in long if each.seconds >= seconds / EARLY]
    return Steady(
        *(seconds, long[-1].executions, inputs, grown[0].memory, max(each.memory for each in grown)),
        *(speed(long, seconds - seconds / LATE), speed(young, seconds / LATE), died, long),
    )


def speed(samples: Sequence[Sample], since: float) -> float:
    """Executions a CPU second after `since` seconds."""
    late = [each for each in samples if each.seconds >= since]
    first, last = late[0], late[-1]
    return (last.executions - first.executions) / max(last.cpu - first.cpu, 1e-9)


def _samples(seconds: float, seed: int, corpus: str, stop: threading.Event, died: list[str]) -> list[Sample]:
    samples: list[Sample] = []
    wait = min(SAMPLE_SECONDS, seconds / 4 / LATE)
    with fuzzing(1, died, seed=seed, seconds=seconds, remedies=REMEDIES, corpus=corpus) as run:
        begun = time.monotonic()
        for _ in run.events():
            now = time.monotonic() - begun
            if stop.is_set():
                break
            if run.pids and (not samples or now >= samples[-1].seconds + wait):
                used = _used(run.pids[0])
                if used is not None:
                    samples.append(Sample(now, *used, run.progress.executions))
    return samples


def _used(pid: int) -> tuple[float, float] | None:
    """Resident MiB and CPU seconds of a process; None where it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return None
    ticks = int(fields[11]) + int(fields[12])  # utime and stime
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), ticks / os.sysconf("SC_CLK_TCK")
