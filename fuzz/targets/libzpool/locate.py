"""Which shared object a release, a version or a path means. Looks at files only; loads nothing."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from fuzz.language.problem import Problem
from fuzz.targets.packages.cache_folder import GLIBC, cache_folder
from zapcore.release import PINNED, RELEASES, Release, named_release, nearest_row


class NoLibrary(Problem):
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
    cache = cache_folder()
    wanted = PINNED.get(release, release)
    folders = sorted(cache.iterdir() if cache.is_dir() else (), key=lambda x: _numbers(x.name), reverse=True)
    named = [x for x in folders if x.name == wanted]
    alike = [x for x in folders if not release or x.name.startswith(f"{release}.")]
    for folder in named + alike:
        if not folder.name.startswith(".") and (found := _in_folder(folder)):
            return found
    what = f"libzpool {wanted}".strip()
    raise NoLibrary(f"{what} is not in {cache}: run `zapfuzz fetch`, or give --libzpool PATH")


BUILT = (".libs", "lib/libzpool/.libs", "")
"""Where a tree has the library that was built in it."""


def built_library(tree: Path) -> Path:
    """The library that a tree in which it was built, a folder or a file means. Raises NoLibrary."""
    for inside in BUILT:
        folder = tree / inside
        if folder.is_dir() and any(folder.glob("libzpool.so*")):
            return find_library(path=folder)
    return find_library(path=tree)


_OF_SONAME = {"5": "2.1", "6": "2.3", "7": "2.4"}


def release_of(library: Path, release: str = "") -> Release:
    """Whose behaviours a library has: those of the model's release of that name, else what the file's version
    and its exported functions tell. The one place that looks at either.

    2.2 is told from 2.1, whose soname it shares, by block cloning; master by cursors that take a dnode; which
    version of a series it is by the folder's name, if that is one.
    """
    if release in RELEASES:
        return RELEASES[release]
    exported = library.read_bytes()
    if b"\0zap_cursor_init_by_dnode\0" in exported:
        return RELEASES["master"]
    soname = library.resolve().name.partition(".so.")[2].partition(".")[0]
    found = RELEASES[_OF_SONAME.get(soname, "2.3")]
    version = release or library.parent.name
    named = named_release(version)
    if named is not None and nearest_row(version) == found.name:
        return named
    if found.name == "2.1" and b"\0brt_init\0" in exported:
        return named_release("2.2") or found
    return found
