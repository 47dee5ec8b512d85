"""Where fetched and compiled things are kept, and folders that last as long as whoever works in them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fuzz.corpus import places

GLIBC = "glibc"
"""In a library's folder, the folder of the C library that it needs if the system's is older."""


def cache_folder(chosen: str | Path | None = None) -> Path:
    """The chosen folder, or libzpool in the cache (`fuzz.corpus.places`)."""
    return Path(chosen).resolve() if chosen is not None else places.cache() / "libzpool"


@contextlib.contextmanager
def working_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder below `parent` whose name begins with `prefix`, gone when the context ends. What a process
    that was killed has left under such a name is removed first: whoever works in one holds its lock."""
    for left in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(lock)
    made, lock = _made_and_locked(parent, prefix)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def scratch_folder(what: str) -> contextlib.AbstractContextManager[Path]:
    """A `working_folder` where the system has temporary files."""
    return working_folder(Path(tempfile.gettempdir()), f"zapfuzz-{what}-")


def _made_and_locked(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder, and what holds its lock. Before it is locked it may be taken for a leftover, and goes."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if made.exists():
                return made, lock
            os.close(lock)
