"""Schedules that stop a thread where threads were stopped the least: at a kind of point, for an op of another
thread to go on. So the few points late in a sync weigh as much as the many before holds, and what only a few
programs come to is tried when one does."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from fuzz.language.program import Op, Switch
from fuzz.threads.scheduling_policies import Policy

NEAR = 40
"""How many points behind the first switch a second one may lie."""


class Point(NamedTuple):
    """A point of a run: its number, the thread that came to it, what comes next there and at which level of
    blocks, and how many ops each other thread that could go on had ended."""

    step: int
    thread: int
    what: str
    level: int
    others: tuple[tuple[int, int], ...]


class Recording:
    """A policy that remembers at which points another one has chosen. It watches its run, too."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.points: list[Point] = []
        self._here: tuple[int, str, int] | None = None
        self._ended: Counter[int] = Counter()

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """What the other policy chooses."""
        if self._here is not None and current is not None and len(able) > 1:
            others = tuple((thread, self._ended[thread]) for thread in able if thread != current)
            self.points.append(Point(step, *self._here, others))
        self._here = None
        return self.policy.choose(step, current, able)

    def arrived(self, thread: int, what: str, thing: object) -> None:
        """A thread has come to a point, where the policy is asked next."""
        level = thing[2] if isinstance(thing, tuple) and len(thing) > 2 else 0
        self._here = (thread, what, level)
        self._ended[thread] += what == "commit"

    def entered(self, thread: int, what: str, thing: object) -> None:
        """It goes on."""


class Preemption:
    """Draws where a thread is stopped, and counts how often that was done: of two kinds of stops one that was
    done `n` times less is drawn as much more often."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.tried: Counter[tuple[str, int, str]] = Counter()

    def schedule(
        self, ops: Sequence[Op], points: Sequence[Point], before: Sequence[Switch]
    ) -> tuple[Switch, ...]:
        """The schedule `before` of a program with these `ops`, whose run had these points, with a switch at
        one of them, or at two."""
        rng = self.rng
        verbs: dict[int, list[str]] = {}
        for op in ops:
            verbs.setdefault(op.thread, []).append(op.verb)
        kinds: dict[tuple[str, int, str], list[Switch]] = {}
        for point in points:
            for thread, ended in point.others:
                if ended == len(verbs[thread]):
                    continue  # it has nothing left to do
                kind = (point.what, point.level, verbs[thread][ended])
                kinds.setdefault(kind, []).append(Switch(point.step, thread))
        if not kinds:
            return tuple(before)
        kind = rng.choices(list(kinds), [1 / (1 + self.tried[each]) for each in kinds])[0]
        self.tried[kind] += 1
        first = rng.choice(kinds[kind])
        switches = {step: thread for step, thread in before if step < first.step}
        switches[first.step] = first.thread
        if rng.random() < 0.5:
            switches[first.step + rng.randint(1, NEAR)] = rng.choice([thread for thread in verbs if thread])
        return tuple(Switch(*item) for item in sorted(switches.items()))
