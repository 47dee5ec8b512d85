"""Writes what a run does into the history, while it does it. Nothing of a run hangs on it: where it cannot be
written, `problem` says why, and the run goes on without."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from fuzz.corpus.reproducer import Reproducer
from fuzz.engines.engine_config import Config
from fuzz.engines.fuzzing_run import Found, FuzzingRun, Progress
from fuzz.engines.history.file import LONG_PATIENCE_SECONDS, PATIENCE_SECONDS, be_patient, open_to_write
from fuzz.judge.signature import Signature
from fuzz.language.printing import format_program

SAMPLE_SECONDS = 1.0
SAMPLE_SHARE = 500
"""A sample comes after a second, and later after so much of the run's time: ten hours are 3000 of them."""

Statement = tuple[str, Sequence[object]]
_COUNTED = """INSERT INTO failure (run, signature, standing, seconds, executions, times)
    VALUES (?, ?, 'open', ?, ?, ?) ON CONFLICT DO UPDATE SET times = max(times, excluded.times),
    seconds = min(seconds, excluded.seconds), executions = min(executions, excluded.executions)"""
_STANDS = """UPDATE failure SET standing = ?, reproducer = ?, folder = ?, program = ?, text = ?
    WHERE run = ? AND signature = ? AND (standing = 'open' OR ? = 'new')"""


class RunHistory:
    """Watches one run (`fuzz.engines.fuzzing_run.Watcher`) and writes it into a file of histories.

    A row of table `run` is made at once; call `end` when the run is over, however it ended. Several may write
    one file, each its run. `campaign` names what the run is a part of. Raises SyntaxProblem if the file is
    something else.
    """

    def __init__(self, path: Path, config: Config, jobs: int = 1, campaign: str = "") -> None:
        self.path = path
        self.config = config
        self.run = 0
        self.problem = ""
        """Why nothing more is written; "" while all is well."""
        self._waiting: list[Statement] = []
        self._new: set[str] = set()
        self._memory = 0
        self._next_sample = 0.0
        self._connection: sqlite3.Connection | None = None
        settings = dataclasses.asdict(config)
        row = (
            *(time.time() - self._seconds(), campaign, importlib.metadata.version("zapfuzz")),
            *(config.release, config.target, config.engine, config.seed, jobs),
            *(" ".join(config.remedies), json.dumps(settings)),
        )
        with self._told():
            self._connection = open_to_write(path)
            cursor = self._connection.execute(
                "INSERT INTO run (begun, campaign, zapfuzz, release, target, engine, seed, jobs, remedies,"
                " settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            self.run = cursor.lastrowid or 0
            be_patient(self._connection, PATIENCE_SECONDS)

    def _seconds(self) -> float:
        return time.monotonic() - self.config.started if self.config.started else 0.0

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite or the system raises inside ends the writing, and is told."""
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            self.problem = f"{self.path}: {problem}"
            self.close()

    def _write(self, *statements: Statement) -> None:
        """Write rows: now, or with the next ones where another run is just writing (which BEGIN meets) or
        somebody reads (which COMMIT meets)."""
        connection = self._connection
        if connection is None:
            return
        self._waiting += statements
        with self._told():
            try:
                connection.execute("BEGIN IMMEDIATE")
                for sql, values in self._waiting:
                    connection.execute(sql, values)
                connection.execute("COMMIT")
            except BaseException as problem:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                if getattr(problem, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                    return
                raise
            self._waiting = []

    def progress(self, progress: Progress) -> None:
        """Write a sample, if it is time for one."""
        seconds = self._seconds()
        if seconds >= self._next_sample:
            self._next_sample = seconds + max(SAMPLE_SECONDS, seconds / SAMPLE_SHARE)
            self._write(*self._state(progress, seconds))

    def _state(self, progress: Progress, seconds: float) -> Iterator[Statement]:
        met = progress.met
        self._memory = progress.memory or self._memory  # 0 once all processes have ended
        counts = (progress.executions, progress.ops, progress.limits, progress.coverage, progress.inputs)
        yield (
            "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.run, seconds, *counts, sum(met.values()), len(met), len(self._new), self._memory),
        )
        for made_by, drawn in progress.drawn.items():
            kind, _, name = made_by.partition(" ")
            row = (self.run, kind, name, drawn, progress.brought[made_by])
            yield "INSERT OR REPLACE INTO way VALUES (?, ?, ?, ?, ?)", row
        for signature, times in met.items():  # not each is told: a known wrong answer is only counted
            yield self._counted(signature, seconds, progress.executions, times)

    def _counted(self, signature: str, seconds: float, executions: int, times: int = 1) -> Statement:
        return _COUNTED, (self.run, signature, seconds, executions, times)

    def met(self, signature: Signature, known: Reproducer | Path, executions: int, seconds: float) -> None:
        """A failure that is known was met for the first time in this run."""
        text = str(signature)
        standing = _earlier(known) if isinstance(known, Path) else _known(known)
        self._write(self._counted(text, seconds, executions), self._stands(text, *standing))

    def found(self, found: Found) -> None:
        """A new failure was cut down, or another form of one."""
        text = str(found.signature)
        if found.new:
            self._new.add(text)
        name = found.folder.name if found.folder else ""
        failure = found.outcome.failure
        said = failure.text if failure is not None else ""
        standing = ("new" if found.new else "known", name, found.folder, format_program(found.program), said)
        self._write(
            self._counted(text, found.seconds, found.executions),
            self._stands(text, *standing),
        )

    def _stands(
        self,
        signature: str,
        standing: str,
        reproducer: str = "",
        folder: Path | None = None,
        program: str = "",
        text: str = "",
    ) -> Statement:
        """What becomes of a failure that was open until then; a new form of one is told in any case."""
        where = "" if folder is None else str(folder).encode("utf-8", "replace").decode()
        return _STANDS, (standing, reproducer, where, program, text, self.run, signature, standing)

    def note(self, text: str) -> None:
        """Something went wrong, but the run goes on."""
        text = text.encode("utf-8", "replace").decode()
        self._write(("INSERT INTO note VALUES (?, ?, ?)", (self.run, self._seconds(), text)))

    def busy(self, what: str, how_far: Callable[[], str]) -> AbstractContextManager[None]:
        """Nothing is written of that."""
        return contextlib.nullcontext()

    def end(self, fuzzing: FuzzingRun, how: str = "ended") -> None:
        """Write the last sample, what was not cut down, and how the run ended; close the file. Who reads it
        is waited for, but not where a signal ends the run, which has a second."""
        seconds, status = self._seconds(), fuzzing.status
        if how == "ended" and self._connection is not None:
            with self._told():
                be_patient(self._connection, LONG_PATIENCE_SECONDS)
        known = (text for text in status.met if text in fuzzing.known)
        self._write(
            *self._state(status, seconds),
            *(self._counted(text, seconds, status.executions) for text in fuzzing.open.values()),
            *(self._stands(text, *_known(fuzzing.known[text][0])) for text in known),
            *(self._stands(text, *_earlier(fuzzing.earlier[text])) for text in fuzzing.again),
            *(self._stands(text, "lost") for text in fuzzing.lost),
            *(self._stands(text, "open", "", path) for path, text in fuzzing.open.items()),
            ("UPDATE run SET ended = ?, how = ? WHERE id = ?", (time.time(), how, self.run)),
        )
        if self._waiting and not self.problem:
            self.problem = f"{self.path}: somebody holds it: what the run did last is not in it"
        self.close()

    def close(self) -> None:
        """Let the file go. What is told later goes nowhere."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


Standing = tuple[str, str, Path | None, str]


def _known(known: Reproducer) -> Standing:
    return "known", known.name, known.folder, format_program(known.program)


def _earlier(folder: Path) -> Standing:
    return "earlier", "", folder, ""
