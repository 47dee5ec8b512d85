"""What a leaf block holds, and what is wrong with it: plain data that both checks of a leaf return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zapcore.verify.invariants import Violation


class LeafEntry(NamedTuple):
    """An entry that was read from a leaf: the number of its chunk, its hash and differentiator, its name and
    value as stored (big-endian integers), of how many integers the name is, and of what size and how many
    integers the value."""

    chunk: int
    hash: int
    cd: int
    name: bytes
    name_ints: int
    size: int
    length: int
    value: bytes


class LeafReport(NamedTuple):
    """What a leaf block holds and what is wrong with it.

    `unreached` has one byte for each chunk: the chunk's type if no link leads to it (of those that could be
    followed), and 0 if one does.
    """

    prefix: int
    prefix_len: int
    flags: int
    entries: list[LeafEntry]
    violations: Sequence[Violation]
    unreached: bytes
