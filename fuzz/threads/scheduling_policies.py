"""Which thread goes on at a scheduling point. A policy sees the number of the step, the running thread and
the threads that could run, and nothing else.

All policies share one default: the running thread goes on until it blocks or ends, and then the thread with
the lowest number runs. The switches of a schedule are deviations from this default.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Protocol

from fuzz.language.program import Switch


def default(current: int | None, able: Sequence[int]) -> int:
    """The thread that goes on if no switch says otherwise. `able` is in ascending order."""
    return able[0] if current is None else current


class Policy(Protocol):
    """Chooses one of `able` (ascending, not empty) at a step; `current` is the running thread if it could go
    on, None where it has ended or blocked."""

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int: ...


class Replay:
    """The switches of a schedule. A switch to a thread that cannot run then is ignored."""

    def __init__(self, schedule: Iterable[Switch] = ()) -> None:
        self.at = dict(schedule)

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """The schedule's thread, else the default."""
        wanted = self.at.get(step)
        return default(current, able) if wanted is None or wanted not in able else wanted


class RandomWalk:
    """Any thread that can run, with equal chances, at every point."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """One of them."""
        return able[0] if len(able) == 1 else self.rng.choice(able)


class Pct:
    """Probabilistic concurrency testing: random priorities, lowered at depth - 1 random points.

    A bug that needs `depth` ordering constraints is found in a run of n threads and k points with a
    probability of at least 1 / (n * k^(depth - 1)) (Burckhardt et al., 2010). `points` is the guess of k.
    """

    def __init__(self, rng: random.Random, depth: int, points: int) -> None:
        self.rng = rng
        self.depth = depth
        self.priorities: dict[int, float] = {}
        drops = rng.sample(range(points), min(depth - 1, points))
        self.drops = {step: depth - 1 - place for place, step in enumerate(drops)}

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """The one with the highest priority, after a drop of the running one's if this is its point."""
        for thread in able:
            if thread not in self.priorities:
                self.priorities[thread] = self.depth + self.rng.random()
        if step in self.drops and current is not None:
            self.priorities[current] = self.drops[step]
        return max(able, key=self.priorities.__getitem__)


def pct_bound(threads: int, points: int, depth: int) -> float:
    """The least probability that one run of PCT meets a bug of that depth."""
    return 1.0 / float(threads * points ** (depth - 1))
