"""The oracle's word on the entries of a ZAP."""

from __future__ import annotations

import errno

from fuzz.judge.checks import CHECKS
from fuzz.judge.state import State, Value, first_integer, serial_of, stored_bytes, value_of, widen
from fuzz.judge.wrong import WIDENED, Wrong, expect, expect_value, other_value
from fuzz.language.program import U64, Key, Op
from fuzz.targets.base import Found, Result
from zapcore.layout import MAX_VALUE_LEN, array_chunks, geometry
from zapcore.zap import MATCH_NORMALIZE


@CHECKS.of("add", "update")
def write(state: State, op: Op, result: Result) -> Wrong | None:
    """The entry is there afterwards, unless it is refused: it was there (add), or it is too large."""
    entries = state.entries[op.subject]
    key = op.key
    assert key is not None
    if entries is None:
        return expect(result.errno, errno.ENOENT)
    if op.size != 8 or op.length != 1 or len(key) >= 50:
        state.fat[op.subject] = True
    if state.too_long(op):
        return expect(result.errno, errno.ENAMETOOLONG)
    if result.errno and refused_as_long(state, op, result):
        return None
    if op.size * op.length > MAX_VALUE_LEN:
        return expect(result.errno, errno.E2BIG)
    if op.verb == "add" and key in entries:
        return expect(result.errno, errno.EEXIST)
    if result.errno in (errno.E2BIG, errno.ENOSPC):
        return _check_too_big(state, op, result.errno)
    if result.errno:
        return expect(result.errno, 0)
    if key not in entries:
        state.names.add(state.headers[op.subject], key)
    entries[key] = value_of(op.size, op.length, op.fill)
    for walk in state.walks.values():
        if walk.zap == op.subject and key not in walk.stable:
            walk.seen.discard(key)
    return None


def refused_as_long(state: State, op: Op, result: Result) -> bool:
    """Whether a fat ZAP refused a name as some releases do."""
    refused = result.errno == errno.ENAMETOOLONG and state.fat[op.subject] is True
    return refused and state.may_be_too_long(op.subject, op.key)


def _check_too_big(state: State, op: Op, code: int) -> Wrong | None:
    """Whether an entry may be refused for its size: E2BIG only if an empty leaf could not hold it (an
    update of an entry that is there is refused by ENOSPC, after its leaf was split to the end)."""
    header = state.headers[op.subject]
    key = op.key
    assert key is not None
    needed = 1 + array_chunks(stored_bytes(key)) + array_chunks(op.size * op.length)
    fits = needed <= geometry(header.leaf_shift).chunks
    if code == errno.E2BIG and fits:
        return expect(code, 0, f"the entry takes {needed} chunks")
    return None


@CHECKS.of("remove")
def remove(state: State, op: Op, result: Result) -> Wrong | None:
    """The entry is gone afterwards; ENOENT where there was none."""
    entries = state.entries[op.subject]
    key = op.key
    assert key is not None
    if entries is None or key not in entries:
        return expect(result.errno, errno.ENOENT)
    if result.errno:
        return expect(result.errno, 0)
    _forget(state, op.subject, entries, key)
    return None


def _forget(state: State, zap: str, entries: dict[Key, Value], key: Key) -> None:
    """An entry is gone."""
    del entries[key]
    state.names.remove(state.headers[zap], key)
    places = state.places[zap]
    if places:
        state.places[zap] = {place: each for place, each in places.items() if each != key}
    for walk in state.walks.values():
        if walk.zap == zap:
            walk.stable.discard(key)
            walk.seen.discard(key)


@CHECKS.of("lookup")
def lookup(state: State, op: Op, result: Result) -> Wrong | None:
    """The value as the caller's integers."""
    entries = state.entries[op.subject]
    assert op.key is not None
    if state.too_long(op):
        return expect(result.errno, errno.ENAMETOOLONG)
    if entries is not None and refused_as_long(state, op, result):
        return None
    value = None if entries is None else entries.get(op.key)
    if value is None:
        return expect(result.errno, errno.ENOENT)
    return _check_value(state, op, result.errno, result.value, value)


def _check_value(state: State, op: Op, code: int, found: object, value: Value) -> Wrong | None:
    """Hold what a lookup gave against the entry that it should have found."""
    if state.fat[op.subject] and op.size * op.length > MAX_VALUE_LEN:
        return expect(code, errno.E2BIG)
    if not state.fat[op.subject] and op.length < 1:
        return expect(code, errno.EOVERFLOW)
    if value.size > op.size or (not state.fat[op.subject] and op.size != 8):
        return expect(code, errno.EINVAL)
    wrong = expect(code, errno.EOVERFLOW if value.length > op.length else 0)
    if wrong:
        return wrong
    wanted = widen(value, op.size, op.length).rstrip(b"\0")
    if found == wanted:
        return None
    if found == widen(value, op.size, op.length, carry=True).rstrip(b"\0"):
        return Wrong(WIDENED, WIDENED)
    return other_value(f"expected value {wanted!r}, got {found!r}")


@CHECKS.of("length")
def length(state: State, op: Op, result: Result) -> Wrong | None:
    """Size and number of the value's integers."""
    entries = state.entries[op.subject]
    assert op.key is not None
    value = None if entries is None else entries.get(op.key)
    if value is None:
        return expect(result.errno, errno.ENOENT)
    return expect(result.errno, 0) or expect_value(result.value, (value.size, value.length))


@CHECKS.of("contains")
def contains(state: State, op: Op, result: Result) -> Wrong | None:
    """ENOENT where there is no entry."""
    assert op.key is not None
    if state.too_long(op):
        return expect(result.errno, errno.ENAMETOOLONG)
    entries = state.entries[op.subject]
    if entries is not None and refused_as_long(state, op, result):
        return None
    return expect(result.errno, 0 if entries and op.key in entries else errno.ENOENT)


@CHECKS.of("increment")
def increment(state: State, op: Op, result: Result) -> Wrong | None:
    """A lookup of one integer, then an update, or a removal where the sum is zero."""
    entries = state.entries[op.subject]
    assert op.key is not None and entries is not None
    if op.fill == 0:
        return expect(result.errno, 0)
    if state.too_long(op):
        return expect(result.errno, errno.ENAMETOOLONG)
    if refused_as_long(state, op, result):
        return None
    value = entries.get(op.key, Value(8, 1, b""))
    if value.length > 1:
        return expect(result.errno, errno.EOVERFLOW)
    total = (int.from_bytes(value.data, "little") + op.fill) & U64
    change = op._replace(verb="update" if total else "remove", size=8, length=1, fill=total)
    return (write if total else remove)(state, change, result)


@CHECKS.of("search")
def search(state: State, op: Op, result: Result) -> Wrong | None:
    """A name of that value, the first by its hash."""
    entries = state.entries[op.subject]
    if entries is None:
        return expect(result.errno, errno.ENOENT)
    if state.headers[op.subject].words:
        return expect(result.errno, errno.ENOTSUP)
    mask = op.extra or U64
    fitting = {key for key, value in entries.items() if not (first_integer(value) ^ op.fill) & mask}
    wrong = expect(result.errno, 0 if fitting else errno.ENOENT)
    if wrong or not fitting:
        return wrong
    if result.value not in fitting:
        return other_value(f"expected a name of that value, got {result.value!r}")
    header = state.headers[op.subject]
    first = min(serial_of(header, key) for key in fitting) if len(fitting) > 1 else None
    assert isinstance(result.value, bytes)
    if first is None or serial_of(header, result.value) == first:
        return None
    return other_value(f"expected the first name of that value, got {result.value!r}")


def _matching(state: State, op: Op) -> list[Key]:
    """The names that an op's name matches, those that are found first coming first."""
    assert isinstance(op.key, bytes)
    entries = state.entries[op.subject]
    if not op.extra & MATCH_NORMALIZE:
        return [op.key] if entries and op.key in entries else []
    return state.names.matching(state.headers[op.subject], op.key, op.extra)


@CHECKS.of("lookup_norm")
def lookup_norm(state: State, op: Op, result: Result) -> Wrong | None:
    """The value of the first name that matches, that name, and whether there are more."""
    if state.too_long(op):
        return expect(result.errno, errno.ENAMETOOLONG)
    if refused_as_long(state, op, result):
        return None
    entries = state.entries[op.subject]
    names = _matching(state, op)
    if not names or entries is None:
        return expect(result.errno, errno.ENOENT)
    found = result.value if isinstance(result.value, Found) else None
    wrong = _check_value(state, op, result.errno, found and found.value, entries[names[0]])
    if wrong or found is None or not (state.fat[op.subject] or result.errno == 0):
        return wrong
    return expect_value((found.name, found.conflict), (names[0], len(names) > 1))


@CHECKS.of("remove_norm")
def remove_norm(state: State, op: Op, result: Result) -> Wrong | None:
    """The first name that matches is gone afterwards."""
    names = _matching(state, op)
    return remove(state, op._replace(key=names[0]) if names else op, result)
