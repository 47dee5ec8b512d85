"""`zapfuzz try`, as who has changed OpenZFS calls it: a right build is fine, and a wrong one is told by its
first op that differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fuzz.targets.probe_release import probes
from tests.commands.test_machine_answers import valid
from tests.support.command import zapfuzz
from tests.support.wrong_libraries.one_fault import right_library, wrong_library

PROBES = len(probes())
STAGES = ["corpus", "mutants", "byte order", "fuzzed", "schedules", "soaked"]


def _tried(*words: str) -> dict[str, Any]:
    pytest.importorskip("greenlet")
    status, output = zapfuzz("try", *words, "--seed", "1", "--json")
    data = valid(output[output.index("{") :])
    assert data["status"] == status
    return data


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4"])
def test_a_packaged_library_is_fine_and_is_what_it_is(release: str, tmp_path: Path) -> None:
    data = _tried(str(right_library(release)), "--time", "12", "--out", str(tmp_path))
    assert data["outcome"] == "not found", data
    assert data["try"]["nearest"] == release
    assert [stage["name"] for stage in data["try"]["stages"]] == STAGES
    assert not any(stage["skipped"] for stage in data["try"]["stages"])


def test_a_wrong_library_is_told_by_a_program_cut_down(tmp_path: Path) -> None:
    wrong = wrong_library(tmp_path / "build", "-DWRONG")
    data = _tried(str(wrong), "--time", "40", "--out", str(tmp_path / "out"))
    assert data["outcome"] == "found"
    told = {each["signature"]: each for each in data["failures"]}
    assert "difference both:compare count result" in told
    program = told["difference both:compare count result"]["program"]
    assert program.count("count ") == 1 and len(program.splitlines()) == 5


def test_against_another_build_only_what_is_not_expected_counts(tmp_path: Path) -> None:
    """That a difference which nobody expects counts, the next test sees."""
    wrong, right = str(wrong_library(tmp_path / "build", "-DWRONG")), str(right_library("2.3"))
    words = (wrong, "--against", right, "--time", "30", "--out", str(tmp_path / "out"))
    (tmp_path / "expected").write_text("# counts one more\n\ndifference builds:compare count result\n")
    data = _tried(*words, "--expect", str(tmp_path / "expected"))
    assert (data["outcome"], data["failures"]) == ("not found", [])
    stages = {stage["name"]: stage for stage in data["try"]["stages"]}
    assert stages["fuzzed"]["expected"]["difference builds:compare count result"] > 0


def test_the_page_says_what_was_done_and_what_differs(tmp_path: Path) -> None:
    wrong = wrong_library(tmp_path / "build", "-DWRONG")
    words = (
        "--against",
        str(right_library("2.3")),
        "--time",
        "30",
        "--seed",
        "1",
        "--out",
        str(tmp_path / "out"),
    )
    status, output = zapfuzz("try", str(wrong), *words)
    assert status == 1
    assert f"nearest release: 2.3, as which it does {PROBES} of {PROBES} programs" in output
    assert "1. difference builds:compare count result\n   op 3: count z\n" in output
