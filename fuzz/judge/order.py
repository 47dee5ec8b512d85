"""In which order the entries of a ZAP come: by hash, and of one hash by differentiator (zap_cursor_retrieve).

A new entry takes the lowest differentiator that no entry of its hash has (zap_entry_create, mzap_addent), so
order follows from what was added and removed, wherever it lies.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from fuzz.judge.keys import hash_of, hashing
from fuzz.language.program import Key, Zap

Place = tuple[int, int]
"""Hash and differentiator."""
Bucket = tuple[tuple[int, Key], ...]
"""The entries of one hash: differentiator and key, in order."""


class Order:
    """The places of a ZAP's entries. The sorted list of hashes is made when somebody walks, and kept as long
    as somebody does."""

    __slots__ = ("_hashes", "_hashing", "_shared", "buckets")

    def __init__(self, zap: Zap) -> None:
        self._hashing = hashing(zap)
        self.buckets: dict[int, Bucket] = {}
        self._shared = False
        """Whether two entries may have one hash."""
        self._hashes: list[int] | None = None

    def add(self, key: Key, walked: bool) -> None:
        """A key that was not there. `walked` says that the order will be asked for soon."""
        hashed = hash_of(key, self._hashing)
        bucket = self.buckets.get(hashed)
        if bucket is None:
            self.buckets[hashed] = ((0, key),)
            if not walked:
                self._hashes = None
            elif self._hashes is not None:
                insort(self._hashes, hashed)
        else:
            self._shared = True
            lowest = next((at for at, (cd, _) in enumerate(bucket) if cd != at), len(bucket))
            self.buckets[hashed] = (*bucket[:lowest], (lowest, key), *bucket[lowest:])

    def remove(self, key: Key, walked: bool) -> None:
        """A key that was there."""
        hashed = hash_of(key, self._hashing)
        bucket = self.buckets[hashed]
        if len(bucket) > 1:
            self.buckets[hashed] = tuple(each for each in bucket if each[1] != key)
            return
        del self.buckets[hashed]
        if not walked:
            self._hashes = None
        elif self._hashes is not None:
            del self._hashes[bisect_left(self._hashes, hashed)]

    def bucket(self, key: Key) -> Bucket:
        """The entries of a key's hash; the key need not be there."""
        return self.buckets.get(hash_of(key, self._hashing), ())

    def shares(self, key: Key) -> bool:
        """Whether a key that is there has its hash with others."""
        return self._shared and len(self.bucket(key)) > 1

    def place(self, key: Key) -> Place:
        """Where a key stands that is there."""
        hashed = hash_of(key, self._hashing)
        return hashed, next(cd for cd, each in self.buckets[hashed] if each == key)

    def first(self, hashed: int, cd: int, passed: frozenset[Key] = frozenset()) -> tuple[Place, Key] | None:
        """The first entry at this place or behind it, those of `passed` left out; None at the end."""
        if self._hashes is None:
            self._hashes = sorted(self.buckets)
        hashes = self._hashes
        for at in range(bisect_left(hashes, hashed), len(hashes)):
            there = hashes[at]
            for each, key in self.buckets[there]:
                if (there > hashed or each >= cd) and key not in passed:
                    return (there, each), key
        return None

    def keys(self) -> list[Key]:
        """All keys in order."""
        return [key for hashed in sorted(self.buckets) for _, key in self.buckets[hashed]]
