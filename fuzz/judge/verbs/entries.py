"""The oracle's word on the entries of a ZAP."""

from __future__ import annotations

import errno

from fuzz.execution.result import Found, Result
from fuzz.judge import beside_others
from fuzz.judge.checks import CHECKS, Stepwise, in_steps
from fuzz.judge.keys import chunks, matching
from fuzz.judge.room import make_room, needs_fat, no_space
from fuzz.judge.state import State, Value, first_integer, value_of, widen
from fuzz.judge.wrong_answers import WIDENED, Wrong, expect, expect_value, other_value
from fuzz.language.program import U64, Key, Op
from zapcore.layout import MAX_VALUE_LEN, geometry
from zapcore.zap import MATCH_NORMALIZE


@CHECKS.of("add", "update")
def write(state: State, op: Op, result: Result) -> Wrong | None:
    """The entry is there afterwards, unless it is refused."""
    return write_with(state, op, result, state.headers[op.subject].leaf_shift)


def write_with(state: State, op: Op, result: Result, leaf_shift: int) -> Wrong | None:
    """The entry is there afterwards, unless it is refused: its key is too long, its value too large, it was
    there (add), no leaf could hold it, or there is no more table to split its leaf by. `leaf_shift` is the
    tunable fzap_default_block_shift, which is the header line's unless another op has set it."""
    zap, key = op.subject, op.key
    entries = state.entries[zap]
    assert key is not None
    if entries is None:
        return expect(result.errno, errno.ENOENT)
    if not state.fat[zap]:
        make_room(state, zap)
        if not state.fat[zap] and needs_fat(state, op, key, leaf_shift):
            state.fat[zap] = True
        if state.fat[zap]:
            state.shifts[zap] = leaf_shift
    if state.too_long(zap, key):
        return expect(result.errno, errno.ENAMETOOLONG)
    size = op.size * op.length
    if size > MAX_VALUE_LEN:
        return expect(result.errno, errno.E2BIG)
    there = key in entries
    if there and op.verb == "add":
        return expect(result.errno, errno.EEXIST)
    if state.fat[zap]:
        needed, room = chunks(key, size), geometry(state.shifts[zap]).chunks
        if not there and (needed > room or result.errno == errno.E2BIG):
            right = errno.E2BIG if needed > room else 0
            return expect(result.errno, right, f"the entry takes {needed} of {room} chunks")
        # with hashes of all bits only a refusal is judged, or what no leaf holds, and below entries of one
        # hash: what else makes one necessary takes half a gibibyte
        if result.errno == errno.ENOSPC or needed > room or state.headers[zap].hash_bits:
            refused = no_space(state, op, key, result.errno)
            if refused is not None or result.errno:
                return refused
    if result.errno:
        return expect(result.errno, 0)
    state.bring(zap, key, value_of(op.size, op.length, op.fill))
    if state.fat[zap] and state.orders[zap].shares(key):  # no table parts entries of one hash
        return no_space(state, op, key, result.errno)
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
    state.take(op.subject, key)
    return None


@CHECKS.of("lookup")
def lookup(state: State, op: Op, result: Result) -> Wrong | None:
    """The value as the caller's integers."""
    entries = state.entries[op.subject]
    assert op.key is not None
    if state.too_long(op.subject, op.key):
        return expect(result.errno, errno.ENAMETOOLONG)
    value = None if entries is None else entries.get(op.key)
    if value is None:
        return expect(result.errno, errno.ENOENT)
    return _check_value(state, op, result.errno, result.value, value)


def _check_value(state: State, op: Op, code: int, found: object, value: Value) -> Wrong | None:
    """Hold what a lookup gave against the entry that it should have found."""
    if state.fat[op.subject] and op.size * op.length > MAX_VALUE_LEN:
        return expect(code, errno.E2BIG)
    if not state.fat[op.subject] and op.length < 1:
        return expect(code, errno.EOVERFLOW) or expect_value(found, b"")  # it has read nothing
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
    if state.too_long(op.subject, op.key):
        return expect(result.errno, errno.ENAMETOOLONG)
    entries = state.entries[op.subject]
    return expect(result.errno, 0 if entries and op.key in entries else errno.ENOENT)


@in_steps("increment")
def increment(state: State, op: Op, result: Result) -> Stepwise:
    """A lookup of one integer, then an update, or a removal where the sum is zero."""
    entries = state.entries[op.subject]
    assert op.key is not None and entries is not None
    if op.fill == 0:
        return expect(result.errno, 0)
    if state.too_long(op.subject, op.key):
        return expect(result.errno, errno.ENAMETOOLONG)
    value = entries.get(op.key, Value(8, 1, b""))
    if value.length > 1:
        return expect(result.errno, errno.EOVERFLOW)
    total = (int.from_bytes(value.data, "little") + op.fill) & U64
    change = op._replace(verb="update" if total else "remove", size=8, length=1, fill=total)
    yield
    return (write if total else remove)(state, change, result)


@CHECKS.of("search")
def search(state: State, op: Op, result: Result) -> Wrong | None:
    """A name of that value, the first by its hash."""
    if refused := state.has_no_names(op.subject):
        return expect(result.errno, refused)
    if op.subject in state.moving:
        return beside_others.search(state, op, result)
    entries = state.entries[op.subject]
    assert entries is not None
    mask = op.extra or U64
    fitting = {key for key, value in entries.items() if not (first_integer(value) ^ op.fill) & mask}
    first = min(fitting, key=state.orders[op.subject].place, default=None)
    if first is None:
        return expect(result.errno, errno.ENOENT)
    wrong = expect(result.errno, errno.ENAMETOOLONG if state.short_of_room(op, first) else 0)
    if wrong or result.errno:
        return wrong
    if result.value == first:
        return None
    return other_value(f"expected the first name of that value, {first!r}, got {result.value!r}")


def _matching(state: State, op: Op) -> list[Key]:
    """The names that an op's name matches, those that are found first coming first."""
    assert isinstance(op.key, bytes)
    entries = state.entries[op.subject]
    if not op.extra & MATCH_NORMALIZE:
        return [op.key] if entries and op.key in entries else []
    return matching(state.headers[op.subject], state.orders[op.subject].bucket(op.key), op.key, op.extra)


@CHECKS.of("lookup_norm")
def lookup_norm(state: State, op: Op, result: Result) -> Wrong | None:
    """The value of the first name that matches, that name, and whether there are more."""
    assert op.key is not None
    if state.too_long(op.subject, op.key):
        return expect(result.errno, errno.ENAMETOOLONG)
    entries = state.entries[op.subject]
    names = _matching(state, op)
    if not names or entries is None:
        return expect(result.errno, errno.ENOENT)
    found = result.value if isinstance(result.value, Found) else None
    wrong = _check_value(state, op, result.errno, found and found.value, entries[names[0]])
    if wrong or found is None:
        return wrong
    fat = state.fat[op.subject]
    name = names[0][: op.name_room - (not fat)] if op.name_room else names[0]
    told = (name, len(names) > 1) if fat or not result.errno else (b"", False)
    return expect_value((found.name, found.conflict), told)


@CHECKS.of("remove_norm")
def remove_norm(state: State, op: Op, result: Result) -> Wrong | None:
    """The first name that matches is gone afterwards."""
    names = _matching(state, op)
    return remove(state, op._replace(key=names[0]) if names else op, result)
