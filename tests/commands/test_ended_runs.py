"""Protects what a run has found against whatever ends it: signals to any of its processes, a disk that fills
up. The same two hundred and fifty times is in `slow`."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random

import pytest

from tests.support.ended_runs import MODEL, ended_run, kept_texts, missing, run_on_a_disk_that_fills

CASES = (
    (signal.SIGINT, "group", "random"),
    (signal.SIGTERM, "worker", "random"),
    (signal.SIGKILL, "parent", "random"),
    (signal.SIGKILL, "worker", "atheris"),
)


@pytest.mark.parametrize(("number", "whom", "engine"), CASES)
def test_nothing_that_was_counted_is_missing(
    number: signal.Signals, whom: str, engine: str, tmp_path: Path
) -> None:
    ended = ended_run(tmp_path, (*MODEL, "--engine", engine), number, whom, Random(1), 1.0)
    assert missing(tmp_path, ended) == set(), ended.output
    assert kept_texts(tmp_path / "out")
    if number != signal.SIGKILL and whom != "worker":
        assert ended.status == 128 + number
        assert "ended by" in ended.output and " in all" in ended.output
        assert not list((tmp_path / "out").glob(".*"))


def test_a_disk_that_fills_up_costs_nothing(tmp_path: Path) -> None:
    """What has no room is shown, and kept in the user's folder."""
    words = (*MODEL, "--engine", "random", "--runs", "60", "--seed", "1")
    ended = run_on_a_disk_that_fills(tmp_path, words, 0.0, kib=20)
    assert missing(tmp_path, ended, tmp_path / "home" / "kept") == set(), ended.output
    assert ended.status == 1
    assert "cannot be written: No space left on device; kept in " in ended.output
    assert kept_texts(tmp_path / "home" / "kept")
