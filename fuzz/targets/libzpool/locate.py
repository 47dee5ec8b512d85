"""Which shared object a release, a version or a path means. Looks at files only; loads nothing."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

PINNED = {"2.1": "2.1.11", "2.3": "2.3.2", "2.4": "2.4.4"}
"""The OpenZFS version that each release of the model is compared against."""

GLIBC = "glibc"
"""In a library's folder, the folder of the C library that it needs if the system's is older."""


class NoLibrary(Exception):
    """No libzpool is to be had; the text says in one line what is missing and how to get it."""


def _in_folder(folder: Path) -> Path | None:
    """The library of a folder: the shortest name, which is the one that the loader uses."""
    found = sorted(folder.glob("libzpool.so*"), key=lambda path: (len(path.name), path.name))
    return found[0] if found else None


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", name))


def python_for(library: Path) -> list[str]:
    """The command that starts Python so that it can load a library: by a loader of the library's own, where
    its folder has one."""
    folder = library.parent / GLIBC
    for loader in folder.glob("ld-linux*.so.*"):
        return [str(loader), "--library-path", f"{library.parent}:{folder}", sys.executable]
    return [sys.executable]


def find_library(release: str = "", path: str | os.PathLike[str] | None = None) -> Path:
    """The library that a path (of a folder or a file) names, or that was fetched for a release.

    A release is one of the model's (`2.1`, `2.3`) or a version (`2.3.2`). Without either, the newest that
    was fetched. Raises NoLibrary.
    """
    if path is not None:
        given = Path(path).expanduser().resolve()
        found = _in_folder(given) if given.is_dir() else given if given.is_file() else None
        if found is None:
            raise NoLibrary(f"no libzpool.so at {given}: give a folder that has one, or the file itself")
        return found
    from fuzz.targets.packages.libzpool import (
        cache_folder,  # with all that fetching needs: not where nobody looks
    )

    cache = cache_folder()
    wanted = PINNED.get(release, release)
    folders = sorted(cache.iterdir() if cache.is_dir() else (), key=lambda x: _numbers(x.name), reverse=True)
    named = [x for x in folders if x.name == wanted]
    alike = [x for x in folders if not release or x.name.startswith(f"{release}.")]
    for folder in named + alike:
        if not folder.name.startswith(".") and (found := _in_folder(folder)):
            return found
    what = f"libzpool {wanted}".strip()
    raise NoLibrary(f"{what} is not in {cache}: run `make libzpool`, or give --libzpool PATH")
