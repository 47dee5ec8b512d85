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
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from fuzz.language.verb_row import Subject
from fuzz.language.verb_sets import DIRECTORIES
from fuzz.language.verbs import VERBS
from zapcore.name_locks import Asked, Compare, NameLocks
from zapcore.zap.compare import compare, is_broken
from zapcore.zap.norm import TO_UPPER, Unmappable, normalize

DOTS = (b".", b"..")
"""Names that are refused before anything is locked."""
ROOM = 1024
NAMELESS = frozenset(("readdir", "getdents"))
LOOKING = "dirlook"
"""The verb that shares its name with others."""
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
    first, second = Wanted(op.zap, op.key, op.verb == LOOKING), Wanted(op.other, op.to)
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
    whose keys are words; `compare` is u8_strcmp(). `broken` are the ZAPs of which somebody wants a name that
    cannot be compared with all others."""

    def __init__(
        self, norms: Sequence[int | None], compare: Compare = compare, broken: Collection[int] = ()
    ) -> None:
        self.norms, self.broken = norms, broken
        self._names = NameLocks(compare)
        self._objects: list[tuple[int, Wanted]] = []
        self._mutex = threading.Lock()

    def take(self, thread: int, wanted: Wanted) -> Asked:
        """Take a lock if it can be had."""
        with self._mutex:
            if wanted.name:
                norm = self._norm(wanted)
                return self._names.take(thread, wanted.zap, wanted.name, norm, wanted.shared)
            if not self._is_free(thread, wanted):
                return Asked.WAIT
            self._objects.append((thread, wanted))
            return Asked.TAKEN

    def is_decided(self, thread: int, wanted: Wanted) -> bool:
        """Whether who asks for a lock need not wait."""
        with self._mutex:
            if not wanted.name:
                return self._is_free(thread, wanted)
            asked, _ = self._names.ask(wanted.zap, wanted.name, self._norm(wanted), wanted.shared)
            return asked is not Asked.WAIT

    def _norm(self, wanted: Wanted) -> int:
        return 0 if wanted.narrow else self.norms[wanted.zap] or 0

    def _is_free(self, thread: int, wanted: Wanted) -> bool:
        """Whether a ZAP itself can be had."""
        return not any(
            held.zap == wanted.zap and other != thread and not (held.shared and wanted.shared)
            for other, held in self._objects
        )

    def drop(self, thread: int) -> None:
        """Let go of all that a thread holds."""
        with self._mutex:
            self._names.drop(thread)
            self._objects = [each for each in self._objects if each[0] != thread]

    def thing(self, wanted: Wanted) -> tuple[tuple[str, int, bytes], bool]:
        """What names the lock, the same for two that may have to do with each other, and whether it may be
        shared. Names of which one is broken all have to do with each other."""
        if wanted.name and wanted.zap in self.broken:
            return ("callers", wanted.zap, b""), False
        return ("callers", wanted.zap, form(wanted.name, self.norms[wanted.zap] or 0)), wanted.shared


def broken_names(ops: Iterable[Named], norms: Sequence[int | None]) -> frozenset[int]:
    """The ZAPs of which ops lock names that cannot be compared with all others."""
    wanted = [each for op in ops for each in of_names(op, norms)]
    return frozenset(each.zap for each in wanted if is_broken(each.name, norms[each.zap] or 0))


def wanted_by(op: Named, norms: Sequence[int | None], objects: bool) -> list[Wanted]:
    """All locks of an op in the order in which it takes them; those of objects where these are in
    question."""
    return [*(of_objects(op, len(norms)) if objects else ()), *of_names(op, norms)]


def needs_objects(verbs: Iterable[str]) -> bool:
    """Whether any of these verbs destroys or makes a ZAP."""
    return not ALONE.isdisjoint(verbs)
