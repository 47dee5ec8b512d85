"""Cuts a schedule down to the fewest switches that still lead to the same failure.

First, switches are left out, halves of them and then single ones, until none can be left out. Then every
schedule with fewer switches is tried, if these are not too many, so that the number is the least possible
one. The minimizer of ops calls `fit` after each change of a program, because then the switches are no longer
at their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fuzz.judge.signature import Failure
from fuzz.language.program import Program, Switch
from fuzz.minimize.minimize import Stats, minimize
from fuzz.targets.model.target import ModelTarget
from fuzz.threads.explore import Cost, explore
from fuzz.threads.parallel_run import ThreadRun, run_threads

Same = Callable[[Failure], bool]
"""Whether a failure is the one that is looked for."""


class Fewest(NamedTuple):
    """A program with its schedule cut down; `least` if no schedule with fewer switches fails so."""

    program: Program
    least: bool
    runs: int


def same_as(failure: Failure) -> Same:
    """Failures of the same kind, place and expression."""
    return lambda other: other.signature.key == failure.signature.key


def with_schedule(program: Program, schedule: Sequence[Switch]) -> Program:
    """The program with another schedule."""
    return Program(program.zaps, program.ops, tuple(schedule), program.notes)


def fewest_switches(
    program: Program,
    target: ModelTarget,
    same: Same,
    *,
    writers_first: bool = False,
    max_runs: int = 20_000,
) -> Fewest:
    """The program with the fewest switches; its schedule must fail as `same` wants (else ValueError).

    The search for schedules with even fewer switches ends after `max_runs` runs; `least` says whether it was
    complete.
    """
    runs = 0

    def attempt(schedule: Sequence[Switch]) -> ThreadRun | None:
        nonlocal runs
        runs += 1
        done = run_threads(with_schedule(program, schedule), target, writers_first=writers_first)
        failure = done.outcome.failure
        return done if failure is not None and same(failure) else None

    first = attempt(program.schedule)
    if first is None:
        raise ValueError("the program's schedule does not lead to the failure")
    schedule = _leave_out(first.schedule, attempt)
    least = not schedule
    if schedule:
        tried = explore(
            program,
            target,
            len(schedule) - 1,
            cost=Cost.SWITCHES,
            writers_first=writers_first,
            max_runs=max_runs,
            stop=same,
        )
        runs += sum(tried.schedules)
        fewer = [found for found in tried.found if same(found.failure)]
        if fewer:
            schedule = fewer[0].schedule
        # costs are tried in ascending order, so the first one that is found has the fewest switches
        least = bool(fewer) or tried.complete
    return Fewest(with_schedule(program, schedule), least, runs)


def _leave_out(
    schedule: tuple[Switch, ...], attempt: Callable[[Sequence[Switch]], ThreadRun | None]
) -> tuple[Switch, ...]:
    """Leave out runs of switches, long ones first, as long as the failure stays."""
    width = max(len(schedule) // 2, 1)
    while width:
        at = 0
        while at < len(schedule):
            done = attempt(schedule[:at] + schedule[at + width :])
            if done is not None and len(done.schedule) < len(schedule):
                schedule = done.schedule  # the schedule as it was recorded: it has no switches without effect
            else:
                at += width
        width //= 2
    return schedule


def fit(
    program: Program,
    target: ModelTarget,
    same: Same,
    *,
    bound: int = 2,
    writers_first: bool = False,
    max_runs: int = 1500,
) -> Program | None:
    """A schedule of at most `bound` switches with which the program fails as `same` wants, or None.

    For minimizers of ops: a changed program keeps the failure if some short schedule still leads to it. Its
    own schedule is tried first.
    """
    return _fit(program, target, same, bound, writers_first, max_runs)[0]


def _fit(
    program: Program, target: ModelTarget, same: Same, bound: int, writers_first: bool, max_runs: int
) -> tuple[Program | None, int]:
    """What `fit` returns, and how many runs that took."""
    done = run_threads(program, target, writers_first=writers_first)
    failure = done.outcome.failure
    if failure is not None and same(failure) and len(done.schedule) <= bound:
        return with_schedule(program, done.schedule), 1
    tried = explore(
        program,
        target,
        bound,
        cost=Cost.SWITCHES,
        writers_first=writers_first,
        max_runs=max_runs,
        stop=same,
    )
    fitting = [found for found in tried.found if same(found.failure)]
    runs = 1 + sum(tried.schedules) + tried.cut
    return (with_schedule(program, fitting[0].schedule) if fitting else None), runs


def minimize_threads(
    program: Program,
    failure: Failure,
    target: ModelTarget,
    *,
    switches: int = 2,
    keep_threads: bool = False,
    writers_first: bool = False,
    max_tries: int = 2000,
    max_runs: int = 20_000,
    stats: Stats | None = None,
) -> Fewest:
    """The simplest program that fails so under some schedule of at most `switches` switches (or as many as
    its schedule needs, if those are more), with the fewest of them.

    A program that fails without threads, too, loses its threads; but with `keep_threads` two threads stay,
    and one switch. After `max_runs` runs (about half a minute) the program stays as simple as it has become.
    """
    same = same_as(failure)
    first = fewest_switches(program, target, same, writers_first=writers_first)
    bound = max(switches, len(first.program.schedule)) if first.program.schedule else 0

    left = max_runs

    def fails(candidate: Program) -> bool:
        nonlocal left
        if left <= 0:
            return False
        if keep_threads:
            threads = {op.thread for op in candidate.ops if op.thread}
            alone = run_threads(candidate, target, writers_first=writers_first).outcome.failure
            if len(threads) < 2 or (alone is not None and same(alone)):
                return False
        fitted, runs = _fit(candidate, target, same, bound, writers_first, 600)
        left -= runs
        return fitted is not None

    small = minimize(with_schedule(program, ()), fails, max_tries=max_tries, stats=stats)
    scheduled = fit(small, target, same, bound=bound, writers_first=writers_first)
    assert scheduled is not None
    return fewest_switches(scheduled, target, same, writers_first=writers_first)
