"""What a run had no time to minimize, the next one goes on with, where the program fails as it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.corpus.named_program import open_named
from fuzz.corpus.unminimized import UNMINIMIZED, keep_whole
from fuzz.execution.execute import run
from fuzz.language.program import Program
from fuzz.language.syntax import load, parse
from fuzz.targets.model.target import ModelTarget
from tests.support.command import fuzz

LONGER = parse('zap y micro\nadd y "a"\n')


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A failing program with more than it needs, in a folder of findings."""
    small = open_named("stale-user-data-txg").program
    program = Program((*small.zaps, *LONGER.zaps), (*LONGER.ops, *small.ops))
    failure = run(program, ModelTarget("unfixed")).failure
    assert failure is not None
    (tmp_path / "nothing").mkdir()
    return keep_whole(program, tmp_path / "out", UNMINIMIZED, str(failure.signature))


def run_again(folder: Path, release: str) -> tuple[int, str]:
    """A short run with a project that knows nothing."""
    words = ("--engine", "random", "--runs", "1", "--release", release, "--known", "nothing", "--out", "out")
    return fuzz(folder, *words)


def test_the_next_run_goes_on(left: Path, tmp_path: Path) -> None:
    status, output = run_again(tmp_path, "unfixed")
    assert (status, f"going on with {left}" in output) == (1, True), output
    (kept,) = (tmp_path / "out").iterdir()
    assert len(load(kept / "program.zap").ops) == 7


def test_another_release_leaves_it(left: Path, tmp_path: Path) -> None:
    before = left.read_bytes()
    status, output = run_again(tmp_path, "2.4")
    assert (status, "going on" in output) == (0, False), output
    assert left.read_bytes() == before
