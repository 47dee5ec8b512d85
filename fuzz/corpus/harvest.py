"""Programs that reach states which nobody has reached, for others to start from: an engine adds each to a
file at once, so that they outlive its process.

A line of the file is one program in byte form with the states that were new, as JSON. It is written at once;
where the process is killed meanwhile, the last line is cut short, and is left out.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fuzz.language.byteform import encode
from fuzz.language.program import Program
from fuzz.language.write_whole_file import write_whole

LONGEST = 1 << 14
"""Bytes of a program that is worth starting from. There are longer ones, which take their time each time."""


class Harvested(NamedTuple):
    """The byte form of a program, and the states that it was the first to reach."""

    data: bytes
    states: tuple[int, ...]


class Harvest:
    """What one engine's process adds to a file ("" for none), beside the states that are in another ("" for
    none)."""

    def __init__(self, states: str, path: str) -> None:
        self._states = states
        self._path = Path(path) if path else None

    def known(self) -> set[int]:
        """The states that others have reached."""
        return set(json.loads(Path(self._states).read_text("utf-8"))) if self._states else set()

    def gather(self, program: Program, new: set[int]) -> None:
        """Add a program that reached these states. A full disk costs the line: the run goes on."""
        if self._path is None or not new:
            return
        data = encode(program)
        if len(data) > LONGEST:
            return
        row = json.dumps({"program": base64.b64encode(data).decode(), "states": sorted(new)})
        line = f"\n{row}\n"  # begins anew, whatever a process that died has left
        try:
            with self._path.open("ab", buffering=0) as file:
                file.write(line.encode())
        except OSError:
            return


def write_known(path: Path, states: set[int]) -> None:
    """Write the file of states that others have reached. Raises OSError."""
    write_whole(path, json.dumps(sorted(states)).encode())


def harvested(path: Path) -> Iterator[Harvested]:
    """What an engine has added to a file; nothing if there is none."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line)
            yield Harvested(base64.b64decode(row["program"]), tuple(row["states"]))
        except (ValueError, KeyError, TypeError, binascii.Error):
            continue
