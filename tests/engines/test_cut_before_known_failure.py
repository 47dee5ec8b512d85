"""Fuzzing a real library goes around what is known.

They protect: that a program is cut just before the op that the model knows to fail, that every sixteenth is
not, and that what is not known runs whole; that the real library is not driven into known findings.
"""

from __future__ import annotations

from fuzz.engines.cut_before_known_failure import RECHECKED, Steering
from fuzz.execution.execute import run
from fuzz.execution.result import Result
from fuzz.language.program import Op
from fuzz.language.syntax import load
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import CORPUS

PANICS = load(CORPUS / "findings/zap-cursor-on-table/program.zap")
DOUBLES = load(CORPUS / "findings/update-too-large/program.zap")


def ignore(index: int, op: Op, result: Result) -> None:
    """No guidance is wanted."""


def test_known_is_cut_and_the_sixteenth_runs() -> None:
    model = ModelTarget("2.3", block_limit=1 << 10)
    steering = Steering(lambda text: "zap_leaf_lookup_closest" in text)
    cuts = [steering.cut(PANICS, model, ignore) for _ in range(RECHECKED)]
    assert {program.ops for program in cuts[:-1]} == {PANICS.ops[:-1]}
    assert cuts[-1] == PANICS
    assert run(cuts[0], model).fine
    assert Steering(lambda text: False).cut(PANICS, model, ignore) == PANICS


def test_damage_is_always_cut_and_wrong_answers_are_not() -> None:
    """What a library makes of a damage is another failure each time, none of them news."""
    model = ModelTarget("2.3", block_limit=1 << 10)
    damaged = load(CORPUS / "findings/zap-trunc-next-table/program.zap")
    widened = load(CORPUS / "findings/lookup-widened/program.zap")
    steering = Steering(lambda text: "free-mark" in text or "widened" in text)
    for _ in range(RECHECKED):
        assert steering.cut(damaged, model, ignore).ops == damaged.ops[:5]
        assert steering.cut(widened, model, ignore) == widened


def test_limits_are_always_cut() -> None:
    model = ModelTarget("2.3", block_limit=1 << 10)
    steering = Steering(lambda text: False)
    for _ in range(RECHECKED):
        assert len(steering.cut(DOUBLES, model, ignore).ops) < len(DOUBLES.ops)
    assert steering.around == {"limit": RECHECKED}
