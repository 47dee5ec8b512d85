"""Where the parts of a campaign's corpus lie: anything that fsspec reaches, by its URL. Parts are written
once and never changed, so that nobody needs a lock; the name says who wrote one.

What is said of a part that is there twice, or not yet whole, is in `fuzz.engines.campaign.corpus`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec

from fuzz.engines.campaign.part import NoPart, Part, decode, encode

PARTS = "parts"
SUFFIX = ".part"


class NoStore(Exception):
    """The store cannot be reached, read or written. The text says which, and why."""


def part_name(of: str = "") -> str:
    """A name that nobody else takes: it begins with the time, so that names are in the order of time."""
    now = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    return "-".join(filter(None, (now, of, uuid.uuid4().hex[:12])))


class Store:
    """The parts of one corpus."""

    def __init__(self, url: str) -> None:
        """Raises NoStore where fsspec does not know such an address, or lacks what it needs for it."""
        self.url = where(url)
        with self._told("reached"):
            self._fs, root = fsspec.core.url_to_fs(self.url)
            self._root = f"{root.rstrip('/')}/{PARTS}"

    def prepare(self) -> None:
        """Make the folder, and find out whether it can be written to. Raises NoStore."""
        path = f"{self._root}/.{part_name('try')}"
        with self._told("written"):
            self._fs.makedirs(self._root, exist_ok=True)
            self._fs.pipe_file(path, b"zapfuzz")
            self._fs.rm_file(path)

    def find(self) -> None:
        """Find out whether a campaign has ever prepared it. Raises NoStore."""
        with self._told("read"):
            try:
                self._fs.info(self._root)
                return
            except FileNotFoundError:
                pass
        raise NoStore(f"{self.url}: is no campaign's corpus: expected {PARTS} in it")

    def names(self) -> list[str]:
        """The names of all parts, whole or not, in the order of time. Raises NoStore."""
        with self._told("read"):
            self._fs.invalidate_cache()
            try:
                paths = self._fs.ls(self._root, detail=False)
            except FileNotFoundError:
                return []
        names = (path.rpartition("/")[2] for path in paths)
        return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))

    def read(self, name: str) -> Part | None:
        """A part, as far as it goes; None if there is none, or nothing of one. Raises NoStore."""
        with self._told("read"):
            try:
                data = self._fs.cat_file(self._path(name))
            except FileNotFoundError:
                return None
        try:
            return decode(data)
        except NoPart:
            return None

    def write(self, name: str, part: Part) -> None:
        """Write a part, unless it is there. It is read again, so that what is written is there. Raises
        NoStore; the part is not there then."""
        before = self.read(name)
        if before is not None and before.whole:
            return
        data = encode(part)
        with self._told("written"):
            try:
                self._fs.pipe_file(self._path(name), data)
                if self._fs.cat_file(self._path(name)) != data:
                    raise OSError(errno.EIO, "what is there is not what was written")
            except BaseException:
                with contextlib.suppress(Exception):
                    self._fs.rm_file(self._path(name))
                raise

    def remove(self, names: list[str]) -> None:
        """Remove parts that are in others. One that is not there is no problem. Raises NoStore."""
        for name in names:
            with self._told("written"), contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}{SUFFIX}"

    @contextlib.contextmanager
    def _told(self, how: str) -> Iterator[None]:
        """Whatever the library of an address raises becomes one line: they have no exception in common."""
        try:
            yield
        except Exception as problem:
            raise NoStore(f"{self.url}: cannot be {how}: {_reason(problem)}") from problem


def where(url: str) -> str:
    """An address as every machine and process understands it: a path becomes absolute."""
    return url if "://" in url else os.fspath(Path(url).expanduser().resolve())


def _reason(problem: BaseException) -> str:
    said: Any = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return " ".join(str(said).split())
