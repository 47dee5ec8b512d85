"""Protects the search for the next indirect block of level 1 that has something (dnode_next_offset from level
2 on): in whole trees it finds what is there, and in those that a sync has half written it ends, goes on or
passes by as each release does."""

from __future__ import annotations

from random import Random

import pytest

from zapcore.dmu.block_tree import next_level1
from zapcore.dmu.indirect import POINTER_SHIFT, IndirectDnode
from zapcore.dmu.objset import Objset
from zapcore.release import RELEASES

BITS, LEVELS = 2, 4
MOST = IndirectDnode.BLOCK_POINTERS << BITS * (LEVELS - 2)
"""So many indirect blocks of level 1 the object may have."""


def tree(release: str, level1: set[int]) -> IndirectDnode:
    """An object of which these indirect blocks of level 1 are on disk, and those above them."""
    dnode = IndirectDnode(Objset(RELEASES[release]), 9, 512, BITS + POINTER_SHIFT)
    dnode.levels = dnode.stable_levels = LEVELS
    for level in range(1, LEVELS):
        for blkid in level1:
            above = level, blkid >> BITS * (level - 1)
            dnode.pointers[above] = dnode.pointers.get(above, 0) + 1
    return dnode


@pytest.mark.parametrize("release", ["2.1", "2.3", "2.4", "master"])
def test_finds_the_next_one_in_a_whole_tree(release: str) -> None:
    rng = Random(release)
    for _ in range(200):
        there = set(rng.sample(range(MOST), rng.choice((0, 1, 2, 5, 20))))
        dnode = tree(release, there)
        for begin in range(MOST):
            wanted = min((blkid for blkid in there if blkid >= begin), default=None)
            assert next_level1(dnode, begin) == wanted, (sorted(there), begin)


@pytest.mark.parametrize(("release", "found"), [("2.1", None), ("2.3", None), ("2.4", 30), ("master", 30)])
def test_an_emptied_block_is_the_end_until_it_is_backed_out_of(release: str, found: int | None) -> None:
    """A block of level 2 has nothing any more, and its pointer has yet to say so (26b0f561be)."""
    dnode = tree(release, {0, 17, 30})
    del dnode.pointers[1, 17]
    assert next_level1(dnode, 1) == found
    assert next_level1(dnode, 20) == 30


@pytest.mark.parametrize("release", ["2.1", "2.4"])
def test_what_is_below_a_pointer_that_is_not_set_yet_is_passed_by(release: str) -> None:
    """The finding free-misses-new-indirect: 17 is written, and the pointer to level 2 above it is a hole."""
    dnode = tree(release, {0, 17, 30})
    del dnode.pointers[2, 4]
    assert next_level1(dnode, 1) == 30


def test_an_object_without_level_2_is_not_searched() -> None:
    dnode = tree("2.4", set())
    dnode.levels = dnode.stable_levels = 1
    assert next_level1(dnode, 5) == 5
