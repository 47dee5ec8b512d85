"""What cannot be written where it should go is kept elsewhere: a full disk costs nothing that was found."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from fuzz.corpus.places import home

KEPT = "kept"
_TRIED_BYTES = 8192
"""What a new file must have room for."""


class Kept(NamedTuple):
    """Where something was written, None if nowhere, and why not where it should be; None if it is there."""

    path: Path | None
    problem: OSError | None

    def __str__(self) -> str:
        if self.problem is None:
            return str(self.path)
        where = f"kept in {self.path}" if self.path is not None else "nor anywhere else"
        return f"{self.problem.filename}: cannot be written: {self.problem.strerror}; {where}"


def folders_instead() -> Iterator[Path]:
    """Where to put what has no room where it should go."""
    yield home() / KEPT
    yield Path(tempfile.gettempdir()) / f"zapfuzz-{os.getuid()}"
    yield Path.cwd()


def keep(folder: Path, write: Callable[[Path], Path]) -> Kept:
    """Let `write` put something into a folder, or into the first other one in which it can."""
    try:
        return Kept(write(folder), None)
    except OSError as problem:
        return keep_instead(problem, write)


def keep_instead(problem: OSError, write: Callable[[Path], Path]) -> Kept:
    """Let `write` put into some other folder what could not be written because of a problem."""
    for place in folders_instead():
        try:
            place.mkdir(parents=True, exist_ok=True)
            return Kept(write(place), problem)
        except OSError:
            continue
    return Kept(None, problem)


def try_folder(folder: Path) -> None:
    """Find out whether a folder, or the one where it would be made, can be written to and has room. Raises
    OSError."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(_TRIED_BYTES))
    except OSError as problem:
        raise OSError(problem.errno, f"cannot be written: {problem.strerror}", str(folder)) from None


def try_file(path: Path) -> None:
    """Find out whether a file can be written (`write_whole`). Raises OSError."""
    try:
        if path.is_dir():
            path.open("wb").close()  # it says why not
        if path.exists() and not path.is_file():
            return  # a device or a pipe: what is written there is gone
        with tempfile.TemporaryFile(dir=os.path.dirname(os.path.realpath(path))) as file:
            file.write(bytes(_TRIED_BYTES))
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, os.fspath(path)) from None
