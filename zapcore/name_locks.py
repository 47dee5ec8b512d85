"""The locks of the names of a directory (zfs_dirent_lock in module/os/linux/zfs/zfs_dir.c, the same in every
release and master).

A directory has a list of the names that are locked, the youngest first. Who wants one compares it with each
of them, as its file system compares names. If two are the same, and not both only look, he waits, and then
begins anew. An error of a comparison ends the search, too, and the caller is told that there is no such name
(ENOENT): so where case is folded a name that is no UTF-8 hides the others of its directory from lookups, for
as long as somebody works on it.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable

from zapcore.errors import openzfs
from zapcore.zap.compare import Compared, compare

Compare = Callable[[bytes, bytes, int], Compared]


@dataclasses.dataclass(slots=True)
class NameLock:
    """zfs_dirlock_t: a name of a directory, and the threads that have it; `shared` if they only look."""

    directory: int
    name: bytes
    shared: bool
    holders: list[int]


class Asked(enum.Enum):
    """What comes of asking for a name."""

    TAKEN = enum.auto()
    WAIT = enum.auto()
    REFUSED = enum.auto()
    """The caller is told that there is no such name."""


class NameLocks:
    """Those of all directories. `compare` is u8_strcmp()."""

    def __init__(self, compare: Compare = compare) -> None:
        self.compare = compare
        self.locks: list[NameLock] = []

    def ask(self, directory: int, name: bytes, flags: int, shared: bool) -> tuple[Asked, NameLock | None]:
        """What a thread would come to that wants a name, and whose lock it would share; `flags` say how names
        are compared."""
        lock, broken = self._search(directory, name, flags)
        if broken:
            return Asked.REFUSED, None
        if lock is None or (shared and lock.shared):
            return Asked.TAKEN, lock
        return Asked.WAIT, None

    @openzfs("zfs_dir.c", "zfs_dirent_lock")
    def _search(self, directory: int, name: bytes, flags: int) -> tuple[NameLock | None, bool]:
        """The first lock of the name, if any, and whether a comparison before was an error."""
        for lock in reversed(self.locks):
            if lock.directory != directory:
                continue
            same, broken = self.compare(name, lock.name, flags)
            if broken:
                return None, True
            if same:
                return lock, False
        return None, False

    def take(self, thread: int, directory: int, name: bytes, flags: int, shared: bool) -> Asked:
        """Take a name if it can be had."""
        asked, lock = self.ask(directory, name, flags, shared)
        if asked is Asked.TAKEN and lock is not None:
            lock.holders.append(thread)
        elif asked is Asked.TAKEN:
            self.locks.append(NameLock(directory, name, shared, [thread]))
        return asked

    @openzfs("zfs_dir.c", "zfs_dirent_unlock")
    def drop(self, thread: int) -> None:
        """Let go of all names that a thread has."""
        for lock in self.locks:
            lock.holders = [holder for holder in lock.holders if holder != thread]
        self.locks = [lock for lock in self.locks if lock.holders]
