"""The oracle's word on cursors: each stands at a place, a hash and a differentiator, and returns the first
entry at that place or behind it (zap_cursor_retrieve).

A cursor finds its ZAP when it first looks for an entry, since efda1093ff when it is opened, and holds it from
then on. What it holds of a ZAP that is destroyed is zeros.
"""

from __future__ import annotations

import errno

from fuzz.execution.result import Entry, Result
from fuzz.judge.checks import CHECKS
from fuzz.judge.keys import hash_bits, matching, max_cd
from fuzz.judge.state import END, FAT, State, Walk, first_integer
from fuzz.judge.undecided import leave_open
from fuzz.judge.wrong_answers import (
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

_NO_KEYS: frozenset[Key] = frozenset()


@CHECKS.of("cursor")
def cursor(state: State, op: Op, result: Result) -> Wrong | None:
    """Opens it, or ENOENT; an open cursor of that name is closed in any case."""
    state.walks.pop(op.subject, None)
    if state.entries[op.other] is None:
        return expect(result.errno, errno.ENOENT)
    if state.headers[op.other].shorter:  # no cursor tells how long a key is
        return expect(result.errno, errno.ENOTSUP)
    walk = Walk(op.other, state.incarnation[op.other], op.fill)
    state.walks[op.subject] = walk
    if state.release.cursors_hold:
        _find(state, walk)
    return expect(result.errno, 0)


def _find(state: State, walk: Walk) -> None:
    """It finds its ZAP and goes where it was to begin; an advance that came before counts on top."""
    header = state.headers[walk.zap]
    bits = hash_bits(header)
    walk.hash = walk.serialized << (64 - bits) & U64
    walk.cd = walk.cd + (walk.serialized >> bits) & 0xFFFFFFFF
    if walk.cd >= max_cd(header):
        walk.cd = 0
    walk.incarnation = state.incarnation[walk.zap]
    walk.found = True


@CHECKS.of("close")
def close(state: State, op: Op, result: Result) -> Wrong | None:
    """EBADF where it is not open, as for every op on a cursor."""
    known = state.walks.pop(op.subject, None)
    return expect(result.errno, 0 if known is not None else errno.EBADF)


@CHECKS.of("next")
def next_entry(state: State, op: Op, result: Result) -> Wrong | None:
    """The entry behind the one that it has returned, or the first."""
    walk = state.walks.get(op.subject)
    if walk is None:
        return expect(result.errno, errno.EBADF)
    if not walk.fresh and walk.hash != END:
        walk.cd += 1
    return _arrive(state, walk, result)


@CHECKS.of("retrieve")
def retrieve(state: State, op: Op, result: Result) -> Wrong | None:
    """The entry where it stands, or the next one if that is gone."""
    walk = state.walks.get(op.subject)
    if walk is None:
        return expect(result.errno, errno.EBADF)
    return _arrive(state, walk, result)


@CHECKS.of("advance")
def advance(state: State, op: Op, result: Result) -> Wrong | None:
    """Goes past the place where it stands, whether there is an entry or not."""
    walk = state.walks.get(op.subject)
    if walk is None:
        return expect(result.errno, errno.EBADF)
    if walk.hash != END:
        walk.cd += 1
    return expect(result.errno, 0)


@CHECKS.of("serialize")
def serialize(state: State, op: Op, result: Result) -> Wrong | None:
    """Its place as a number, all ones at the end; what it was given, until it has found its ZAP."""
    walk = state.walks.get(op.subject)
    if walk is None:
        return expect(result.errno, errno.EBADF)
    if walk.adrift:
        leave_open(state, "read-error")
        return expect(result.errno, 0)
    if walk.lost:
        leave_open(state, "created-anew")
        return expect(result.errno, 0)
    if walk.hash == END:
        wanted = U64
    elif not walk.found:
        wanted = walk.serialized
    else:
        # the flags are read from the header, which is zero if the ZAP is gone; a micro ZAP has none anyway
        header = state.headers[walk.zap]
        bits = hash_bits(header) if walk.dead is None else header.hash_bits or 28
        wanted = walk.hash >> (64 - bits) | walk.cd << bits & U64
    return expect(result.errno, 0) or expect_value(result.value, wanted)


def _arrive(state: State, walk: Walk, result: Result) -> Wrong | None:
    """Judge what a cursor returned from where it stands, and let it stand there."""
    if walk.adrift:
        return _ashore(state, walk, result)
    if walk.hash == END:
        return expect(result.errno, errno.ENOENT)
    if walk.dead is not None:
        return _among_the_dead(state, walk, result)
    if not walk.found:
        if state.entries[walk.zap] is None:
            return expect(result.errno, errno.ENOENT)
        if state.gone(walk):
            leave_open(state, "created-anew")
            walk.lost = result.errno == errno.ENOENT
            if walk.lost:
                return None
        _find(state, walk)
    header, order = state.headers[walk.zap], state.orders[walk.zap]
    moving = state.moving.get(walk.zap, _NO_KEYS)
    if moving:
        leave_open(state, "section")
    cd = walk.cd if state.fat[walk.zap] else walk.cd & 0xFFFF
    first = order.first(walk.hash, cd, moving)
    if result.errno == errno.ENOENT:
        walk.hash = END
        return Wrong(MISSED, f"the cursor missed {first[1]!r}") if first is not None else None
    if result.errno:
        return expect(result.errno, 0)
    found, entries = result.value, state.entries[walk.zap]
    assert isinstance(found, Entry) and entries is not None
    value = entries.get(found.key)
    if value is None:
        return Wrong(RETURNED_NOTHING, f"the cursor returned {found.key!r}, which is not there")
    place = order.place(found.key)
    if place < (walk.hash, cd):
        if found.key in walk.seen:
            return Wrong(RETURNED_TWICE, f"the cursor returned {found.key!r} twice")
        text = f"the cursor returned {found.key!r}, which lies before its start or where it stood"
        return Wrong(RETURNED, text)
    if first is not None and first[0] < place:
        return Wrong(MISSED, f"the cursor missed {first[1]!r}")
    walk.hash, walk.cd = place
    walk.fresh = False
    walk.seen.add(found.key)
    wrong = _check_conflict(state, header, found)
    wanted = (value.size, value.length, first_integer(value))
    return wrong or expect_value((found.size, found.length, found.first), wanted)


def _ashore(state: State, walk: Walk, result: Result) -> Wrong | None:
    """A cursor of which nobody knows where it stood. What it returns is there, and says where it is now."""
    leave_open(state, "read-error")
    entries = state.entries[walk.zap]
    if result.errno or entries is None or state.gone(walk) or walk.dead is not None:
        return None
    assert isinstance(result.value, Entry)
    if result.value.key not in entries:
        return Wrong(RETURNED_NOTHING, f"the cursor returned {result.value.key!r}, which is not there")
    walk.found, walk.adrift = True, False
    walk.hash, walk.cd = state.orders[walk.zap].place(result.value.key)
    return _arrive(state, walk, result)


def _among_the_dead(state: State, walk: Walk, result: Result) -> Wrong | None:
    """A ZAP that is destroyed while a cursor holds it. A fat one's header is no header any more: EIO. A micro
    one's index is still in memory, and leads to slots that are zero: names without a letter."""
    dead = walk.dead
    assert dead is not None
    if dead == FAT:
        return expect(result.errno, errno.EIO)
    wanted = (walk.hash, walk.cd & 0xFFFF)
    place = next((each for each in dead if each >= wanted), None)
    if place is None:
        walk.hash = END
        return expect(result.errno, errno.ENOENT)
    walk.hash, walk.cd = place
    walk.fresh = False
    alike = sum(each[0] == place[0] for each in dead) > 1 and state.headers[walk.zap].norm != 0
    return expect(result.errno, 0) or expect_value(result.value, Entry(b"", 8, 1, 0, alike))


def _check_conflict(state: State, zap: Zap, entry: Entry) -> Wrong | None:
    """What is wrong with what a cursor says of names with the same normal form."""
    if not zap.norm or not isinstance(entry.key, bytes):
        names = []
    else:
        names = matching(zap, state.orders[zap.name].bucket(entry.key), entry.key, 0)
    wanted = len(names) > 1
    if entry.conflict == wanted:
        return None
    return other_value(f"expected conflict {wanted}, got {entry.conflict}")
