"""Remedies on the command line: they reach the engine's process, what is found behind them is kept and known
again, and what they should cure is no longer known."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.corpus.replay import known_on
from fuzz.corpus.reproducer import corpus_folders, read_reproducer
from fuzz.engines.engine_config import ENGINES
from fuzz.faults.remedies import REMEDIES
from tests.support.cases import only_now
from tests.support.command import fuzz, zapfuzz
from tests.support.paths import CORPUS

TABLE = str(CORPUS / "findings" / "zap-trunc-next-table" / "program.zap")
STALE = str(CORPUS / "regressions" / "stale-user-data-txg" / "program.zap")
NEXT_TABLE = "invariant zap:free-mark every block lies below the free mark"
REMEDY = "trunc-next-table"
REMEDIED = ("--remedy", REMEDY)


def test_run_and_minimize_with_a_remedy_and_without_again() -> None:
    assert zapfuzz("run", TABLE, "--remedy", REMEDY) == (0, "fine: 9 ops\n")
    assert zapfuzz("run", TABLE)[0] == 1
    status, output = zapfuzz("minimize", TABLE, "--remedy", REMEDY)
    assert status == 2
    assert "expected a program that fails" in output


@pytest.mark.parametrize("command", [("fuzz",), ("run", TABLE), ("minimize", TABLE), ("enumerate",)])
def test_an_unknown_remedy_is_one_line_that_lists_them(command: tuple[str, ...]) -> None:
    status, output = zapfuzz(*command, "--remedy", "prayer")
    assert (status, output.count("\n")) == (2, 1)
    assert all(name in output for name in ("prayer", *REMEDIES))


@pytest.mark.parametrize("target", ["both", "libzpool"])
@pytest.mark.parametrize("command", [("fuzz", "--runs", "1"), ("run", TABLE), ("minimize", TABLE)])
def test_the_real_library_has_no_remedies(command: tuple[str, ...], target: str) -> None:
    status, output = zapfuzz(*command, "--remedy", REMEDY, "--target", target)
    assert (status, output.count("\n")) == (2, 1)
    assert "expected --target model" in output


def test_remedies_are_listed_with_reason_and_fix() -> None:
    status, output = zapfuzz("remedies")
    assert status == 0
    text = " ".join(output.split())
    for remedy in REMEDIES.values():
        assert all(each in text for each in (remedy.name, remedy.reason, remedy.fix))


@only_now("engine", ("atheris", "threads"), ENGINES)
def test_the_engine_s_process_has_the_remedy_too(engine: str, tmp_path: Path) -> None:
    """A seed that fails, with the remedy and without."""
    (tmp_path / "known").mkdir()
    common = ("--engine", engine, "--release", "2.3", "--runs", "5", "--seeds", TABLE, "--known", "known")
    status, output = fuzz(tmp_path, *common, "--out", "out")
    assert (status, NEXT_TABLE in output) == (1, True), output
    _, output = fuzz(tmp_path, *common, "--out", "out", "--remedy", REMEDY)
    assert " 5 executions" in output, "other failures may come, as the seed draws them"
    assert f", {REMEDY} remedied" in output and NEXT_TABLE not in output


def test_what_is_found_behind_a_remedy_is_replayed_and_known_behind_it(tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    common = ("--engine", "random", "--release", "unfixed", "--runs", "3", "--seeds", STALE, *REMEDIED)
    status, output = fuzz(tmp_path, *common, "--known", "known", "--out", "known/findings")
    assert status == 1, output
    kept = [read_reproducer(folder) for folder in sorted((tmp_path / "known" / "findings").iterdir())]
    stale = next(each for each in kept if "dmu_buf_set_user" in each.expect[f"unfixed+{REMEDY}"])
    assert f"on unfixed+{REMEDY} (seed 1" in stale.origin
    assert fuzz(tmp_path, *common, "--known", "known", "--out", "again")[0] == 0
    status, output = zapfuzz("replay", str(stale.folder), "--release", f"unfixed+{REMEDY}")
    assert (status, output) == (0, "1 reproducers, 1 runs, 0 that differ\n")


def test_what_a_remedy_should_cure_is_not_known_behind_it() -> None:
    """A remedy is judged by the same fuzzing: if its bug came again it would have to be told."""
    reproducers = [read_reproducer(folder) for folder in corpus_folders(CORPUS)]
    plain = known_on(reproducers, "model", "2.3", ())
    behind = known_on(reproducers, "model", "2.3", (REMEDY,))
    assert NEXT_TABLE in plain and NEXT_TABLE not in behind
    assert behind and behind.keys() < plain.keys()
