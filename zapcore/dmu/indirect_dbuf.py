"""Dbufs of indirect blocks, and their dirty records. From module/zfs/dbuf.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zapcore.dmu.dbuf import Dbuf, DirtyRecord
from zapcore.errors import Kind, Panic, UnreadAbove, ZapErrno, fail, openzfs

if TYPE_CHECKING:
    from zapcore.dmu.indirect import IndirectDnode


class IndirectRecord:
    """A dirty record of an indirect block: its children are the dirty records of blocks below it."""

    __slots__ = ("children", "dbuf", "txg")

    def __init__(self, dbuf: IndirectDbuf, txg: int) -> None:
        self.dbuf = dbuf
        self.txg = txg
        self.children: dict[AnyRecord, None] = {}


class IndirectDbuf:
    """dmu_buf_impl_t of a block of a level above 0. `holds` counts the dbufs of blocks below that are there,
    dirty records, and who is at work. `read` says whether its data is there, `anonymous` whether that belongs
    to it alone (arc_released); `releasing` that it is about to. `pending` is the record that is being
    written (db_data_pending)."""

    __slots__ = (
        "anonymous",
        "blkid",
        "dirty",
        "dnode",
        "holds",
        "level",
        "parent",
        "pending",
        "pending_evict",
        "read",
        "releasing",
    )

    def __init__(self, dnode: IndirectDnode, level: int, blkid: int, parent: IndirectDbuf | None) -> None:
        self.dnode = dnode
        self.level, self.blkid = level, blkid
        self.parent = parent
        self.holds = 0
        self.dirty: list[IndirectRecord] = []
        self.read = self.anonymous = self.pending_evict = self.releasing = False
        self.pending: IndirectRecord | None = None
        if parent is not None:
            parent.holds += 1

    @property
    def fill(self) -> int:
        """How many blocks of data its own block pointer says that there are below (BP_GET_FILL)."""
        return self.dnode.pointers.get((self.level, self.blkid), 0)

    @openzfs("dbuf.c", "dbuf_read")
    def fetch(self) -> None:
        """Have its data: from disk, or zeros where its pointer is a hole. Raises what a read gives."""
        if self.dnode.objset.release.reads_cancel_evict:
            self.pending_evict = False
        if self.read:
            return
        if self.fill:
            self.dnode.check_read(self.level, self.blkid)
        self.read = True
        self.anonymous = not self.fill

    @openzfs("zio.c", "zio_suspend")
    def fetch_surely(self) -> None:
        """The same with DB_RF_MUST_SUCCEED: a read that fails suspends the pool."""
        try:
            self.fetch()
        except ZapErrno as error:
            raise Panic(Kind.SUSPENDED, "zio.c:zio_suspend", "pool suspended") from error

    @openzfs("dbuf.c", "dbuf_rele_and_unlock")
    def rele(self) -> None:
        """Drop one hold. With its last hold it goes to the cache or is destroyed."""
        self.holds -= 1
        if self.holds < 0:
            fail("holds >= 0", line=3900)
        if not self.holds and (not self.read or self.anonymous or self.pending_evict):
            self.destroy()

    @openzfs("dbuf.c", "dbuf_destroy")
    def destroy(self) -> None:
        """Leave the dnode, and let its own parent go. Nobody may hold it."""
        if self.holds:
            fail("zfs_refcount_is_zero(&db->db_holds)", line=3184)
        if self.dirty:
            fail("list_is_empty(&db->db_dirty_records)", line=3228)
        if self.read and not self.anonymous:
            self.dnode.objset.keep_in_arc(self.dnode.number, (self.level, self.blkid))
        del self.dnode.indirect[self.level, self.blkid]
        if self.parent is not None:
            self.parent.rele()

    @openzfs("dbuf.c", "dbuf_release_bp")
    def release(self) -> None:
        """Its data is about to change: it belongs to it alone from now on."""
        if self.parent is not None and not self.parent.anonymous:
            fail("db->db_parent == NULL || arc_released(db->db_parent->db_buf)", line=2126)
        if not self.anonymous:
            self.releasing = True  # under db_mtx
            self.releasing, self.anonymous = False, True


AnyDbuf = Dbuf | IndirectDbuf
AnyRecord = DirtyRecord | IndirectRecord


def level_of(dbuf: AnyDbuf) -> int:
    """db_level."""
    return dbuf.level if isinstance(dbuf, IndirectDbuf) else 0


class Children(dict[int, Dbuf]):
    """The dbufs of an object's data (dn_dbufs). With each the hold goes that it has on its parent."""

    def __init__(self, dnode: IndirectDnode) -> None:
        super().__init__()
        self.dnode = dnode

    def __setitem__(self, blkid: int, dbuf: Dbuf) -> None:
        try:
            parent = self.dnode.find_parent(0, blkid)
        except ZapErrno as error:  # dbuf_hold() gives no dbuf
            raise UnreadAbove(error.code) from None
        dict.__setitem__(self, blkid, dbuf)
        if parent is not None:
            parent.holds += 1
            self.dnode.parents[dbuf] = parent

    def __delitem__(self, blkid: int) -> None:
        parent = self.dnode.parents.pop(self[blkid], None)
        super().__delitem__(blkid)
        if parent is not None:
            parent.rele()
