"""What an op returned, and what a program came to. Values only: nothing here runs anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fuzz.judge.signature import Failure
from fuzz.language.program import Key, Op


class Entry(NamedTuple):
    """What a cursor returns: zap_attribute_t. `first` is za_first_integer, `conflict` whether another entry
    has the same normal form."""

    key: Key
    size: int
    length: int
    first: int
    conflict: bool = False


class Found(NamedTuple):
    """What `lookup_norm` returns: the value as `lookup` has it, the name as it is stored, and whether another
    entry matches too. A micro ZAP gives no name with EOVERFLOW."""

    value: bytes
    name: bytes
    conflict: bool


Value = bytes | int | tuple[int, ...] | Entry | Found | None


class Result(NamedTuple):
    """What an op returned: errno (0 for success) and its value.

    Values: `lookup` bytes (length integers of the caller's size), `lookup_norm` a Found, `length` (size,
    length), `count` and `serialize` int, `next` and `retrieve` an Entry, `search` the name, `stats` the 63
    numbers of zap_stats_t, `readdir` the names, each with a NUL behind it, `getdents` the same with 8 bytes
    before each name: the position behind it; None otherwise and on any errno but EOVERFLOW of a lookup.
    """

    errno: int = 0
    value: Value = None


DONE = Result()


def names_and_positions(listed: bytes) -> list[tuple[bytes, int]]:
    """The value of `getdents`: each name, and the position behind it."""
    found = []
    at = 0
    while at < len(listed):
        end = listed.index(b"\0", at + 8)
        found.append((listed[at + 8 : end], int.from_bytes(listed[at : at + 8], "little")))
        at = end + 1
    return found


class Outcome(NamedTuple):
    """How a run ended: with a failure, at a limit (its text), or fine (neither); `ops` that were run."""

    failure: Failure | None
    limit: str | None
    ops: int

    @property
    def fine(self) -> bool:
        """Neither a failure nor a limit."""
        return self.failure is None and self.limit is None

    def __str__(self) -> str:
        if self.failure is not None:
            return str(self.failure.signature)
        return "limit" if self.limit is not None else "fine"


Trace = Callable[[int, Op, Result], None]
"""Called after each op with its index and what it returned."""
Forgive = Callable[[Failure], bool]
"""Whether a run goes on after this wrong answer."""
