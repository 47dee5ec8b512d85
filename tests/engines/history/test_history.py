"""The history of runs: what a run did is in the file, whatever became of the run, and nothing of a run hangs
on it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from fuzz.engines.engine_config import Config
from fuzz.engines.fuzzing_run import FuzzingRun, Progress, Watchers
from fuzz.engines.history import file as history_file
from fuzz.engines.history.file import (
    HISTORY,
    LONG_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    open_to_read,
    open_to_write,
)
from fuzz.engines.history.read import read_history
from fuzz.engines.history.write import RunHistory
from fuzz.judge.signature import Signature
from fuzz.language.syntax import SyntaxProblem
from fuzz.targets.model.target import ModelTarget
from tests.support.command import zapfuzz

WRONG = Signature("oracle", "zap:add", "errno", ())


def config(**more: object) -> Config:
    """A run that began now."""
    return Config("random", "2.3", started=time.monotonic(), **more)  # type: ignore[arg-type]


def test_a_run_is_there_as_its_answer_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path))
    words = ("--engine", "random", "--release", "unfixed", "--runs", "40", "--seed", "3", "--json")
    status, output = zapfuzz("fuzz", *words)
    answer = json.loads(output[output.index('{"version"') :].splitlines()[0])
    (run,) = read_history(tmp_path)
    assert (status, run.how, run.release, run.engine, run.seed) == (0, "ended", "unfixed", "random", 3)
    assert run.ended is not None and run.begun <= run.ended
    assert run.settings["runs"] == 40
    assert run.last.executions == answer["fuzz"]["executions"] == 40
    assert run.last.memory > 1 << 20
    assert [each.seconds for each in run.samples] == sorted(each.seconds for each in run.samples)
    met = {each["signature"]: each["count"] for each in answer["failures"]}
    assert met and {each.signature: each.times for each in run.failures} == met
    assert {each.standing for each in run.failures} == {"known"}
    assert all(each.reproducer and each.program for each in run.failures)
    assert sum(each.drawn for each in run.ways) == 39  # each in one style; the last one ends the run
    assert 0 < sum(each.brought for each in run.ways) <= 40


def test_what_could_not_be_written_beside_another_comes_later(tmp_path: Path) -> None:
    path = tmp_path / HISTORY
    first, second = RunHistory(path, config()), RunHistory(path, config(), campaign="night")
    other = open_to_write(path)
    other.execute("BEGIN IMMEDIATE")
    first.note("while another writes")
    assert [run.notes for run in read_history(path)] == [(), ()]
    other.execute("COMMIT")
    other.close()
    first.progress(Progress(executions=7, met=Counter({str(WRONG): 2})))
    second.met(WRONG, Path("kept"), 3, 0.5)
    one, two = read_history(path)
    assert [text for _, text in one.notes] == ["while another writes"]
    assert (one.last.executions, one.last.failures, one.last.kinds) == (7, 2, 1)
    assert (two.campaign, two.failures[0].standing, two.failures[0].folder) == ("night", "earlier", "kept")
    assert one.ended is None and not (first.problem or second.problem)
    first.close()
    second.close()


def test_who_reads_never_ends_the_writing(tmp_path: Path) -> None:
    """A reader's lock is met by COMMIT, not by BEGIN; that closed the history for the rest of the run."""
    path = tmp_path / HISTORY
    history = RunHistory(path, config())
    with contextlib.closing(open_to_read(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM run").fetchall()
        history.note("while somebody reads")
        assert (history.problem, read_history(path)[0].notes) == ("", ())
    history.note("afterwards")
    assert [text for _, text in read_history(path)[0].notes] == ["while somebody reads", "afterwards"]
    history.close()
    history.note("nobody hears this")
    assert not history._waiting


def test_what_comes_last_has_more_patience(tmp_path: Path) -> None:
    path = tmp_path / HISTORY
    history = RunHistory(path, config())
    reader = open_to_read(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM run").fetchall()
    threading.Timer(3 * PATIENCE_SECONDS, reader.close).start()
    history.end(nothing_found(tmp_path))
    assert (history.problem, read_history(path)[0].how) == ("", "ended")


def test_who_holds_it_to_the_end_is_told(tmp_path: Path) -> None:
    """And a run that a signal ends does not wait for him."""
    path = tmp_path / HISTORY
    history = RunHistory(path, config())
    with contextlib.closing(open_to_write(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        history.end(nothing_found(tmp_path), "SIGINT")
        assert time.monotonic() - begun < LONG_PATIENCE_SECONDS
    assert "what the run did last is not in it" in history.problem


def nothing_found(folder: Path) -> FuzzingRun:
    """A run that has not begun."""
    return FuzzingRun(config(), ModelTarget("2.3"), {}, folder, Watchers())


def test_settings_that_are_damaged_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / HISTORY
    RunHistory(path, config()).close()
    for damaged in ("{", "[1]", "7"):
        with contextlib.closing(open_to_write(path)) as connection:
            connection.execute("UPDATE run SET settings = ?", (damaged,))
        status, output = zapfuzz("report", str(tmp_path))
        assert (status, output.count("\n")) == (2, 1)
        wanted = "expected a history that can be read, found settings of run 1"
        assert output.startswith(f"zapfuzz: {path}: {wanted}")


@pytest.mark.parametrize("what", ["no database", "another database", "a later version"])
def test_a_file_of_another_kind_is_told_and_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = tmp_path / HISTORY
    if what == "no database":
        path.write_bytes(b"seven words that are no database at all")
    elif what == "another database":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (one INTEGER)")
    else:
        monkeypatch.setattr(history_file, "VERSION", 99)
        open_to_write(path).close()
        monkeypatch.undo()
    before = path.read_bytes()
    for use in (lambda: read_history(path), lambda: RunHistory(path, config())):
        with pytest.raises(SyntaxProblem, match="expected a history of runs"):
            use()
    monkeypatch.setenv("ZAPFUZZ_HOME", str(tmp_path))
    status, output = zapfuzz("fuzz", "--engine", "random", "--runs", "1")
    assert (status, output.count(f"zapfuzz: {path}: expected a history of runs")) == (2, 1)
    assert path.read_bytes() == before


def test_a_run_goes_on_where_its_history_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    history = RunHistory(tmp_path / "file" / HISTORY, config())
    assert "file" in history.problem
    history.progress(Progress(executions=1))
    history.note("nobody reads this")


def test_the_tables_say_what_they_mean_to_any_sqlite(tmp_path: Path) -> None:
    path = tmp_path / HISTORY
    history = RunHistory(path, config())
    history.met(WRONG, Path("kept"), 3, 0.5)
    history.close()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT signature, min(seconds) FROM failure GROUP BY signature").fetchall()
        tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    assert rows == [(str(WRONG), 0.5)]
    assert {name for name, _ in tables} == {"run", "sample", "way", "failure", "note"}
    assert all(" -- " in sql for _, sql in tables)
