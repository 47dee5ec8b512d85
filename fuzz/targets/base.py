"""What every target offers: begin a program, apply its ops one by one, show the blocks, end it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from fuzz.language.program import Key, Op, Program


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
    numbers of zap_stats_t, `readdir` the names, each with a NUL behind it; None otherwise and on any errno
    but EOVERFLOW of a lookup.
    """

    errno: int = 0
    value: Value = None


DONE = Result()


class TargetLike(Protocol):
    """A model or a library that programs run on. One at a time; `begin` ends what was there before."""

    name: str

    def begin(self, program: Program) -> None:
        """Make an empty world and create the program's ZAPs in it. Raises Failure."""

    def apply(self, op: Op) -> Result:
        """Run one op. Raises `Failure` when the world ended, LimitExceeded at a bound."""

    def blocks(self, zap: str) -> list[bytes] | None:
        """Every block of the ZAP's object as it is now, dirty or not; None where it is destroyed."""

    def end(self) -> None:
        """Let go of the world."""
