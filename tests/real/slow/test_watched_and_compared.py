"""What sanitizers report, and what two builds do not have in common, is found and cut down as any other
failure."""

from __future__ import annotations

import subprocess
from pathlib import Path

from fuzz.execution.execute import run
from fuzz.minimize.same_failure import minimize_failure
from fuzz.targets.libzpool.locate import find_library
from fuzz.targets.registry import make_target
from tests.support.command import ZAPFUZZ
from tests.support.wrong_libraries.one_fault import COUNTS, wrong_library


def test_a_sanitizers_report_is_cut_down(tmp_path: Path) -> None:
    target = make_target(
        "libzpool", "2.3", str(wrong_library(tmp_path, "-fsanitize=undefined", "-DOVERFLOW"))
    )
    try:
        outcome = run(COUNTS, target)
        assert outcome.failure is not None
        small, again = minimize_failure(COUNTS, outcome.failure, target)
    finally:
        target.close()
    assert [op.verb for op in small.ops] == ["add", "add", "add", "count"]
    assert again.failure is not None and again.failure.signature == outcome.failure.signature


def test_fuzzing_two_builds_finds_and_cuts_down_what_differs(tmp_path: Path) -> None:
    """From the command line, as somebody would who has refactored something."""
    wrong = wrong_library(tmp_path / "build", "-DWRONG")
    words = [
        "--target",
        "builds",
        "--libzpool",
        str(wrong),
        "--against",
        str(find_library("2.3")),
        "--seed",
        "1",
    ]
    done = subprocess.run(
        [*ZAPFUZZ, "fuzz", *words, "--engine", "random", "--runs", "40", "--out", "out"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "difference builds:compare count result" in done.stdout
