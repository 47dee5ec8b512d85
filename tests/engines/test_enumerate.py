"""Exhaustive enumeration.

They protect: that the graph of worlds says the same as running every program; the proof that seven ops are
the fewest for the stale user data, with the list of all that do it; and that a digest sees every difference.
"""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from click.testing import CliRunner

from fuzz.commands.enumerate import enumerate_
from fuzz.engines.enumerate import HEADER, alphabet, enumerate_programs
from fuzz.engines.model_snapshot import Snapshot, digest
from fuzz.execution.execute import run
from fuzz.judge.oracle import Oracle
from fuzz.language.program import Op, Program
from fuzz.targets.model.target import ModelTarget
from zapcore.dmu.dbuf import Dbuf

A = (0x0,)
B = (1 << 63,)
ADD_A, ADD_B = Op("add", "z", A, 1, 180), Op("add", "z", B, 1, 180)
CURSOR, NEXT, SYNC, TXG = Op("cursor", "c", other="z"), Op("next", "c"), Op("sync"), Op("txg")
STALE = "assertion zap.c:zap_create_leaf NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)"


def text_of(program: Program) -> str:
    """Ops as letters: A, B added with a large value, a, b removed, t for txg."""
    letters = {("add", A): "A", ("add", B): "B", ("remove", A): "a", ("remove", B): "b", ("txg", None): "t"}
    assert all(op.length == 180 for op in program.ops if op.verb == "add")
    return "".join(letters[op.verb, op.key] for op in program.ops)  # type: ignore[index]


def by_force(release: str, max_ops: int) -> tuple[int, Counter[tuple[str, int]], list[Program]]:
    """Run every program by itself: how many there are, how many fail how, and those that do."""
    target = ModelTarget(release)
    programs: int = 0
    failures: Counter[tuple[str, int]] = Counter()
    failing = []
    alive: list[tuple[Op, ...]] = [()]
    for _ in range(max_ops):
        following = []
        for ops, op in itertools.product(alive, alphabet()):
            programs += 1
            program = Program(HEADER, (*ops, op))
            outcome = run(program, target)
            if outcome.failure is None:
                following.append(program.ops)
            else:
                failures[str(outcome.failure.signature), len(program.ops)] += 1
                failing.append(program)
        alive = following
    return programs, failures, failing


def test_says_what_running_each_program_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a model that loses a hold's release now and then, so that short programs fail in several ways."""
    honest = Dbuf.rele

    def forgetful(dbuf: Dbuf, tag: object) -> None:
        if not (tag is None and dbuf.blkid == 2):
            honest(dbuf, tag)

    monkeypatch.setattr(Dbuf, "rele", forgetful)
    programs, failures, failing = by_force("unfixed", 3)
    result = enumerate_programs("unfixed", 3)
    assert result.programs == programs
    assert failures == {
        (str(found.signature), length): count
        for found in result.found
        for length, count in found.counts.items()
    }
    assert failures, "the fault was not met"
    reducible = {
        program.ops
        for program in failing
        for left_out in range(len(program.ops))
        if run(
            Program(HEADER, program.ops[:left_out] + program.ops[left_out + 1 :]), ModelTarget("unfixed")
        ).failure
    }
    listed = {program.ops for found in result.found for program in found.irreducible}
    assert listed <= {program.ops for program in failing} - reducible
    assert len(listed) * 2 >= len(failing) - len(reducible), "one of two that mirror each other is listed"


FAILING = (
    *("ABatbAB", "ABatbBA", "ABbtaAB", "ABbtaBA"),
    *("ABtabAB", "ABtabBA", "ABtbaAB", "ABtbaBA"),
)
"""Of the 39 million programs of up to seven ops 16 fail: these and their mirror images (see tests/slow)."""


@pytest.mark.slow
def test_the_fewest_ops_with_stale_user_data() -> None:
    """None of up to four ops; of the 3125 that begin with both adds, and then go on with adds, removes and
    txgs, those that fail. Each ends with its failure, so no shorter one does."""
    assert not enumerate_programs("unfixed", 4).found
    removes = Op("remove", "z", A), Op("remove", "z", B)
    target, failing = ModelTarget("unfixed"), []
    for rest in itertools.product((ADD_A, ADD_B, *removes, TXG), repeat=5):
        outcome = run(Program(HEADER, (ADD_A, ADD_B, *rest)), target)
        if outcome.failure is not None:
            assert (str(outcome.failure.signature), outcome.ops) == (STALE, 7)
            failing.append(text_of(Program(HEADER, (ADD_A, ADD_B, *rest))))
    assert sorted(failing) == sorted(FAILING)


def test_seven_ops_are_few_for_the_explicit_evict() -> None:
    """None of up to four ops fails (tests/slow: of six); of the 64 of seven ops one is run here."""
    assert not enumerate_programs("explicit-evict", 4).found
    ops = (ADD_A, ADD_B, Op("remove", "z", A), CURSOR, NEXT, Op("remove", "z", B), Op("retrieve", "c"))
    failure = run(Program(HEADER, ops), ModelTarget("explicit-evict")).failure
    assert failure is not None
    assert str(failure.signature) == "use-after-free rwlock:rw_enter l->l_rwlock is not freed"


def test_the_same_with_two_jobs() -> None:
    assert enumerate_programs("unfixed", 4, jobs=2) == enumerate_programs("unfixed", 4)


def world(*ops: Op) -> tuple[Program, ModelTarget, Oracle]:
    program = Program(HEADER, ops)
    target = ModelTarget("unfixed")
    target.begin(program)
    oracle = Oracle(program)
    for op in ops:
        assert oracle.check(op, target.apply(op)) is None
    return program, target, oracle


DIFFERENT = (
    (),
    (ADD_A,),
    (ADD_B,),
    (Op("add", "z", A, 1, 180, 1),),
    (ADD_A, TXG),
    (ADD_A, TXG, TXG),
    (ADD_A, SYNC),
    (ADD_A, SYNC, CURSOR),
    (ADD_A, SYNC, CURSOR, NEXT),
    (ADD_A, SYNC, CURSOR, NEXT, NEXT),
    (ADD_A, Op("evict")),
    (ADD_A, SYNC, Op("evict")),
    (ADD_A, ADD_B, SYNC),
    (ADD_A, ADD_B, SYNC, CURSOR, NEXT, NEXT),
    (ADD_A, ADD_B, Op("remove", "z", B)),
    (ADD_A, ADD_B, TXG, Op("remove", "z", B)),
)


def test_different_worlds_have_different_digests() -> None:
    seen = {digest(target, oracle): target for _, target, oracle in (world(*ops) for ops in DIFFERENT)}
    assert len(seen) == len(DIFFERENT)


@pytest.mark.parametrize("ops", DIFFERENT)
def test_a_woken_world_is_the_same_and_its_own(ops: tuple[Op, ...]) -> None:
    program, target, oracle = world(*ops)
    before = digest(target, oracle)
    snapshot = Snapshot(program, target, oracle)
    _, other, _ = world()
    woken = snapshot.wake(other)
    assert digest(other, woken) == before
    for op in (Op("add", "z", (1 << 62,), 1, 180), SYNC, CURSOR, NEXT):
        woken.check(op, other.apply(op))
    assert digest(target, oracle) == before, "the snapshot shares something with the world it was taken from"
    assert digest(other, snapshot.wake(other)) == before


def test_absolute_txg_numbers_do_not_count() -> None:
    _, one, oracle_one = world(ADD_A, SYNC, ADD_B)
    _, two, oracle_two = world(SYNC, SYNC, ADD_A, SYNC, ADD_B)
    assert digest(one, oracle_one) == digest(two, oracle_two)


def test_command() -> None:
    done = CliRunner().invoke(enumerate_, ["--max-ops", "3", "--release", "unfixed"])
    assert done.exit_code == 0, done.output
    assert "1,884 programs of 1 to 3 ops" in done.output
    assert "none fails" in done.output
    assert CliRunner().invoke(enumerate_, ["--max-ops", "0"]).exit_code == 2
