"""The file: its tables, and how it is opened. `history.sqlite` in the user's folder, which is
`fuzz.corpus.places.home()`, has every run of `zapfuzz fuzz`; a campaign has one of its own in its folder.
Many runs may write one file at the same time. Any SQLite reads it:

    sqlite3 history.sqlite "SELECT signature, min(seconds) FROM failure GROUP BY signature"
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from fuzz.language.syntax import SyntaxProblem

HISTORY = "history.sqlite"
"""What the file is called, in whatever folder it is."""
APPLICATION = 0x7A61_7066
VERSION = 1
"""`user_version` of the file. A file of a later one is not touched."""
PATIENCE_SECONDS = 0.2
"""How long a writer waits for another one, or for a reader; what could not be written then comes with the
next sample."""
LONG_PATIENCE_SECONDS = 2.0
"""The same where there is no next sample: when a run begins, and when it has come to its end."""

TABLES = (
    """CREATE TABLE run (
    -- One run of one engine on one target. Times of day are seconds since 1970, UTC; `seconds` elsewhere are
    -- since the run began. `ended` and `how` are NULL while it goes on, and where it was killed; else `how`
    -- is ended, a signal's name, or what went wrong. `campaign` is the one that it is a part of, or empty.
    -- `settings` is JSON.
    id INTEGER PRIMARY KEY, begun REAL NOT NULL, ended REAL, how TEXT, campaign TEXT NOT NULL DEFAULT '',
    zapfuzz TEXT NOT NULL, release TEXT NOT NULL, target TEXT NOT NULL, engine TEXT NOT NULL,
    seed INTEGER NOT NULL, jobs INTEGER NOT NULL, remedies TEXT NOT NULL DEFAULT '',
    settings TEXT NOT NULL DEFAULT '{}'
)""",
    """CREATE TABLE sample (
    -- How far a run was: all that it had done until then. `states` are edges and states reached, `inputs` the
    -- size of the working corpus (both 0 where an engine has none), `failures` how often any failure was met,
    -- `kinds` how many different ones, `new` how many of these nobody knew, `memory` the bytes of all
    -- processes at that moment.
    run INTEGER NOT NULL REFERENCES run (id), seconds REAL NOT NULL,
    executions INTEGER NOT NULL, ops INTEGER NOT NULL, limits INTEGER NOT NULL, states INTEGER NOT NULL,
    inputs INTEGER NOT NULL, failures INTEGER NOT NULL, kinds INTEGER NOT NULL, new INTEGER NOT NULL,
    memory INTEGER NOT NULL, PRIMARY KEY (run, seconds)
) WITHOUT ROWID""",
    """CREATE TABLE way (
    -- What programs were made by, in the whole run so far: `kind` is style, mutation or way; `drawn` how
    -- often, `brought` how many of these programs reached a state that none had reached before.
    run INTEGER NOT NULL REFERENCES run (id), kind TEXT NOT NULL, name TEXT NOT NULL,
    drawn INTEGER NOT NULL, brought INTEGER NOT NULL, PRIMARY KEY (run, kind, name)
) WITHOUT ROWID""",
    """CREATE TABLE failure (
    -- Each failure that a run met, when first, and how often so far. `standing` is new, known (to the
    -- project), earlier (found by an earlier run), lost (it did not come again) or open (not cut
    -- down, or not yet). `reproducer` is its name in the corpus, `folder` where it is kept, `program` the
    -- program in text form, `text` what was printed, as far as there is one.
    run INTEGER NOT NULL REFERENCES run (id), signature TEXT NOT NULL, standing TEXT NOT NULL,
    seconds REAL NOT NULL, executions INTEGER NOT NULL, times INTEGER NOT NULL,
    reproducer TEXT NOT NULL DEFAULT '', folder TEXT NOT NULL DEFAULT '', program TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL DEFAULT '', PRIMARY KEY (run, signature)
) WITHOUT ROWID""",
    """CREATE TABLE note (
    -- What a run said beside: a process that was started again, a disk that was full.
    run INTEGER NOT NULL REFERENCES run (id), seconds REAL NOT NULL, text TEXT NOT NULL
)""",
)
"""Each with what it means; `.schema` of sqlite3 shows that, too."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """The file, made if it is not there. Statements take effect at once, after a long patience. Raises
    SyntaxProblem for a file that is no such history, sqlite3.Error where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path, timeout=LONG_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _version(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection, path) == 0:
            for statement in TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def be_patient(connection: sqlite3.Connection, seconds: float) -> None:
    """How long this connection waits for others from now on."""
    connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")


def open_to_read(path: Path) -> sqlite3.Connection:
    """The file as it is, which may grow meanwhile. Raises SyntaxProblem where there is none or it is another
    file."""
    if not path.is_file():
        raise SyntaxProblem(os.fspath(path), 0, 0, "the history of a run", "nothing there")
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        if _version(connection, path) == 0:
            raise SyntaxProblem(os.fspath(path), 0, 0, "the history of a run", "an empty file")
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of an open file, 0 for an empty one. Raises SyntaxProblem for one of another kind."""
    wanted = f"a history of runs, of version {VERSION}"
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        raise SyntaxProblem(os.fspath(path), 0, 0, wanted, "another file") from None
    if not (application or version or tables):
        return 0
    if application != APPLICATION:
        raise SyntaxProblem(os.fspath(path), 0, 0, wanted, "another database")
    if version != VERSION:
        raise SyntaxProblem(os.fspath(path), 0, 0, wanted, f"one of version {version}")
    return int(version)
