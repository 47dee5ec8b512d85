"""What must hold of an object when a txg has synced: that the txg has left nothing undone, and that each
block on disk is found through the levels above it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from zapcore.dmu.indirect import IndirectDnode
from zapcore.dmu.objset import Objset
from zapcore.verify.invariants import Violation


def left_undone(objset: Objset, synced: int) -> Iterator[Violation]:
    """The violations where a txg up to `synced`, all of which have synced, has something to do still: it was
    told so when it was too late, or has passed it by."""

    def left(blkid: int, field: str, txg: int) -> Violation:
        return Violation("left-undone", blkid, field, f"something of txg {txg}, which has synced")

    for txg, dnodes in objset.dirty_dnodes.items():
        if dnodes and txg <= synced:
            yield left(0, "os_dirty_dnodes", txg)
    for dnode in objset.dnodes.values():
        for txg, records in dnode.dirty_records.items():
            if records and txg <= synced:
                yield left(0, "dn_dirty_records", txg)
        for txg, blocks in dnode.free_ranges.items():
            if blocks and txg <= synced:
                yield left(0, "dn_free_ranges", txg)
        for blkid, dbuf in dnode.dbufs.items():
            if dbuf.dirty and dbuf.dirty[-1].txg <= synced:
                yield left(blkid, "db_dirty_records", dbuf.dirty[-1].txg)
            if dbuf.holds and sum(type(tag) is int for tag in dbuf.holds) != len(dbuf.dirty):
                yield Violation("dirty-holds", blkid, "db_holds", "a hold without dirty record, or too few")
        if isinstance(dnode, IndirectDnode):
            yield from _not_found(dnode)
    for dnode in objset.freed.values():
        indirect = dnode.indirect.values() if isinstance(dnode, IndirectDnode) else ()
        for each in (*dnode.dbufs.values(), *indirect):
            if each.dirty:
                yield left(each.blkid, "dnode_sync_free", each.dirty[-1].txg)


def _not_found(dnode: IndirectDnode) -> Iterator[Violation]:
    """The violations where the block pointers of a level say that more blocks are below them, or fewer, than
    are on disk."""
    for level in range(1, dnode.stable_levels):
        span = level * dnode.indirect_bits
        there = Counter(blkid >> span for blkid in dnode.stable)
        said = {blkid: fill for (of, blkid), fill in dnode.pointers.items() if of == level}
        for blkid in sorted(there.keys() | said.keys()):
            if there[blkid] != said.get(blkid, 0):
                found = f"level {level} says {said.get(blkid, 0)}, and {there[blkid]} are on disk"
                yield Violation("levels", blkid, "blk_fill", found)
