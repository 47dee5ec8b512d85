"""The sync of a txg as a thread: what `Objset.finish_oldest_txg` does in one step, in the steps between
which open context runs, and what open context does otherwise meanwhile.

A step is named by the function of OpenZFS that comes next. At each the scheduler is told so, and other
threads may run: between two lists (a dnode is on neither), around each block pointer that is cleared, before
the data of a dbuf is copied, before and after it is written, before its dirty record goes. In open context
there are two such points: in dbuf_read(), between a look at the block pointer and dnode_block_freed(), and in
dnode_free_range(), before dbuf_free_range().

db_mtx and the parent's db_rwlock are locks here only where a thread may stand at a point and have them: who
reads a block has both, and who clears pointers of an indirect block has the latter. dn_mtx is not there,
because nobody stands at a point with it. Dirty records sync one after the other, each to its end; OpenZFS may
have several on their way. From module/zfs/dnode_sync.c, module/zfs/dbuf.c and module/zfs/dmu_objset.c.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Protocol

from zapcore.dmu import spa_sync_levels
from zapcore.dmu.buffer import Buffer
from zapcore.dmu.dbuf import CACHED, Dbuf, DirtyRecord
from zapcore.dmu.dnode import Dnode, runs
from zapcore.dmu.indirect import IndirectDnode
from zapcore.errors import fail, openzfs
from zapcore.locks import Scheduler

if TYPE_CHECKING:
    from zapcore.dmu.objset import Objset


class PointerLock:
    """db_rwlock of the dbuf in which a block's pointer lies: threads that have it as reader at a point, and
    whether the sync has it as writer."""

    __slots__ = ("readers", "writer")

    def __init__(self) -> None:
        self.readers = 0
        self.writer = False


class Watcher(Protocol):
    """Is told what becomes of blocks: `zapcore.audit.stepped_sync_blocks`."""

    def sync_begins(self, txg: int) -> None: ...
    def sync_ends(self) -> None: ...
    def forgotten(self, dbuf: Dbuf) -> None: ...
    def freed(self, dnode: Dnode, first: int, last: int) -> None: ...
    def filled(self, dbuf: Dbuf) -> None: ...


class SteppedSync:
    """What an object set has while the sync of a txg is a thread beside others.

    `txg` is the one that syncs now, 0 if none does. `synced` are the dnodes of it that are on
    os_synced_dnodes. `owners` are the dbufs whose db_mtx a thread has at a point, `pending` has
    db_data_pending of each dbuf that is being written. `watcher` judges.
    """

    def __init__(self, objset: Objset, scheduler: Scheduler, watcher: Watcher) -> None:
        self.objset = objset
        self.scheduler = scheduler
        self.watcher = watcher
        self.txg = 0
        self.synced: dict[Dnode, None] = {}
        self.owners: dict[Dbuf, int] = {}
        self.pending: dict[Dbuf, DirtyRecord] = {}
        self.pointer_locks: dict[Hashable, PointerLock] = {}

    @openzfs("spa.c", "spa_sync")
    def sync_oldest_txg(self) -> None:
        """Sync the oldest txg in flight when its transactions have committed. Does nothing if none is in
        flight."""
        objset = self.objset
        if not objset.in_flight:
            return
        txg = objset.in_flight[0]
        self.scheduler.quiesce(txg)
        self.wait_for_end()
        if txg not in objset.in_flight:
            return  # another thread finished it while this one waited
        self.txg = txg
        self.watcher.sync_begins(txg)
        dirty = objset.dirty_dnodes.get(txg)
        if dirty:
            while dirty:
                self._sync_dnodes(next(iter(dirty)), dirty)
            self.scheduler.point("dmu_objset_sync_done", (0, 0))
        objset.dirty_dnodes.pop(txg, None)
        self.synced.clear()
        objset.in_flight.pop(0)
        self.txg = 0
        self.watcher.sync_ends()

    def wait_for_end(self) -> None:
        """Wait until no txg syncs."""
        if self.txg:
            self.scheduler.block(lambda: not self.txg, "the sync of a txg ends")

    @openzfs("dmu_objset.c", "dmu_objset_sync_dnodes")
    def _sync_dnodes(self, dnode: Dnode, dirty: dict[Dnode, None]) -> None:
        """Take one dnode from the dirty ones to the synced ones, and sync it."""
        point = self.scheduler.point
        where = (dnode.number, 0)
        point("multilist_sublist_remove", where)
        del dirty[dnode]
        point("multilist_insert", where)
        self.synced[dnode] = None
        point("dnode_sync", where)
        self._sync_dnode(dnode, self.txg)

    @openzfs("dnode_sync.c", "dnode_sync")
    def _sync_dnode(self, dnode: Dnode, txg: int) -> None:
        freed = dnode.free_ranges.get(txg)
        if freed is not None:
            self._sync_free_ranges(dnode, freed, txg)
        if dnode.free_txg and dnode.free_txg <= txg:
            self._sync_free(dnode, txg)
            return
        dnode.on_disk = True
        dnode.stable_block_size = dnode.next_block_size.pop(txg, dnode.stable_block_size)
        if txg in dnode.next_levels:
            self._increase_indirection(dnode, txg)
        dnode.stable_max_blkid = dnode.next_max_blkid.pop(txg, dnode.stable_max_blkid)
        if isinstance(dnode, IndirectDnode):
            spa_sync_levels.sync_records(self, dnode, txg)
            return
        records = dnode.dirty_records.get(txg, {})
        while records:
            record = next(iter(records))
            del records[record]
            self.sync_leaf(record)
        if dnode.dirty_records.pop(txg, None) is not None and dnode.stable_levels > 1:
            self._write_indirect_blocks(dnode)

    @openzfs("dnode_sync.c", "dnode_sync_free_ranges")
    def _sync_free_ranges(self, dnode: Dnode, freed: set[int], txg: int) -> None:
        """Free on disk what a txg has freed. How long others still see that it is to be freed differs between
        releases: until all of it is done, or until each run of blocks is."""
        where = (dnode.number, 0)
        if dnode.objset.release.forgets_freed_by_run:
            while freed:
                first, last = next(runs(freed))
                self._sync_free_range(dnode, first, last)
                self.scheduler.point("mutex_enter", where)
                freed.difference_update(range(first, last + 1))
        else:
            for first, last in runs(freed):
                self._sync_free_range(dnode, first, last)
                self.scheduler.point("mutex_enter", where)
        del dnode.free_ranges[txg]
        self.scheduler.point("mutex_exit", where)

    @openzfs("dnode_sync.c", "dnode_sync_free_range_impl")
    def _sync_free_range(self, dnode: Dnode, first: int, last: int) -> None:
        """Clear the block pointers of a range. Those in an indirect block are cleared under its lock, those
        in the dnode under none."""
        if isinstance(dnode, IndirectDnode) and dnode.stable_levels > 1:
            spa_sync_levels.sync_free_range(self, dnode, first, last)
            return
        end = dnode.stable_max_blkid
        if first > end:
            return
        blocks = [blkid for blkid in range(first, min(last, end) + 1) if blkid in dnode.stable]
        lock: PointerLock | None = None
        for blkid in blocks:
            if dnode.stable_levels > 1:
                mine = self.pointer_lock(dnode, blkid)
                if mine is not lock:
                    self.exit(lock)
                    lock = self.enter_write(mine, dnode, blkid, last)
            self.scheduler.point("dsl_dataset_block_kill", (dnode.number, blkid))
            del dnode.stable[blkid]
        self.exit(lock)
        if last >= end:
            dnode.stable_max_blkid = max(first - 1, 0)

    def enter_write(self, lock: PointerLock, dnode: Dnode, first: int, last: int) -> PointerLock:
        """Take the lock of an indirect block as writer. A debug build has looked at the dbufs of the range
        before (free_verify), and so waits for those that are being read."""
        for blkid in sorted(blkid for blkid in dnode.dbufs if first <= blkid <= last):
            self.wait_for(dnode.dbufs.get(blkid))
        self.wait_for_readers(lock)
        lock.writer = True
        return lock

    @staticmethod
    def exit(lock: PointerLock | None) -> None:
        if lock is not None:
            lock.writer = False

    @openzfs("dnode_sync.c", "dnode_increase_indirection")
    def _increase_indirection(self, dnode: Dnode, txg: int) -> None:
        """Move the block pointers of the dnode into an indirect block."""
        self.scheduler.point("rw_enter", (dnode.number, 0))
        for blkid in range(dnode.BLOCK_POINTERS):
            self.wait_for(dnode.dbufs.get(blkid))
        self.wait_for_readers(self.pointer_lock(dnode, 0))
        if isinstance(dnode, IndirectDnode):
            dnode.increase_indirection(dnode.next_levels.pop(txg))
        else:
            dnode.stable_levels = dnode.next_levels.pop(txg)

    @openzfs("dbuf.c", "dbuf_sync_leaf")
    def sync_leaf(self, record: DirtyRecord) -> None:
        """Write one dbuf as a txg has it: `Dbuf.sync`."""
        dbuf = record.dbuf
        point = self.scheduler.point
        where = (dbuf.dnode.number, dbuf.blkid)
        point("db_mtx", where)
        self.wait_for(dbuf)
        if record.data is dbuf.buf and len(dbuf.holds) > 1:
            record.data = dbuf.buf.copy()
        self.pending[dbuf] = record
        if isinstance(dbuf.dnode, IndirectDnode):
            dbuf.dnode.check_pointer(dbuf)
        written = record.data
        point("arc_write", where)
        data = bytes(written.raw)
        hole = data == bytes(len(data))
        point("dbuf_write_ready", where)
        self._write_ready(dbuf, data, hole)
        point("dbuf_write_done", where)
        self._write_done(dbuf, record, hole)

    def _write_indirect_blocks(self, dnode: Dnode) -> None:
        """Write the indirect blocks of an object. Those that have only holes are cleared (under their lock:
        dbuf_write_children_ready), and their own pointers are set."""
        full = {blkid >> dnode.indirect_bits for blkid in dnode.stable}
        for block in range((dnode.max_blkid >> dnode.indirect_bits) + 1):
            if block not in full:
                self.wait_for_readers(self.pointer_locks.get((dnode.number, block)))
        self.wait_for_readers(self.pointer_locks.get(None))

    def wait_for_readers(self, lock: PointerLock | None) -> None:
        """Take a db_rwlock as writer, and let it go."""
        if lock is not None and lock.readers:
            self.scheduler.block(lambda: not lock.readers, "db->db_rwlock can be taken as writer")

    def _wait_for_writer(self, lock: PointerLock) -> None:
        """Take a db_rwlock as reader, and let it go."""
        if lock.writer:
            self.scheduler.block(lambda: not lock.writer, "db->db_rwlock can be taken as reader")

    @openzfs("dbuf.c", "dbuf_write_ready")
    def _write_ready(self, dbuf: Dbuf, data: bytes, hole: bool) -> None:
        """The block has a place on disk: set its pointer."""
        dnode = dbuf.dnode
        self.wait_for(dbuf)
        if dbuf.blkid > dnode.stable_max_blkid:
            dnode.stable_max_blkid = dbuf.blkid
        self.wait_for_readers(self.pointer_lock(dnode, dbuf.blkid))
        if hole:
            dnode.stable.pop(dbuf.blkid, None)
        else:
            dnode.stable[dbuf.blkid] = data

    @openzfs("dbuf.c", "dbuf_write_done")
    def _write_done(self, dbuf: Dbuf, record: DirtyRecord, hole: bool) -> None:
        """The block is on disk: the dirty record goes, and with it its hold."""
        self.wait_for(dbuf)
        if dbuf.dirty[-1] is not record:
            fail("list_next(&db->db_dirty_records, dr) == NULL", line=5059)
        if record.data is dbuf.buf:
            dbuf.buf.anonymous = hole
        dbuf.dirty.pop()
        del self.pending[dbuf]
        dbuf.rele(record.txg)

    @openzfs("dnode_sync.c", "dnode_sync_free")
    def _sync_free(self, dnode: Dnode, txg: int) -> None:
        """Free an object: `Dnode._sync_free`."""
        dnode.check_used()
        if isinstance(dnode, IndirectDnode):
            spa_sync_levels.undirty_all(self, dnode, dnode.roots.pop(txg, {}))
        else:
            self.undirty(dnode.dirty_records.get(txg, ()))
        dnode.dirty_records.pop(txg, None)
        dnode.next_max_blkid.pop(txg, None)
        dnode.next_levels.pop(txg, None)
        self.scheduler.point("dnode_evict_dbufs", (dnode.number, 0))
        self.wait_for_all(dnode)
        dnode.evict_dbufs()
        self.objset.forget(dnode)

    @openzfs("dnode_sync.c", "dnode_undirty_dbufs")
    def undirty(self, records: Iterable[DirtyRecord]) -> None:
        """Drop dirty records that are not written, because their object goes."""
        for record in records:
            dbuf = record.dbuf
            self.scheduler.point("db_mtx", (dbuf.dnode.number, dbuf.blkid))
            self.wait_for(dbuf)
            dbuf.dirty.remove(record)
            dbuf.rele(record.txg)

    def pointer_lock(self, dnode: Dnode, blkid: int) -> PointerLock:
        """The lock of the dbuf that has a block's pointer: an indirect block, or the block of the dnode,
        which it shares with others."""
        key: Hashable = (dnode.number, blkid >> dnode.indirect_bits) if dnode.stable_levels > 1 else None
        lock = self.pointer_locks.get(key)
        if lock is None:
            lock = self.pointer_locks[key] = PointerLock()
        return lock

    def wait_for(self, dbuf: Dbuf | None) -> None:
        """Take db_mtx, and let it go: wait while another thread has it."""
        if dbuf is not None and dbuf in self.owners and self.owners[dbuf] != self.objset.threads.current:
            self.scheduler.block(self._free(dbuf), "db->db_mtx can be taken")

    def wait_for_all(self, dnode: Dnode) -> None:
        """Take db_mtx of each dbuf of an object, one after the other."""
        for dbuf in list(dnode.dbufs.values()):
            self.wait_for(dbuf)

    def _free(self, dbuf: Dbuf) -> Callable[[], bool]:
        return lambda: dbuf not in self.owners

    def before_hold(self, dnode: Dnode, blkid: int) -> None:
        """What dbuf_hold_impl() does beside: take db_mtx; and if the dbuf's data is being written, leave it
        to the write, and give the holder a copy (dbuf_hold_copy)."""
        self.wait_for(dnode.dbufs.get(blkid))
        dbuf = dnode.dbufs.get(blkid)
        if dbuf is None and isinstance(dnode, IndirectDnode):
            self._wait_for_writer(self.pointer_lock(dnode, blkid))
        if dbuf is None or dbuf.state is not CACHED:
            return
        record = self.pending.get(dbuf)
        if record is not None and record.data is dbuf.buf:
            dbuf.buf = dbuf.buf.copy()

    def before_listed(self, dbuf: Dbuf) -> None:
        """What dbuf_dirty() does between, with no lock of its own: it looks at the block pointer, for which
        it takes the parent's lock as reader. (If the dbuf has none yet, it does not.)"""
        self._wait_for_writer(self.pointer_lock(dbuf.dnode, dbuf.blkid))

    def before_free(self, dnode: Dnode, first: int, last: int) -> None:
        """What dnode_free_range() does between: the range is known, and its dbufs come next, each under its
        db_mtx (dbuf_free_range)."""
        self.scheduler.point("dbuf_free_range", (dnode.number, first))
        for blkid in sorted(blkid for blkid in dnode.dbufs if first <= blkid <= last):
            self.wait_for(dnode.dbufs.get(blkid))

    @openzfs("dmu_tx.c", "dmu_tx_check_ioerr")
    def before_transaction(self, number: int) -> None:
        """What the transaction of an op does before it is assigned (dmu_tx_hold_zap): hold the header's dbuf,
        and let it go. That may take the data from a write. Nobody stops at these two."""
        dnode = self.objset.dnodes.get(number)
        if dnode is None or dnode.free_txg:
            return
        self.before_hold(dnode, 0)
        dnode.check_header()

    @openzfs("dbuf.c", "dbuf_read")
    def read(self, dbuf: Dbuf) -> None:
        """Fill a dbuf: `Dbuf.read`. Between the look at the pointer and the question whether the block was
        freed, others may run; some releases look at the pointer again."""
        self.wait_for(dbuf)
        if dbuf.state is CACHED:
            return  # another thread has read it
        dnode, blkid = dbuf.dnode, dbuf.blkid
        stable: bytes | None = None
        if blkid in dnode.stable:
            threads = self.objset.threads
            lock = self.pointer_lock(dnode, blkid)
            self.owners[dbuf] = threads.current
            self._wait_for_writer(lock)
            lock.readers += 1
            stable = self._look_again(dnode, blkid) if blkid in dnode.stable else None
            lock.readers -= 1
            del self.owners[dbuf]
        dbuf.buf = Buffer(bytearray(dbuf.size if stable is None else stable), stable is None)
        dbuf.state = CACHED
        self.watcher.filled(dbuf)

    @openzfs("dbuf.c", "dbuf_read_impl")
    def _look_again(self, dnode: Dnode, blkid: int) -> bytes | None:
        """The bytes of a block whose pointer is no hole, None if it was freed."""
        self.scheduler.point("dnode_block_freed", (dnode.number, blkid))
        if dnode.block_freed(blkid):
            return None
        stable = dnode.stable.get(blkid)
        if stable is None and not self.objset.release.looks_at_hole_again:
            _read_hole()
        return stable


@openzfs("arc.c", "arc_read")
def _read_hole() -> None:
    """A block that has no place on disk is asked for."""
    fail("!BP_IS_HOLE(bp)")
