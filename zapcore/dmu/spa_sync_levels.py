"""The sync of an object with dbufs of indirect blocks (`zapcore.dmu.indirect`), in the steps of
`zapcore.dmu.spa_sync`: its free through indirect blocks, and the writing of each after what is below it.

Threads stand where blocks of data are freed and written, and where an indirect block's own pointer is about
to be set. So they see pointers in an indirect block that are cleared or set already, while those above still
say what was before. From module/zfs/dnode_sync.c and module/zfs/dbuf.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zapcore.dmu.dbuf import DirtyRecord
from zapcore.dmu.indirect import IndirectDnode
from zapcore.dmu.indirect_dbuf import AnyRecord, IndirectDbuf
from zapcore.errors import openzfs

if TYPE_CHECKING:
    from zapcore.dmu.spa_sync import SteppedSync


@openzfs("dnode_sync.c", "dnode_sync_free_range_impl")
def sync_free_range(sync: SteppedSync, dnode: IndirectDnode, first: int, last: int) -> None:
    """`IndirectDnode.sync_free_range` of an object that has indirect blocks on disk."""
    end = dnode.stable_max_blkid
    if first > end:
        return
    truncates, last = last >= end, min(last, end)
    level = dnode.stable_levels - 1
    span = level * dnode.indirect_bits
    for blkid in range(first >> span, (last >> span) + 1):
        _free_below(sync, dnode, level, blkid, first, last)
    if truncates:
        dnode.stable_max_blkid = max(first - 1, 0)


def _free_below(
    sync: SteppedSync, dnode: IndirectDnode, level: int, blkid: int, first: int, last: int
) -> None:
    if dnode.pointers.get((level, blkid)):
        dbuf = dnode.hold_level(level, blkid)
        _free_children(sync, dbuf, first, last)
        dbuf.rele()


@openzfs("dnode_sync.c", "free_children")
def _free_children(sync: SteppedSync, dbuf: IndirectDbuf, first: int, last: int) -> None:
    """`IndirectDnode.free_children`. The pointers to data are cleared under the block's lock."""
    dnode = dbuf.dnode
    freeing = bool(dnode.free_txg and dnode.free_txg <= sync.txg)
    dnode.begin_to_free(dbuf, freeing)
    children = dnode.children_between(dbuf, first, last)
    if dbuf.level > 1:
        for blkid in children:
            _free_below(sync, dnode, dbuf.level - 1, blkid, first, last)
    else:
        mine = sync.pointer_lock(dnode, children.start)
        lock = sync.enter_write(mine, dnode, children.start, children[-1])
        for blkid in children:
            if blkid in dnode.stable:
                sync.scheduler.point("dsl_dataset_block_kill", (dnode.number, blkid))
                del dnode.stable[blkid]
        sync.exit(lock)
    if freeing:
        dnode.free_indirect(dbuf)


@openzfs("dbuf.c", "dbuf_sync_list")
def sync_records(sync: SteppedSync, dnode: IndirectDnode, txg: int) -> None:
    """Write what is dirty in a txg."""
    roots = dnode.roots.get(txg, {})
    _sync_list(sync, dnode, roots)
    dnode.roots.pop(txg, None)
    dnode.dirty_records.pop(txg, None)


def _sync_list(sync: SteppedSync, dnode: IndirectDnode, records: dict[AnyRecord, None]) -> None:
    while records:
        record = next(iter(records))
        del records[record]
        if isinstance(record, DirtyRecord):
            del dnode.listed[record], dnode.dirty_records[record.txg][record]
            sync.sync_leaf(record)
            continue
        dnode.write_begins(record)
        _sync_list(sync, dnode, record.children)
        dbuf = record.dbuf
        if dbuf.level == 1:  # dbuf_write_children_ready() clears it, if it has only holes
            sync.wait_for_readers(sync.pointer_lock(dnode, dbuf.blkid << dnode.indirect_bits))
        sync.scheduler.point("indirect_ready", (dnode.number, dbuf.blkid, dbuf.level))
        dnode.write_ready(record)
        dnode.write_done(record)


def undirty_all(sync: SteppedSync, dnode: IndirectDnode, records: dict[AnyRecord, None]) -> None:
    """`IndirectDnode.undirty_all`."""
    for record in records:
        if isinstance(record, DirtyRecord):
            del dnode.listed[record]
            sync.undirty((record,))
        else:
            undirty_all(sync, dnode, record.children)
            record.dbuf.dirty.remove(record)
            record.dbuf.rele()
