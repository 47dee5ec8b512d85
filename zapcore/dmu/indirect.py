"""Dbufs of indirect blocks: who holds them, in which txgs they are dirty and with which children, and what
their block pointers say.

A dnode whose indirect blocks are small has them (`IndirectDnode`). They hold nothing that a ZAP asks for. But
a block can be freed, written or found on disk only if each indirect block above it is there, dirty or up to
date in time; the assertions on that are here. A block pointer in an indirect block changes only while a txg
syncs, so there is one copy of it: of pointers to data `Dnode.stable`, of the others `pointers`. From
module/zfs/dbuf.c, module/zfs/dnode.c and module/zfs/dnode_sync.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zapcore.dmu.block_tree import next_level1
from zapcore.dmu.dbuf import Dbuf, DirtyRecord
from zapcore.dmu.dnode import Dnode, runs
from zapcore.dmu.indirect_dbuf import AnyDbuf, AnyRecord, Children, IndirectDbuf, IndirectRecord, level_of
from zapcore.errors import ZapErrno, fail, openzfs

if TYPE_CHECKING:
    from zapcore.dmu.objset import Objset, Tx

POINTER_SHIFT = 7
"""SPA_BLKPTRSHIFT: log2 of the bytes of a block pointer."""


class IndirectDnode(Dnode):
    """A dnode whose indirect blocks have dbufs: `indirect`, by level and number. `parents` has db_parent of
    dbufs of data. `pointers` has by level and number the fill counts of block pointers to indirect blocks
    that are no holes. `roots` are by txg the dirty records whose block pointers are in the dnode
    (dn_dirty_records), `listed` says in whose list a dirty record of data is."""

    __slots__ = ("indirect", "indirect_bits", "listed", "parents", "pointers", "roots")

    def __init__(self, objset: Objset, number: int, block_size: int, shift: int) -> None:
        super().__init__(objset, number, block_size)
        self.indirect_bits = shift - POINTER_SHIFT
        self.indirect: dict[tuple[int, int], IndirectDbuf] = {}
        self.dbufs = Children(self)
        self.parents: dict[Dbuf, IndirectDbuf] = {}
        self.pointers: dict[tuple[int, int], int] = {}
        self.roots: dict[int, dict[AnyRecord, None]] = {}
        self.listed: dict[DirtyRecord, dict[AnyRecord, None]] = {}

    def reloaded(self) -> Dnode:
        """The same as it is on disk."""
        fresh = super().reloaded()
        assert isinstance(fresh, IndirectDnode)
        fresh.pointers = self.pointers
        return fresh

    def _anew(self, block_size: int) -> Dnode:
        return IndirectDnode(self.objset, self.number, block_size, self.indirect_bits + POINTER_SHIFT)

    def check_read(self, level: int, blkid: int) -> None:
        """Raise what a read of an indirect block gives, if that fails."""
        if self.objset.failing:
            code = self.objset.read_error(self.number, (level, blkid))
            if code:
                raise ZapErrno(code)

    # Who holds them

    @openzfs("dbuf.c", "dbuf_findbp")
    def find_parent(self, level: int, blkid: int) -> IndirectDbuf | None:
        """The indirect block in which the pointer of a block lies, read; None where that is in the dnode, or
        where there is none on disk yet. Raises what a read gives."""
        above = self.stable_levels - level - 1
        if above <= 0 or blkid >= self.BLOCK_POINTERS << above * self.indirect_bits:
            return None
        parent = self.find(level + 1, blkid >> self.indirect_bits)
        parent.holds += 1
        try:
            parent.fetch()
        except ZapErrno:
            parent.rele()
            raise
        parent.holds -= 1  # whoever asked holds it next
        return parent

    @openzfs("dbuf.c", "dbuf_hold_impl")
    def find(self, level: int, blkid: int) -> IndirectDbuf:
        """The dbuf of an indirect block. It is made if it is not there, for which those above are read."""
        dbuf = self.indirect.get((level, blkid))
        if dbuf is not None and dbuf.releasing:
            fail("db->db_buf == NULL || arc_referenced(db->db_buf)", line=3750)
        if dbuf is None:
            dbuf = IndirectDbuf(self, level, blkid, self.find_parent(level, blkid))
            self.indirect[level, blkid] = dbuf
        return dbuf

    @openzfs("dbuf.c", "dbuf_hold_level")
    def hold_level(self, level: int, blkid: int) -> IndirectDbuf:
        """Hold the dbuf of an indirect block; its data need not be there. Raises what a read of one above it
        gives."""
        dbuf = self.find(level, blkid)
        dbuf.holds += 1
        return dbuf

    # What is dirty

    def dirtied(self, record: DirtyRecord) -> None:
        """Put a dirty record on the list of the indirect block above it, which is dirty from then on, or on
        the dnode's."""
        super().dirtied(record)
        self.listed[record] = listed = self._list_of(record.dbuf, record.txg)
        listed[record] = None

    def undirtied(self, record: DirtyRecord) -> None:
        """Take a dirty record off its lists. The indirect blocks stay dirty."""
        super().undirtied(record)
        del self.listed.pop(record)[record]

    def _list_of(self, dbuf: AnyDbuf, txg: int) -> dict[AnyRecord, None]:
        level = level_of(dbuf)
        if level + 1 >= self.levels:
            return self.roots.setdefault(txg, {})
        known = dbuf.parent if isinstance(dbuf, IndirectDbuf) else self.parents.get(dbuf)
        try:
            parent = known or self.hold_level(level + 1, dbuf.blkid >> self.indirect_bits)
        except ZapErrno:
            fail("parent != NULL", place="dbuf.c:dbuf_dirty", line=2477)
            raise
        record = self.dirty_indirect(parent, txg)
        if known is None:
            parent.rele()
        return record.children

    @openzfs("dbuf.c", "dbuf_dirty")
    def dirty_indirect(self, dbuf: IndirectDbuf, txg: int) -> IndirectRecord:
        """An indirect block will be written in a txg, and those above it."""
        if not dbuf.holds:
            fail("!zfs_refcount_is_zero(&db->db_holds)", line=2249)
        if dbuf.dirty and dbuf.dirty[0].txg >= txg:
            return dbuf.dirty[0]
        record = IndirectRecord(dbuf, txg)
        dbuf.dirty.insert(0, record)
        dbuf.holds += 1
        if len(dbuf.dirty) > 3:
            fail(
                "db->db_dirtycnt <= 3",
                macro="VERIFY3U",
                values=(len(dbuf.dirty), 3),
                operator="<=",
                line=2416,
            )
        self._list_of(dbuf, txg)[record] = None
        self.set_dirty(txg)
        return record

    @openzfs("dnode.c", "dnode_new_blkid")
    def _new_blkid(self, blkid: int, txg: int) -> None:
        """The object reaches further than before, and may need more levels for that."""
        self.max_blkid = self.next_max_blkid[txg] = blkid
        levels = 1
        while self.BLOCK_POINTERS << (levels - 1) * self.indirect_bits <= blkid:
            levels += 1
        if levels > self.levels:
            self._set_levels(levels, txg)

    @openzfs("dnode.c", "dnode_set_nlevels_impl")
    def _set_levels(self, levels: int, txg: int) -> None:
        """More levels: what was dirty in this txg right below the dnode is below a new indirect block now."""
        old = self.levels
        self.levels = self.next_levels[txg] = levels
        dbuf = self.hold_level(old, 0)
        children = self.dirty_indirect(dbuf, txg).children
        dbuf.rele()
        roots = self.roots.setdefault(txg, {})
        for record in [each for each in roots if level_of(each.dbuf) == old - 1]:
            del roots[record]
            children[record] = None
            if isinstance(record, DirtyRecord):
                self.listed[record] = children

    # What is freed

    @openzfs("dnode.c", "dnode_free_range")
    def free_range(self, blkid: int, blocks: int, tx: Tx) -> None:
        """`Dnode.free_range`. The indirect blocks of the range are dirtied first: the outermost ones always,
        those between if they are in memory, or on disk."""
        if blkid > self.max_blkid:
            return
        if self.levels > 1:
            first, last = blkid >> self.indirect_bits, (blkid + blocks - 1) >> self.indirect_bits
            self._dirty_level1(first, tx)
            if last != first:
                self._dirty_level1(last, tx)
            self._dirty_between(first, last, tx)
        Dnode.free_range(self, blkid, blocks, tx)

    @openzfs("dnode.c", "dnode_dirty_l1")
    def _dirty_level1(self, blkid: int, tx: Tx) -> None:
        """Dirty one indirect block; not if one above it cannot be read."""
        try:
            dbuf = self.hold_level(1, blkid)
        except ZapErrno:
            return
        if not (dbuf.read and dbuf.dirty and dbuf.dirty[0].txg == tx.txg):
            dbuf.fetch_surely()
            self.dirty_indirect(dbuf, tx.txg)
        dbuf.rele()

    def _dirty_between(self, first: int, last: int, tx: Tx) -> None:
        """Dirty what is between two indirect blocks of level 1: dnode_dirty_l1range(), and then a search,
        which ends where a read fails."""
        for level, blkid in sorted(self.indirect):
            if level == 1 and first < blkid < last:
                self._dirty_level1(blkid, tx)
        blkid = first + 1
        while blkid < last:
            try:
                found = next_level1(self, blkid)
            except ZapErrno:
                break
            if found is None or found >= last:
                break
            self._dirty_level1(found, tx)
            blkid = found + 1

    @openzfs("dmu_tx.c", "dmu_tx_hold_free")
    def check_free(self) -> None:
        """What a transaction that will free the object does before it is assigned: read all indirect blocks
        of level 1. Raises the worst of what these reads give."""
        blkid, end, codes = 0, (self.max_blkid + 1) >> self.indirect_bits, []
        while self.levels > 1 and blkid <= end:
            found = next_level1(self, blkid)
            if found is None or found > end:
                break
            dbuf = self.hold_level(1, found)
            try:
                dbuf.fetch()
            except ZapErrno as error:
                codes.append(error.code)
            dbuf.rele()
            blkid = found + 1
        if codes:
            raise ZapErrno(min(codes))  # EIO before a wrong checksum (zio_worst_error)

    def search_reads(self, level: int, blkid: int) -> None:
        """What a search through the tree does before it looks into an indirect block: read it, and those
        above it. Raises what a read gives."""
        dbuf = self.hold_level(level, blkid)
        try:
            dbuf.fetch()
        finally:
            dbuf.rele()

    # What is written

    @openzfs("dnode_sync.c", "dnode_sync")
    def sync(self, txg: int) -> None:
        """Free and write on stable storage what one txg has freed and dirtied."""
        freeing = bool(self.free_txg and self.free_txg <= txg)
        for first, last in runs(self.free_ranges.pop(txg, ())):
            self.sync_free_range(first, last, freeing)
        if freeing:
            self._sync_free(txg)
            return
        self.on_disk = True
        if txg in self.next_levels:
            self.increase_indirection(self.next_levels.pop(txg))
        self.stable_block_size = self.next_block_size.pop(txg, self.stable_block_size)
        self.stable_max_blkid = self.next_max_blkid.pop(txg, self.stable_max_blkid)
        for record in self.roots.pop(txg, ()):
            self._sync_record(record)
        self.dirty_records.pop(txg, None)

    def _sync_record(self, record: AnyRecord) -> None:
        if isinstance(record, DirtyRecord):
            self.check_pointer(record.dbuf)
            self.listed.pop(record)
            del self.dirty_records[record.txg][record]
            record.dbuf.sync(record)
            return
        self.write_begins(record)
        for child in list(record.children):
            self._sync_record(child)
        self.write_ready(record)
        self.write_done(record)

    @openzfs("dbuf.c", "dbuf_sync_indirect")
    def write_begins(self, record: IndirectRecord) -> None:
        """An indirect block is about to be written, when all below it is."""
        dbuf = record.dbuf
        if not dbuf.read:
            dbuf.fetch_surely()
        self.check_pointer(dbuf)
        dbuf.pending = record
        if dbuf.fill:
            dbuf.release()
        dbuf.anonymous = True
        self._check_parent(dbuf)

    @openzfs("dbuf.c", "dbuf_check_blkptr")
    def check_pointer(self, dbuf: AnyDbuf) -> None:
        """A block that is written must have a pointer: from now on it holds the indirect block with it."""
        level, known = level_of(dbuf), self.parent_of(dbuf)
        if level == self.stable_levels - 1:
            if dbuf.blkid >= self.BLOCK_POINTERS:
                fail("db->db_blkid < dn->dn_phys->dn_nblkptr", line=4100)
        elif known is None:
            parent = self.hold_level(level + 1, dbuf.blkid >> self.indirect_bits)
            if isinstance(dbuf, IndirectDbuf):
                dbuf.parent = parent
            else:
                self.parents[dbuf] = parent
        if not level:
            self._check_parent(dbuf)

    @openzfs("dbuf.c", "dbuf_write")
    def _check_parent(self, dbuf: AnyDbuf) -> None:
        """The indirect block above one that is written must be about to be written, too."""
        parent = self.parent_of(dbuf)
        if parent is not None:
            if parent.pending is None:
                fail("parent && parent->db_data_pending", line=4960)
            if not parent.anonymous:
                fail("arc_released(parent->db_buf)", line=4967)

    def parent_of(self, dbuf: AnyDbuf) -> IndirectDbuf | None:
        """db_parent, if that is an indirect block."""
        return dbuf.parent if isinstance(dbuf, IndirectDbuf) else self.parents.get(dbuf)

    @openzfs("dbuf.c", "dbuf_write_ready")
    def write_ready(self, record: IndirectRecord) -> None:
        """All below it is on disk: the pointer of an indirect block says how much that is, or is a hole."""
        dbuf = record.dbuf
        fill = sum(self._fills(dbuf))
        if fill:
            self.pointers[dbuf.level, dbuf.blkid] = fill
        else:
            self.pointers.pop((dbuf.level, dbuf.blkid), None)

    def _fills(self, dbuf: IndirectDbuf) -> list[int]:
        first = dbuf.blkid << self.indirect_bits
        numbers = range(first, first + (1 << self.indirect_bits))
        if dbuf.level == 1:
            return [1 for blkid in numbers if blkid in self.stable]
        return [self.pointers.get((dbuf.level - 1, blkid), 0) for blkid in numbers]

    @openzfs("dbuf.c", "dbuf_write_done")
    def write_done(self, record: IndirectRecord) -> None:
        """An indirect block is on disk."""
        dbuf = record.dbuf
        if dbuf.dirty[-1] is not record:
            fail("list_next(&db->db_dirty_records, dr) == NULL", line=5059)
        dbuf.dirty.pop()
        dbuf.pending = None
        dbuf.anonymous = not dbuf.fill
        dbuf.rele()

    def leads_somewhere(self, dbuf: IndirectDbuf) -> bool:
        """Whether any pointer of an indirect block is no hole, whatever the pointer to it says yet."""
        return any(self._fills(dbuf))

    @openzfs("dnode_sync.c", "dnode_increase_indirection")
    def increase_indirection(self, levels: int) -> None:
        """Move the block pointers of the dnode into an indirect block, which the blocks hold from now on."""
        old = self.stable_levels
        dbuf = self.hold_level(old, 0)
        self.stable_levels = levels
        dbuf.fetch()
        if not dbuf.anonymous:
            fail("arc_released(db->db_buf)", line=95)
        for blkid in range(self.BLOCK_POINTERS):
            child: AnyDbuf | None
            child = self.dbufs.get(blkid) if old == 1 else self.indirect.get((old - 1, blkid))
            if child is None or self.parent_of(child) is not None:
                continue
            dbuf.holds += 1
            if isinstance(child, IndirectDbuf):
                child.parent = dbuf
            else:
                self.parents[child] = dbuf
        dbuf.rele()

    @openzfs("dnode_sync.c", "dnode_sync_free_range_impl")
    def sync_free_range(self, first: int, last: int, freeing: bool) -> None:
        """Free blocks on stable storage, through the indirect blocks above them; with the whole object, the
        indirect blocks, too."""
        end = self.stable_max_blkid
        if first > end:
            return
        last, truncates = min(last, end), last >= end
        if self.stable_levels == 1:
            for blkid in range(first, last + 1):
                self.stable.pop(blkid, None)
        else:
            level = self.stable_levels - 1
            for blkid in range(first >> level * self.indirect_bits, (last >> level * self.indirect_bits) + 1):
                self._free_below(level, blkid, first, last, freeing)
        if truncates:
            self.stable_max_blkid = max(first - 1, 0)

    def _free_below(self, level: int, blkid: int, first: int, last: int, freeing: bool) -> None:
        if self.pointers.get((level, blkid)):
            dbuf = self.hold_level(level, blkid)
            self.free_children(dbuf, first, last, freeing)
            dbuf.rele()

    def free_children(self, dbuf: IndirectDbuf, first: int, last: int, freeing: bool) -> None:
        """Clear the pointers of an indirect block to what is freed. It must be dirty, or it would not be
        written, and what was freed would still be found through it."""
        self.begin_to_free(dbuf, freeing)
        for blkid in self.children_between(dbuf, first, last):
            if dbuf.level == 1:
                self.stable.pop(blkid, None)
            else:
                self._free_below(dbuf.level - 1, blkid, first, last, freeing)
        if freeing:
            self.free_indirect(dbuf)

    @staticmethod
    @openzfs("dnode_sync.c", "free_children")
    def begin_to_free(dbuf: IndirectDbuf, freeing: bool) -> None:
        """Have an indirect block in memory, and to itself, before its pointers are cleared. `freeing` says
        that it goes itself then, with its object: releases differ in whether it must be dirty even so."""
        if not dbuf.read:
            dbuf.fetch_surely()
        clean_may_go = dbuf.dnode.objset.release.frees_clean_indirect
        if dbuf.fill and not dbuf.dirty and not (freeing and clean_may_go):
            if clean_may_go:
                fail(
                    "(BP_GET_FILL(db->db_blkptr) > 0) implies (db->db_dirtycnt > 0)", macro="VERIFY", line=300
                )
            fail("BP_GET_FILL(db->db_blkptr) == 0 || db->db_dirtycnt > 0", macro="VERIFY", line=309)
        dbuf.release()

    def children_between(self, dbuf: IndirectDbuf, first: int, last: int) -> range:
        """Which blocks right below an indirect block lie in or above a range of blocks of data."""
        span = (dbuf.level - 1) * self.indirect_bits
        begin = dbuf.blkid << self.indirect_bits
        return range(max(begin, first >> span), min(begin + (1 << self.indirect_bits) - 1, last >> span) + 1)

    def free_indirect(self, dbuf: IndirectDbuf) -> None:
        """Free an indirect block with its object: nothing may be below it any more."""
        if self.leads_somewhere(dbuf):
            fail("BP_IS_HOLE(bp)", place="dnode_sync.c:free_children")
        self.pointers.pop((dbuf.level, dbuf.blkid), None)

    def check_used(self) -> None:
        """The same; nor has it indirect blocks."""
        if self.stable or self.pointers:
            fail("DN_USED_BYTES(dn->dn_phys)", macro="VERIFY0", line=586)

    @openzfs("dnode_sync.c", "dnode_sync_free")
    def _sync_free(self, txg: int) -> None:
        self.check_used()
        self.undirty_all(self.roots.pop(txg, {}))
        self.dirty_records.pop(txg, None)
        self.next_max_blkid.pop(txg, None)
        self.next_levels.pop(txg, None)
        self.evict_dbufs()
        self.objset.forget(self)

    @openzfs("dnode_sync.c", "dnode_undirty_dbufs")
    def undirty_all(self, records: dict[AnyRecord, None]) -> None:
        for record in records:
            if isinstance(record, IndirectRecord):
                self.undirty_all(record.children)
                record.dbuf.dirty.remove(record)
                record.dbuf.rele()
            else:
                del self.listed[record]
                record.dbuf.dirty.remove(record)
                record.dbuf.rele(record.txg)

    @openzfs("dnode_sync.c", "dnode_evict_dbufs")
    def evict_dbufs(self) -> None:
        """`Dnode.evict_dbufs`, and those of indirect blocks, level by level."""
        super().evict_dbufs()
        for key in sorted(self.indirect):
            dbuf = self.indirect.get(key)
            if dbuf is None:
                continue  # the last dbuf below it has gone, and it with that
            if dbuf.holds:
                dbuf.pending_evict = True
            else:
                dbuf.destroy()
