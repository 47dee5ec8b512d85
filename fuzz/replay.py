"""Reproducers run again: does each release still do what is written?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fuzz.corpus import Reproducer
from fuzz.program import Program
from fuzz.run import Outcome, run
from fuzz.targets.select import LIBRARIES, target_of_expectation
from zapcore.release import RELEASES


class Replayed(NamedTuple):
    """One line of [expect] and what came: `got` is None where its target is not to be had here."""

    reproducer: Reproducer
    release: str
    expected: str
    got: str | None

    @property
    def differs(self) -> bool:
        """Whether the release did something else."""
        return self.got is not None and self.got != self.expected


def replay(reproducer: Reproducer, release: str = "all") -> Iterator[Replayed]:
    """Run a reproducer on one release, or on each that it speaks of."""
    for name, expected in reproducer.expect.items():
        if release not in ("all", name):
            continue
        target = target_of_expectation(name)
        if target is None:
            yield Replayed(reproducer, name, expected, None)
            continue
        outcome = run(reproducer.program, target)
        got = str(outcome)
        stack = reproducer.stack.get(name)
        if got == expected and stack and outcome.failure and outcome.failure.signature.stack != stack:
            got += f" with another stack: {' < '.join(outcome.failure.signature.stack)}"
        yield Replayed(reproducer, name, expected, got)


def expectations(program: Program) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """What every release of the model, and every real library that this machine has, does on a program, and
    the stacks of those that fail: [expect] and [stack] of a new reproducer."""
    outcomes: dict[str, Outcome] = {}
    for name in (*RELEASES, *LIBRARIES):
        target = target_of_expectation(name)
        if target is not None:
            outcomes[name] = run(program, target)
    stacks = {
        name: outcome.failure.signature.stack
        for name, outcome in outcomes.items()
        if outcome.failure is not None and outcome.failure.signature.stack
    }
    return {name: str(outcome) for name, outcome in outcomes.items()}, stacks
