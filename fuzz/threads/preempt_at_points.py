"""Schedules that stop a thread where threads were stopped the least: at a kind of point, in one op, for an op
of another thread to go on. So the few points late in a sync weigh as much as the many before holds, and what
only a few programs come to is tried when one does. Of the points of a kind it is one at whose block something
is about to change that was looked at the least (`fuzz.threads.block_fates`).

`Preemption.schedules` do so once or twice, in a run whose points are known. `Stops` does so while a run goes
on, a few times, so that what takes several threads one after the other at one place comes up, too."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fuzz.language.program import Op, Switch
from fuzz.threads.block_fates import NO_BLOCK, Fate
from fuzz.threads.scheduling_policies import Policy

EACH = 3
MOST_EACH = 12
"""Schedules that are drawn for one run of a program, and most of them."""
NEAR = 40
"""How many points behind the first switch a second one may lie."""
STOPS = (1, 2, 2, 3, 3, 4, 5)
"""How often threads are stopped at most in one run."""
AIM = 2.0
"""How often they are on average."""

Kind = tuple[str, Fate, str, str]
"""Where a thread is stopped: what comes next there, at which indirect block (these are few), in which op; and
which op of another one goes on."""
Found = Mapping[Kind, Mapping[Fate, Sequence[Switch]]]
"""The switches that stop a thread so, by what becomes of the block there."""
Fates = Callable[[object], Fate]
"""Tells what becomes of the block at which a thread stands."""


class Point(NamedTuple):
    """A point of a run: its number, the thread that came to it, what comes next there, what becomes of its
    block, how many ops that thread had ended, and how many each other thread that could go on."""

    step: int
    thread: int
    what: str
    fate: Fate
    ended: int
    others: tuple[tuple[int, int], ...]


class _Watching:
    """Knows where the running thread stands, and how many ops each has ended."""

    def __init__(self, fates: Fates) -> None:
        self._fates = fates
        self._here: tuple[int, str, object] | None = None
        self._ended: Counter[int] = Counter()

    def arrived(self, thread: int, what: str, thing: object) -> None:
        """A thread has come to a point, where the policy is asked next."""
        self._here = (thread, what, thing)
        self._ended[thread] += what == "commit"

    def entered(self, thread: int, what: str, thing: object) -> None:
        """It goes on."""

    def _point(self, step: int, current: int | None, able: Sequence[int]) -> Point | None:
        here, self._here = self._here, None
        if here is None or current is None or len(able) == 1:
            return None
        others = tuple((thread, self._ended[thread]) for thread in able if thread != current)
        thread, what, thing = here
        return Point(step, thread, what, self._fates(thing), self._ended[thread], others)


class Recording(_Watching):
    """A policy that remembers at which points another one has chosen. It watches its run, too."""

    def __init__(self, policy: Policy, fates: Fates) -> None:
        super().__init__(fates)
        self.policy = policy
        self.points: list[Point] = []

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """What the other policy chooses."""
        point = self._point(step, current, able)
        if point is not None:
            self.points.append(point)
        return self.policy.choose(step, current, able)


class Preemption:
    """Draws where a thread is stopped, and counts how often that was done: of two kinds of stops one that was
    done `n` times less is drawn as much more often, and a program that comes to kinds which others do not is
    run more often."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.tried: Counter[Kind] = Counter()
        self.looked_at: Counter[tuple[Kind, Fate]] = Counter()
        self.scale = 1.0

    def schedules(
        self, ops: Sequence[Op], points: Sequence[Point], before: Sequence[Switch]
    ) -> Iterator[tuple[Switch, ...]]:
        """Some schedules like `before` of a program with these `ops`, whose run had these points, each with a
        switch at one of them, or at two."""
        verbs = verbs_of(ops)
        kinds: dict[Kind, dict[Fate, list[Switch]]] = {}
        for point in points:
            for thread, kind in stops_at(point, verbs):
                fates = kinds.setdefault(kind, {})
                fates.setdefault(point.fate, []).append(Switch(point.step, thread))
        few = sum(self.tried.values()) / max(len(self.tried), 1) / 4
        rare = sum(self.tried[kind] < few for kind in kinds)
        for _ in range(min(EACH + rare, MOST_EACH) if kinds else 1):
            yield self._schedule([thread for thread in verbs if thread], kinds, before)

    def _schedule(self, threads: Sequence[int], kinds: Found, before: Sequence[Switch]) -> tuple[Switch, ...]:
        rng = self.rng
        if not kinds:
            return tuple(before)
        kind = rng.choices(list(kinds), [1 / (1 + self.tried[each]) for each in kinds])[0]
        fates = kinds[kind]
        fate = rng.choices(list(fates), [1 / (1 + self.looked_at[kind, each]) for each in fates])[0]
        self.count(kind, fate)
        first = rng.choice(fates[fate])
        switches = {step: thread for step, thread in before if step < first.step}
        switches[first.step] = first.thread
        if rng.random() < 0.4:
            switches[first.step + rng.randint(1, NEAR)] = rng.choice(threads)
        return tuple(Switch(*item) for item in sorted(switches.items()))

    def count(self, kind: Kind, fate: Fate) -> None:
        """A thread is stopped so."""
        self.tried[kind] += 1
        self.looked_at[kind, fate] += 1


class Stops(_Watching):
    """A policy that stops threads while a run goes on. Which thread begins, and which goes on where one has
    to wait, is drawn, too. It watches its run."""

    def __init__(self, preemption: Preemption, ops: Sequence[Op], fates: Fates) -> None:
        super().__init__(fates)
        self.preemption = preemption
        self.verbs = verbs_of(ops)
        self.left = preemption.rng.choice(STOPS)

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """Another thread than the running one, with a probability that is the less the more often one was
        stopped so."""
        all_, rng = self.preemption, self.preemption.rng
        point = self._point(step, current, able)
        if current is None:
            return able[0] if len(able) == 1 else rng.choice(able)
        if point is None or not self.left:
            return current
        for thread, kind in stops_at(point, self.verbs):
            if rng.random() * (1 + all_.looked_at[kind, point.fate]) < all_.scale:
                all_.count(kind, point.fate)
                self.left -= 1
                all_.scale *= 1 - 0.02 / AIM
                return thread
        return current

    def ended(self) -> None:
        """The run has ended: in the next ones threads are stopped as often as is the aim."""
        self.preemption.scale *= 1.02


def verbs_of(ops: Sequence[Op]) -> Mapping[int, Sequence[str]]:
    """The verbs of each thread's ops."""
    verbs: dict[int, list[str]] = {}
    for op in ops:
        verbs.setdefault(op.thread, []).append(op.verb)
    return verbs


def stops_at(point: Point, verbs: Mapping[int, Sequence[str]]) -> list[tuple[int, Kind]]:
    """The threads that could go on at a point and have something left to do, each with what kind of stop that
    would be."""
    mine = verbs[point.thread]
    block = point.fate if point.fate.level else NO_BLOCK
    verb = mine[point.ended] if point.ended < len(mine) else ""
    return [
        (thread, (point.what, block, verb, verbs[thread][ended]))
        for thread, ended in point.others
        if ended < len(verbs[thread])
    ]
