"""Replay: runs reproducers again, and tells whether each release still does what is written in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from fuzz.corpus.reproducer import FINE, Reproducer, known_failures
from fuzz.execution.execute import run
from fuzz.execution.result import Outcome
from fuzz.faults.remedies import switched_on
from fuzz.language.program import Program
from fuzz.targets.base import NoTarget
from fuzz.targets.registry import (
    KERNEL_PREFIX,
    LIBRARIES,
    make_target,
    name_of_expectation,
    target_of_expectation,
)
from zapcore.release import RELEASES, nearest_row

T = TypeVar("T")


class Replayed(NamedTuple):
    """One line of [expect], and what happened. `got` is None if this machine does not have the target."""

    reproducer: Reproducer
    release: str
    expected: str
    got: str | None

    @property
    def differs(self) -> bool:
        """Whether the release did something else. Of a kernel several outcomes may be written, with `or`
        between them: which of them comes depends on the directory's salt, which is the kernel's own."""
        may = self.expected.split(" or ") if is_kernel(self.release) else [self.expected]
        return self.got is not None and self.got not in may


def is_kernel(name: str) -> bool:
    """Whether a line of [expect] speaks of a guest: what takes seconds, and is run only where it is asked
    for."""
    return name.startswith(KERNEL_PREFIX)


def replay(reproducer: Reproducer, release: str = "all") -> Iterator[Replayed]:
    """Run a reproducer on one release, library or kernel, or on each release and library that it speaks
    of."""
    for name, expected in reproducer.expect.items():
        if release != name and (release != "all" or is_kernel(name)):
            continue
        outcome = outcome_on(name, reproducer.program)
        if outcome is None:
            yield Replayed(reproducer, name, expected, None)
            continue
        got = str(outcome)
        stack = reproducer.stack.get(name)
        if got == expected and stack and outcome.failure and outcome.failure.signature.stack != stack:
            got += f" with another stack: {' < '.join(outcome.failure.signature.stack)}"
        yield Replayed(reproducer, name, expected, got)


def outcome_on(name: str, program: Program) -> Outcome | None:
    """How a program ends on what a line of [expect] speaks of: a release, one with remedies
    (`2.3+trunc-next-table`), or a library; None where this machine cannot have it. Raises NoRemedy."""
    base, *remedies = name.split("+")
    target = target_of_expectation(base)
    if target is None:
        return None
    with switched_on(remedies):
        try:
            return run(program, target)
        except NoTarget:  # threads, and what runs or holds them is not there: greenlet, or a compiler
            return None


def known_on(
    reproducers: Sequence[Reproducer], kind: str, release: str, remedies: Sequence[str]
) -> dict[str, list[Reproducer]]:
    """The failures that a target is expected to have, by the text of their signature.

    On a real library also those of the model, which is where programs are steered around them.
    With remedies those that are left: each reproducer is run, and counts if it still fails as it says for
    the release, with remedies or without. So what a remedy should have cured is new where it comes again.
    """
    if not remedies:
        return {
            **known_failures(reproducers, nearest_row(release)),
            **known_failures(reproducers, name_of_expectation(kind, release)),
        }
    target, release = make_target(kind, release), nearest_row(release)
    known: dict[str, list[Reproducer]] = {}
    with switched_on(remedies):
        for reproducer in reproducers:
            expected = {text for name, text in reproducer.expect.items() if name.split("+")[0] == release}
            if expected <= {FINE, "limit"}:
                continue
            outcome = run(reproducer.program, target)
            if outcome.failure is not None and str(outcome) in expected:
                known.setdefault(str(outcome), []).append(reproducer)
    return known


Asking = Callable[[str], None]
"""Who is told which release is asked next."""


def nobody_listens(name: str) -> None:
    """Whoever does not say is not told."""


def expectations(
    program: Program, *more: str, asking: Asking = nobody_listens
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """What every release of the model, and every real library that this machine has, does on a program, and
    the stacks of those that fail: [expect] and [stack] of a new reproducer. `more` are further names, as
    `outcome_on` knows them."""
    return _on_each(dict.fromkeys((*RELEASES, *LIBRARIES, *more)), program, asking)


def _on_each(
    names: Iterable[str], program: Program, asking: Asking = nobody_listens
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    outcomes = {}
    for name in names:
        asking(name)
        if (outcome := outcome_on(name, program)) is not None:
            outcomes[name] = outcome
    stacks = {
        name: outcome.failure.signature.stack
        for name, outcome in outcomes.items()
        if outcome.failure is not None and outcome.failure.signature.stack
    }
    return {name: str(outcome) for name, outcome in outcomes.items()}, stacks


def with_missing(reproducer: Reproducer, names: Iterable[str] = (*RELEASES, *LIBRARIES)) -> Reproducer:
    """The same with a line of [expect] for every one of `names` that this machine has and that it does not
    speak of yet: what they do now. By default these are each release of the model and each real library. What
    is written stays as it is."""
    wanted = [name for name in names if name not in reproducer.expect]
    expect, stacks = _on_each(wanted, reproducer.program)
    return dataclasses.replace(
        reproducer,
        expect=_in_order({**expect, **reproducer.expect}),
        stack=_in_order({**stacks, **reproducer.stack}),
    )


def _in_order(by_name: Mapping[str, T]) -> dict[str, T]:
    """Releases, older ones first, then libraries, then whatever else is there, as it stands."""
    order = dict.fromkeys((*RELEASES, *LIBRARIES, *by_name))
    return {name: by_name[name] for name in order if name in by_name}
