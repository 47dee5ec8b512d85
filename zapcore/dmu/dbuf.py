"""A dbuf: one cached block, who holds it, in which txgs it is dirty, and the user data that hangs on it.

Whether a freed block's dbuf lives or dies, and its user data with it, is decided here and by nothing else:
by holds, by dirty records (each is a hold), and by whether its data is anonymous. From module/zfs/dbuf.c.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from zapcore.dmu.buffer import Buffer
from zapcore.errors import fail, openzfs

if TYPE_CHECKING:
    from zapcore.dmu.dnode import Dnode
    from zapcore.dmu.objset import Tx

Tag = object
"""Who holds a dbuf: any object; None is OpenZFS's NULL tag. A dirty record's tag is its txg, an int."""


class State(enum.Enum):
    """db_state, as far as a world without asynchronous I/O reaches it."""

    UNCACHED = "UNCACHED"
    CACHED = "CACHED"
    EVICTING = "EVICTING"


class User:
    """User data of a dbuf (dmu_buf_user_t). `dbuf` is cleared at eviction, as debug builds of OpenZFS do
    (dbu_clear_on_evict_dbufp)."""

    __slots__ = ("dbuf",)

    def __init__(self, dbuf: Dbuf) -> None:
        self.dbuf = dbuf

    def evicted(self) -> None:
        """The evict callback, called when the dbuf lets go of it; the structure is freed."""
        raise NotImplementedError


class DirtyRecord:
    """What the dbuf's data is as of one txg. `data` is the dbuf's own buffer until a later txg changes it."""

    __slots__ = ("data", "dbuf", "txg")

    def __init__(self, dbuf: Dbuf, txg: int, data: Buffer) -> None:
        self.dbuf = dbuf
        self.txg = txg
        self.data = data


UNCACHED = State.UNCACHED
CACHED = State.CACHED
EVICTING = State.EVICTING


class Dbuf:
    """dmu_buf_impl_t of a level 0 block. `dirty` has the newest record first; `cached` says that it lies
    unheld in the dbuf cache; `pending_evict` that it is destroyed, not cached, when its last hold goes."""

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
        """Fill it from stable storage, or with zeros where the block is a hole or freed in any txg."""
        stable = None if self.dnode.block_freed(self.blkid) else self.dnode.stable.get(self.blkid)
        if stable is None:
            self.buf = Buffer(bytearray(self.size), True)
        else:
            self.buf = Buffer(bytearray(stable), False)
        self.state = CACHED

    @openzfs("dbuf.c", "dbuf_rele_and_unlock")
    def rele(self, tag: Tag) -> None:
        """Drop one hold of `tag`; with the last one the dbuf goes to the cache or dies."""
        holds = self.holds
        if type(tag) is not int:
            objset = self.dnode.objset
            if objset.threads.scheduler is not None:
                objset.threads.scheduler.point("rele", (self.dnode.number, self.blkid))
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
        """Evict the user data, forget the bytes, leave the dnode. Only without holds."""
        if self.holds:
            fail("zfs_refcount_is_zero(&db->db_holds)", line=3184)
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
        """Evict the user data and forget the bytes; a dirty record may go on holding them."""
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
        """Attach user data where there is none; returns None, or the one that was there first."""
        return self._replace_user(None, user)

    @openzfs("dbuf.c", "dmu_buf_remove_user")
    def remove_user(self, user: User) -> User | None:
        """Detach this user data without telling it; returns what was attached."""
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
        """Say that the data will be changed in the tx's txg."""
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
        dirty.insert(0, DirtyRecord(self, txg, self.buf))
        dnode = self.dnode
        dnode.unfree(self.blkid, txg)
        self.holds.append(txg)
        if len(dirty) > 3:
            fail("db->db_dirtycnt <= 3", macro="VERIFY3U", values=(len(dirty), 3), operator="<=", line=2416)
        dnode.dirtied(dirty[0])

    @openzfs("dbuf.c", "dbuf_fix_old_data")
    def fix_old_data(self) -> None:
        """Before the data changes: give an older txg that has not synced its own copy of it, or, if nobody
        but dirty records holds the dbuf, leave the buffer to that txg and forget it."""
        if not self.dirty or self.dirty[0].data is not self.buf:
            return
        if len(self.holds) > len(self.dirty):
            self.dirty[0].data = self.buf.copy()
        else:
            self.clear_data()

    @openzfs("dbuf.c", "dbuf_undirty")
    def undirty(self, txg: int) -> bool:
        """Take back the dirty record of an open txg. True if that was the last hold and the dbuf died."""
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
        """Its block is freed in open context: undirty it, and destroy, uncache or zero what is left."""
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
        """Write one txg's data to stable storage. A copy is written if anybody else holds the dbuf; a block
        of zeros becomes a hole, whose buffer stays anonymous."""
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
        """Resize it in this txg, keeping what fits and zeroing the rest."""
        self.will_dirty(tx)
        kept = bytes(self.buf.raw[:size])
        self.buf = Buffer(bytearray(kept.ljust(size, b"\0")), True)
        self.size = size
        self.dirty[0].data = self.buf
