"""Schedules that stop a thread at a point of a certain kind: kinds that a run has met are drawn alike, then
one of its points. So the few points in the middle of a sync weigh as much as the many before holds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from fuzz.language.program import Switch
from fuzz.threads.scheduling_policies import Policy

NEAR = 40
"""How many points behind the first switch a second one may lie."""


class Point(NamedTuple):
    """A point of a run: its number, the thread that came to it, and what comes next there."""

    step: int
    thread: int
    what: str


class Recording:
    """A policy that remembers at which points another one has chosen. It watches its run, too."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.points: list[Point] = []
        self._here: tuple[int, str] | None = None

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """What the other policy chooses."""
        if self._here is not None and current is not None and len(able) > 1:
            self.points.append(Point(step, *self._here))
        self._here = None
        return self.policy.choose(step, current, able)

    def arrived(self, thread: int, what: str, thing: object) -> None:
        """A thread has come to a point, where the policy is asked next."""
        self._here = (thread, what)

    def entered(self, thread: int, what: str, thing: object) -> None:
        """It goes on."""


def preempted(
    rng: random.Random, points: Sequence[Point], threads: Sequence[int], before: Sequence[Switch]
) -> tuple[Switch, ...]:
    """The schedule `before`, whose run had these points, with a switch at one of them, or at two."""
    switches = dict(before)
    if points:
        kinds: dict[tuple[int, str], list[Point]] = {}
        for point in points:
            kinds.setdefault((point.thread, point.what), []).append(point)
        first = rng.choice(kinds[rng.choice(list(kinds))])
        switches = {step: thread for step, thread in before if step < first.step}
        others = [thread for thread in threads if thread != first.thread]
        switches[first.step] = rng.choice(others)
        if rng.random() < 0.5:
            switches[first.step + rng.randint(1, NEAR)] = rng.choice(threads)
    return tuple(Switch(*item) for item in sorted(switches.items()))
