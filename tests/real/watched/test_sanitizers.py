"""A library that was built with sanitizers is taken as it is, and what they report is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.execution.execute import run
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
