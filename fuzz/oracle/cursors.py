"""The oracle's word on cursors: entries that are there all the time come exactly once."""

from __future__ import annotations

import errno

from fuzz.oracle.entries import Entries
from fuzz.oracle.state import Walk, expect, expect_value, first_integer
from fuzz.program import Key, Op, Zap
from fuzz.targets.base import Entry, Result
from zapcore.layout import FLAG_HASH64, FLAG_PRE_HASHED_KEY
from zapcore.namehash import hash_of_key


def hash_bits(zap: Zap) -> int:
    """How many bits of a hash a serialized cursor has (zap_hashbits)."""
    return 48 if zap.hash64 else 28


def serial_of(zap: Zap, key: Key) -> int:
    """The part of a serialized cursor that says on which hash it stands, for one that stands on this key."""
    flags = FLAG_HASH64 * zap.hash64 | FLAG_PRE_HASHED_KEY * zap.prehashed
    hashed = hash_of_key(key, zap.salt, flags, zap.norm)
    assert hashed is not None  # it is there
    return hashed >> (64 - hash_bits(zap))


class Cursors(Entries):
    """Ops on cursors."""

    def _cursor(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.other]
        self.walks.pop(op.target, None)
        if entries is None:
            return expect(result.errno, errno.ENOENT)
        header = self.headers[op.other]
        start = op.fill & ((1 << hash_bits(header)) - 1)
        # nothing is promised of what lies before its place: of that hash nobody knows the differentiators
        keys = {key for key in entries if serial_of(header, key) > start} if op.fill else set(entries)
        self.walks[op.target] = Walk(op.other, self.incarnation[op.other], keys, start)
        return expect(result.errno, 0)

    def _close(self, op: Op, result: Result) -> str | None:
        known = self.walks.pop(op.target, None)
        return expect(result.errno, 0 if known is not None else errno.EBADF)

    def _next(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.target)
        if walk is None:
            return expect(result.errno, errno.EBADF)
        if not walk.fresh:
            walk.current = None
        return self._arrive(walk, result)

    def _retrieve(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.target)
        if walk is None:
            return expect(result.errno, errno.EBADF)
        if walk.current is not None:
            walk.seen.discard(walk.current)
            walk.current = None
        return self._arrive(walk, result)

    def _arrive(self, walk: Walk, result: Result) -> str | None:
        """Judge what a cursor returned: an entry that is there, none twice, and none missed at the end."""
        entries = self.entries[walk.zap]
        if entries is None or walk.incarnation != self.incarnation[walk.zap]:
            return None  # a cursor on an object that is gone promises nothing
        if result.errno == errno.ENOENT:
            missed = walk.stable - walk.seen
            return f"the cursor missed {min(missed, key=repr)!r}" if missed else None
        if result.errno:
            return expect(result.errno, 0)
        found = result.value
        assert isinstance(found, Entry)
        value = entries.get(found.key)
        if value is None:
            return f"the cursor returned {found.key!r}, which is not there"
        if found.key in walk.seen and found.key in walk.stable:
            return f"the cursor returned {found.key!r} twice"
        if walk.start and serial_of(self.headers[walk.zap], found.key) < walk.start:
            return f"the cursor returned {found.key!r}, which lies before its start"
        walk.seen.add(found.key)
        walk.current = found.key
        walk.fresh = False
        wrong = self.check_conflict(self.headers[walk.zap], found)
        wanted = (value.size, value.length, first_integer(value))
        return wrong or expect_value((found.size, found.length, found.first), wanted)

    def _advance(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.target)
        if walk is None:
            return expect(result.errno, errno.EBADF)
        walk.stable.clear()  # it may step over entries that it has not returned
        walk.current = None
        return expect(result.errno, 0)

    def _serialize(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.target)
        if walk is None:
            return expect(result.errno, errno.EBADF)
        entry = walk.current
        if result.errno or entry is None or walk.incarnation != self.incarnation[walk.zap]:
            return expect(result.errno, 0)
        if entry not in (self.entries[walk.zap] or ()):
            return None
        header, place = self.headers[walk.zap], result.value
        assert isinstance(place, int)
        other = walk.serials.setdefault(place, entry)
        if other != entry:
            return f"expected a place of its own, got that of {other!r}"
        return expect_value(place & ((1 << hash_bits(header)) - 1), serial_of(header, entry))

    def _reopen(self, op: Op, result: Result) -> str | None:
        self.walks.clear()
        return expect(result.errno, 0)
