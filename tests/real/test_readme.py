"""README's examples on OpenZFS's own code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fuzz.targets.libzpool.locate import NoLibrary, find_library, python_for
from tests.support.command import fuzz, zapfuzz
from tests.support.make_pool_image import DAMAGED
from tests.support.missing import missing
from tests.support.paths import ROOT
from tests.support.readme import shown, words_of


@pytest.fixture
def library() -> Path:
    """2.3's."""
    try:
        return find_library("2.3")
    except NoLibrary as reason:
        missing(reason)


def test_check_of_a_pool(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the names that our pool has."""
    monkeypatch.chdir(tmp_path)
    environment = os.environ | {"LD_LIBRARY_PATH": str(library.parent), "PYTHONPATH": str(ROOT)}
    command = [
        *python_for(library),
        "-m",
        "tests.support.make_pool_image",
        str(library),
        str(tmp_path / "image"),
    ]
    subprocess.run(command, check=True, env=environment, timeout=60, capture_output=True)
    example = "check --pool image --dataset pool/fs --object 34"
    words = words_of(example.replace("pool/fs", "tank/ds").replace("34", str(DAMAGED)))
    status, output = zapfuzz(*words)
    assert (status, "lh_freelist" in output) == (1, True), output


def test_model_against_library(library: Path, tmp_path: Path) -> None:
    status, output = fuzz(tmp_path, *words_of("fuzz --target both --engine random --time 600")[1:])
    assert (status, "fuzzing 2.3 (both) with random" in output) == (0, True), output


def test_a_library_of_ones_own_by_its_path(library: Path, tmp_path: Path) -> None:
    words = words_of("fuzz --target both --release master --libzpool zfs/.libs")[1:]
    swap = {"zfs/.libs": str(library.parent), "master": "2.3"}
    status, output = fuzz(tmp_path, *(swap.get(word, word) for word in words), "--engine", "random")
    assert (status, "fuzzing 2.3 (both) with random" in output) == (0, True), output


def test_force_prints_what_is_shown(library: Path) -> None:
    status, output = zapfuzz(*words_of("force zap-shrink-stale-shift-table --repeat 20"))
    lines = shown("libzpool 2.3.2: ")
    assert status == 1 and len(lines) == 3
    assert [line for line in output.splitlines() if line in lines] == lines, output


def test_soak_for_a_moment(library: Path) -> None:
    status, output = zapfuzz(*words_of("soak --time 60")[:-1], "5")
    assert status == 0 and " programs, " in output and "0 differ" in output, output
