"""The block pointers of an object by level, as they are on disk, and the search through them for data and for
holes. From module/zfs/dnode.c.
"""

from __future__ import annotations

import errno
from bisect import bisect_left
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from zapcore.errors import ZapErrno, openzfs

if TYPE_CHECKING:
    from zapcore.dmu.indirect import IndirectDnode


class BlockTree:
    """The tree that leads to the `blocks` of an object that are no holes, of `size` bytes each. Pointers of
    level 1 lead to its blocks, those of the last of its `levels` are in the dnode: `in_dnode` of them. An
    indirect block has 2^`bits`; `reads` is called with the level and the number of each that is looked into,
    and raises what its read gives."""

    def __init__(
        self,
        blocks: Collection[int],
        size: int,
        levels: int,
        in_dnode: int,
        bits: int,
        reads: Callable[[int, int], None],
    ) -> None:
        self._blocks, self._size, self._levels = sorted(blocks), size, levels
        self._reads = reads
        self._shift = size.bit_length() - 1
        self._in_dnode, self._bits = in_dnode, bits

    @openzfs("dnode.c", "dnode_next_offset")
    def next_offset(self, offset: int, hole: bool) -> int:
        """The next data or hole: up the levels until a pointer leads to one, and down again. Raises ESRCH,
        and what a read gives."""
        size, begin = self._size, offset
        if size & (size - 1):  # one block, whose size has no shift
            if offset >= size:
                raise ZapErrno(errno.ESRCH)
            return size if hole else offset
        level, found = 1, False
        while level <= self._levels:
            found, offset = self._next_at_level(offset, hole, level)
            if found:
                break
            level += 1
        while found and level > 1:
            level -= 1
            found, offset = self._next_at_level(offset, hole, level)
        if (not found and not hole) or offset < begin:
            raise ZapErrno(errno.ESRCH)
        return offset

    @openzfs("dnode.c", "dnode_next_offset_level")
    def _next_at_level(self, offset: int, hole: bool, level: int) -> tuple[bool, int]:
        """Search the one indirect block of a level in which an offset lies, or the dnode. Returns whether a
        pointer fits, and where that is, or the end of the block."""
        bits = self._bits
        span = self._shift + (level - 1) * bits
        under = 1 << (level - 1) * bits
        at = offset >> span
        place = at & (1 << bits) - 1
        if level == self._levels:
            count, first = self._in_dnode, 0
        else:
            count, first = 1 << bits, at - place
            self._reads(level, at >> bits)
            if not self._fill(first * under, count * under):
                return hole, offset  # the indirect block is a hole itself
        while place < count:
            fill = self._fill((first + place) * under, under)
            if fill < under if hole else fill:
                break
            at += 1
            place += 1
        return place < count, max(at << span, offset)

    def _fill(self, first: int, count: int) -> int:
        """How many blocks of a range are no holes (BP_GET_FILL)."""
        return bisect_left(self._blocks, first + count) - bisect_left(self._blocks, first)


@openzfs("dnode.c", "dnode_next_offset")
def next_level1(dnode: IndirectDnode, blkid: int) -> int | None:
    """The next indirect block of level 1 from one on whose pointer is no hole, found through the levels above
    as they are in memory; None for none. Raises what a read gives.

    While a txg syncs, pointers of a level are set when those above are not yet. Releases differ in what they
    do where an indirect block has none of what is said to be in it: go on behind it, or end."""
    level, at, down = 2, blkid, False
    if level > dnode.stable_levels:
        return blkid
    while True:
        found, at = _next_at_level(dnode, at, level)
        if found and level == 2:
            return at
        if found:
            level, down = level - 1, True
        elif level < dnode.stable_levels and (not down or dnode.objset.release.search_backtracks):
            level += 1
        else:
            return None


@openzfs("dnode.c", "dnode_next_offset_level")
def _next_at_level(dnode: IndirectDnode, at: int, level: int) -> tuple[bool, int]:
    """Search one indirect block, or the dnode, for a pointer to a block of the level below it. Returns if
    there is one, and which block of level 1 comes first in it, or behind what was searched."""
    bits = dnode.indirect_bits
    span = (level - 2) * bits
    number = at >> span
    if level == dnode.stable_levels:
        end = dnode.BLOCK_POINTERS
    else:
        place = number >> bits
        end = (place + 1) << bits
        if (level, place) not in dnode.indirect and not dnode.pointers.get((level, place)):
            return False, end << span
        dnode.search_reads(level, place)
    while number < end and not dnode.pointers.get((level - 1, number)):
        number += 1
    return number < end, max(number << span, at)
