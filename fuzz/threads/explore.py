"""Tries every interleaving of one program up to a bound. Of interleavings that are equivalent, one is tried.

The bound counts preemptions (a thread that could go on is stopped), or switches (any deviation from the
default choice). The search runs the program anew for every schedule, those with few preemptions first. A run
takes the default choice after its last forced switch, and every other choice that it could have made on its
way is tried later.

A run is cut off at a point where an earlier run has been: with the same past (`dependence`), the same running
thread, and no more of the bound spent. Whatever follows from there was tried from that earlier run, or will
be. Sleep sets alone would be wrong here, because of two equivalent schedules they may cut off the cheap one,
and the expensive one may exceed the bound.
"""

from __future__ import annotations

import enum
import itertools
import time
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from fuzz.judge.signature import Failure
from fuzz.language.program import Program, Switch
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.dependence import Dependence
from fuzz.threads.parallel_run import ThreadRun, run_threads
from fuzz.threads.scheduling_policies import default


class Cost(enum.Enum):
    """What the bound counts."""

    PREEMPTIONS = "preemptions"
    SWITCHES = "switches"


class Found(NamedTuple):
    """A failure, the first schedule that led to it, and what that cost."""

    failure: Failure
    schedule: tuple[Switch, ...]
    cost: int


class Explored(NamedTuple):
    """What a search did. `schedules[b]` runs of cost b ended, `cut` more were stopped as equivalent to an
    earlier one; `complete` unless a limit of runs or seconds ended it. `limits` runs met a limit and were not
    judged, the first of them `limit`. `found` has one failure of each signature, the cheapest; `failing`
    counts the failing schedules of each."""

    cost: Cost
    bound: int
    schedules: tuple[int, ...]
    cut: int
    complete: bool
    seconds: float
    limits: int
    found: tuple[Found, ...]
    failing: tuple[int, ...]
    limit: str = ""

    def __str__(self) -> str:
        total = sum(self.schedules)
        if self.complete:
            head = f"all {total} schedules up to {self.bound} {self.cost.value} tried"
        else:
            head = f"{total} schedules tried, not all up to {self.bound} {self.cost.value}"
        by_cost = " ".join(f"{cost}:{count}" for cost, count in enumerate(self.schedules))
        return (
            f"{head} ({by_cost}; {self.cut} more cut as equivalent; {self.seconds:.1f} s), "
            f"{len(self.found)} kinds of failure"
        )


class _Cut(BaseException):
    """This run goes on as an earlier one did. It is no Exception, because nothing between may catch it."""


class _Branching:
    """The policy of one run: first the forced switches, then the default choices. Every other choice is noted
    in `later`."""

    def __init__(self, search: Search, forced: tuple[Switch, ...], spent: int) -> None:
        self.search = search
        self.forced = forced
        self.at = dict(forced)
        self.last = forced[-1].step if forced else -1
        self.spent = spent
        self.dependence = Dependence(search.known)

    def choose(self, step: int, current: int | None, able: Sequence[int]) -> int:
        """The forced choice or the default one. Raises _Cut at a point that was met before."""
        plain = default(current, able)
        if step <= self.last:
            return self.at.get(step, plain)
        search = self.search
        if search.equivalent:
            if current is not None and self.dependence.unseen(current):
                return plain
            here = (self.dependence.past(), current)
            if here in search.met:
                raise _Cut
            search.met.add(here)
        for other in able:
            if other != plain:
                free = search.cost is Cost.PREEMPTIONS and current is None
                spent = self.spent + (0 if free else 1)
                if spent <= search.bound:
                    search.later[spent].append((*self.forced, Switch(step, other)))
        return plain


class Search:
    """One exhaustive search; `run` once."""

    def __init__(
        self,
        program: Program,
        target: ModelTarget,
        bound: int,
        *,
        cost: Cost = Cost.PREEMPTIONS,
        writers_first: bool = False,
        max_runs: int | None = None,
        max_seconds: float | None = None,
        stop: Callable[[Failure], bool] | None = None,
        equivalent: bool = True,
        seen: Callable[[ThreadRun], None] | None = None,
    ) -> None:
        self.program = program
        self.target = target
        self.bound = bound
        self.cost = cost
        self.writers_first = writers_first
        self.max_runs = max_runs
        self.max_seconds = max_seconds
        self.stop = stop
        self.equivalent = equivalent
        self.seen = seen
        self.known: dict[Hashable, int] = {}
        self.met: set[Hashable] = set()
        self.later: list[list[tuple[Switch, ...]]] = [[] for _ in range(bound + 1)]
        self.found: dict[Hashable, Found] = {}
        self.failing: dict[Hashable, int] = {}
        self.cut = 0
        self.limits = 0
        self.limit = ""
        self.schedules = [0] * (bound + 1)
        self.start = 0.0

    def run(self) -> Explored:
        """Try every schedule up to the bound. Ends early at a limit, or at a failure for which `stop` says
        so."""
        self.start = start = time.perf_counter()
        self.later[0].append(())
        complete = True
        runs = itertools.count(1)
        for spent in range(self.bound + 1):
            waiting = self.later[spent]
            while waiting and complete:
                done = self._one(waiting.pop(), spent)
                if done is not None:
                    self.schedules[spent] += 1
                    complete = not self._judge(done, spent)
                if next(runs) == self.max_runs:
                    complete = False
                if self.max_seconds is not None and time.perf_counter() - start > self.max_seconds:
                    complete = False
        return self.result(complete)

    def result(self, complete: bool = False) -> Explored:
        """What was done so far."""
        return Explored(
            self.cost,
            self.bound,
            tuple(self.schedules),
            self.cut,
            complete,
            time.perf_counter() - self.start,
            self.limits,
            tuple(self.found.values()),
            tuple(self.failing.values()),
            self.limit,
        )

    def _one(self, forced: tuple[Switch, ...], spent: int) -> ThreadRun | None:
        policy = _Branching(self, forced, spent)
        try:
            return run_threads(
                self.program,
                self.target,
                policy=policy,
                writers_first=self.writers_first,
                dependence=policy.dependence,
            )
        except _Cut:
            self.cut += 1
            return None

    def _judge(self, done: ThreadRun, spent: int) -> bool:
        """Remember how a run has ended. Returns whether the search is to stop."""
        if self.seen is not None:
            self.seen(done)
        failure = done.outcome.failure
        if done.outcome.limit is not None:
            self.limits += 1
            self.limit = self.limit or done.outcome.limit
        if failure is None:
            return False
        key = failure.signature.key
        self.found.setdefault(key, Found(failure, done.schedule, spent))
        self.failing[key] = self.failing.get(key, 0) + 1
        return self.stop is not None and self.stop(failure)


def explore(
    program: Program,
    target: ModelTarget,
    bound: int,
    *,
    cost: Cost = Cost.PREEMPTIONS,
    writers_first: bool = False,
    max_runs: int | None = None,
    max_seconds: float | None = None,
    stop: Callable[[Failure], bool] | None = None,
    equivalent: bool = True,
    seen: Callable[[ThreadRun], None] | None = None,
) -> Explored:
    """Try every schedule of a program up to a bound; the program's own schedule is not looked at.

    `equivalent` says that equivalent runs are cut off. `seen` is called with every run that comes to its end.
    """
    return Search(
        program,
        target,
        bound,
        cost=cost,
        writers_first=writers_first,
        max_runs=max_runs,
        max_seconds=max_seconds,
        stop=stop,
        equivalent=equivalent,
        seen=seen,
    ).run()
