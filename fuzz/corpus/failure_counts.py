"""Every failure ever met on this machine: how often, when first, when last. A record, not a judgement."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from fuzz.corpus.reproducer import write_text
from fuzz.language.syntax import SyntaxProblem

Row = dict[str, int | str]


class Seen:
    """The record in a file of JSON: release, signature, then `count`, `first`, `last` (UTC)."""

    def __init__(self, path: Path) -> None:
        """Read the record; one that is not there is empty. Raises SyntaxProblem."""
        self.path = path
        self.rows: dict[str, dict[str, Row]] = {}
        if not path.exists():
            return
        source = os.fspath(path)
        try:
            data = json.loads(path.read_text("utf-8"))
        except OSError as error:
            reason = error.strerror or str(error)
            raise SyntaxProblem(source, 0, 0, "a file that can be read", reason) from None
        except ValueError as error:
            raise SyntaxProblem(source, 0, 0, "JSON", str(error)) from None
        if not isinstance(data, dict) or not all(_is_rows(rows) for rows in data.values()):
            raise SyntaxProblem(source, 0, 0, "counts of signatures for each release", "something else")
        self.rows = data

    def add(self, release: str, met: Mapping[str, int], now: float | None = None) -> None:
        """Count what a run has met, and write the file. Raises OSError."""
        if not met:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        rows = self.rows.setdefault(release, {})
        for signature, count in met.items():
            row = rows.setdefault(signature, {"count": 0, "first": stamp})
            row["count"] = int(row["count"]) + count
            row["last"] = stamp
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.path, json.dumps(self.rows, indent=1, sort_keys=True) + "\n")


def _is_rows(rows: object) -> bool:
    return isinstance(rows, dict) and all(
        isinstance(row, dict) and isinstance(row.get("count"), int) for row in rows.values()
    )
