"""Fuzzing a real library goes around what is known.

They protect: that a program is cut just before the op that the model knows to fail, that every sixteenth is
not, and that what is not known runs whole; that the real library is not driven into known findings.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.cli import main
from fuzz.engines.avoid_known import RECHECKED, Steering
from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.judge.signature import Failure
from fuzz.language.program import Op
from fuzz.language.syntax import load
from fuzz.targets.base import Result
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model import ModelTarget
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


def test_both_keeps_the_library_from_what_is_known(libzpool: Callable[..., LibzpoolTarget]) -> None:
    both = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
    ran: list[int] = []
    real = both.real.run_program_digests
    both.real.run_program_digests = lambda program: ran.append(len(program.ops)) or real(program)  # type: ignore
    failure = run(PANICS, both).failure
    assert failure is not None and failure.signature.kind == "assertion"
    assert ran == [len(PANICS.ops), len(PANICS.ops) - 1]
    ran.clear()
    both.avoid = lambda met: met.signature == failure.signature
    assert run(PANICS, both).failure is not None
    assert ran == [len(PANICS.ops) - 1]


def test_both_compares_what_comes_before_a_limit(libzpool: Callable[..., LibzpoolTarget]) -> None:
    both = BothTarget(ModelTarget("2.3", block_limit=1 << 10), libzpool("2.3"))
    assert run(DOUBLES, both).limit is not None
    assert len(both.steps) == 1
    with applied(Edit("zap.leaf:entry_create", "h[L.H_NENTRIES] += 1", "h[L.H_NENTRIES] += 2")):
        failure = run(DOUBLES, both, judge=False).failure
    assert failure is not None and failure.signature.kind == "difference"


@pytest.mark.parametrize("finding", ["zap-cursor-on-table", "update-too-large", "zap-trunc-next-table"])
def test_a_run_goes_around(libzpool: Callable[..., LibzpoolTarget], tmp_path: Path, finding: str) -> None:
    libzpool("2.3")
    seed = CORPUS / "findings" / finding / "program.zap"
    words = ["fuzz", "--target", "libzpool", "--engine", "random", "--runs", "3", "--seed", "4"]
    result = CliRunner().invoke(main, [*words, "--seeds", str(seed), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "1 x gone around: " in result.output
    assert not list(tmp_path.iterdir())


def test_a_wrong_answer_that_is_known_ends_no_comparison(libzpool: Callable[..., LibzpoolTarget]) -> None:
    both = BothTarget(ModelTarget("2.3"), libzpool("2.3"))
    widened = load(CORPUS / "findings/lookup-widened/program.zap")
    met: list[Failure] = []

    def forgive(failure: Failure) -> bool:
        met.append(failure)
        return True

    assert run(widened, both).failure is not None
    assert run(widened, both, forgive=forgive).fine
    assert len(met) == 1
