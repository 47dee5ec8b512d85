"""What each op must return, from one dictionary per ZAP that knows nothing of leaves, dbufs or txgs.

It predicts an op before the target runs it and is then told what the target answered. What depends on how
entries lie in blocks (E2BIG of a leaf that is too small, ENOSPC) it takes from the answer, after a check
that it can be so.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import NamedTuple

from fuzz.program import Key, Op, Program, value_bytes
from fuzz.targets.base import Entry, Result
from zapcore.layout import MAX_VALUE_LEN, array_chunks, geometry


class Value(NamedTuple):
    """An entry's value: `length` integers of `size` bytes, little-endian."""

    size: int
    length: int
    data: bytes


class Walk:
    """What a cursor was opened on, the entries that it has returned, and whether it must still be right.

    A cursor's promise is only that entries that were there all the time come exactly once.
    """

    __slots__ = ("current", "fresh", "incarnation", "seen", "stable", "zap")

    def __init__(self, zap: str, incarnation: int, keys: set[Key]) -> None:
        self.zap = zap
        self.incarnation = incarnation
        self.stable = keys
        self.seen: set[Key] = set()
        self.current: Key | None = None
        self.fresh = True


class Oracle:
    """The expected state of a program's ZAPs. `check` returns what is wrong with an answer, or None."""

    def __init__(self, program: Program) -> None:
        self.headers = {header.name: header for header in program.zaps}
        self.fat = {header.name: header.fat for header in program.zaps}
        self.entries: dict[str, dict[Key, Value] | None] = {header.name: {} for header in program.zaps}
        self.incarnation = dict.fromkeys(self.headers, 0)
        self.walks: dict[str, Walk] = {}
        self.checks: dict[str, Callable[[Op, Result], str | None]] = {
            "add": self._write,
            "update": self._write,
            "remove": self._remove,
            "lookup": self._lookup,
            "length": self._length,
            "count": self._count,
            "destroy": self._destroy,
            "create": self._create,
            "cursor": self._cursor,
            "next": self._next,
            "retrieve": self._retrieve,
            "close": self._close,
        }

    def check(self, op: Op, result: Result) -> str | None:
        """What is wrong with the answer, as "expected X, got Y"; None if nothing is. Updates the state."""
        check = self.checks.get(op.verb)
        if check is not None:
            return check(op, result)
        return _expect(result.errno, 0)

    def _write(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        key = op.key
        assert key is not None
        if entries is None:
            return _expect(result.errno, errno.ENOENT)
        if op.size != 8 or op.length != 1 or len(key) >= 50:
            self.fat[op.target] = True
        if op.size * op.length > MAX_VALUE_LEN:
            return _expect(result.errno, errno.E2BIG)
        if op.verb == "add" and key in entries:
            return _expect(result.errno, errno.EEXIST)
        if result.errno in (errno.E2BIG, errno.ENOSPC):
            return self._check_too_big(op, result.errno)
        if result.errno:
            return _expect(result.errno, 0)
        entries[key] = Value(op.size, op.length, value_bytes(op.size, op.length, op.fill))
        for walk in self.walks.values():
            if walk.zap == op.target and key not in walk.stable:
                walk.seen.discard(key)
        return None

    def _check_too_big(self, op: Op, code: int) -> str | None:
        """Whether an entry may be refused for its size: E2BIG only if an empty leaf could not hold it (an
        update of an entry that is there is refused by ENOSPC, after its leaf was split to the end)."""
        header = self.headers[op.target]
        key = op.key
        assert key is not None
        stored = 8 * len(key) if isinstance(key, tuple) else len(key) + 1
        needed = 1 + array_chunks(stored) + array_chunks(op.size * op.length)
        fits = needed <= geometry(header.leaf_shift).chunks
        if code == errno.E2BIG and fits:
            return f"expected success, got {errno.errorcode[code]}: the entry takes {needed} chunks"
        return None

    def _remove(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        key = op.key
        assert key is not None
        if entries is None or key not in entries:
            return _expect(result.errno, errno.ENOENT)
        if result.errno:
            return _expect(result.errno, 0)
        del entries[key]
        for walk in self.walks.values():
            if walk.zap == op.target:
                walk.stable.discard(key)
                walk.seen.discard(key)
        return None

    def _lookup(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        assert op.key is not None
        value = None if entries is None else entries.get(op.key)
        if value is None:
            return _expect(result.errno, errno.ENOENT)
        if self.fat[op.target] and op.size * op.length > MAX_VALUE_LEN:
            return _expect(result.errno, errno.E2BIG)
        if not self.fat[op.target] and op.length < 1:
            return _expect(result.errno, errno.EOVERFLOW)
        if value.size > op.size or (not self.fat[op.target] and op.size != 8):
            return _expect(result.errno, errno.EINVAL)
        wrong = _expect(result.errno, errno.EOVERFLOW if value.length > op.length else 0)
        if wrong:
            return wrong
        wanted = _widen(value, op.size, op.length).rstrip(b"\0")
        if result.value == wanted:
            return None
        if result.value == _widen(value, op.size, op.length, carry=True).rstrip(b"\0"):
            return "widened integers carry bytes of those before them"
        return f"expected value {wanted!r}, got {result.value!r}"

    def _length(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        assert op.key is not None
        value = None if entries is None else entries.get(op.key)
        if value is None:
            return _expect(result.errno, errno.ENOENT)
        return _expect(result.errno, 0) or _expect_value(result.value, (value.size, value.length))

    def _count(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        if entries is None:
            return _expect(result.errno, errno.ENOENT)
        return _expect(result.errno, 0) or _expect_value(result.value, len(entries))

    def _destroy(self, op: Op, result: Result) -> str | None:
        if self.entries[op.target] is None:
            return _expect(result.errno, errno.ENOENT)
        self.entries[op.target] = None
        return _expect(result.errno, 0)

    def _create(self, op: Op, result: Result) -> str | None:
        if self.entries[op.target] is not None:
            return _expect(result.errno, errno.EEXIST)
        self.entries[op.target] = {}
        self.fat[op.target] = self.headers[op.target].fat
        self.incarnation[op.target] += 1
        return _expect(result.errno, 0)

    def _cursor(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.other]
        self.walks.pop(op.target, None)
        if entries is None:
            return _expect(result.errno, errno.ENOENT)
        self.walks[op.target] = Walk(op.other, self.incarnation[op.other], set(entries))
        return _expect(result.errno, 0)

    def _close(self, op: Op, result: Result) -> str | None:
        known = self.walks.pop(op.target, None)
        return _expect(result.errno, 0 if known is not None else errno.EBADF)

    def _next(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.target)
        if walk is None:
            return _expect(result.errno, errno.EBADF)
        if not walk.fresh:
            walk.current = None
        return self._arrive(walk, result)

    def _retrieve(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.target)
        if walk is None:
            return _expect(result.errno, errno.EBADF)
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
            return _expect(result.errno, 0)
        found = result.value
        assert isinstance(found, Entry)
        value = entries.get(found.key)
        if value is None:
            return f"the cursor returned {found.key!r}, which is not there"
        if found.key in walk.seen and found.key in walk.stable:
            return f"the cursor returned {found.key!r} twice"
        walk.seen.add(found.key)
        walk.current = found.key
        walk.fresh = False
        first = int.from_bytes(value.data[: value.size], "little")
        return _expect_value((found.size, found.length, found.first), (value.size, value.length, first))


def _expect(got: int, wanted: int) -> str | None:
    if got == wanted:
        return None
    return f"expected {_errno_name(wanted)}, got {_errno_name(got)}"


def _errno_name(code: int) -> str:
    return errno.errorcode.get(code, str(code)) if code else "success"


def _expect_value(got: object, wanted: object) -> str | None:
    return None if got == wanted else f"expected {wanted!r}, got {got!r}"


def _widen(value: Value, size: int, length: int, carry: bool = False) -> bytes:
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
