"""What the oracle knows of a program's ZAPs while it runs, and the words for what is wrong with an answer."""

from __future__ import annotations

import errno
from typing import NamedTuple

from fuzz.oracle.names import Names
from fuzz.program import VERBS, Key, Op, Program
from zapcore.layout import MAX_NAME_LEN


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


class State(Names):
    """One dictionary per ZAP, and what each cursor has returned."""

    def __init__(self, program: Program) -> None:
        super().__init__(program.zaps)
        self.headers = {header.name: header for header in program.zaps}
        self.fat = {header.name: header.fat for header in program.zaps}
        self.entries: dict[str, dict[Key, Value] | None] = {header.name: {} for header in program.zaps}
        self.incarnation = dict.fromkeys(self.headers, 0)
        self.walks: dict[str, Walk] = {}

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
        return self.refused_name(header, op.key, match) if isinstance(op.key, bytes) else ()

    def _too_long(self, op: Op) -> bool:
        """Whether a fat ZAP refuses to write or look up a key of this length."""
        assert op.key is not None
        return self.fat[op.target] and stored_bytes(op.key) > MAX_NAME_LEN


def first_integer(value: Value) -> int:
    """What a cursor gives of a value."""
    return int.from_bytes(value.data[: value.size], "little")


def stored_bytes(key: Key) -> int:
    return 8 * len(key) if isinstance(key, tuple) else len(key) + 1


def expect(got: int, wanted: int) -> str | None:
    if got == wanted:
        return None
    return f"expected {errno_name(wanted)}, got {errno_name(got)}"


def errno_name(code: int) -> str:
    return errno.errorcode.get(code, str(code)) if code else "success"


def expect_value(got: object, wanted: object) -> str | None:
    return None if got == wanted else f"expected {wanted!r}, got {got!r}"


def widen(value: Value, size: int, length: int, carry: bool = False) -> bytes:
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
