"""A library that was built with sanitizers is taken as it is, and what they report is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.commands.trial.corpus_stage import told_at_start
from fuzz.execution.execute import run
from fuzz.judge.signature import Failure
from fuzz.language.program import Op
from fuzz.targets.libzpool.plain_target import PlainLibzpool
from fuzz.targets.libzpool.target import LibzpoolTarget
from fuzz.targets.registry import make_target
from tests.support.wrong_libraries.one_fault import COUNTS, WRONG_AT, wrong_library

WRONG = {
    "asan": (
        ("-fsanitize=address", "-DUSE_AFTER_FREE"),
        "asan zap_micro.c:zap_count heap-use-after-free read",
    ),
    "ubsan": (
        ("-fsanitize=undefined", "-DOVERFLOW"),
        "ubsan zap_micro.c:zap_count signed integer overflow: N + N cannot be represented in type 'int'",
    ),
    "tsan": (("-fsanitize=thread", "-DRACE"), "tsan zap_micro.c:race data race"),
}


@pytest.mark.parametrize("sanitizer", WRONG)
def test_a_sanitizers_report_is_a_failure_each_time(sanitizer: str, tmp_path: Path) -> None:
    """The second time, too, though a process reports each place once."""
    flags, signature = WRONG[sanitizer]
    target = make_target("libzpool", "2.3", str(wrong_library(tmp_path, *flags)))
    try:
        outcome = run(COUNTS, target)
        assert str(outcome) == signature
        assert outcome.failure is not None and outcome.failure.op == WRONG_AT
        assert not target.libraries[0].at_start
        assert str(run(COUNTS, target)) == signature
    finally:
        target.close()


def test_a_sanitized_library_without_a_fault_runs_as_any_other(tmp_path: Path) -> None:
    target = make_target("libzpool", "2.3", str(wrong_library(tmp_path, "-fsanitize=address")))
    try:
        assert run(COUNTS, target).fine
    finally:
        target.close()


def test_what_is_reported_before_any_program_is_told_once_and_is_no_programs_failure(tmp_path: Path) -> None:
    wrong = wrong_library(tmp_path, "-fsanitize=undefined", "-DAT_START")
    target = make_target("libzpool", "2.3", str(wrong))
    try:
        assert run(COUNTS, target).fine
        (line,) = told_at_start(target)
    finally:
        target.close()
    assert line.startswith("while the pool was made: ubsan zap_micro.c:at_start signed integer overflow")


def test_a_report_is_forgiven_wherever_the_pool_is(tmp_path: Path) -> None:
    """A pool is moved to a packaged library, which only memcheck would watch: here a sanitizer watches
    another in its place. What the run forgives is then forgiven there, too."""
    flags, signature = WRONG["ubsan"]
    away = PlainLibzpool("2.1", wrong_library(tmp_path, *flags, release="2.1"))
    target = LibzpoolTarget("2.3")
    target._others["2.1"] = away
    program = COUNTS.with_ops([Op("move", fill=21), *COUNTS.ops])
    met: list[str] = []

    def forgive(failure: Failure) -> bool:
        met.append(str(failure.signature))
        return True

    target.starts_anew = False
    try:
        assert str(run(program, target)) == signature
        assert run(program, target, forgive=forgive).fine
        assert set(met) == {signature}
        assert run(program, target, forgive=forgive).fine
    finally:
        target.close()
