"""What the oracle knows of a program's ZAPs while it runs, and nothing of what their answers must be.

It does not know where an entry lies: no leaf, no table, no dbuf, no txg is in it.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fuzz.judge.keys import refused_form, stored_bytes
from fuzz.judge.order import Order, Place
from fuzz.judge.owned import Owned
from fuzz.judge.waiting_sync_tasks import Tasks
from fuzz.language.program import Key, Op, Zap, value_bytes
from fuzz.language.verbs import VERBS
from zapcore.release import Release
from zapcore.zap.name import LONG_NAME, MAX_NAME

IN_DIRECTORIES = frozenset({"touch", "mkdir", "symlink", "unlink", "rmdir", "dirlook"})
"""Verbs on one name of a directory, which refuse what the file system does not allow before they look at the
ZAP."""


class Value(NamedTuple):
    """An entry's value: `length` integers of `size` bytes, little-endian."""

    size: int
    length: int
    data: bytes


@functools.lru_cache(maxsize=1024)
def value_of(size: int, length: int, fill: int) -> Value:
    """The value that an op writes."""
    return Value(size, length, value_bytes(size, length, fill))


END = (1 << 64) - 1
"""The hash of a cursor that has come to its end, where it stays."""
FIRST_SLOTS = 512 // 64 - 1
"""Slots of a new micro ZAP."""


FAT: tuple[Place, ...] = ((-1, -1),)
"""In place of the index that only a micro ZAP has."""


class Walk:
    """A cursor: which ZAP it was opened on and of which of its lives (`incarnation`), and where it stands.

    `found` says whether it has found its ZAP, and holds it from then on; until then `hash` is 0, `cd` counts
    how often it was sent on, and `serialized` is the place where it will begin. `fresh` until it has returned
    an entry; `seen` are those that it has returned and that are there still. `dead` is set when the ZAP that
    it holds is destroyed: the places that the index of a micro ZAP had then, FAT for a fat one. `lost` where
    it is not known whether it has found a ZAP (`undecided`: created-anew), `adrift` where it is not known
    where it stands (read-error).
    """

    __slots__ = (
        *("adrift", "cd", "dead", "found", "fresh", "hash", "incarnation", "lost", "seen", "serialized"),
        "zap",
    )

    def __init__(self, zap: str, incarnation: int, serialized: int) -> None:
        self.zap = zap
        self.incarnation = incarnation
        self.serialized = serialized
        self.found = False
        self.hash = 0
        self.cd = 0
        self.fresh = True
        self.seen: set[Key] = set()
        self.dead: tuple[Place, ...] | None = None
        self.lost = False
        self.adrift = False


class State:
    """One dictionary and one order per ZAP, and where each cursor stands. `fat` says which ZAPs are fat,
    `shifts` how large the leaves of each are then, log2 of bytes, `slots` how many slots the block of a micro
    ZAP has. `moving` are the keys of each ZAP that ops write which run at the same time as the one that is
    judged. `kept` has the ZAPs that syncing context keeps, by their names, `usage` what it will make of them;
    `tasked` those that sync tasks change, `tasks` the ops that have yet to do so. `failing` are the errnos of
    reads of blocks of each ZAP that fail, and `read_failed` says whether the last op met one. `left_open`
    names the last question that was left open (`undecided`). `parents` has, by the names of directories that
    entries lead to, the name of the one in which each was linked last, `removed` those whose last name is
    gone. `syncs_since` has of each ZAP that is destroyed how often all has synced since then. `release` is
    whose answers are right now, `closed` the releases that a move cannot lead to."""

    CHANGING = (
        *(
            "entries",
            "failing",
            "fat",
            "incarnation",
            "orders",
            "parents",
            "removed",
            "shifts",
            "slots",
            "syncs_since",
            "tasks",
        ),
        *("usage", "walks"),
    )
    """What ops change: plain data, however deep. The rest is fixed by the header and the release."""
    __slots__ = (
        *CHANGING,
        "closed",
        "full",
        "headers",
        "kept",
        "left_open",
        "moving",
        "read_failed",
        "release",
        "tasked",
    )

    def __init__(self, zaps: Sequence[Zap], release: Release, closed: frozenset[int] = frozenset()) -> None:
        self.release = release
        self.closed = closed
        self.headers = {header.name: header for header in zaps}
        self.fat = {header.name: header.fat for header in zaps}
        self.shifts = {header.name: header.leaf_shift for header in zaps}
        self.slots = dict.fromkeys(self.headers, FIRST_SLOTS)
        self.entries: dict[str, dict[Key, Value] | None] = {header.name: {} for header in zaps}
        self.orders = {header.name: Order(header) for header in zaps}
        self.incarnation = dict.fromkeys(self.headers, 0)
        self.walks: dict[str, Walk] = {}
        self.moving: Mapping[str, frozenset[Key]] = {}
        self.left_open = ""
        self.parents: dict[str, str] = {}
        self.removed: set[str] = set()
        self.syncs_since: dict[str, int] = {}
        self.failing: dict[str, tuple[int, ...]] = {}
        self.read_failed = False
        self.full = 0
        self.kept = {header.name: header.usage for header in zaps if header.usage}
        self.usage = Owned() if self.kept else None
        self.tasked = frozenset(header.name for header in zaps if header.mos)
        self.tasks = Tasks() if self.tasked else None

    def has_no_names(self, zap: str) -> int:
        """Why what a ZAP is does not let its names be asked for: ENOENT where it is destroyed, ENOTSUP where
        its keys are words; else 0."""
        if self.entries[zap] is None:
            return errno.ENOENT
        return errno.ENOTSUP if self.headers[zap].words else 0

    def bring(self, zap: str, key: Key, value: Value) -> None:
        """An entry is there, with this value."""
        entries = self.entries[zap]
        assert entries is not None
        if key not in entries:
            self.orders[zap].add(key, bool(self.walks))
        entries[key] = value

    def take(self, zap: str, key: Key) -> None:
        """An entry is gone."""
        entries = self.entries[zap]
        assert entries is not None
        del entries[key]
        self.orders[zap].remove(key, bool(self.walks))
        for walk in self.walks.values():
            if walk.zap == zap:
                walk.seen.discard(key)

    def clear(self, zap: str) -> None:
        """The object is gone, and whoever holds it holds zeros."""
        for walk in self.walks.values():
            if walk.zap == zap and walk.found and walk.dead is None and not self.gone(walk):
                order = self.orders[zap].buckets
                micro = [(hashed, cd) for hashed in sorted(order) for cd, _ in order[hashed]]
                walk.dead = FAT if self.fat[zap] else tuple(micro)
        self.entries[zap] = None
        self.syncs_since[zap] = 0
        self.orders[zap] = Order(self.headers[zap])

    def gone(self, walk: Walk) -> bool:
        """Whether the ZAP that a cursor was opened on has been destroyed."""
        return self.entries[walk.zap] is None or walk.incarnation != self.incarnation[walk.zap]

    def refused(self, op: Op) -> int:
        """The errno of an op that is refused for its ZAP or its key alone; else 0. Directories look at a
        name's length first, and are not asked here for its form."""
        header = self.headers[op.subject]
        if self.entries[op.subject] is None:
            return errno.ENOENT
        if header.words:
            return errno.ENOTSUP if VERBS[op.verb].names else 0
        if not (header.norm or op.extra) or not isinstance(op.key, bytes) or op.verb in IN_DIRECTORIES:
            return 0
        if op.verb == "increment" and op.fill == 0:
            return 0
        match = op.extra if op.verb in ("lookup_norm", "remove_norm") else 0
        return refused_form(header, op.key, match, self.release.long_names)

    def short_of_room(self, op: Op, name: Key) -> bool:
        """Whether a search has no room for the name that it finds, and is told so."""
        return bool(op.name_room) and self.release.long_names and len(name) >= op.name_room

    def too_long(self, zap: str, key: Key) -> bool:
        """Whether a fat ZAP refuses to write or look up a key of this length (fzap_checkname). ZAPs that were
        created micro are of the type that directories have."""
        if len(key) < MAX_NAME // 8:  # of words or bytes: short enough
            return False
        header = self.headers[zap]
        long = self.release.long_names and not (header.fat or header.usage)
        return self.fat[zap] and stored_bytes(key) > (LONG_NAME if long else MAX_NAME)


def first_integer(value: Value) -> int:
    """What a cursor gives of a value."""
    return int.from_bytes(value.data[: value.size], "little")


def widen(value: Value, size: int, length: int, carry: bool = False) -> bytes:
    """The first `length` integers as integers of `size` bytes; with `carry`, the upper bytes of each hold
    the integers before it, as zap_leaf_array_read() has it."""
    data = value.data[: value.size * length]
    if value.size == size:
        return data
    integers = []
    carried = 0
    for at in range(0, len(data), value.size):
        integer = int.from_bytes(data[at : at + value.size], "little")
        carried = (carried << 8 * value.size | integer) & ((1 << 8 * size) - 1) if carry else integer
        integers.append(carried.to_bytes(size, "little"))
    return b"".join(integers)
