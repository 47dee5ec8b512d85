"""The minimizer: it keeps the property, ends 1-minimal, is fast, and reaches the known minimum.

The panic of these tests is the stale user data of OpenZFS issue 16157, whose shortest form has 7 ops.
"""

from __future__ import annotations

import time
from itertools import pairwise
from random import Random

import pytest

from fuzz.execution.execute import run
from fuzz.generate.leaf_programs import Parameters, random_program
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.minimize.minimize import Stats, minimize
from fuzz.minimize.same_failure import fails_as, minimize_failure
from fuzz.minimize.simplicity import simplicity
from fuzz.targets.model.target import ModelTarget
from tests.support.cases import few_and_many

ZAPS = (Zap("z", words=1, prehashed=True, leaf_shift=9),)
SEVEN = parse(
    """zap z fat key=u64 prehashed leaf_shift=9
    add z 0x0 len=148
    add z 0x8000000000000000 len=148
    txg
    remove z 0x0
    remove z 0x8000000000000000
    add z 0x0 len=148
    add z 0x8000000000000000 len=148
    """
)
STALE = ("assertion", "zap.c:zap_create_leaf", "NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)")


def failing(seed: int, count: int, ops: int) -> list[tuple[Program, Failure]]:
    """The first random programs of that many ops that run into the stale user data on `unfixed`."""
    rng = Random(seed)
    target = ModelTarget("unfixed", block_limit=1024)
    found: list[tuple[Program, Failure]] = []
    while len(found) < count:
        program = random_program(rng, Parameters(min_ops=ops, max_ops=ops))
        failure = run(program, target, judge=False).failure
        if failure is not None and failure.signature.key == STALE:
            found.append((program, failure))
    return found


@few_and_many(4, 12)
def test_random_failures_come_down_to_the_seven_ops(count: int) -> None:
    target = ModelTarget("unfixed", block_limit=1024)
    found = [minimize_failure(*each, target)[0] for each in failing(1, count, 60)]
    assert [len(program.ops) for program in found] == [7] * count
    assert found.count(SEVEN) >= count // 2  # the others need another way to the same 7 ops


def test_200_ops_take_less_than_two_seconds() -> None:
    target = ModelTarget("unfixed", block_limit=1024)
    for program, failure in failing(2, 3, 200):
        began = time.process_time()
        small, _ = minimize_failure(program, failure, target)
        assert time.process_time() - began < 2
        assert len(small.ops) <= 9


def test_the_end_is_one_minimal() -> None:
    target = ModelTarget("unfixed", block_limit=1024)
    predicate = fails_as(failing(3, 1, 60)[0][1].signature, target, judge=False)
    for program, failure in failing(3, 5, 60):
        small, _ = minimize_failure(program, failure, target)
        for at in range(len(small.ops)):
            assert not predicate(small.with_ops(small.ops[:at] + small.ops[at + 1 :]))
            op = small.ops[at]
            if op.length:
                shorter = op._replace(length=op.length - 1)
                everywhere = [shorter if each == op else each for each in small.ops]
                candidate = small.with_ops(everywhere)
                assert simplicity(candidate) > simplicity(small) or not predicate(candidate)
        again, _ = minimize_failure(small, failure, target)
        assert again == small


def test_a_form_is_kept_when_asked() -> None:
    parked = parse(
        """zap z fat key=u64 prehashed leaf_shift=9
        add z 0x1000 len=180
        add z 0x8000000000000000 len=180
        count z
        cursor d z
        next d
        next d
        remove z 0x1000
        remove z 0x8000000000000000
        lookup z 0x1000
        add z 0x1000 len=180
        add z 0x8000000000000000 len=180
        """
    )
    target = ModelTarget("unfixed")
    failure = run(parked, target).failure
    assert failure is not None and failure.signature.key == STALE
    kept, _ = minimize_failure(parked, failure, target, keep_form=True)
    assert {op.verb for op in kept.ops} == {"add", "remove", "cursor", "next"}
    free, _ = minimize_failure(parked, failure, target)
    assert free == SEVEN


def test_any_predicate_will_do_and_is_asked_once_for_each_program() -> None:
    asked: list[Program] = []

    def sums_to_ten(program: Program) -> bool:
        asked.append(program)
        return sum(op.length for op in program.ops if op.verb == "add") >= 10

    ops = tuple(Op("add", "z", (n << 40,), 1, 7, n) for n in range(40))
    stats = Stats()
    small = minimize(Program(ZAPS, ops), sums_to_ten, stats=stats)
    assert small == Program(ZAPS, (Op("add", "z", (0,), 1, 10),)) or len(small.ops) <= 2
    assert len(asked) == len(set(asked)) == stats.tried + 1
    assert stats.complete
    assert sum(each.ops for each in stats.passes.values()) == 40 - len(small.ops)


def test_tries_are_bounded() -> None:
    stats = Stats()
    program = failing(4, 1, 60)[0][0]
    minimize(program, lambda candidate: len(candidate.ops) > 3, max_tries=5, stats=stats)
    assert stats.tried == 5
    assert not stats.complete


def test_a_program_without_the_property_is_refused() -> None:
    with pytest.raises(ValueError, match="property"):
        minimize(Program(ZAPS, ()), lambda program: False)


def test_threads_and_schedule_go_where_they_do_not_matter() -> None:
    threaded = parse(
        """zap z fat key=u64 prehashed
        schedule 1:1 4:0 9:2
        t1: add z 0x5
        t2: count z
        remove z 0x5
        """
    )
    small = minimize(threaded, lambda program: any(op.verb == "add" for op in program.ops))
    assert small == parse("zap z fat key=u64 prehashed leaf_shift=9\nadd z 0x0\n")


def test_two_zaps_and_odd_names_become_one_with_the_usual_name() -> None:
    program = parse(
        """zap first fat hash64 leaf_shift=12 salt=0x77
        zap second micro
        add second "long name" int=8
        add first "long name" len=30 fill=0x123
        cursor walk first
        next walk
        """
    )
    small = minimize(program, lambda p: {"add", "cursor"} <= {op.verb for op in p.ops if op.verb != "next"})
    assert small == parse("zap z fat key=u64 prehashed leaf_shift=9\nadd z 0x0\ncursor c z\n")


def test_a_long_names_chunks_go_to_its_value() -> None:
    """A name may be what fills a leaf: as a key of one word, its value has to."""
    name = "r" * 254
    ops = [f'{verb} z "{key}"' for verb in ("add", "remove") * 2 for key in ("278959>7=>;:<810510000", name)]
    program = parse("zap z fat hash64 leaf_shift=9 norm=98\n" + "\n".join(ops) + "\n")
    target = ModelTarget("2.3")
    failure = run(program, target).failure
    assert failure is not None and failure.signature.key[1] == "zap:free-mark"
    small, _ = minimize_failure(program, failure, target)
    assert len(small.ops) == 6 and small.zaps[0].prehashed


def test_it_is_known_how_much_is_done() -> None:
    """Nothing while large pieces go; then a part that grows, but where a round that took something is known
    not to be the last."""
    parts: list[float] = []
    stats = Stats()

    def sums_to_ten(program: Program) -> bool:
        if stats.part is not None:
            parts.append(stats.part)
        return sum(op.length for op in program.ops if op.verb == "add") >= 10

    ops = tuple(Op("add", "z", (n << 40,), 1, 7, n) for n in range(40))
    assert Stats().part is None
    minimize(Program(ZAPS, ops), sums_to_ten, stats=stats)
    assert all(0 <= part < 1 for part in parts)
    assert stats.rounds > 1 and stats.part is not None and 0.9 < stats.part < 1
    assert max(parts) > 0.3 and sum(b < a for a, b in pairwise(parts)) <= stats.rounds
