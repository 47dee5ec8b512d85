"""README's examples that take their time, and what `make fuzz` finds in a minute."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fuzz.corpus.named_program import open_named
from fuzz.language.printing import format_program
from tests.support.command import fuzz, zapfuzz
from tests.support.paths import ROOT
from tests.support.readme import shown, words_of


def test_every_schedule_of_a_seed() -> None:
    status, output = zapfuzz(*words_of("explore threads-shrink"))
    assert (status, "schedules up to 3 preemptions tried" in output) == (0, True), output


def test_reach_and_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, output = zapfuzz(*words_of("reach zap-trunc-next-table --out user.zap"))
    assert (status, "operations: 175\n" in output) == (0, True), output
    status, output = zapfuzz(*words_of("export user.zap --as sh"))
    assert (status, output.startswith("#!")) == (0, True), output


def test_a_minute_of_make_fuzz(tmp_path: Path) -> None:
    """From nothing to the panic, and its seven operations."""
    first = shown("make fuzz ")[0]
    assert "the panic of OpenZFS issue 16157, and the seven operations that cause it" in first
    dry = subprocess.run(["make", "-n", "fuzz"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (command,) = [line for line in dry.splitlines() if "zapfuzz fuzz" in line]
    status, output = fuzz(tmp_path, *command.partition("zapfuzz fuzz ")[2].split())
    assert status == 0
    assert "known: stale-user-data-txg: " in output
    assert format_program(open_named("stale-user-data-txg").program) in output
    assert "openzfs issue 16157" in output.rpartition("known to the project")[2]
