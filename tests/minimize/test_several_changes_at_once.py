"""Programs that cannot lose an op and yet are not the shortest: the minimizer builds them anew.

They protect: that what engines found and no dropped op made shorter comes down to the least that enumeration
proved; that every candidate is shorter and a program that can be written; and that their number is bounded.
"""

from __future__ import annotations

import contextlib
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.faults.seeded import MUTANTS
from fuzz.generate.leaf_programs import Parameters, random_program
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.language.validate import problems
from fuzz.minimize.minimize import Stats, minimize
from fuzz.minimize.same_failure import minimize_failure
from fuzz.minimize.several_changes_at_once import REBUILDS, UP_TO, folds, lives
from fuzz.targets.model.target import ModelTarget

ZAP = Zap("z", words=1, prehashed=True, leaf_shift=9)
NAMES = [name for name, _ in REBUILDS]


def program_of(text: str) -> Program:
    """Ops separated by commas: +0x40 adds a value of half a leaf, -0x40 removes it, others are verbs."""
    ops = []
    for word in text.split(","):
        word = word.strip()
        if word[0] in "+-":
            ops.append(f"{'add' if word[0] == '+' else 'remove'} z {word[1:]}{' len=148' * (word[0] == '+')}")
        else:
            ops.append(word)
    return parse("zap z fat key=u64 prehashed leaf_shift=9\n" + "\n".join(ops) + "\n")


STALLED = (
    (
        "unfixed",
        "",
        7,
        "+0x0, +0x4000000000000000, +0x400000000000000, +0x200000000000000, +0x600000000000000, txg,"
        "-0x400000000000000, -0x600000000000000, +0x6000000000000000",
    ),
    (
        "unfixed",
        "",
        7,
        "+0x0, +0x1000000000000000, +0x800000000000000, +0x1800000000000000, txg,"
        "-0x1000000000000000, -0x1800000000000000, +0x400000000000000",
    ),
    (
        "unfixed",
        "",
        7,
        "+0x0, +0x400000000000000, +0x200000000000000, +0x100000000000000, txg, +0x300000000000000, -0x0,"
        "-0x200000000000000, -0x100000000000000, -0x300000000000000, +0x600000000000000",
    ),
    (
        "2.3",
        "",
        6,
        "+0x0, +0x100000000000000, -0x0, -0x100000000000000, +0x0, +0x100000000000000, -0x0,"
        "-0x100000000000000",
    ),
    (
        "explicit-evict",
        "",
        7,
        "+0x0, +0x8000000000000000, -0x8000000000000000, cursor c z, next c, next c, -0x0, reopen",
    ),
    (
        "2.3",
        "next-table-not-stored",
        4,
        "+0x0, +0x2000000000000000, +0x4400000000000000, +0x4600000000000000, -0x0, -0x2000000000000000",
    ),
    (
        "2.3",
        "split-leaf-not-noticed",
        5,
        "add z 0x0 len=43, add z 0x8000000000000000 len=43, add z 0x4000000000000000 len=43, cursor c z,"
        "next c, next c, next c, add z 0x2000000000000000 len=43, retrieve c",
    ),
)


@pytest.mark.parametrize(("release", "mutant", "least", "text"), STALLED)
def test_what_no_dropped_op_makes_shorter(release: str, mutant: str, least: int, text: str) -> None:
    program = program_of(text)
    with MUTANTS[mutant].applied() if mutant else contextlib.nullcontext():
        target = ModelTarget(release, block_limit=1024)
        # the judges see the wrong free mark on the way to a panic
        failure = run(program, target, judge=release == "2.3").failure
        assert failure is not None
        stats = Stats()
        small, outcome = minimize_failure(program, failure, target, stats=stats)
    assert len(small.ops) == least < len(program.ops)
    assert outcome.failure is not None
    assert outcome.failure.signature.key == failure.signature.key
    assert sum(stats.passes[name].taken for name in NAMES if name in stats.passes) > 0


@pytest.mark.parametrize("name", NAMES)
def test_candidates_are_shorter_and_can_be_written(name: str) -> None:
    rng = Random(name)
    candidates = 0
    for _ in range(60):
        program = random_program(rng, Parameters(min_ops=5, max_ops=9))
        for candidate in dict(REBUILDS)[name](program):
            assert len(candidate.ops) < len(program.ops)
            assert candidate.zaps == program.zaps
            assert problems(candidate) is None
            candidates += 1
    assert candidates > 50


def test_a_second_life_is_another_keys_first() -> None:
    program = program_of("+0x0, +0x40, -0x0, count z, +0x0, length z 0x0")
    assert program_of("+0x0, +0x40, count z, +0x8000000000000000, length z 0x8000000000000000").ops in [
        candidate.ops for candidate in lives(program)
    ]


def test_many_keys_become_two_that_come_again() -> None:
    program = program_of("+0x10, +0x20, +0x30, +0x40, -0x10, -0x20, count z")
    expected = program_of("+0x0, +0x8000000000000000, -0x0, -0x8000000000000000, count z, +0x0")
    assert expected.ops in [candidate.ops for candidate in folds(program)]


@pytest.mark.parametrize("ops", [UP_TO, UP_TO + 1])
def test_tries_are_bounded(ops: int) -> None:
    program = Program((ZAP,), tuple(Op("add", "z", (n << 50,), 1, n) for n in range(ops)))
    stats = Stats()
    minimize(program, lambda candidate: candidate == program, stats=stats)
    tried = sum(stats.passes[name].tried for name in NAMES if name in stats.passes)
    assert tried <= 2000
    assert (tried > 0) is (ops <= UP_TO)
    assert stats.complete
