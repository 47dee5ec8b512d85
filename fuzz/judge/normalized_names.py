"""What normalization makes of names: which of them a lookup may mean, and in which order they are found.

Names of one hash are found in the order of their differentiators, and a new name takes the lowest that is
free.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable

from fuzz.language.program import Key, Zap
from zapcore.hashing import crc64
from zapcore.zap import MATCH_CASE
from zapcore.zap.name import HASH28_MASK, HASH48_MASK, LONG_NAME, MAX_NAME
from zapcore.zap.norm import TO_UPPER, Unmappable, normalize

_Bucket = tuple[tuple[Key, int], ...]
"""The names of one hash, each with its differentiator, in the order in which they came."""


def form(key: bytes, flags: int, room: int = 0) -> bytes | None:
    """A name's normal form; None if it has none, or not that much room."""
    try:
        return normalize(key, flags, room or (LONG_NAME if len(key) >= MAX_NAME else MAX_NAME))
    except Unmappable:
        return None


class Names:
    """For each ZAP with normalization, its names by hash, each with its differentiator. `long_names` is
    whether a release has them (`zapcore.release`); None where that is not known."""

    def __init__(self, zaps: Iterable[Zap], long_names: bool | None) -> None:
        self.long_names = long_names
        self.buckets: dict[str, dict[int, _Bucket]] = {zap.name: {} for zap in zaps if zap.norm}

    def refused(self, zap: Zap, key: bytes, match: int) -> tuple[int, ...]:
        """ENOTSUP for a name that has no form, and for a match where names have none. Releases differ in
        whether a name that is too long anyway has one: `long_names` says it, where it is known."""
        if not zap.norm:
            return (errno.ENOTSUP,) if match else ()
        if form(key, zap.norm) is None:
            return (errno.ENOTSUP,)
        if len(key) < MAX_NAME:
            return ()
        if self.long_names is None or match & MATCH_CASE:
            return (errno.ENOTSUP, errno.ENAMETOOLONG, errno.ENOENT)
        fits = self.long_names or form(key, zap.norm, MAX_NAME) is not None
        return (errno.ENAMETOOLONG, errno.ENOENT) if fits else (errno.ENOTSUP,)

    def _hash(self, zap: Zap, key: bytes) -> int:
        known = form(key, zap.norm)
        assert known is not None
        return crc64(zap.salt, known) & (HASH48_MASK if zap.hash64 else HASH28_MASK)

    def add(self, zap: Zap, key: Key) -> None:
        """A name that was not there."""
        if zap.norm and isinstance(key, bytes):
            buckets, hashed = self.buckets[zap.name], self._hash(zap, key)
            bucket = buckets.get(hashed, ())
            used = {cd for _, cd in bucket}
            lowest = next(cd for cd in range(len(used) + 1) if cd not in used)
            buckets[hashed] = (*bucket, (key, lowest))

    def remove(self, zap: Zap, key: Key) -> None:
        """A name that was there."""
        if zap.norm and isinstance(key, bytes):
            buckets, hashed = self.buckets[zap.name], self._hash(zap, key)
            buckets[hashed] = tuple(each for each in buckets[hashed] if each[0] != key)

    def clear(self, zap: str) -> None:
        """The ZAP is destroyed."""
        if zap in self.buckets:
            self.buckets[zap] = {}

    def matching(self, zap: Zap, key: bytes, match: int) -> list[Key]:
        """The names that a name matches if normalized, in the order in which they are found."""
        flags = zap.norm & ~TO_UPPER if match & MATCH_CASE else zap.norm
        wanted = form(key, flags)
        bucket = self.buckets[zap.name].get(self._hash(zap, key), ())
        ordered = sorted(bucket, key=lambda each: each[1])
        return [name for name, _ in ordered if isinstance(name, bytes) and form(name, flags) == wanted]
