"""The oracle's word on cursors: entries that are there all the time come exactly once."""

from __future__ import annotations

import errno

from fuzz.judge.entries import Entries
from fuzz.judge.state import Walk, expect, expect_value, first_integer, hash_bits, max_cd, serial_of
from fuzz.language.program import U64, Key, Op
from fuzz.targets.base import Entry, Result


class Cursors(Entries):
    """Ops on cursors."""

    def _cursor(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.other]
        self.walks.pop(op.subject, None)
        if entries is None:
            return expect(result.errno, errno.ENOENT)
        header = self.headers[op.other]
        bits = hash_bits(header)
        start = op.fill & ((1 << bits) - 1)
        # nothing is promised of what lies before its place: of that hash nobody knows the differentiators
        first = start + (0 < (op.fill >> bits) & 0xFFFFFFFF < max_cd(header))
        keys = {key for key in entries if serial_of(header, key) >= first} if op.fill else set(entries)
        self.walks[op.subject] = Walk(op.other, self.incarnation[op.other], keys, start, op.fill)
        return expect(result.errno, 0)

    def _close(self, op: Op, result: Result) -> str | None:
        known = self.walks.pop(op.subject, None)
        return expect(result.errno, 0 if known is not None else errno.EBADF)

    def _next(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.subject)
        if walk is None:
            return expect(result.errno, errno.EBADF)
        before = walk.current
        if not walk.fresh:
            walk.current = None
        return self._arrive(walk, result, before)

    def _retrieve(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.subject)
        if walk is None:
            return expect(result.errno, errno.EBADF)
        before = walk.current
        if before is not None:
            walk.seen.discard(before)
            walk.current = None
        return self._arrive(walk, result, before)

    def _arrive(self, walk: Walk, result: Result, before: Key | None) -> str | None:
        """Judge what a cursor that stood on `before` returned: an entry that is there, of no lower hash, none
        twice, and none missed at the end."""
        begun, walk.begun = walk.begun, None
        if walk.ended:
            return expect(result.errno, errno.ENOENT)
        entries = self.entries[walk.zap]
        if entries is None or walk.incarnation != self.incarnation[walk.zap]:
            return None  # a cursor on an object that is gone promises nothing
        there = self.places[walk.zap].get(begun) if begun else None
        found = result.value if not result.errno else None
        if there is not None and (isinstance(found, Entry) and found.key == there) is (walk.ahead > 0):
            return f"the cursor {'returned' if walk.ahead else 'missed'} {there!r}, whose place it began at"
        if result.errno == errno.ENOENT:
            walk.ended = True
            missed = walk.stable - walk.seen
            return f"the cursor missed {min(missed, key=repr)!r}" if missed else None
        if result.errno:
            return expect(result.errno, 0)
        assert isinstance(found, Entry)
        value = entries.get(found.key)
        if value is None:
            return f"the cursor returned {found.key!r}, which is not there"
        if found.key in walk.seen and found.key in walk.stable:
            return f"the cursor returned {found.key!r} twice"
        header = self.headers[walk.zap]
        floor = walk.start if before is None else serial_of(header, before)
        if floor and serial_of(header, found.key) < floor:
            return f"the cursor returned {found.key!r}, which lies before its start or where it stood"
        walk.seen.add(found.key)
        walk.current = found.key
        walk.fresh = False
        wrong = self.check_conflict(header, found)
        wanted = (value.size, value.length, first_integer(value))
        return wrong or expect_value((found.size, found.length, found.first), wanted)

    def _advance(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.subject)
        if walk is None:
            return expect(result.errno, errno.EBADF)
        walk.stable.clear()  # it may step over entries that it has not returned
        walk.current = None
        walk.ahead += 1
        return expect(result.errno, 0)

    def _serialize(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.subject)
        if walk is None:
            return expect(result.errno, errno.EBADF)
        begun = walk.begun
        if begun is not None and (first := self._first_place(walk, begun)) is not None:
            return expect(result.errno, 0) or expect_value(result.value, first)
        if walk.ended:
            return expect(result.errno, 0) or expect_value(result.value, U64)
        entry = walk.current
        if result.errno or entry is None or walk.incarnation != self.incarnation[walk.zap]:
            return expect(result.errno, 0)
        if entry not in walk.seen or entry not in (self.entries[walk.zap] or ()):
            return None  # it may have come back since, at another place
        header, place = self.headers[walk.zap], result.value
        assert isinstance(place, int)
        other = self.places[walk.zap].setdefault(place, entry)
        if other != entry:
            return f"expected a place of its own, got that of {other!r}"
        return expect_value(place & ((1 << hash_bits(header)) - 1), serial_of(header, entry))

    def _first_place(self, walk: Walk, begun: int) -> int | None:
        """What a cursor that has not looked at anything says of its place: what it was given, or, where it
        finds its ZAP at once, what of that is a place there; None where nothing is promised."""
        if not self.cursors_hold:
            return begun
        if self.entries[walk.zap] is None or walk.incarnation != self.incarnation[walk.zap]:
            return None
        header = self.headers[walk.zap]
        bits = hash_bits(header)
        cd = begun >> bits & 0xFFFFFFFF
        cd = walk.ahead + (cd if cd < max_cd(header) else 0)
        return begun & ((1 << bits) - 1) | cd << bits & U64

    def _reopen(self, op: Op, result: Result) -> str | None:
        self.walks.clear()
        return expect(result.errno, 0)
