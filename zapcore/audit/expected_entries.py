"""The entries that an object is expected to hold, as an oracle says them, and how they are compared with
those that are there."""

from __future__ import annotations

from collections.abc import Sized
from typing import Protocol

from zapcore.verify.invariants import Violation
from zapcore.verify.leaf_report import LeafEntry
from zapcore.zap.leaf import to_stored


class Value(Protocol):
    """A value as an oracle has it: `length` little-endian integers of `size` bytes each, in `data`."""

    @property
    def size(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def data(self) -> bytes: ...


def has_value(entry: LeafEntry, value: Value | None) -> bool:
    """Whether a leaf's entry has this value. No entry has None, which stands for a key that is not there."""
    return (
        value is not None
        and entry.size == value.size
        and entry.length == value.length
        and entry.value == to_stored(value.data, value.size)
    )


def wrong_total(total: int, entries: Sized) -> Violation | None:
    """The violation if an object holds `total` entries, but `entries` are expected.

    The number tells what no changed block can tell: an op that should have put or removed an entry, and did
    nothing, leaves every block as it was.
    """
    if total == len(entries):
        return None
    return Violation("entries", 0, "entries", f"{total}, and {len(entries)} were put there")
