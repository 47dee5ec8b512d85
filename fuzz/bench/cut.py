"""How small what was found gets, against the least that enumeration proved, and how long that takes."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from fuzz.bench.hunt import Bug, Hunt
from fuzz.bench.speed import middle
from fuzz.reproduce import minimize_failure
from fuzz.signature import Failure
from fuzz.targets.select import make_target


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """All inputs of one bug: ops before and after, and seconds, each as median, least and most; `at_least`
    counts those that reached the known minimum."""

    bug: str
    shortest: int
    inputs: int
    at_least: int
    before: tuple[float, float, float]
    after: tuple[float, float, float]
    seconds: tuple[float, float, float]


def cut(bug: Bug, found: Sequence[Hunt]) -> Cut | None:
    """Minimize what the engines found of a real bug; None where they found nothing."""
    target = make_target("model", bug.release, small=True)
    before: list[float] = []
    after: list[float] = []
    seconds: list[float] = []
    for each in found:
        if each.bug != bug.name or each.program is None or each.signature is None:
            continue
        begun = time.perf_counter()
        small, _ = minimize_failure(each.program, Failure(each.signature, ""), target)
        seconds.append(time.perf_counter() - begun)
        before.append(len(each.program.ops))
        after.append(len(small.ops))
    if not after:
        return None
    least = sum(ops <= bug.shortest for ops in after)
    return Cut(
        *(bug.name, bug.shortest, len(after), least), *(middle(before), middle(after), middle(seconds))
    )
