"""The real library is not driven into known findings, and what comes before them is compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuzz.commands.cli import main
from fuzz.execution.execute import run
from fuzz.faults.edits import Edit, applied
from fuzz.judge.signature import Failure
from fuzz.language.program import Program
from fuzz.language.syntax import load
from fuzz.targets.both import BothTarget
from fuzz.targets.libzpool import LibzpoolTarget
from fuzz.targets.model.target import ModelTarget
from tests.support.paths import CORPUS

PANICS = load(CORPUS / "findings/zap-cursor-on-table/program.zap")
DOUBLES = load(CORPUS / "findings/update-too-large/program.zap")


def test_both_keeps_the_library_from_what_is_known(own_libzpool: Callable[..., LibzpoolTarget]) -> None:
    both = BothTarget(ModelTarget("2.3"), own_libzpool("2.3"))
    ran: list[int] = []
    real = both.real.run_program_digests

    def noted(program: Program, upto: int | None = None) -> object:
        ran.append(len(program.ops[:upto]))
        return real(program, upto)

    both.real.run_program_digests = noted  # type: ignore
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
    words = ["fuzz", "--target", "libzpool", "--engine", "random", "--runs", "12", "--seed", "4"]
    result = CliRunner().invoke(main, [*words, "--seeds", str(seed), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "gone around: " in result.output
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
