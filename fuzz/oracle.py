"""What each op must return, from one dictionary per ZAP that knows nothing of leaves, dbufs or txgs.

It predicts an op before the target runs it and is then told what the target answered. What depends on how
entries lie in blocks (E2BIG of a leaf that is too small, ENOSPC) it takes from the answer, after a check
that it can be so.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import NamedTuple

from fuzz.oracle_names import Names
from fuzz.program import U64, VERBS, Key, Op, Program, value_bytes
from fuzz.targets.base import Entry, Found, Result
from zapcore.layout import MAX_NAME_LEN, MAX_VALUE_LEN, array_chunks, geometry
from zapcore.zap import MATCH_NORMALIZE
from zapcore.zpl import KIND_DIRECTORY, KIND_FILE, KIND_SHIFT, is_directory

STATS_ENTRIES = 11
"""Where zs_num_entries stands in zap_stats_t."""


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
        self.names = Names(program.zaps)
        self.checks: dict[str, Callable[[Op, Result], str | None]] = {
            "contains": self._contains,
            "increment": self._increment,
            "search": self._search,
            "stats": self._stats,
            "advance": self._advance,
            "serialize": self._serialize,
            "lookup_norm": self._lookup_norm,
            "remove_norm": self._remove_norm,
            "reopen": self._reopen,
            "touch": self._make_entry,
            "mkdir": self._make_entry,
            "unlink": self._drop_entry,
            "rmdir": self._drop_entry,
            "rename": self._rename,
            "readdir": self._readdir,
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
        if op.key is not None and (refused := self._refused(op)):
            if result.errno == errno.ENAMETOOLONG:
                self.fat[op.target] = True  # a micro ZAP becomes fat before it looks at the length
            return None if result.errno in refused else _expect(result.errno, refused[0])
        if check is not None:
            return check(op, result)
        return _expect(result.errno, 0)

    def _refused(self, op: Op) -> tuple[int, ...]:
        """The errnos, of which any will do, of an op that is refused for its ZAP or its name alone."""
        verb = VERBS[op.verb]
        header = self.headers[op.target]
        if self.entries[op.target] is None:
            return (errno.ENOENT,)
        if verb.names and header.words:
            return (errno.ENOTSUP,)
        if op.verb == "increment" and op.fill == 0:
            return ()
        match = op.extra if op.verb in ("lookup_norm", "remove_norm") else 0
        return self.names.refused(header, op.key, match) if isinstance(op.key, bytes) else ()

    def _too_long(self, op: Op) -> bool:
        """Whether a fat ZAP refuses to write or look up a key of this length."""
        assert op.key is not None
        return self.fat[op.target] and _stored_bytes(op.key) > MAX_NAME_LEN

    def _write(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        key = op.key
        assert key is not None
        if entries is None:
            return _expect(result.errno, errno.ENOENT)
        if op.size != 8 or op.length != 1 or len(key) >= 50:
            self.fat[op.target] = True
        if self._too_long(op):
            return _expect(result.errno, errno.ENAMETOOLONG)
        if op.size * op.length > MAX_VALUE_LEN:
            return _expect(result.errno, errno.E2BIG)
        if op.verb == "add" and key in entries:
            return _expect(result.errno, errno.EEXIST)
        if result.errno in (errno.E2BIG, errno.ENOSPC):
            return self._check_too_big(op, result.errno)
        if result.errno:
            return _expect(result.errno, 0)
        if key not in entries:
            self.names.added(self.headers[op.target], key)
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
        needed = 1 + array_chunks(_stored_bytes(key)) + array_chunks(op.size * op.length)
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
        self._forget(op.target, entries, key)
        return None

    def _forget(self, zap: str, entries: dict[Key, Value], key: Key) -> None:
        """An entry is gone."""
        del entries[key]
        self.names.removed(self.headers[zap], key)
        for walk in self.walks.values():
            if walk.zap == zap:
                walk.stable.discard(key)
                walk.seen.discard(key)

    def _lookup(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        assert op.key is not None
        if self._too_long(op):
            return _expect(result.errno, errno.ENAMETOOLONG)
        value = None if entries is None else entries.get(op.key)
        if value is None:
            return _expect(result.errno, errno.ENOENT)
        return self._check_value(op, result.errno, result.value, value)

    def _check_value(self, op: Op, code: int, found: object, value: Value) -> str | None:
        """Hold what a lookup gave against the entry that it should have found."""
        if self.fat[op.target] and op.size * op.length > MAX_VALUE_LEN:
            return _expect(code, errno.E2BIG)
        if not self.fat[op.target] and op.length < 1:
            return _expect(code, errno.EOVERFLOW)
        if value.size > op.size or (not self.fat[op.target] and op.size != 8):
            return _expect(code, errno.EINVAL)
        wrong = _expect(code, errno.EOVERFLOW if value.length > op.length else 0)
        if wrong:
            return wrong
        wanted = _widen(value, op.size, op.length).rstrip(b"\0")
        if found == wanted:
            return None
        if found == _widen(value, op.size, op.length, carry=True).rstrip(b"\0"):
            return "widened integers carry bytes of those before them"
        return f"expected value {wanted!r}, got {found!r}"

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
        self.names.cleared(op.target)
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
        # a cursor that starts somewhere promises nothing of what lies before
        keys = set() if op.fill else set(entries)
        self.walks[op.target] = Walk(op.other, self.incarnation[op.other], keys)
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
        wrong = self.names.check_conflict(self.headers[walk.zap], found)
        wanted = (value.size, value.length, first_integer(value))
        return wrong or _expect_value((found.size, found.length, found.first), wanted)

    def _contains(self, op: Op, result: Result) -> str | None:
        assert op.key is not None
        if self._too_long(op):
            return _expect(result.errno, errno.ENAMETOOLONG)
        entries = self.entries[op.target]
        return _expect(result.errno, 0 if entries and op.key in entries else errno.ENOENT)

    def _increment(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        assert op.key is not None and entries is not None
        if op.fill == 0:
            return _expect(result.errno, 0)
        if self._too_long(op):
            return _expect(result.errno, errno.ENAMETOOLONG)
        value = entries.get(op.key, Value(8, 1, b""))
        if value.length > 1:
            return _expect(result.errno, errno.EOVERFLOW)
        total = (int.from_bytes(value.data, "little") + op.fill) & U64
        change = op._replace(verb="update" if total else "remove", size=8, length=1, fill=total)
        return (self._write if total else self._remove)(change, result)

    def _search(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        if entries is None:
            return _expect(result.errno, errno.ENOENT)
        if self.headers[op.target].words:
            return _expect(result.errno, errno.ENOTSUP)
        mask = op.extra or U64
        fitting = {key for key, value in entries.items() if not (first_integer(value) ^ op.fill) & mask}
        wrong = _expect(result.errno, 0 if fitting else errno.ENOENT)
        if wrong or not fitting or result.value in fitting:
            return wrong
        return f"expected a name of that value, got {result.value!r}"

    def _stats(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        if entries is None:
            return _expect(result.errno, errno.ENOENT)
        assert isinstance(result.value, tuple)
        return _expect(result.errno, 0) or _expect_value(result.value[STATS_ENTRIES], len(entries))

    def _advance(self, op: Op, result: Result) -> str | None:
        walk = self.walks.get(op.target)
        if walk is None:
            return _expect(result.errno, errno.EBADF)
        walk.stable.clear()  # it may step over entries that it has not returned
        walk.current = None
        return _expect(result.errno, 0)

    def _serialize(self, op: Op, result: Result) -> str | None:
        return _expect(result.errno, 0 if op.target in self.walks else errno.EBADF)

    def _reopen(self, op: Op, result: Result) -> str | None:
        self.walks.clear()
        return _expect(result.errno, 0)

    def _matching(self, op: Op) -> list[Key]:
        """The names that an op's name matches, those that are found first coming first."""
        assert isinstance(op.key, bytes)
        entries = self.entries[op.target]
        if not op.extra & MATCH_NORMALIZE:
            return [op.key] if entries and op.key in entries else []
        return self.names.matching(self.headers[op.target], op.key, op.extra)

    def _lookup_norm(self, op: Op, result: Result) -> str | None:
        if self._too_long(op):
            return _expect(result.errno, errno.ENAMETOOLONG)
        entries = self.entries[op.target]
        names = self._matching(op)
        if not names or entries is None:
            return _expect(result.errno, errno.ENOENT)
        found = result.value if isinstance(result.value, Found) else None
        wrong = self._check_value(op, result.errno, found and found.value, entries[names[0]])
        if wrong or found is None or not (self.fat[op.target] or result.errno == 0):
            return wrong
        return _expect_value((found.name, found.conflict), (names[0], len(names) > 1))

    def _remove_norm(self, op: Op, result: Result) -> str | None:
        names = self._matching(op)
        return self._remove(op._replace(key=names[0]) if names else op, result)

    def _directory_value(self, zap: str, name: Key | None) -> tuple[int, int]:
        """errno and value of the lookup that comes before every change of a directory."""
        entries = self.entries[zap]
        assert name is not None and entries is not None
        if self._too_long(Op("lookup", zap, name)):
            return errno.ENAMETOOLONG, 0
        value = entries.get(name)
        if value is None:
            return errno.ENOENT, 0
        return (errno.EOVERFLOW if value.length > 1 else 0), first_integer(value)

    def _make_entry(self, op: Op, result: Result) -> str | None:
        code, _ = self._directory_value(op.target, op.key)
        if code != errno.ENOENT:
            return _expect(result.errno, code or errno.EEXIST)
        kind = KIND_DIRECTORY if op.verb == "mkdir" else KIND_FILE
        entry = op._replace(verb="add", size=8, length=1, fill=kind << KIND_SHIFT | op.fill)
        return self._write(entry, result)

    def _drop_entry(self, op: Op, result: Result) -> str | None:
        code, value = self._directory_value(op.target, op.key)
        if not code and is_directory(value) != (op.verb == "rmdir"):
            code = errno.ENOTDIR if op.verb == "rmdir" else errno.EPERM
        return _expect(result.errno, code) if code else self._remove(op, result)

    def _rename(self, op: Op, result: Result) -> str | None:
        assert isinstance(op.to, bytes)
        if self.entries[op.other] is None:
            return _expect(result.errno, errno.ENOENT)
        if self.headers[op.other].words:
            return _expect(result.errno, errno.ENOTSUP)
        code, value = self._directory_value(op.target, op.key)
        if code:
            return _expect(result.errno, code)
        if refused := self.names.refused(self.headers[op.other], op.to, 0):
            return None if result.errno in refused else _expect(result.errno, refused[0])
        code, there = self._directory_value(op.other, op.to)
        if code not in (0, errno.ENOENT):
            return _expect(result.errno, code)
        if (op.target, op.key) == (op.other, op.to):
            return _expect(result.errno, 0)
        if not code and is_directory(value) != is_directory(there):
            return _expect(result.errno, errno.ENOTDIR if is_directory(value) else errno.EISDIR)
        return self._move(op, result, value, replace=not code)

    def _move(self, op: Op, result: Result, value: int, *, replace: bool) -> str | None:
        """The three steps of a rename; one that is refused undoes nothing of those before it."""
        if replace:
            wrong = self._remove(Op("remove", op.other, op.to), Result())
            assert wrong is None
        wrong = self._write(Op("add", op.other, op.to, 8, 1, value), result)
        if result.errno or wrong:
            return wrong
        return self._remove(Op("remove", op.target, op.key), result)

    def _readdir(self, op: Op, result: Result) -> str | None:
        entries = self.entries[op.target]
        if entries is None:
            return _expect(result.errno, errno.ENOENT)
        if self.headers[op.target].words:
            return _expect(result.errno, errno.ENOTSUP)
        if any(value.size != 8 or value.length == 0 for value in entries.values()):
            return _expect(result.errno, errno.ENXIO)
        if result.errno:
            return _expect(result.errno, 0)
        assert isinstance(result.value, bytes)
        names = result.value.split(b"\0")[:-1]
        missed, extra = entries.keys() - set(names), len(names) - len(entries)
        return (
            f"expected all names once, got {extra} more, and not {len(missed)}" if missed or extra else None
        )


def first_integer(value: Value) -> int:
    """What a cursor gives of a value."""
    return int.from_bytes(value.data[: value.size], "little")


def _stored_bytes(key: Key) -> int:
    return 8 * len(key) if isinstance(key, tuple) else len(key) + 1


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
