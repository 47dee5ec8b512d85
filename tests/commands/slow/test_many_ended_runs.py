"""Runs killed and disks filled at random moments, on the model and on a real library: nothing that was
counted is missing. `ZAPFUZZ_ENDINGS=8` takes two hundred kills and fifty disks: a quarter of an hour."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from random import Random

import pytest

from fuzz.targets.libzpool.locate import NoLibrary, find_library
from tests.support.ended_runs import (
    LIBRARY,
    MODEL,
    SIGNALS,
    WHOM,
    ended_run,
    missing,
    run_on_a_disk_that_fills,
)

ENGINES = ("random", "atheris", "hypothesis", "uniform")
KILLS = list(itertools.product(SIGNALS, WHOM))
TIMES = int(os.environ.get("ZAPFUZZ_ENDINGS", "1"))
ROUNDS = 2 * TIMES + 1
"""Of all signals to all processes, which are twelve."""
DISKS = 6 * TIMES + 2


def words_of(number: int) -> tuple[str, ...]:
    """On the model by each engine in turn; every third run on the library, if there is one."""
    try:
        find_library("2.3")
        target = LIBRARY if number % 3 == 0 else MODEL
    except NoLibrary:
        target = MODEL
    return (*target, "--engine", ENGINES[number % len(ENGINES)])


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_kills(round_: int, tmp_path: Path) -> None:
    rng = Random(round_)
    for place, (signal, whom) in enumerate(KILLS):
        folder = tmp_path / f"{signal.name}-{whom}"
        words = words_of(round_ * len(KILLS) + place)
        ended = ended_run(folder, words, signal, whom, rng, 6.0)
        assert missing(folder, ended) == set(), (words, ended.output)


@pytest.mark.parametrize("number", range(DISKS))
def test_full_disks(number: int, tmp_path: Path) -> None:
    words = (*words_of(number), "--time", "12", "--seed", str(number + 1))
    ended = run_on_a_disk_that_fills(tmp_path, words, Random(number).uniform(0, 8))
    assert missing(tmp_path, ended, tmp_path / "home" / "kept") == set(), (words, ended.output)
    assert ended.status == 1
