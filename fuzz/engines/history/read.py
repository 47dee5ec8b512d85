"""Reads a history: the runs of a file, each with its samples, failures and ways. Plain data."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fuzz.engines.history.file import HISTORY, open_to_read
from fuzz.language.syntax import SyntaxProblem


class Sample(NamedTuple):
    """A row of table `sample`."""

    seconds: float
    executions: int
    ops: int
    limits: int
    states: int
    inputs: int
    failures: int
    kinds: int
    new: int
    memory: int


class Met(NamedTuple):
    """A row of table `failure`."""

    signature: str
    standing: str
    seconds: float
    executions: int
    times: int
    reproducer: str
    folder: str
    program: str
    text: str


class Way(NamedTuple):
    """A row of table `way`."""

    kind: str
    name: str
    drawn: int
    brought: int


@dataclasses.dataclass(frozen=True, slots=True)
class PastRun:
    """One run: its row of table `run`, and what else speaks of it. `ended` is None while it goes on, or where
    it was killed."""

    id: int
    begun: float
    ended: float | None
    how: str
    campaign: str
    zapfuzz: str
    release: str
    target: str
    engine: str
    seed: int
    jobs: int
    remedies: str
    settings: dict[str, Any]
    samples: tuple[Sample, ...]
    failures: tuple[Met, ...]
    ways: tuple[Way, ...]
    notes: tuple[tuple[float, str], ...]

    @property
    def last(self) -> Sample:
        """All that it had done when it was looked at last."""
        return self.samples[-1] if self.samples else Sample(*(0,) * len(Sample._fields))


def read_history(place: Path, wanted: Sequence[int] = ()) -> list[PastRun]:
    """The runs of a file, or of a folder that has one, oldest first; those with these numbers, or all. Raises
    SyntaxProblem."""
    path = place / HISTORY if place.is_dir() else place
    try:
        with contextlib.closing(open_to_read(path)) as connection:
            rows = connection.execute("SELECT * FROM run ORDER BY id").fetchall()
            return [_run(connection, row) for row in rows if not wanted or row["id"] in wanted]
    except (sqlite3.Error, _Damaged) as problem:
        raise SyntaxProblem(os.fspath(path), 0, 0, "a history that can be read", str(problem)) from None


class _Damaged(Exception):
    """A row that no run has written."""


def _run(connection: sqlite3.Connection, row: sqlite3.Row) -> PastRun:
    def rows(table: str, columns: Iterable[str], order: str) -> list[tuple[Any, ...]]:
        sql = f"SELECT {', '.join(columns)} FROM {table} WHERE run = ? ORDER BY {order}"
        return [tuple(each) for each in connection.execute(sql, (row["id"],))]

    fields = {name: row[name] for name in row.keys()}  # noqa: SIM118  (a Row's own iteration gives values)
    try:
        fields["settings"] = dict(json.loads(fields["settings"]))
    except (TypeError, ValueError, RecursionError):
        raise _Damaged(f"settings of run {row['id']} that are no JSON object") from None
    fields["how"] = fields["how"] or ""
    return PastRun(
        **fields,
        samples=tuple(Sample(*each) for each in rows("sample", Sample._fields, "seconds")),
        failures=tuple(Met(*each) for each in rows("failure", Met._fields, "seconds")),
        ways=tuple(Way(*each) for each in rows("way", Way._fields, "kind, brought DESC")),
        notes=tuple((each[0], each[1]) for each in rows("note", ("seconds", "text"), "seconds")),
    )
