"""The pointer table: which leaf holds the hashes of a prefix. From module/zfs/zap.c.

The table is first in the second half of the header block, then in a block of its own. After that it doubles
each time that it grows: the blocks of the larger table are allocated at once, and each op that adds an entry
fills them from one more block of the old table. zt_nextblk and zt_blks_copied say how far this has come. A
change goes to both tables meanwhile.
"""

from __future__ import annotations

import errno
from array import array

from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf, Tag
from zapcore.dmu.objset import Tx
from zapcore.errors import ZapErrno, fail, openzfs
from zapcore.zap.zap import FTAG, Zap


@openzfs("zap.c", "zap_allocate_blocks")
def allocate_blocks(zap: Zap, blocks: int) -> int:
    """Take blocks at the end of the object. Returns the first one. Raises LimitExceeded."""
    if not zap.rwlock.write_held():
        fail("RW_WRITE_HELD(&zap->zap_rwlock)", line=411)
    q = zap.dbuf.buf.q
    first = q[L.Q_FREEBLK]
    zap.objset.check_limit(first + blocks, zap.geometry.size)
    q[L.Q_FREEBLK] = first + blocks
    return first


@openzfs("zap.c", "zap_idx_to_blk")
def load(zap: Zap, index: int) -> int:
    """The block of the leaf to which one entry of the table leads."""
    q = zap.dbuf.buf.q
    if q[L.Q_TBL_NUMBLKS] == 0:
        if index >= 1 << q[L.Q_TBL_SHIFT]:
            fail("idx < (1ULL << zap_f_phys(zap)->zap_ptrtbl.zt_shift)", macro="VERIFY3U", line=591)
        return q[index + (1 << L.embedded_shift(zap.block_shift))]
    return _table_load(zap, index)


@openzfs("zap.c", "zap_table_load")
def _table_load(zap: Zap, index: int) -> int:
    q = zap.dbuf.buf.q
    per_block = zap.block_shift - 3
    dbuf = zap.dnode.hold(q[L.Q_TBL_BLK] + (index >> per_block), FTAG)
    block = dbuf.buf.q[index & ((1 << per_block) - 1)]
    dbuf.rele(FTAG)
    if q[L.Q_TBL_NEXTBLK]:
        # OpenZFS reads this block to meet an I/O error now, and not later when it stores an entry
        dbuf = zap.dnode.hold(q[L.Q_TBL_NEXTBLK] + (index * 2 >> per_block), FTAG)
        dbuf.rele(FTAG)
    return block


def load_range(zap: Zap, first: int, entries: int) -> list[int]:
    """The blocks of the leaves to which consecutive entries of the table lead. Each block of the table, and
    of one that is being built, is read once. Raises the errno of a read that fails."""
    q = zap.dbuf.buf.q
    if q[L.Q_TBL_NUMBLKS] == 0:
        base = 1 << L.embedded_shift(zap.block_shift)
        return q[base + first : base + first + entries].tolist()
    if entries == 1:
        return [_table_load(zap, first)]
    per_block = 1 << (zap.block_shift - 3)
    loaded: list[int] = []
    index = first
    while index < first + entries:
        _table_load(zap, index)
        at = index % per_block
        half = index - at + per_block // 2
        if index < half < first + entries:
            _table_load(zap, half)  # in the table that is being built, the next block
        dbuf = zap.dnode.hold(q[L.Q_TBL_BLK] + index // per_block, FTAG)
        loaded += dbuf.buf.q[at : at + first + entries - index].tolist()
        dbuf.rele(FTAG)
        index += per_block - at
    return loaded


def walks(zap: Zap, entries: int) -> None:
    """Count a walk over so many entries, unless the table still lies in the header: OpenZFS holds no dbuf for
    its entries then."""
    if zap.dbuf.buf.q[L.Q_TBL_NUMBLKS]:
        zap.objset.work.walk(entries)


@openzfs("zap.c", "zap_set_idx_to_blk")
def store_range(zap: Zap, first: int, entries: int, block: int, tx: Tx) -> None:
    """Let consecutive entries of the table lead to a leaf's block."""
    if not zap.rwlock.write_held():
        fail("RW_WRITE_HELD(&zap->zap_rwlock)", line=605)
    q = zap.dbuf.buf.q
    if q[L.Q_TBL_BLK] == 0:
        base = (1 << L.embedded_shift(zap.block_shift)) + first
        for index in range(base, base + entries):
            q[index] = block
    else:
        _table_store(zap, first, entries, block, tx)


@openzfs("zap.c", "zap_table_store")
def _table_store(zap: Zap, first: int, entries: int, block: int, tx: Tx) -> None:
    """Store consecutive entries, in the table and in the one that is being built, if one is. Each block is
    held once."""
    q = zap.dbuf.buf.q
    _fill(zap, q[L.Q_TBL_BLK], first, entries, block, tx)
    if q[L.Q_TBL_NEXTBLK]:
        _fill(zap, q[L.Q_TBL_NEXTBLK], first * 2, entries * 2, block, tx)


def hold_surely(zap: Zap, blkid: int, tag: Tag, offset: str, name: str) -> Dbuf:
    """Hold the dbuf of a block where OpenZFS has a VERIFY that it can be held: panics if a read fails.
    `offset` and `name` are what the VERIFY says of where the block is, and of where its dbuf is to be."""
    try:
        return zap.dnode.hold(blkid, tag)
    except ZapErrno as error:
        shown = "NULL" if tag is None else tag
        if zap.objset.release.shrink:
            call = f"dmu_buf_hold_by_dnode(zap->zap_dnode, {offset}, {shown}, &{name}, DMU_READ_NO_PREFETCH)"
        else:
            call = (
                f"dmu_buf_hold(zap->zap_objset, zap->zap_object, {offset}, {shown}, &{name}, "
                "DMU_READ_NO_PREFETCH)"
            )
        fail(call, macro="VERIFY0", values=(error.code, 0))
        raise


def _fill(zap: Zap, table: int, first: int, entries: int, block: int, tx: Tx) -> None:
    per_block = 1 << (zap.block_shift - 3)
    end = first + entries
    while first < end:
        at = first % per_block
        span = min(end - first, per_block - at)
        dbuf = zap.dnode.hold(table + first // per_block, FTAG)
        dbuf.will_dirty(tx)
        words = dbuf.buf.q
        if span == 1:
            words[at] = block
        else:
            words[at : at + span] = memoryview(array("Q", [block]) * span)
        dbuf.rele(FTAG)
        first += span


@openzfs("zap.c", "zap_ptrtbl_transfer")
def _fill_twice(words: memoryview, entries: memoryview) -> None:
    """Fill a block of a table of double size: each entry of half a block stands there twice."""
    words[0::2] = words[1::2] = entries


@openzfs("zap.c", "zap_grow_ptrtbl")
def grow(zap: Zap, tx: Tx) -> None:
    """Move the table out of the header, or take the next step of doubling it.

    Raises ENOSPC if the table has all bits of the hash but two, and LimitExceeded.
    """
    q = zap.dbuf.buf.q
    if q[L.Q_TBL_SHIFT] >= zap.hash_bits - 2:
        raise ZapErrno(errno.ENOSPC)
    if q[L.Q_TBL_NUMBLKS]:
        _table_grow(zap, tx)
        return
    half = 1 << L.embedded_shift(zap.block_shift)
    if q[L.Q_TBL_SHIFT] != L.embedded_shift(zap.block_shift):
        fail(
            "zap_f_phys(zap)->zap_ptrtbl.zt_shift == ZAP_EMBEDDED_PTRTBL_SHIFT(zap)",
            macro="VERIFY3U",
            line=367,
        )
    if q[L.Q_TBL_BLK]:
        fail("zap_f_phys(zap)->zap_ptrtbl.zt_blk", macro="VERIFY0", line=369)
    block = allocate_blocks(zap, 1)
    dbuf = zap.dnode.hold(block, FTAG)  # a new block, which is read from nowhere
    dbuf.will_dirty(tx)
    _fill_twice(dbuf.buf.q, q[half : 2 * half])
    dbuf.rele(FTAG)
    q[L.Q_TBL_BLK] = block
    q[L.Q_TBL_NUMBLKS] = 1
    q[L.Q_TBL_SHIFT] += 1


@openzfs("zap.c", "zap_table_grow")
def _table_grow(zap: Zap, tx: Tx) -> None:
    if not zap.rwlock.write_held():
        fail("RW_WRITE_HELD(&zap->zap_rwlock)", line=186)
    q = zap.dbuf.buf.q
    half = 1 << (zap.block_shift - 4)
    blocks = q[L.Q_TBL_NUMBLKS]
    if q[L.Q_TBL_NEXTBLK]:
        new = q[L.Q_TBL_NEXTBLK]
    else:
        new = allocate_blocks(zap, blocks * 2)
        q[L.Q_TBL_NEXTBLK] = new
        if q[L.Q_TBL_COPIED]:
            fail("tbl->zt_blks_copied", macro="VERIFY0", line=195)
    copied = q[L.Q_TBL_COPIED]
    old_dbuf = zap.dnode.hold(q[L.Q_TBL_BLK] + copied, FTAG)
    for part in (0, 1):
        dbuf = hold_surely(zap, new + 2 * copied + part, FTAG, f"(newblk + 2*b+{part}) << bs", "db_new")
        dbuf.will_dirty(tx)
        _fill_twice(dbuf.buf.q, old_dbuf.buf.q[part * half : (part + 1) * half])
        dbuf.rele(FTAG)
    old_dbuf.rele(FTAG)
    q[L.Q_TBL_COPIED] = copied + 1
    if copied + 1 < blocks:
        return
    zap.dnode.free_range(q[L.Q_TBL_BLK], blocks, tx)
    q[L.Q_TBL_BLK] = new
    q[L.Q_TBL_NUMBLKS] = blocks * 2
    q[L.Q_TBL_SHIFT] += 1
    q[L.Q_TBL_NEXTBLK] = 0
    q[L.Q_TBL_COPIED] = 0
