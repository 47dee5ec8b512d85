"""Shrinking: two empty sibling leaves become one, again and again. From module/zfs/zap.c: zap_shrink.

Each round begins with the empty leaf locked as writer, and has these steps:
1. See from the pointer table whether all of the sibling's range leads to one leaf.
2. If the empty leaf is the odd one of the two, let go of it, because the even one must be locked first.
3. Look at the sibling as reader: it must have a prefix of the same length, and be empty.
4. In the first round only: let go of everything, and take the ZAP's lock as writer.
5. Lock both leaves as writer, the even one first, and check again what could have changed.
6. Let the odd leaf's range lead to the even leaf, free the odd leaf's block, shorten the even leaf's prefix.

In the end, if the last block of the object was freed, zap_freeblk moves back.
"""

from __future__ import annotations

from zapcore import layout as L
from zapcore.dmu.objset import Tx
from zapcore.errors import ZapErrno, fail, openzfs
from zapcore.zap import ptrtbl
from zapcore.zap.fat import deref_leaf, put_leaf
from zapcore.zap.leaf import Leaf
from zapcore.zap.name import Name
from zapcore.zap.zap import Zap, upgrade

U64 = (1 << 64) - 1


@openzfs("zap.c", "check_sibling_ptrtbl_range")
def _one_leaf(zap: Zap, prefix: int, length: int) -> bool:
    """Whether the first and the last entry in the range of a prefix lead to the same block. They do not if
    they cannot be read."""
    shift = zap.dbuf.buf.q[L.Q_TBL_SHIFT]
    first = prefix << (shift - length)
    last = first + (1 << (shift - length)) - 1
    try:
        block = ptrtbl.load(zap, first)
        return block == ptrtbl.load(zap, last) and block != 0
    except ZapErrno:
        return False


@openzfs("zap.c", "zap_trunc")
def _truncate(zap: Zap) -> None:
    """Move zap_freeblk back, right behind the last block that is a leaf or a part of the table. Like OpenZFS,
    this forgets a larger table that is being built: see the finding zap-trunc-next-table. Does nothing if the
    table cannot be read."""
    if not zap.rwlock.write_held():
        fail("RW_WRITE_HELD(&zap->zap_rwlock)", line=1487)
    q = zap.dbuf.buf.q
    if q[L.Q_TBL_BLK]:
        entries = 1 << q[L.Q_TBL_SHIFT]
        last = q[L.Q_TBL_BLK] + q[L.Q_TBL_NUMBLKS] - 1
    else:
        entries = 1 << L.embedded_shift(zap.block_shift)
        last = 0
    ptrtbl.walks(zap, entries)
    try:
        last = max(last, *ptrtbl.load_range(zap, 0, entries))
    except ZapErrno:
        return
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
def shrink(name: Name, empty: Leaf, tx: Tx) -> int:
    """Join an empty leaf with its sibling if that is empty, too, and so on with the leaf that results. The
    leaf is held and locked as writer, and no leaf is held afterwards. Returns 0, or the errno of a read that
    failed: joining ends there."""
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
    code = 0
    try:
        while length:
            # OpenZFS computes this before it drops the lock, and not again afterwards: see the finding
            # zap-shrink-stale-shift
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
    except ZapErrno as error:  # of a read: what is done stays done
        code = error.code
    if truncate:
        _truncate(zap)
    if leaf is not None:
        put_leaf(leaf)
    return code


def _collapse(zap: Zap, even: Leaf, odd: Leaf, odd_prefix: int, spread: int, tx: Tx) -> bool:
    """Let the odd leaf's range lead to the even leaf, and free the odd leaf's block. Returns whether that was
    the last block of the object."""
    q = zap.dbuf.buf.q
    try:
        _point_range(zap, odd_prefix << spread, 1 << spread, even.blkid, tx)
    except ZapErrno:
        put_leaf(odd)
        raise
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
    """Let a range of the table lead to one leaf. Every block of the range is read first, so that an I/O error
    would come before any change."""
    ptrtbl.load_range(zap, first, entries)
    ptrtbl.walks(zap, entries)
    ptrtbl.store_range(zap, first, entries, block, tx)
