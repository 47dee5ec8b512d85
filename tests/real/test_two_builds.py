"""Two builds side by side, without the model: any answer and any block that differs is told, and nothing
else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.corpus.named_program import open_named
from fuzz.execution.execute import run
from fuzz.language.program import Program
from fuzz.targets.base import NoTarget
from fuzz.targets.registry import make_target
from tests.support.command import zapfuzz
from tests.support.wrong_libraries.one_fault import COUNTS, WRONG_AT, right_library, wrong_library


def _outcome(program: Program, mine: Path, other: Path) -> str:
    target = make_target("builds", "2.3", str(mine), against=str(other))
    try:
        return str(run(program, target))
    finally:
        target.close()


def test_a_wrong_answer_of_one_build_is_a_difference(tmp_path: Path) -> None:
    wrong = wrong_library(tmp_path, "-DWRONG")
    target = make_target("builds", "2.3", str(wrong), against=str(right_library("2.3")))
    try:
        outcome = run(COUNTS, target)
    finally:
        target.close()
    assert str(outcome) == "difference builds:compare count result"
    assert outcome.failure is not None and outcome.failure.op == WRONG_AT
    assert "count: this build: 4 entries; the other: 3 entries" in outcome.failure.text


def test_two_releases_differ_in_the_bytes_that_they_leave_and_in_what_they_die_of() -> None:
    old, new = right_library("2.1"), right_library("2.3")
    shrinks = open_named("stale-user-data-txg").program
    assert _outcome(shrinks, old, new) == "difference builds:compare remove blocks"
    assert _outcome(COUNTS, old, new) == "fine"
    destroyed = open_named("cursor-after-destroy").program
    told = _outcome(destroyed, old, new)
    assert told.startswith("difference builds:compare failure: this build assertion zap_leaf.c:")
    assert told.endswith("the other fine")


def test_a_failure_of_both_is_no_difference() -> None:
    library = right_library("2.3")
    assert _outcome(open_named("zap-trunc-next-table").program, library, library) == "fine"


def test_what_two_builds_need_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoTarget, match=r"--target builds: expected --libzpool PATH and --against PATH"):
        make_target("builds", "2.3")
    with pytest.raises(NoTarget, match="--against: expected --target builds, found both"):
        make_target("both", "2.3", against="x")
    with pytest.raises(NoTarget, match="--valgrind: expected --target libzpool or both"):
        make_target("model", "2.3", valgrind=True)
    program = tmp_path / "a.zap"
    program.write_text("zap z micro\n")
    status, output = zapfuzz("run", str(program), "--valgrind")
    assert status == 2 and output.startswith("zapfuzz: --valgrind: expected")
