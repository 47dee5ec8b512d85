"""What the oracle knows of a program's ZAPs while it runs, and nothing of what their answers must be.

It does not know where an entry lies: no leaf, no table, no dbuf, no txg is in it. What it knows of the format
are hashes, and how many bytes and chunks a key and a value take.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Sequence
from typing import NamedTuple

from fuzz.judge.normalized_names import Names
from fuzz.language.program import Key, Op, Zap, value_bytes
from fuzz.language.verbs import VERBS
from zapcore.layout import FLAG_HASH64, FLAG_PRE_HASHED_KEY
from zapcore.verify.name_hash import hash_of_key
from zapcore.zap.name import LONG_NAME, MAX_NAME

IN_DIRECTORIES = frozenset({"touch", "mkdir", "unlink", "rmdir", "rename"})
"""Verbs that refuse a name that is too long before they look at the ZAP."""


class Value(NamedTuple):
    """An entry's value: `length` integers of `size` bytes, little-endian."""

    size: int
    length: int
    data: bytes


@functools.lru_cache(maxsize=1024)
def value_of(size: int, length: int, fill: int) -> Value:
    """The value that an op writes."""
    return Value(size, length, value_bytes(size, length, fill))


class Walk:
    """What a cursor was opened on, the entries that it has returned, and whether it must still be right.

    A cursor's promise is only that entries that were there all the time come exactly once. `start` is the
    hash where it began, as a place that a cursor names has it (zap_cursor_serialize); `begun` is that place,
    until it has looked at anything: then None; `ahead` how often it was sent on; `ended` whether it has
    come to its end, where it stays.
    """

    __slots__ = (
        *("ahead", "begun", "current", "ended", "fresh", "incarnation", "seen", "stable", "start"),
        "zap",
    )

    def __init__(self, zap: str, incarnation: int, keys: set[Key], start: int, begun: int) -> None:
        self.zap = zap
        self.start = start
        self.begun: int | None = begun
        self.incarnation = incarnation
        self.stable = keys
        self.seen: set[Key] = set()
        self.ahead = 0
        self.ended = False
        self.current: Key | None = None
        self.fresh = True


class State:
    """One dictionary per ZAP, and what each cursor has returned. `places` are those that cursors have named,
    each with the entry that it is of, which has been there since. `fat` is None of a micro ZAP that may have
    become fat: whether it did depends on how entries lie in blocks. `names` are those of ZAPs that normalize.

    `unlinks_first` is `zapcore.release`'s rename_unlinks_first; `long_names` (None: not known) and
    `cursors_hold` are as that has them.
    """

    CHANGING = ("entries", "fat", "incarnation", "names", "places", "walks")
    """What ops change: plain data, however deep. The rest is fixed by the header and the release."""
    __slots__ = (*CHANGING, "cursors_hold", "headers", "long_names", "unlinks_first")

    def __init__(
        self, zaps: Sequence[Zap], *, unlinks_first: bool, long_names: bool | None, cursors_hold: bool
    ) -> None:
        self.unlinks_first = unlinks_first
        self.long_names = long_names
        self.cursors_hold = cursors_hold
        self.names = Names(zaps, long_names)
        self.headers = {header.name: header for header in zaps}
        self.fat: dict[str, bool | None] = {header.name: header.fat for header in zaps}
        self.entries: dict[str, dict[Key, Value] | None] = {header.name: {} for header in zaps}
        self.incarnation = dict.fromkeys(self.headers, 0)
        self.places: dict[str, dict[int, Key]] = {header.name: {} for header in zaps}
        self.walks: dict[str, Walk] = {}

    def refused(self, op: Op) -> tuple[int, ...]:
        """The errnos, of which any will do, of an op that is refused for its ZAP or its name alone."""
        header = self.headers[op.subject]
        if self.entries[op.subject] is None:
            return (errno.ENOENT,)
        if header.words:
            return (errno.ENOTSUP,) if VERBS[op.verb].names else ()
        if not (header.norm or op.extra):
            return ()  # any name will do
        if op.verb == "increment" and op.fill == 0:
            return ()
        match = op.extra if op.verb in ("lookup_norm", "remove_norm") else 0
        if not isinstance(op.key, bytes):
            return ()
        refused = self.names.refused(header, op.key, match)
        long = refused and len(op.key) >= MAX_NAME and op.verb in IN_DIRECTORIES
        return (*refused, errno.ENAMETOOLONG) if long else refused

    def too_long(self, op: Op) -> bool:
        """Whether a fat ZAP refuses to write or look up a key of this length in every release."""
        assert op.key is not None
        if len(op.key) < MAX_NAME // 8:  # of words or bytes: short enough
            return False
        room = MAX_NAME if self.headers[op.subject].fat else LONG_NAME
        return self.fat[op.subject] is True and stored_bytes(op.key) > room

    def may_be_too_long(self, zap: str, key: Key | None) -> bool:
        """Whether a key of this length that is not there may be refused; releases differ in it."""
        entries = self.entries[zap]
        assert key is not None and entries is not None
        if self.headers[zap].fat or stored_bytes(key) <= (LONG_NAME if self.long_names else MAX_NAME):
            return False
        return key not in entries


def hash_bits(zap: Zap) -> int:
    """How many bits of a hash a serialized cursor has (zap_hashbits)."""
    return 48 if zap.hash64 else 28


def max_cd(zap: Zap) -> int:
    """The differentiator at which a serialized cursor begins with none (zap_maxcd, as 32 bits)."""
    return 0xFFFF if zap.hash64 else 0xFFFFFFFF


def stored_hash(zap: Zap, key: Key) -> int:
    """The hash of a key that is there, or can be."""
    flags = FLAG_HASH64 * zap.hash64 | FLAG_PRE_HASHED_KEY * zap.prehashed
    hashed = hash_of_key(key, zap.salt, flags, zap.norm)
    assert hashed is not None
    return hashed


def serial_of(zap: Zap, key: Key) -> int:
    """The part of a serialized cursor that says on which hash it stands, for one that stands on this key."""
    return stored_hash(zap, key) >> (64 - hash_bits(zap))


def first_integer(value: Value) -> int:
    """What a cursor gives of a value."""
    return int.from_bytes(value.data[: value.size], "little")


def stored_bytes(key: Key) -> int:
    """How many bytes a leaf stores of a key: words, or a name and its NUL."""
    return 8 * len(key) if isinstance(key, tuple) else len(key) + 1


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
