"""One process beside two: what they execute in the same time, and how soon they find a bug."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Iterator

from fuzz.bench.speed import RELEASE, middle
from fuzz.bench.time_to_find import REAL, Bug
from fuzz.engines.engine_config import Config
from fuzz.engines.parallel_processes import Jobs

JOBS = (1, 2)
BUG = REAL[1]
"""The one of the three that takes longest, so that starting up is the smaller part."""
UNTIL_SECONDS = 60.0
REMEDIES = ("trunc-next-table",)
"""On while speed is measured: the bug would end many programs early."""
BAR = 1.8

Three = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Lane:
    """So many processes: executions in all a second from an empty corpus, starting up included, and the wall
    seconds until they found `BUG`, each as median, least and most; `found` of the seeds did, and the others
    count as UNTIL_SECONDS."""

    jobs: int
    a_second: Three
    until: Three
    found: int


@dataclasses.dataclass(frozen=True, slots=True)
class Together:
    """All lanes, and how many times the executions of the first the last one has, round by round. `died` are
    lines about processes that had to be replaced."""

    seconds: float
    seeds: int
    lanes: list[Lane]
    ratio: Three
    died: list[str]

    @property
    def reached(self) -> bool:
        """Whether the ratio's median is at the bar."""
        return self.ratio[0] >= BAR


def measure_together(rounds: int, seconds: float, seeds: int) -> Together:
    """Rounds of `seconds` for each number of processes, then every seed until it has found the bug. Takes
    wall time of an idle machine: two processes on one core are not measured."""
    died: list[str] = []
    executed: dict[int, list[float]] = {jobs: [] for jobs in JOBS}
    for number in range(rounds):
        for jobs in JOBS if number % 2 else reversed(JOBS):
            executed[jobs].append(_executions(jobs, number + 1, seconds, died) / seconds)
    until = {jobs: [_until(BUG, jobs, seed, died) for seed in range(1, seeds + 1)] for jobs in JOBS}
    lanes = [
        Lane(
            jobs,
            middle(executed[jobs]),
            middle([UNTIL_SECONDS if each is None else each for each in until[jobs]]),
            sum(each is not None for each in until[jobs]),
        )
        for jobs in JOBS
    ]
    pairs = zip(executed[JOBS[0]], executed[JOBS[-1]], strict=True)
    return Together(seconds, seeds, lanes, middle([more / one for one, more in pairs]), died)


@contextlib.contextmanager
def fuzzing(jobs: int, died: list[str], **fields: object) -> Iterator[Jobs]:
    """Processes that fuzz as `zapfuzz fuzz` has them, over a corpus that is empty unless one is given."""
    with tempfile.TemporaryDirectory(prefix="zapfuzz-bench-") as corpus:
        config = Config("atheris", RELEASE, started=time.monotonic(), corpus=corpus)
        several = Jobs(dataclasses.replace(config, **fields), jobs, died.append)  # type: ignore[arg-type]
        try:
            yield several
        finally:
            several.close()


def _executions(jobs: int, seed: int, seconds: float, died: list[str]) -> int:
    with fuzzing(jobs, died, seed=seed, seconds=seconds, remedies=REMEDIES) as several:
        for _ in several.events():
            pass
        return several.progress.executions


def _until(bug: Bug, jobs: int, seed: int, died: list[str]) -> float | None:
    begun = time.monotonic()
    with fuzzing(jobs, died, release=bug.release, seed=seed, seconds=UNTIL_SECONDS) as several:
        for event in several.events():
            if event is not None and event["event"] == "failure" and tuple(event["signature"][:3]) == bug.key:
                return time.monotonic() - begun
    return None
