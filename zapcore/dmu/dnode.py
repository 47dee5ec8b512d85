"""A dnode: one object, its cached dbufs, what is dirty or freed in which txg, and its blocks on disk.

From module/zfs/dnode.c and module/zfs/dnode_sync.c.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from zapcore.dmu.block_tree import BlockTree
from zapcore.dmu.dbuf import CACHED, CHECK, Dbuf, DirtyRecord, Tag
from zapcore.errors import ZapErrno, fail, openzfs

if TYPE_CHECKING:
    from zapcore.dmu.objset import Objset, Tx


class Dnode:
    """dnode_t. `directory` says that its type is DMU_OT_DIRECTORY_CONTENTS, `special` that it is one that
    only syncing context changes, and that stays in memory (DMU_OBJECT_IS_SPECIAL, include/sys/dnode.h). `mos`
    says that it is of the meta object set, whose dbufs go only with the pool.

    `held` are the blocks whose dbufs were held since an audit, where there are any (`zapcore.audit`).
    `stable` has by block number the bytes of the blocks on stable storage; a hole is not in it. `max_blkid`
    is dn_maxblkid, which only grows while the dnode is in memory. `free_txg` is the txg that freed the
    object, or 0 if none has. `levels` is dn_nlevels, `stable_levels` the same on disk; both only grow.
    `dirty_records`, `free_ranges`, `next_max_blkid`, `next_levels` and `next_block_size` have by txg what
    this txg has to do when it syncs: which blocks to write, which to free, up to which block the object then
    reaches, how many levels it then has, and how large its blocks then are. `on_disk` says whether a txg with
    the object in it has synced, and `stable_block_size` is how large its blocks were in the last one.
    """

    BLOCK_POINTERS = 3
    """dn_nblkptr of a dnode of 512 bytes without a bonus buffer."""
    indirect_bits: int = 10
    """log2 of how many pointers an indirect block has: dn_indblkshift (zfs_default_ibs) - SPA_BLKPTRSHIFT."""

    __slots__ = (
        "block_size",
        "dbufs",
        "directory",
        "dirty_records",
        "free_ranges",
        "free_txg",
        "held",
        "levels",
        "max_blkid",
        "mos",
        "next_block_size",
        "next_levels",
        "next_max_blkid",
        "number",
        "objset",
        "on_disk",
        "special",
        "stable",
        "stable_block_size",
        "stable_levels",
        "stable_max_blkid",
    )

    def __init__(self, objset: Objset, number: int, block_size: int) -> None:
        self.objset = objset
        self.number = number
        self.block_size = block_size
        self.directory = False
        self.special = False
        self.mos = False
        self.max_blkid = 0
        self.stable_max_blkid = 0
        self.levels = self.stable_levels = 1
        self.free_txg = 0
        self.dbufs: dict[int, Dbuf] = {}
        self.stable: dict[int, bytes] = {}
        self.free_ranges: dict[int, set[int]] = {}
        self.dirty_records: dict[int, dict[DirtyRecord, None]] = {}
        self.next_max_blkid: dict[int, int] = {}
        self.next_levels: dict[int, int] = {}
        self.next_block_size: dict[int, int] = {}
        self.on_disk = False
        self.stable_block_size = block_size
        self.held: set[int] = set()

    @openzfs("dbuf.c", "dmu_buf_hold_by_dnode")
    def hold(self, blkid: int, tag: Tag) -> Dbuf:
        """Hold the dbuf of a block. It is made and read first if it is not there (dbuf_hold_impl and
        dbuf_read). If the read fails, raises its errno and holds nothing."""
        objset = self.objset
        scheduler = objset.threads.scheduler
        if scheduler is not None and tag is not CHECK:
            scheduler.point("hold", (self.number, blkid))
            if objset.stepped_sync is not None:
                objset.stepped_sync.before_hold(self, blkid)
        dbuf = self.dbufs.get(blkid)
        if dbuf is None:
            dbuf = self.dbufs[blkid] = Dbuf(self, blkid)
        elif dbuf.cached:
            dbuf.cached = False
            del objset.cache[dbuf]
        elif dbuf.pending_evict and objset.release.reads_cancel_evict:
            dbuf.pending_evict = False
        dbuf.holds.append(tag)
        objset.holds += 1
        if dbuf.state is not CACHED:
            try:
                dbuf.read()
            except ZapErrno:
                dbuf.rele(tag)
                raise
            if tag is CHECK and objset.release.reads_cancel_evict:
                dbuf.buf.uncached = True
        return dbuf

    def check_header(self) -> None:
        """What the transaction of an op does with a ZAP that it may write (dmu_tx_hold_zap calls
        dmu_tx_check_ioerr): hold the header's dbuf, and let it go. Nobody stops at these two, but in the
        middle of a read others may run. Raises the errno of a read that fails. What is read for a dbuf that
        is to be evicted (in newer releases a new one, too) is not for the ARC to keep."""
        self.hold(0, CHECK).rele(CHECK)

    def reloaded(self) -> Dnode:
        """A new dnode of the same object, as it is on disk, with nothing in memory (dnode_hold after an
        import)."""
        dnode = self._anew(self.stable_block_size)
        dnode.on_disk = True
        dnode.directory = self.directory
        dnode.special = self.special
        dnode.mos = self.mos
        dnode.stable = self.stable
        dnode.max_blkid = dnode.stable_max_blkid = self.stable_max_blkid
        dnode.levels = dnode.stable_levels = self.stable_levels
        return dnode

    def _anew(self, block_size: int) -> Dnode:
        return Dnode(self.objset, self.number, block_size)

    def current(self, blkid: int) -> bytes | bytearray:
        """The bytes of a block as they are now, dirty or not. They are not a copy: look at them, but do not
        keep or change them."""
        dbuf = self.dbufs.get(blkid)
        if dbuf is not None and dbuf.state is CACHED:
            return dbuf.buf.raw
        stable = None if self.block_freed(blkid) else self.stable.get(blkid)
        return bytes(self.block_size) if stable is None else stable

    def peek(self, blkid: int) -> bytes:
        """A copy of the bytes of a block as they are now, as dmu_read() gives them."""
        return bytes(self.current(blkid))

    @openzfs("dnode.c", "dnode_block_freed")
    def block_freed(self, blkid: int) -> bool:
        """Whether the block, or the whole object, was freed in a txg that has not synced."""
        if self.free_txg:
            return True
        return any(blkid in freed for freed in self.free_ranges.values())

    @openzfs("dnode.c", "dnode_is_dirty")
    def is_dirty(self) -> bool:
        """Whether any txg has something to write of it that is not on disk. It is on a list of dnodes until
        its txg has synced; while it goes from one list to another, its dirty records tell."""
        stepped = self.objset.stepped_sync
        if stepped is not None and self in stepped.synced:
            return True
        listed = any(self in dnodes for dnodes in self.objset.dirty_dnodes.values())
        return listed or any(self.dirty_records.values())

    @openzfs("dmu.c", "dmu_offset_next")
    def next_offset(self, offset: int, hole: bool) -> int:
        """Where the next data is from a byte on, or the next hole; behind all block pointers there is one.
        Raises EBUSY for a dirty object, instead of waiting until it is on disk, ESRCH where there is no more
        data, and what a read of an indirect block gives."""
        if self.is_dirty():
            raise ZapErrno(errno.EBUSY)
        pointers = self.BLOCK_POINTERS, self.indirect_bits, self.search_reads
        return BlockTree(self.stable, self.block_size, self.stable_levels, *pointers).next_offset(
            offset, hole
        )

    def search_reads(self, level: int, blkid: int) -> None:
        """What a search does before it looks into an indirect block, if these have dbufs; may raise."""

    def check_free(self) -> None:
        """What a transaction that will free the object reads before it is assigned; may raise."""

    def unfree(self, blkid: int, txg: int) -> None:
        """Do not free a block after all, because it was dirtied after it was freed in the same txg."""
        freed = self.free_ranges.get(txg)
        if freed is not None:
            freed.discard(blkid)

    def dirtied(self, record: DirtyRecord) -> None:
        """Put a dirty record on the list of its txg (dbuf_dirty, dnode_new_blkid, dnode_setdirty)."""
        txg = record.txg
        records = self.dirty_records.get(txg)
        if records is None:
            records = self.dirty_records[txg] = {}
            self.set_dirty(txg)
        records[record] = None
        blkid = record.dbuf.blkid
        if blkid > self.max_blkid:
            self._new_blkid(blkid, txg)

    @openzfs("dnode.c", "dnode_new_blkid")
    def _new_blkid(self, blkid: int, txg: int) -> None:
        """The object reaches further than before, and may need more levels for that."""
        self.max_blkid = self.next_max_blkid[txg] = blkid
        reach = self.BLOCK_POINTERS << self.indirect_bits * (self.levels - 1)
        while reach <= blkid:
            self.levels += 1
            self.next_levels[txg] = self.levels
            reach <<= self.indirect_bits

    def undirtied(self, record: DirtyRecord) -> None:
        """Take a dirty record off the list of its txg."""
        del self.dirty_records[record.txg][record]

    def set_dirty(self, txg: int) -> None:
        """The dnode has something to sync in this txg (dnode_setdirty)."""
        self.objset.dirty_dnodes.setdefault(txg, {})[self] = None

    @openzfs("dnode.c", "dnode_free_range")
    def free_range(self, blkid: int, blocks: int, tx: Tx) -> None:
        """Free blocks in open context. Their dbufs see it at once; on disk it is done when the txg syncs."""
        if blkid > self.max_blkid:
            return
        objset = self.objset
        if self.special and objset.syncing_txg == tx.txg and objset.release.frees_on_sync_thread:
            fail(
                "(tx)->tx_txg > spa_syncing_txg((dn)->dn_objset->os_spa) || "
                "dmu_objset_pool((dn)->dn_objset)->dp_tx.tx_sync_thread == curthread",
                line=2413,
            )
        last = min(blkid + blocks - 1, self.max_blkid)
        self.free_ranges.setdefault(tx.txg, set()).update(range(blkid, blkid + blocks))
        if self.objset.stepped_sync is not None:
            self.objset.stepped_sync.before_free(self, blkid, last)
        if blocks == 1:
            dbuf = self.dbufs.get(blkid)
            if dbuf is not None:
                dbuf.freed(tx.txg)
        else:
            for each in sorted(b for b in self.dbufs if blkid <= b <= last):
                self.dbufs[each].freed(tx.txg)
        if self.objset.stepped_sync is not None:
            self.objset.stepped_sync.watcher.freed(self, blkid, last)
        self.set_dirty(tx.txg)

    @openzfs("dmu_object.c", "dmu_object_free")
    def free(self, tx: Tx) -> None:
        """Free the object: all its blocks now, and the dnode when the txg syncs."""
        self.free_range(0, self.max_blkid + 1, tx)
        self.free_txg = tx.txg
        self.set_dirty(tx.txg)

    @openzfs("dnode.c", "dnode_set_blksz")
    def set_block_size(self, size: int, tx: Tx) -> None:
        """Give the only block another size. Raises ENOTSUP if there are more blocks, or if one has a dbuf."""
        if size == self.block_size:
            return
        if self.max_blkid != 0 or any(self.dbufs):
            raise ZapErrno(errno.ENOTSUP)
        self.set_dirty(tx.txg)
        dbuf = self.hold(0, "dnode_set_blksz")
        dbuf.new_size(size, tx)
        self.block_size = self.next_block_size[tx.txg] = size
        dbuf.rele("dnode_set_blksz")

    @openzfs("dnode_sync.c", "dnode_sync")
    def sync(self, txg: int) -> None:
        """Free and write on stable storage what one txg has freed and dirtied."""
        for first, last in runs(self.free_ranges.pop(txg, ())):
            self._sync_free_range(first, last)
        if self.free_txg and self.free_txg <= txg:
            self._sync_free(txg)
            return
        self.on_disk = True
        if self.next_levels:
            self.stable_levels = self.next_levels.pop(txg, self.stable_levels)
        if self.next_block_size:
            self.stable_block_size = self.next_block_size.pop(txg, self.stable_block_size)
        self.stable_max_blkid = self.next_max_blkid.pop(txg, self.stable_max_blkid)
        for record in self.dirty_records.pop(txg, ()):
            record.dbuf.sync(record)

    @openzfs("dnode_sync.c", "dnode_sync_free_range")
    def _sync_free_range(self, first: int, last: int) -> None:
        """Free blocks on stable storage. If the last block of the object is among them, the object then ends
        before the first of them."""
        if first > self.stable_max_blkid:
            return
        for blkid in range(first, min(last, self.stable_max_blkid) + 1):
            self.stable.pop(blkid, None)
        if last >= self.stable_max_blkid:
            self.stable_max_blkid = max(first - 1, 0)

    @openzfs("dnode_sync.c", "dnode_sync_free")
    def _sync_free(self, txg: int) -> None:
        self.check_used()
        for record in self.dirty_records.pop(txg, ()):
            record.dbuf.dirty.remove(record)
            record.dbuf.rele(txg)
        self.next_max_blkid.pop(txg, None)
        self.next_levels.pop(txg, None)
        self.evict_dbufs()
        self.objset.forget(self)

    def check_used(self) -> None:
        """An object that goes has no blocks on disk any more: all were freed with it."""
        if self.stable:
            fail("DN_USED_BYTES(dn->dn_phys)", macro="VERIFY0", line=586)

    @openzfs("dnode_sync.c", "dnode_evict_dbufs")
    def evict_dbufs(self) -> None:
        """Destroy every dbuf that nobody holds. The others will be destroyed with their last hold."""
        for dbuf in [self.dbufs[blkid] for blkid in sorted(self.dbufs)]:
            if dbuf.holds:
                dbuf.pending_evict = True
            else:
                dbuf.destroy()
        if not (self.dbufs or self.dirty_records or self.free_ranges or self.special):
            self.max_blkid = self.stable_max_blkid


def runs(blocks: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the last block of each run of consecutive blocks."""
    ordered = sorted(blocks)
    first = 0
    for at, blkid in enumerate(ordered):
        if at + 1 == len(ordered) or ordered[at + 1] != blkid + 1:
            yield ordered[first], blkid
            first = at + 1
