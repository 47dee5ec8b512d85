"""The oracle's word on ops that walk over a ZAP while other threads write it.

They look at one leaf after the other, so what they show need not have been there at any one moment. Entries
that no other thread writes must still come, each once and in its place (`undecided`: section).
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import NamedTuple

from fuzz.execution.result import Result
from fuzz.judge.state import State, Value, first_integer
from fuzz.judge.undecided import leave_open
from fuzz.judge.wrong_answers import Wrong, expect, other_value
from fuzz.language.program import U64, Key, Op

_SPECIAL = (b".", b"..")


def _no_directory_entry(value: Value) -> bool:
    return value.size != 8 or value.length == 0


class _Listing(NamedTuple):
    """What a directory must list: names in order that nobody writes, up to one that is no directory's entry
    (`bad`), and all names that some op writes."""

    steady: list[Key]
    bad: bool
    moving: frozenset[Key]


def _listing(state: State, zap: str, hashed: int = 0, cd: int = 0) -> _Listing:
    """From a place on."""
    entries, order, moving = state.entries[zap], state.orders[zap], state.moving[zap]
    assert entries is not None
    steady: list[Key] = []
    first = order.first(hashed, cd, moving)
    while first is not None:
        place, key = first
        if _no_directory_entry(entries[key]):
            return _Listing(steady, True, moving)
        steady.append(key)
        first = order.first(place[0], place[1] + 1, moving)
    return _Listing(steady, False, moving)


def _wrong_names(names: Sequence[bytes], listing: _Listing, all_of_them: bool) -> Wrong | None:
    """What is wrong with names that were listed; `all_of_them` says that the end was reached."""
    kept = [name for name in names if name not in listing.moving]
    wanted = listing.steady if all_of_them else listing.steady[: len(kept)]
    if kept == wanted:
        return None
    return other_value(f"of the names that no other op writes expected {wanted!r}, got {kept!r}")


def readdir(state: State, op: Op, result: Result) -> Wrong | None:
    """All names that nobody else writes, in order."""
    leave_open(state, "section")
    listing = _listing(state, op.subject)
    if result.errno == errno.ENXIO:  # an entry that another op writes may be no directory's
        return None
    if result.errno or listing.bad:
        return expect(result.errno, errno.ENXIO if listing.bad else 0)
    assert isinstance(result.value, bytes)
    return _wrong_names(result.value.split(b"\0")[:-1], listing, all_of_them=True)


def getdents(state: State, op: Op, result: Result) -> Wrong | None:
    """The same of those behind a position. Positions of names stay as long as nobody writes these."""
    leave_open(state, "section")
    if result.errno:
        return expect(result.errno, errno.ENXIO)
    assert isinstance(result.value, bytes)
    names = []
    rest = result.value
    while rest:
        name, _, rest = rest[8:].partition(b"\0")
        names.append(name)
    shown = [name for name in names if name not in _SPECIAL]
    if op.fill or len(names) >= op.length:
        return None if len(names) <= op.length else other_value(f"expected at most {op.length} names")
    listing = _listing(state, op.subject)
    return _wrong_names(shown, listing, all_of_them=not listing.bad)


def search(state: State, op: Op, result: Result) -> Wrong | None:
    """A name of that value, if one has it that nobody else writes; none that comes behind that."""
    leave_open(state, "section")
    entries, order, moving = state.entries[op.subject], state.orders[op.subject], state.moving[op.subject]
    assert entries is not None
    mask = op.extra or U64
    fitting = {
        key
        for key, value in entries.items()
        if key not in moving and not (first_integer(value) ^ op.fill) & mask
    }
    first = min(fitting, key=order.place, default=None)
    too_long = {name for name in (*moving, *fitting) if state.short_of_room(op, name)}
    if result.errno == errno.ENAMETOOLONG and (first in too_long or not too_long.isdisjoint(moving)):
        return None
    if result.errno:
        return expect(result.errno, 0 if fitting else errno.ENOENT)
    if result.value not in too_long and (result.value == first or result.value in moving):
        return None
    return other_value(f"expected {first!r} or a name that another op writes, got {result.value!r}")
