"""The bound on one operation's work: a walk over a table that a few chosen hashes have made large is a
failure, what a table's usual size brings is none."""

from __future__ import annotations

from random import Random

from fuzz.execution.execute import run
from fuzz.execution.work_bound import MOST_STEPS, too_much
from fuzz.judge.signature import Failure
from fuzz.language.program import Op, Program, Zap
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget
from zapcore.work import Work

SPLIT_BESIDE_A_CROWD = """
zap z fat key=u64 prehashed leaf_shift=9
# Two values that no leaf holds together, and whose hashes part at the 16th bit: 65,536 entries of the table.
add z 0x0 len=148
add z 0x1000000000000 len=148
# The other half of the hashes: its first leaf is split.
add z 0x8000000000000000 len=148
add z 0xc000000000000000 len=148
"""


def test_walk_over_a_crowds_table_is_a_failure_of_its_own() -> None:
    """The create that splits a leaf of few bits writes a quarter of a table that two other entries made."""
    outcome = run(parse(SPLIT_BESIDE_A_CROWD), ModelTarget("2.3"))
    assert outcome.failure is not None
    assert outcome.failure.signature.key == (
        *("work", "zap.c:zap_expand_leaf"),
        "a walk over the pointer table is bounded by the entries",
    )
    assert "entries of the pointer table" in outcome.failure.text


def test_only_a_judge_sees_it_and_it_can_be_forgiven() -> None:
    """OpenZFS goes on after it, so the program does where nobody judges, or where it is known."""
    program = parse(SPLIT_BESIDE_A_CROWD)
    assert run(program, ModelTarget("2.3"), judge=False).fine
    met = []

    def forgive(failure: Failure) -> bool:
        met.append(failure.signature.kind)
        return True

    assert run(program, ModelTarget("2.3"), forgive=forgive).fine
    assert met == ["work"]


def test_usual_hashes_never_meet_the_bound() -> None:
    """Hundreds of entries in the smallest leaves, filled and emptied: tables as large as they become."""
    rng = Random(3)
    keys = [(rng.getrandbits(64),) for _ in range(800)]
    ops = [Op("add", "z", key, 1, 100) for key in keys]
    rng.shuffle(keys)
    ops += [Op("remove", "z", key) for key in keys]
    zap = Zap("z", words=1, prehashed=True, hash64=True, leaf_shift=9)
    target = ModelTarget("2.3", stale_bytes=False)
    outcome = run(Program((zap,), tuple(ops)), target)
    assert outcome.failure is None or outcome.failure.signature.kind != "work", outcome
    assert outcome.ops > 900


def test_bound_grows_with_what_came_before() -> None:
    """The text says how many entries there can have been."""
    work = Work()
    work.walk(MOST_STEPS)
    assert too_much(Op("remove", "z"), work, 0) is None
    work.walk(100)
    assert too_much(Op("remove", "z"), work, 11) is None
    failure = too_much(Op("remove", "z"), work, 5)
    assert failure is not None and "never had more than 5 entries" in failure.text
