"""The oracle's word on cursors: entries that are there all the time come exactly once."""

from __future__ import annotations

import errno

from fuzz.judge.checks import CHECKS
from fuzz.judge.state import State, Walk, first_integer, hash_bits, max_cd, serial_of
from fuzz.judge.wrong import (
    MISSED,
    RETURNED,
    RETURNED_NOTHING,
    RETURNED_TWICE,
    Wrong,
    expect,
    expect_value,
    other_value,
)
from fuzz.language.program import U64, Key, Op, Zap
from fuzz.targets.base import Entry, Result


@CHECKS.of("cursor")
def cursor(state: State, op: Op, result: Result) -> Wrong | None:
    """Begins a walk, or ENOENT; what an earlier cursor of that name knew is forgotten."""
    entries = state.entries[op.other]
    state.walks.pop(op.subject, None)
    if entries is None:
        return expect(result.errno, errno.ENOENT)
    header = state.headers[op.other]
    bits = hash_bits(header)
    start = op.fill & ((1 << bits) - 1)
    # nothing is promised of what lies before its place: of that hash nobody knows the differentiators
    first = start + (0 < (op.fill >> bits) & 0xFFFFFFFF < max_cd(header))
    keys = {key for key in entries if serial_of(header, key) >= first} if op.fill else set(entries)
    state.walks[op.subject] = Walk(op.other, state.incarnation[op.other], keys, start, op.fill)
    return expect(result.errno, 0)


@CHECKS.of("close")
def close(state: State, op: Op, result: Result) -> Wrong | None:
    """Ends a walk."""
    known = state.walks.pop(op.subject, None)
    return expect(result.errno, 0 if known is not None else errno.EBADF)


@CHECKS.of("next")
def next_entry(state: State, op: Op, result: Result) -> Wrong | None:
    """The entry after the one where it stands."""
    walk = state.walks.get(op.subject)
    if walk is None:
        return expect(result.errno, errno.EBADF)
    before = walk.current
    if not walk.fresh:
        walk.current = None
    return _arrive(state, walk, result, before)


@CHECKS.of("retrieve")
def retrieve(state: State, op: Op, result: Result) -> Wrong | None:
    """The entry where it stands, or the next one if that is gone."""
    walk = state.walks.get(op.subject)
    if walk is None:
        return expect(result.errno, errno.EBADF)
    before = walk.current
    if before is not None:
        walk.seen.discard(before)
        walk.current = None
    return _arrive(state, walk, result, before)


def _arrive(state: State, walk: Walk, result: Result, before: Key | None) -> Wrong | None:
    """Judge what a cursor that stood on `before` returned: an entry that is there, of no lower hash, none
    twice, and none missed at the end."""
    begun, walk.begun = walk.begun, None
    if walk.ended:
        return expect(result.errno, errno.ENOENT)
    entries = state.entries[walk.zap]
    if entries is None or walk.incarnation != state.incarnation[walk.zap]:
        return None  # a cursor on an object that is gone promises nothing
    there = state.places[walk.zap].get(begun) if begun else None
    found = result.value if not result.errno else None
    if there is not None and (isinstance(found, Entry) and found.key == there) is (walk.ahead > 0):
        what, code = ("returned", RETURNED) if walk.ahead else ("missed", MISSED)
        return Wrong(code, f"the cursor {what} {there!r}, whose place it began at")
    if result.errno == errno.ENOENT:
        walk.ended = True
        missed = walk.stable - walk.seen
        return Wrong(MISSED, f"the cursor missed {min(missed, key=repr)!r}") if missed else None
    if result.errno:
        return expect(result.errno, 0)
    assert isinstance(found, Entry)
    value = entries.get(found.key)
    if value is None:
        return Wrong(RETURNED_NOTHING, f"the cursor returned {found.key!r}, which is not there")
    if found.key in walk.seen and found.key in walk.stable:
        return Wrong(RETURNED_TWICE, f"the cursor returned {found.key!r} twice")
    header = state.headers[walk.zap]
    floor = walk.start if before is None else serial_of(header, before)
    if floor and serial_of(header, found.key) < floor:
        text = f"the cursor returned {found.key!r}, which lies before its start or where it stood"
        return Wrong(RETURNED, text)
    walk.seen.add(found.key)
    walk.current = found.key
    walk.fresh = False
    wrong = _check_conflict(state, header, found)
    wanted = (value.size, value.length, first_integer(value))
    return wrong or expect_value((found.size, found.length, found.first), wanted)


@CHECKS.of("advance")
def advance(state: State, op: Op, result: Result) -> Wrong | None:
    """Goes past an entry, returned or not."""
    walk = state.walks.get(op.subject)
    if walk is None:
        return expect(result.errno, errno.EBADF)
    walk.stable.clear()  # it may step over entries that it has not returned
    walk.current = None
    walk.ahead += 1
    return expect(result.errno, 0)


@CHECKS.of("serialize")
def serialize(state: State, op: Op, result: Result) -> Wrong | None:
    """Its place, from which another cursor can start."""
    walk = state.walks.get(op.subject)
    if walk is None:
        return expect(result.errno, errno.EBADF)
    begun = walk.begun
    if begun is not None and (first := _first_place(state, walk, begun)) is not None:
        return expect(result.errno, 0) or expect_value(result.value, first)
    if walk.ended:
        return expect(result.errno, 0) or expect_value(result.value, U64)
    entry = walk.current
    if result.errno or entry is None or walk.incarnation != state.incarnation[walk.zap]:
        return expect(result.errno, 0)
    if entry not in walk.seen or entry not in (state.entries[walk.zap] or ()):
        return None  # it may have come back since, at another place
    header, place = state.headers[walk.zap], result.value
    assert isinstance(place, int)
    other = state.places[walk.zap].setdefault(place, entry)
    if other != entry:
        return other_value(f"expected a place of its own, got that of {other!r}")
    return expect_value(place & ((1 << hash_bits(header)) - 1), serial_of(header, entry))


def _first_place(state: State, walk: Walk, begun: int) -> int | None:
    """What a cursor that has not looked at anything says of its place: what it was given, or, where it
    finds its ZAP at once, what of that is a place there; None where nothing is promised."""
    if not state.cursors_hold:
        return begun
    if state.entries[walk.zap] is None or walk.incarnation != state.incarnation[walk.zap]:
        return None
    header = state.headers[walk.zap]
    bits = hash_bits(header)
    cd = begun >> bits & 0xFFFFFFFF
    cd = walk.ahead + (cd if cd < max_cd(header) else 0)
    return begun & ((1 << bits) - 1) | cd << bits & U64


def _check_conflict(state: State, zap: Zap, entry: Entry) -> Wrong | None:
    """What is wrong with what a cursor says of names with the same normal form."""
    names = state.names.matching(zap, entry.key, 0) if zap.norm and isinstance(entry.key, bytes) else []
    wanted = len(names) > 1
    if entry.conflict == wanted:
        return None
    return other_value(f"expected conflict {wanted}, got {entry.conflict}")
