"""How small what was found gets, against the least that enumeration proved, and how long that takes."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from random import Random

from fuzz.bench.speed import middle
from fuzz.bench.time_to_find import Bug, Hunt
from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import Parameters, random_program
from fuzz.judge.signature import Failure, Signature
from fuzz.language.program import Program
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.registry import make_target

Input = tuple[Program, Signature]


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """All inputs of one bug: ops before and after, and CPU seconds, each as median, least and most;
    `at_least` counts those that reached the known minimum."""

    bug: str
    shortest: int
    inputs: int
    at_least: int
    before: tuple[float, float, float]
    after: tuple[float, float, float]
    seconds: tuple[float, float, float]


LONG_OPS = 200


def long_inputs(bug: Bug, count: int, seed: int = 1) -> list[Input]:
    """So many random programs of LONG_OPS ops that meet the bug, the later half of them only."""
    target = make_target("model", bug.release, small=True)
    rng = Random(seed)
    parameters = Parameters(min_ops=LONG_OPS, max_ops=LONG_OPS)
    inputs: list[Input] = []
    while len(inputs) < count:
        program = random_program(rng, parameters)
        outcome = run(program, target)
        failure = outcome.failure
        if failure is not None and failure.signature.key == bug.key and outcome.ops > LONG_OPS // 2:
            inputs.append((program, failure.signature))
    return inputs


def found_inputs(bug: Bug, found: Sequence[Hunt]) -> list[Input]:
    """What the engines found of a bug."""
    return [
        (each.program, each.signature)
        for each in found
        if each.bug == bug.name and each.program is not None and each.signature is not None
    ]


def cut(bug: Bug, inputs: Sequence[Input], what: str) -> Cut | None:
    """Minimize inputs of a real bug; None where there are none."""
    target = make_target("model", bug.release, small=True)
    before: list[float] = []
    after: list[float] = []
    seconds: list[float] = []
    for program, signature in inputs:
        begun = time.thread_time()
        small, _ = minimize_failure(program, Failure(signature, ""), target)
        seconds.append(time.thread_time() - begun)
        before.append(len(program.ops))
        after.append(len(small.ops))
    if not after:
        return None
    least = sum(ops <= bug.shortest for ops in after)
    return Cut(
        *(f"{bug.name}, {what}", bug.shortest, len(after), least),
        *(middle(before), middle(after), middle(seconds)),
    )
