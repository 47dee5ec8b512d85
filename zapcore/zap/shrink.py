"""Shrinking: two empty sibling leaves become one, again and again. From module/zfs/zap.c: zap_shrink.

What each round does, with the empty leaf locked as writer:
1. see by the pointer table whether the sibling's range belongs to one leaf;
2. if the empty leaf is the odd one, put it back: the even sibling must be locked first;
3. look at the sibling as reader: it must be a sibling, and empty;
4. once only: take the ZAP's lock as writer, after putting back what is held;
5. lock both as writer, even one first, and check again what could have changed;
6. point the odd leaf's range at the even one, free the odd one's block, shorten the even one's prefix.
At the end, if the last block of the object went, the free mark moves back.
"""

from __future__ import annotations

from zapcore import layout as L
from zapcore.dmu.objset import Tx
from zapcore.errors import fail, openzfs
from zapcore.zap import ptrtbl
from zapcore.zap.fat import deref_leaf, put_leaf
from zapcore.zap.leaf import Leaf
from zapcore.zap.name import Name
from zapcore.zap.zap import Zap, upgrade

U64 = (1 << 64) - 1


@openzfs("zap.c", "check_sibling_ptrtbl_range")
def _one_leaf(zap: Zap, prefix: int, length: int) -> bool:
    """Whether the first and the last pointer of a prefix's range agree."""
    shift = zap.dbuf.buf.q[L.Q_TBL_SHIFT]
    first = prefix << (shift - length)
    last = first + (1 << (shift - length)) - 1
    block = ptrtbl.load(zap, first)
    return block == ptrtbl.load(zap, last) and block != 0


@openzfs("zap.c", "zap_trunc")
def _truncate(zap: Zap) -> None:
    """Move the free mark back behind the last block that the table, or an entry of it, uses."""
    if not zap.rwlock.write_held():
        fail("RW_WRITE_HELD(&zap->zap_rwlock)", line=1487)
    q = zap.dbuf.buf.q
    if q[L.Q_TBL_BLK]:
        entries = 1 << q[L.Q_TBL_SHIFT]
        last = q[L.Q_TBL_BLK] + q[L.Q_TBL_NUMBLKS] - 1
    else:
        entries = 1 << L.embedded_shift(zap.block_shift)
        last = 0
    last = max(last, *ptrtbl.load_range(zap, 0, entries))
    if last >= q[L.Q_FREEBLK]:
        fail(
            "lastblk < zap_f_phys(zap)->zap_freeblk",
            macro="VERIFY3",
            values=(last, q[L.Q_FREEBLK]),
            operator="<",
            line=1508,
        )
    q[L.Q_FREEBLK] = last + 1


def _is_empty_sibling(leaf: Leaf, length: int) -> bool:
    h = leaf.dbuf.buf.h
    return h[L.H_PREFIX_LEN] == length and h[L.H_NENTRIES] == 0


@openzfs("zap.c", "zap_shrink")
def shrink(name: Name, empty: Leaf, tx: Tx) -> None:
    """Collapse an empty leaf, held and locked as writer, with its empty siblings; nothing is held after."""
    zap = name.zap
    leaf: Leaf | None = empty
    buf = empty.dbuf.buf
    prefix = buf.q[L.Q_PREFIX]
    length = buf.h[L.H_PREFIX_LEN]
    if L.hash_index(name.hash, length) != prefix:
        fail("ZAP_HASH_IDX(hash, prefix_len) == prefix", macro="VERIFY3U", line=1552)
    shift = zap.dbuf.buf.q[L.Q_TBL_SHIFT]
    truncate = False
    writer = False
    while length:
        # taken before the lock is dropped and not again after, as the real one does
        spread = shift - length
        odd = prefix & 1
        sibling_prefix = prefix ^ 1
        sibling_hash = (sibling_prefix << (64 - length)) & U64
        if not _one_leaf(zap, sibling_prefix, length):
            break
        if odd:
            assert leaf is not None
            put_leaf(leaf)
            leaf = None
        sibling = deref_leaf(zap, sibling_hash, tx, False)
        is_sibling = _is_empty_sibling(sibling, length)
        put_leaf(sibling)
        if not is_sibling:
            break
        if not writer:
            if leaf is not None:
                put_leaf(leaf)
                leaf = None
            upgrade(zap, tx)
            shift = zap.dbuf.buf.q[L.Q_TBL_SHIFT]
            writer = True
        if leaf is None:
            leaf = deref_leaf(zap, sibling_hash if odd else name.hash, tx, True)
            if not _is_empty_sibling(leaf, length):
                break
        sibling = deref_leaf(zap, name.hash if odd else sibling_hash, tx, True)
        if not _is_empty_sibling(sibling, length):
            put_leaf(sibling)
            break
        truncate |= _collapse(zap, leaf, sibling, prefix | 1, spread, tx)
        even = leaf.dbuf.buf
        even.q[L.Q_PREFIX] >>= 1
        even.h[L.H_PREFIX_LEN] -= 1
        prefix = even.q[L.Q_PREFIX]
        length = even.h[L.H_PREFIX_LEN]
    if truncate:
        _truncate(zap)
    if leaf is not None:
        put_leaf(leaf)


def _collapse(zap: Zap, even: Leaf, odd: Leaf, odd_prefix: int, spread: int, tx: Tx) -> bool:
    """Point the odd leaf's range at the even one and free its block; True if it was the object's last."""
    q = zap.dbuf.buf.q
    _point_range(zap, odd_prefix << spread, 1 << spread, even.blkid, tx)
    was_last = odd.blkid == q[L.Q_FREEBLK] - 1
    zap.dnode.free_range(odd.blkid, 1, tx)
    if zap.objset.release.evict_on_shrink:
        odd.dbuf.remove_user(odd)
        put_leaf(odd)
        odd.evicted()
    else:
        put_leaf(odd)
    q[L.Q_NUM_LEAFS] -= 1
    return was_last


@openzfs("zap.c", "zap_set_idx_range_to_blk")
def _point_range(zap: Zap, first: int, entries: int, block: int, tx: Tx) -> None:
    """Point a range of the table at one leaf, after a look that every block of it can be read."""
    ptrtbl.load_range(zap, first, entries)
    ptrtbl.store_range(zap, first, entries, block, tx)
