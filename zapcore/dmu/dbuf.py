"""A dbuf: one cached block, who holds it, in which txgs it is dirty, and the user data that is attached to
it.

Here it is decided whether the dbuf of a freed block stays or is destroyed, and its user data with it. Three
things decide it, and nothing else: its holds, its dirty records (each of them is a hold), and whether its
data is anonymous. From module/zfs/dbuf.c.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from zapcore.dmu.buffer import Buffer
from zapcore.errors import ZapErrno, fail, openzfs

if TYPE_CHECKING:
    from zapcore.dmu.dnode import Dnode
    from zapcore.dmu.objset import Tx

Tag = object
CHECK = "dmu_tx_check_ioerr"
"""The tag of a transaction that looks at what it may write. No thread stops at its hold and release."""
"""Who holds a dbuf, which may be any object. None stands for OpenZFS's tag NULL. The tag of a dirty record is
its txg, an int."""


class State(enum.Enum):
    """db_state: those states that there are without asynchronous I/O."""

    UNCACHED = "UNCACHED"
    CACHED = "CACHED"
    EVICTING = "EVICTING"


class User:
    """User data of a dbuf (dmu_buf_user_t). `dbuf` is cleared when the user data is evicted, as debug builds
    of OpenZFS do it (dbu_clear_on_evict_dbufp)."""

    __slots__ = ("dbuf",)

    def __init__(self, dbuf: Dbuf) -> None:
        self.dbuf = dbuf

    def evicted(self) -> None:
        """The evict callback: the dbuf has let go of the user data, which is freed now."""
        raise NotImplementedError


class DirtyRecord:
    """The data of a dbuf as one txg has it. `data` is the dbuf's own buffer until a later txg changes
    that."""

    __slots__ = ("data", "dbuf", "txg")

    def __init__(self, dbuf: Dbuf, txg: int, data: Buffer) -> None:
        self.dbuf = dbuf
        self.txg = txg
        self.data = data


UNCACHED = State.UNCACHED
CACHED = State.CACHED
EVICTING = State.EVICTING


class Dbuf:
    """dmu_buf_impl_t of a block of level 0. `dirty` has the dirty records, the newest first. `cached` says
    that the dbuf is in the dbuf cache, where dbufs are that nobody holds. `pending_evict` says that it will
    not go there with its last hold, but be destroyed."""

    __slots__ = (
        "blkid",
        "buf",
        "cached",
        "dirty",
        "dnode",
        "holds",
        "pending_evict",
        "size",
        "state",
        "user",
    )

    def __init__(self, dnode: Dnode, blkid: int) -> None:
        self.dnode = dnode
        self.blkid = blkid
        self.size = dnode.block_size
        self.state = UNCACHED
        self.buf: Buffer = None  # type: ignore[assignment]  # None only while UNCACHED
        self.holds: list[Tag] = []
        self.dirty: list[DirtyRecord] = []
        self.user: User | None = None
        self.cached = False
        self.pending_evict = False

    @openzfs("dbuf.c", "dbuf_read")
    def read(self) -> None:
        """Fill it from stable storage, or with zeros if the block is a hole or was freed in a txg that has
        not synced. Raises what a read of the block gives if that fails."""
        stepped = self.dnode.objset.stepped_sync
        if stepped is not None:
            stepped.read(self)
            return
        stable = None if self.dnode.block_freed(self.blkid) else self.dnode.stable.get(self.blkid)
        if stable is None:
            self.buf = Buffer(bytearray(self.size), True)
        else:
            if self.dnode.objset.failing:
                code = self.dnode.objset.read_error(self.dnode.number, self.blkid)
                if code:
                    raise ZapErrno(code)
            self.buf = Buffer(bytearray(stable), False)
        self.state = CACHED

    @openzfs("dbuf.c", "dbuf_rele_and_unlock")
    def rele(self, tag: Tag) -> None:
        """Drop one hold of `tag`. With its last hold the dbuf goes to the cache or is destroyed."""
        holds = self.holds
        if type(tag) is not int:
            objset = self.dnode.objset
            if objset.threads.scheduler is not None and tag is not CHECK:
                objset.threads.scheduler.point("rele", (self.dnode.number, self.blkid))
                if objset.stepped_sync is not None:
                    objset.stepped_sync.wait_for(self)
            objset.holds -= 1
        try:
            holds.remove(tag)
        except ValueError:
            fail("zfs_refcount_remove(&db->db_holds, tag)", place="refcount.c:zfs_refcount_remove_many")
        if holds:
            return
        buf = self.buf
        if buf is None or buf.anonymous or self.pending_evict:
            self.destroy()
        elif not self.cached:
            self.cached = True
            self.dnode.objset.cache[self] = None

    @openzfs("dbuf.c", "dbuf_destroy")
    def destroy(self) -> None:
        """Evict the user data, forget the bytes and leave the dnode. Nobody may hold the dbuf."""
        if self.holds:
            fail("zfs_refcount_is_zero(&db->db_holds)", line=3184)
        if self.buf is not None and not (self.buf.anonymous or self.buf.uncached):
            self.dnode.objset.keep_in_arc(self.dnode.number, self.blkid)
        self.clear_data()
        if self.cached:
            self.cached = False
            del self.dnode.objset.cache[self]
        if self.dirty:
            fail("list_is_empty(&db->db_dirty_records)", line=3228)
        self.state = EVICTING
        del self.dnode.dbufs[self.blkid]

    @openzfs("dbuf.c", "dbuf_clear_data")
    def clear_data(self) -> None:
        """Evict the user data and forget the bytes. A dirty record may still have them."""
        stepped = self.dnode.objset.stepped_sync
        if stepped is not None and self.state is CACHED:
            stepped.watcher.forgotten(self)
        self.evict_user()
        self.buf = None  # type: ignore[assignment]
        self.state = UNCACHED

    @openzfs("dbuf.c", "dbuf_evict_user")
    def evict_user(self) -> None:
        """Detach the user data and tell it so."""
        user = self.user
        if user is None:
            return
        self._verify_user(evicting=True)
        self.user = None
        user.dbuf = None  # type: ignore[assignment]
        user.evicted()

    @openzfs("dbuf.c", "dbuf_verify_user")
    def _verify_user(self, evicting: bool = False) -> None:
        if self.user is None:
            return
        if self.state is not CACHED:
            fail("db->db_state == DB_CACHED", macro="VERIFY3U", line=530)
        if not evicting and not self.holds:
            fail("holds > 0", macro="VERIFY3U", values=(0, 0), operator=">", line=548)

    @openzfs("dbuf.c", "dmu_buf_get_user")
    def get_user(self) -> User | None:
        """The attached user data."""
        if self.user is not None:
            self._verify_user()
        return self.user

    @openzfs("dbuf.c", "dmu_buf_set_user")
    def set_user(self, user: User) -> User | None:
        """Attach user data if there is none yet. Returns None, or the user data that was there before."""
        return self._replace_user(None, user)

    @openzfs("dbuf.c", "dmu_buf_remove_user")
    def remove_user(self, user: User) -> User | None:
        """Detach this user data, without a call of its evict callback. Returns what was attached."""
        return self._replace_user(user, None)

    @openzfs("dbuf.c", "dmu_buf_replace_user")
    def _replace_user(self, old: User | None, new: User | None) -> User | None:
        self._verify_user()
        if self.user is old:
            self.user = new
        else:
            old = self.user
        self._verify_user()
        return old

    @openzfs("dbuf.c", "dmu_buf_will_dirty")
    def will_dirty(self, tx: Tx) -> None:
        """Announce that the data will be changed in the txg of `tx`."""
        dirty = self.dirty
        if self.state is CACHED:
            if dirty and dirty[0].txg == tx.txg:
                if not self.buf.anonymous:
                    fail("arc_released(db->db_buf)", place="dbuf.c:dbuf_redirty", line=2164)
                return
        else:
            self.read()
        if self.pending_evict and self.dnode.objset.release.reads_cancel_evict:
            self.pending_evict = False
        self._dirty(tx)

    @openzfs("dbuf.c", "dbuf_dirty")
    def _dirty(self, tx: Tx) -> None:
        txg = tx.txg
        dirty = self.dirty
        if not self.holds:
            fail("!zfs_refcount_is_zero(&db->db_holds)", line=2249)
        if dirty and dirty[0].txg > txg:
            fail("dr_head == NULL || dr_head->dr_txg <= tx->tx_txg", line=2303)
        self.buf.anonymous = True
        self.fix_old_data()
        record = DirtyRecord(self, txg, self.buf)
        dirty.insert(0, record)
        dnode = self.dnode
        dnode.unfree(self.blkid, txg)
        self.holds.append(txg)
        if len(dirty) > 3:
            fail("db->db_dirtycnt <= 3", macro="VERIFY3U", values=(len(dirty), 3), operator="<=", line=2416)
        if dnode.objset.stepped_sync is not None:
            dnode.objset.stepped_sync.before_listed(self)
        dnode.dirtied(record)

    @openzfs("dbuf.c", "dbuf_fix_old_data")
    def fix_old_data(self) -> None:
        """Keep the data for an older txg that has not synced, before it changes. That txg gets a copy of its
        own; but if only dirty records hold the dbuf, the txg keeps the buffer, and the dbuf forgets it."""
        if not self.dirty or self.dirty[0].data is not self.buf:
            return
        if len(self.holds) > len(self.dirty):
            self.dirty[0].data = self.buf.copy()
        else:
            self.clear_data()

    @openzfs("dbuf.c", "dbuf_undirty")
    def undirty(self, txg: int) -> bool:
        """Take back the dirty record of an open txg. Returns True if this was the last hold, so that the dbuf
        is destroyed now."""
        objset = self.dnode.objset
        if objset.syncing_txg == txg and not (objset.release.undirties_special or self.dnode.mos):
            fail(
                "db->db_objset == dmu_objset_pool(db->db_objset)->dp_meta_objset || "
                "txg != spa_syncing_txg(dmu_objset_spa(db->db_objset))",
                line=2561,
            )
        for record in self.dirty:
            if record.txg == txg:
                break
        else:
            return False
        self.dirty.remove(record)
        self.dnode.undirtied(record)
        self.holds.remove(txg)
        if self.holds:
            return False
        if not self.buf.anonymous:
            fail("db->db_state == DB_NOFILL || arc_released(db->db_buf)", line=2636)
        self.destroy()
        return True

    @openzfs("dbuf.c", "dbuf_free_range")
    def freed(self, txg: int) -> None:
        """Its block is freed in open context. Take back the dirty record of this txg; then destroy the dbuf
        if nobody holds it, else clear its data."""
        if self.undirty(txg) or self.state is not CACHED:
            return
        if not self.holds:
            self.destroy()
            return
        if self.dirty and self.dirty[0].txg != txg:
            self.fix_old_data()
        if self.state is CACHED:
            self.buf.anonymous = True
            self.buf.zero()

    @openzfs("dbuf.c", "dbuf_sync_leaf")
    def sync(self, record: DirtyRecord) -> None:
        """Write the data of one txg to stable storage. If anybody else holds the dbuf, a copy is written. A
        block of zeros becomes a hole, and its buffer stays anonymous."""
        if record.data is self.buf and len(self.holds) > 1:
            record.data = self.buf.copy()
        dnode = self.dnode
        if self.blkid > dnode.stable_max_blkid:
            dnode.stable_max_blkid = self.blkid
        data = bytes(record.data.raw)
        hole = data == bytes(len(data))
        if hole:
            dnode.stable.pop(self.blkid, None)
        else:
            dnode.stable[self.blkid] = data
        if record.data is self.buf:
            self.buf.anonymous = hole
        self.dirty.remove(record)
        self.rele(record.txg)

    @openzfs("dbuf.c", "dbuf_new_size")
    def new_size(self, size: int, tx: Tx) -> None:
        """Give it another size in this txg. Keeps the bytes that fit; new bytes are zero."""
        self.will_dirty(tx)
        kept = bytes(self.buf.raw[:size])
        self.buf = Buffer(bytearray(kept.ljust(size, b"\0")), True)
        self.size = size
        self.dirty[0].data = self.buf
