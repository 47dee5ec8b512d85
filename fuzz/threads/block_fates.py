"""What becomes of the block at which a thread stands, beside a sync: so that points of one kind, of which a
run may have hundreds, are told apart by what is about to change there.

A sync that stands before one of many indirect blocks shows something new where all below that one was just
freed; one that stands before a leaf, where that leaf is on disk for the first time, is freed or dirty again
in a later txg, or is the last of its object."""

from __future__ import annotations

from typing import NamedTuple

from zapcore.dmu.dnode import Dnode
from zapcore.dmu.indirect import IndirectDnode
from zapcore.dmu.objset import Objset

MANY = 2
"""Txgs in which a block is dirty: more of them count as so many."""


class Fate(NamedTuple):
    """Of a block of a level: whether it is on disk, in how many txgs it is dirty, whether one frees it, and
    whether anything of its object is listed to be written. An indirect block is freed where nothing is below
    it any more."""

    level: int = 0
    on_disk: bool = False
    dirty: int = 0
    freed: bool = False
    more: bool = False


NO_BLOCK = Fate()


def fate_of(objset: Objset, thing: object) -> Fate:
    """What becomes of a point's block, which is named by the number of its object, its own, and its level if
    that is not 0."""
    if not isinstance(thing, tuple):
        return NO_BLOCK
    number, blkid, *above = thing
    dnode = objset.dnodes.get(number)
    if dnode is None:
        return NO_BLOCK
    if not above:
        return _of_data(dnode, blkid)
    return _of_indirect(dnode, above[0], blkid) if isinstance(dnode, IndirectDnode) else NO_BLOCK


def _of_data(dnode: Dnode, blkid: int) -> Fate:
    dbuf = dnode.dbufs.get(blkid)
    dirty = 0 if dbuf is None else min(len(dbuf.dirty), MANY)
    return Fate(0, blkid in dnode.stable, dirty, dnode.block_freed(blkid), any(dnode.dirty_records.values()))


def _of_indirect(dnode: IndirectDnode, level: int, blkid: int) -> Fate:
    dbuf = dnode.indirect.get((level, blkid))
    if dbuf is None:
        return Fate(level)
    return Fate(level, bool(dbuf.fill), min(len(dbuf.dirty), MANY), not dnode.leads_somewhere(dbuf))
