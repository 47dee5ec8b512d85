"""Which pieces of a block differ between two looks at it. After one op nearly all of them are as they were,
so comparing one runs no Python."""

from __future__ import annotations

import functools
from itertools import compress
from operator import ne
from struct import Struct

_TOGETHER = 16
"""So many pieces are compared at once, and only if they differ one by one."""


def changed_pieces(before: bytes, now: bytes, start: int, end: int, size: int) -> list[int]:
    """The offsets of the pieces of `size` bytes, from offset `start` up to `end`, that differ. Both blocks
    reach to `end`."""
    changed: list[int] = []
    if start == end:
        return changed
    large = size * _TOGETHER
    for at in _differing(before, now, start, end, large):
        changed += _differing(before, now, at, min(at + large, end), size)
    return changed


def _differing(before: bytes, now: bytes, start: int, end: int, size: int) -> compress[int]:
    pieces = _cut(end - start, size).unpack_from
    return compress(range(start, end, size), map(ne, pieces(before, start), pieces(now, start)))


@functools.lru_cache(maxsize=256)
def _cut(length: int, size: int) -> Struct:
    """What cuts so many bytes into pieces, of which the last one may be shorter."""
    return Struct(f"{size}s" * (length // size) + f"{length % size}s")
