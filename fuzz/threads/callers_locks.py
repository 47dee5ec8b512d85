"""The locks that callers of the ZAP hold, by which the ops of threads wait for each other.

Directories: names are locked one by one (zfs_dirent_lock() in zfs_dir.c). Whoever makes, removes or renames a
name has it for itself from before it is looked up until its transaction has committed; names that are the
same to the file system are one name. Looking a name up shares it. Two names of one directory, and a readdir()
beside any of them, do not wait for each other: readdir() takes no lock of a name. (Linux's own i_rwsem keeps
more apart; it is the kernel's, not ZFS's, and other systems and callers within ZFS do without it.)

Of the two names of a rename, the one in the directory with the smaller number, or the lesser of one
directory, is locked first. The second is compared byte by byte with the names that are locked (ZRENAMING), so
that a rename between two spellings of one name does not wait for itself.

link() locks its new name only. In OpenZFS it holds the file from when it has looked it up, and refuses one
that has lost its last name since (z_unlinked). There are no files here: it gives the name to whatever it has
found.

Objects: nobody destroys a ZAP that somebody works on, and who comes later finds it gone (the znode's
references, and syncing context for what is no directory). The other verbs take no lock of their callers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fuzz.language.verbs import DIRECTORIES, VERBS, Subject
from zapcore.zap.norm import TO_UPPER, Unmappable, normalize

DOTS = (b".", b"..")
"""Names that are refused before anything is locked."""
ROOM = 1024
NAMELESS = frozenset(("readdir", "getdents"))
ALONE = frozenset(("destroy", "create"))
"""Verbs beside which nothing works on their ZAP."""


class Wanted(NamedTuple):
    """A lock that an op takes: of a ZAP by its place in the header, or of a name in it (empty: of the ZAP).
    `narrow`: other spellings of the name are other names."""

    zap: int
    name: bytes = b""
    shared: bool = False
    narrow: bool = False


class Named(NamedTuple):
    """What of an op decides about its locks; ZAPs by their place in the header, -1 for none."""

    verb: str
    zap: int
    key: bytes = b""
    other: int = -1
    to: bytes = b""


def form(name: bytes, norm: int) -> bytes:
    """A name as it is compared with another; itself, if it has no normal form."""
    try:
        return normalize(name, norm, ROOM) if norm else name
    except Unmappable:
        return name


def of_names(op: Named, norms: Sequence[int | None]) -> list[Wanted]:
    """The names that an op on directories locks, in the order in which it does."""
    if op.verb not in DIRECTORIES or op.verb in NAMELESS:
        return []
    here, there = norms[op.zap], norms[op.other] if VERBS[op.verb].other else 0
    if here is None or there is None or op.key in DOTS or op.to in DOTS:
        return []
    first, second = Wanted(op.zap, op.key), Wanted(op.other, op.to)
    if not VERBS[op.verb].to:
        return [first]
    if op.verb == "link":
        return [second]
    folded = form(op.key, here & ~TO_UPPER), form(op.to, there & ~TO_UPPER)
    if (first.zap, folded[0]) == (second.zap, folded[1]):
        return [first]
    # zfs_rename() compares the directories' numbers, which here are in the order of the header
    if (op.other, folded[1]) < (op.zap, folded[0]):
        first, second = second, first
    return [first, second._replace(narrow=True)]


def of_objects(op: Named, zaps: int) -> list[Wanted]:
    """Which of so many ZAPs an op keeps from being destroyed, or destroys. An op on a cursor keeps all."""
    verb = VERBS[op.verb]
    if verb.subject is Subject.CURSOR:
        return [Wanted(zap, shared=True) for zap in range(zaps)]
    ours = {op.zap} if verb.subject is Subject.ZAP else set()
    if verb.other:
        ours.add(op.other)
    return [Wanted(zap, shared=op.verb not in ALONE) for zap in sorted(ours)]


class CallersLocks:
    """Who holds which of them. `norms` are the normalization flags of the ZAPs of a header, None for one
    whose keys are words."""

    def __init__(self, norms: Sequence[int | None]) -> None:
        self.norms = norms
        self._held: list[tuple[int, Wanted]] = []
        self._mutex = threading.Lock()

    def take(self, thread: int, wanted: Wanted) -> bool:
        """Take a lock if it can be had; whether it was."""
        with self._mutex:
            if not self._free(thread, wanted):
                return False
            self._held.append((thread, wanted))
            return True

    def is_free(self, thread: int, wanted: Wanted) -> bool:
        """Whether a lock could be had."""
        with self._mutex:
            return self._free(thread, wanted)

    def _free(self, thread: int, wanted: Wanted) -> bool:
        norm = 0 if wanted.narrow else self.norms[wanted.zap] or 0
        name = form(wanted.name, norm)
        for other, held in self._held:
            if held.zap != wanted.zap or bool(held.name) != bool(wanted.name):
                continue
            if (held.shared and wanted.shared) or (not wanted.name and other == thread):
                continue
            if form(held.name, norm) == name:
                return False
        return True

    def drop(self, thread: int) -> list[Wanted]:
        """Let go of all that a thread holds; what that was."""
        with self._mutex:
            dropped = [wanted for holder, wanted in self._held if holder == thread]
            self._held = [each for each in self._held if each[0] != thread]
        return dropped

    def thing(self, wanted: Wanted) -> tuple[str, int, bytes]:
        """What names the lock: the same for two that may exclude each other."""
        return "callers", wanted.zap, form(wanted.name, self.norms[wanted.zap] or 0)


def wanted_by(op: Named, norms: Sequence[int | None], objects: bool) -> list[Wanted]:
    """All locks of an op in the order in which it takes them; those of objects where these are in
    question."""
    return [*(of_objects(op, len(norms)) if objects else ()), *of_names(op, norms)]


def needs_objects(verbs: Iterable[str]) -> bool:
    """Whether any of these verbs destroys or makes a ZAP."""
    return not ALONE.isdisjoint(verbs)
