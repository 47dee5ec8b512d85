"""The fat ZAP: how the leaf of a hash is found, how leaves are made and split, how entries are added and
removed.

From module/zfs/zap.c. An entry that is added to a full leaf splits it. For this, the leaf is let go of, the
ZAP's lock is taken as writer, the table is grown until at least two of its entries lead to the leaf, and
everything is checked again.
"""

from __future__ import annotations

import contextlib
import errno
from array import array

from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf, Tag
from zapcore.dmu.objset import Tx
from zapcore.errors import Kind, LimitExceeded, Panic, ZapErrno, fail, openzfs
from zapcore.zap import leaf as leaves
from zapcore.zap import ptrtbl
from zapcore.zap.leaf import Leaf
from zapcore.zap.name import LONG_NAME, MAX_NAME, Found, Name
from zapcore.zap.split import split
from zapcore.zap.zap import FTAG, Zap, lock, unlock, upgrade

U64 = (1 << 64) - 1


@openzfs("zap.c", "fzap_upgrade")
def make_fat(zap: Zap, flags: int, tx: Tx) -> None:
    """Write an empty fat ZAP, its header and its first leaf. What the header block held before is cleared."""
    if not zap.rwlock.write_held():
        fail("RW_WRITE_HELD(&zap->zap_rwlock)", line=112)
    zap.micro = None
    buf = zap.dbuf.buf
    buf.zero()
    q = buf.q
    q[L.Q_BLOCK_TYPE] = L.ZBT_HEADER
    q[L.Q_MAGIC] = L.ZAP_MAGIC
    q[L.Q_FREEBLK] = 2
    q[L.Q_NUM_LEAFS] = 1
    q[L.Q_SALT] = zap.salt
    q[L.Q_NORMFLAGS] = zap.norm
    q[L.Q_FLAGS] = flags
    zap.become_fat_shaped()
    shift = L.embedded_shift(zap.block_shift)
    q[L.Q_TBL_SHIFT] = shift
    q[1 << shift : 2 << shift] = memoryview(array("Q", [1]) * (1 << shift))
    dbuf = zap.dnode.hold(1, FTAG)
    dbuf.will_dirty(tx)
    leaves.init(Leaf(zap.objset.threads, 1, dbuf, zap.geometry), zap.norm != 0)
    dbuf.rele(FTAG)


@openzfs("zap.c", "zap_put_leaf")
def put_leaf(leaf: Leaf) -> None:
    """Unlock a leaf and let go of its dbuf."""
    leaf.rwlock.exit()
    leaf.dbuf.rele(None)


@openzfs("zap.c", "zap_create_leaf")
def create_leaf(zap: Zap, tx: Tx) -> Leaf:
    """A new empty leaf on a new block, locked as writer.

    The block may have been a leaf before, and its dbuf may still be there, with that leaf attached to it. The
    release says whether that leaf is used again, or whether it is an error that there is one.
    """
    if not zap.rwlock.write_held():
        fail("RW_WRITE_HELD(&zap->zap_rwlock)", line=429)
    blkid = ptrtbl.allocate_blocks(zap, 1)
    variable = ("blkid", "db") if zap.objset.release.reuse_leaf else ("l->l_blkid", "l->l_dbuf")
    dbuf = ptrtbl.hold_surely(zap, blkid, None, f"{variable[0]} << FZAP_BLOCK_SHIFT(zap)", variable[1])
    user = dbuf.get_user() if zap.objset.release.reuse_leaf else None
    if user is None:
        leaf = Leaf(zap.objset.threads, blkid, dbuf, zap.geometry)
        if not zap.objset.release.reuse_leaf:
            leaf.rwlock.enter_write()
        there = dbuf.set_user(leaf)
        if there is not None and not zap.objset.release.reuse_leaf:
            fail(
                "NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)",
                macro="VERIFY3",
                values=("0000000000000000", f"{blkid:016x}"),
                line=441,
            )
    else:
        assert isinstance(user, Leaf)
        leaf = user
        if leaf.blkid != blkid:
            fail("l->l_blkid == blkid", macro="VERIFY3U", line=454)
        if leaf.dbuf is not dbuf:
            fail("l->l_dbuf == db", macro="VERIFY3P", line=455)
    if zap.objset.release.reuse_leaf:
        leaf.rwlock.enter_write()
    dbuf.will_dirty(tx)
    leaves.init(leaf, zap.norm != 0)
    zap.dbuf.buf.q[L.Q_NUM_LEAFS] += 1
    return leaf


@openzfs("zap.c", "zap_get_leaf_byblk")
def leaf_of_block(zap: Zap, blkid: int, tx: Tx | None, write: bool) -> Leaf:
    """Hold and lock the leaf of a block. Raises ENOENT for block 0, or the errno of a read that fails."""
    if blkid == 0:
        raise ZapErrno(errno.ENOENT)
    # OpenZFS computes the offset of the block in 64 bits, so a block number that is too large wraps around
    dbuf = zap.dnode.hold(blkid & (U64 >> zap.block_shift), None)
    user = dbuf.user
    leaf = _open_leaf(zap, blkid, dbuf) if user is None else user
    if not isinstance(leaf, Leaf):
        raise Panic(Kind.TYPE_CONFUSION, "zap.c:zap_get_leaf_byblk", "the block's user data is a zap_leaf_t")
    if write:
        leaf.rwlock.enter_write()
        assert tx is not None
        dbuf.will_dirty(tx)
    else:
        leaf.rwlock.enter_read()
    if leaf.blkid != blkid:
        fail("l->l_blkid == blkid", macro="VERIFY3U", values=(leaf.blkid, blkid), line=576)
    if leaf.dbuf is not dbuf:
        fail("l->l_dbuf == db", macro="VERIFY3P", line=577)
    buf = dbuf.buf
    if buf.q[L.Q_BLOCK_TYPE] != L.ZBT_LEAF:
        fail(
            "zap_leaf_phys(l)->l_hdr.lh_block_type == ZBT_LEAF",
            macro="VERIFY3",
            values=(buf.q[L.Q_BLOCK_TYPE], L.ZBT_LEAF),
            line=578,
        )
    if buf.i[L.I_LEAF_MAGIC] != L.ZAP_LEAF_MAGIC:
        magic = buf.i[L.I_LEAF_MAGIC], L.ZAP_LEAF_MAGIC
        fail("zap_leaf_phys(l)->l_hdr.lh_magic == ZAP_LEAF_MAGIC", macro="VERIFY3U", values=magic, line=579)
    return leaf


@openzfs("zap.c", "zap_open_leaf")
def _open_leaf(zap: Zap, blkid: int, dbuf: Dbuf) -> Leaf:
    leaf = Leaf(zap.objset.threads, blkid, dbuf, zap.geometry)
    winner = dbuf.set_user(leaf)
    if winner is not None:
        assert isinstance(winner, Leaf)
        leaf = winner
    if dbuf.buf.q[L.Q_LEAF_PAD1]:
        fail("zap_leaf_phys(l)->l_hdr.lh_pad1", macro="VERIFY0", line=516)
    return leaf


@openzfs("zap.c", "zap_deref_leaf")
def deref_leaf(zap: Zap, value: int, tx: Tx | None, write: bool) -> Leaf:
    """Hold and lock the leaf of a hash. Raises EIO if the header block is no header of a ZAP, ENOENT, and the
    errno of a read that fails."""
    q = zap.dbuf.buf.q
    if q[L.Q_BLOCK_TYPE] not in (L.ZBT_HEADER, L.ZBT_LEAF) or q[L.Q_MAGIC] != L.ZAP_MAGIC:
        raise ZapErrno(errno.EIO)
    blkid = ptrtbl.load(zap, value >> (64 - q[L.Q_TBL_SHIFT]))
    leaf = leaf_of_block(zap, blkid, tx, write)
    buf = leaf.dbuf.buf
    if value >> (64 - buf.h[L.H_PREFIX_LEN]) != buf.q[L.Q_PREFIX]:
        fail(
            "err || ZAP_HASH_IDX(h, zap_leaf_phys(*lp)->l_hdr.lh_prefix_len) == "
            "zap_leaf_phys(*lp)->l_hdr.lh_prefix",
            line=703,
        )
    return leaf


@openzfs("zap.c", "zap_increment_num_entries")
def change_count(zap: Zap, delta: int, tx: Tx) -> None:
    """Change the number of entries in the header. It has a mutex of its own, because an op that adds an entry
    has the ZAP's lock only as reader."""
    zap.dbuf.will_dirty(tx)
    zap.num_entries_lock.enter_write()
    q = zap.dbuf.buf.q
    if delta < 0 and q[L.Q_NUM_ENTRIES] < -delta:
        fail("delta > 0 || zap_f_phys(zap)->zap_num_entries >= -delta", line=403)
    q[L.Q_NUM_ENTRIES] += delta
    zap.num_entries_lock.exit()


class StillHeld(ZapErrno):
    """An errno of a leaf's split that leaves the leaf held and locked."""

    def __init__(self, code: int, leaf: Leaf) -> None:
        super().__init__(code)
        self.leaf = leaf


@openzfs("zap.c", "zap_expand_leaf")
def expand_leaf(name: Name, leaf: Leaf, tag: Tag, tx: Tx) -> Leaf:
    """Split a leaf that is too full. Returns the half to which the name belongs, locked as writer.

    The other half is let go of. If an error is raised, the ZAP is still locked. If it could not be locked
    again, then it is not locked either, and `name.zap` is None. No leaf is held then, but with StillHeld,
    which is raised if the caller is to let go of the leaf; and but for what the finding
    zap-expand-leaf-leak is about: a leaf that was locked anew, of which the caller is told nothing.
    """
    zap = name.zap
    value = name.hash
    old_len = leaf.dbuf.buf.h[L.H_PREFIX_LEN]
    _assert_covers(leaf, value, old_len, line=721)
    anew = not zap.rwlock.write_held() or old_len == zap.dbuf.buf.q[L.Q_TBL_SHIFT]
    if anew:
        # rw_tryupgrade() always fails, and a table grows only under the lock of the ZAP as writer: let the
        # locks go, take this one, and look again
        put_leaf(leaf)
        zap = _relock(name, tag, tx)
        while old_len == zap.dbuf.buf.q[L.Q_TBL_SHIFT]:
            try:
                ptrtbl.grow(zap, tx)
            except LimitExceeded as limit:
                limit.full_leaf = old_len
                raise
        leaf = deref_leaf(zap, value, tx, True)
        if leaf.dbuf.buf.h[L.H_PREFIX_LEN] != old_len:
            return leaf
    _assert_covers(leaf, value, old_len, line=759)
    shift = zap.dbuf.buf.q[L.Q_TBL_SHIFT]
    if old_len >= shift:
        fail("old_prefix_len < zap_f_phys(zap)->zap_ptrtbl.zt_shift", macro="VERIFY3U", line=758)
    spread = shift - (old_len + 1)
    sibling = (L.hash_index(value, old_len + 1) | 1) << spread
    ptrtbl.walks(zap, 2 << spread)  # each is read, and later written
    try:
        table = ptrtbl.load_range(zap, sibling, 1 << spread)
    except ZapErrno as error:
        if anew and not zap.objset.release.puts_leaf_twice:
            raise
        raise StillHeld(error.code, leaf) from None
    for blkid in table:
        if blkid != leaf.blkid:
            fail("blk == l->l_blkid", macro="VERIFY3U", values=(blkid, leaf.blkid), line=773)
    new = create_leaf(zap, tx)
    split(leaf, new, zap.norm != 0)
    ptrtbl.store_range(zap, sibling, 1 << spread, new.blkid, tx)
    if value & (1 << (64 - leaf.dbuf.buf.h[L.H_PREFIX_LEN])):
        put_leaf(leaf)
        return new
    put_leaf(new)
    return leaf


def _assert_covers(leaf: Leaf, value: int, length: int, line: int) -> None:
    if L.hash_index(value, length) != leaf.dbuf.buf.q[L.Q_PREFIX]:
        fail(
            "ZAP_HASH_IDX(hash, old_prefix_len) == zap_leaf_phys(l)->l_hdr.lh_prefix",
            macro="VERIFY3U",
            place="zap.c:zap_expand_leaf",
            line=line,
        )


def _relock(name: Name, tag: Tag, tx: Tx) -> Zap:
    """Let the ZAP's lock go and take it as writer. The zap_t may be another one afterwards, unless the
    release keeps it."""
    zap = name.zap
    objset, number = zap.objset, zap.dnode.number
    if objset.release.upgrades_in_place:
        if not zap.rwlock.write_held():
            upgrade(zap, tx)
        return zap
    unlock(zap, tag)
    name.zap = None  # type: ignore[assignment]  # nothing is locked if the next line raises
    name.zap = lock(objset, number, tag, tx, True, False, False)
    return name.zap


@openzfs("zap.c", "zap_put_leaf_maybe_grow_ptrtbl")
def _put_leaf_maybe_grow(name: Name, leaf: Leaf, tag: Tag, tx: Tx) -> None:
    """Let go of a leaf. Then, if the table is growing or will soon have to, take one step of growing it."""
    zap = name.zap
    q = zap.dbuf.buf.q
    shift = q[L.Q_TBL_SHIFT]
    h = leaf.dbuf.buf.h
    full = h[L.H_PREFIX_LEN] == shift and h[L.H_NFREE] < L.LOW_WATER
    put_leaf(leaf)
    if not full and not q[L.Q_TBL_NEXTBLK]:
        return
    if not zap.rwlock.write_held():
        try:
            zap = _relock(name, tag, tx)
        except ZapErrno:
            return
    if zap.dbuf.buf.q[L.Q_TBL_SHIFT] == shift:
        try:
            ptrtbl.grow(zap, tx)
        except ZapErrno:
            return


@openzfs("zap.c", "fzap_checkname")
def _check_name(name: Name) -> None:
    zap = name.zap
    long = zap.dnode.directory and zap.objset.release.long_names
    if len(name.stored) > (LONG_NAME if long else MAX_NAME):
        raise ZapErrno(errno.ENAMETOOLONG)


@openzfs("zap.c", "fzap_check")
def _check(name: Name, size: int, length: int) -> None:
    _check_name(name)
    check_size(size, length)


@openzfs("zap.c", "fzap_checksize")
def check_size(size: int, length: int) -> None:
    """Raise EINVAL for integers of a size that C does not have, and E2BIG for a value of more than 8 KiB."""
    if size not in (1, 2, 4, 8):
        raise ZapErrno(errno.EINVAL)
    if size * length > L.MAX_VALUE_LEN:
        raise ZapErrno(errno.E2BIG)


@openzfs(
    *("dbuf.c", "dbuf_verify_user", "dbuf_evict_user", "dbuf_destroy", "dbuf_rele_and_unlock", "dbuf_rele"),
    *("zap_put_leaf", "zap_put_leaf_maybe_grow_ptrtbl"),
)
def _put_leaf_again() -> None:
    """Let go of a leaf a second time, which panics: the hold that goes is that of the dirty record, and so
    the dbuf is destroyed."""
    fail("holds >= db->db_dirtycnt", macro="ASSERT3U", values=("0x0", "0x1"), operator=">=", line=530)


def _write(name: Name, cd: int, size: int, length: int, value: bytes, tag: Tag, tx: Tx, replace: bool) -> int:
    """Add an entry, or with `replace` give an entry that is there a new value. This is the common part of
    fzap_add_cd() and fzap_update().

    Returns 0 or EEXIST. EEXIST is not raised, because it is so frequent that exceptions would take time.
    """
    leaf = deref_leaf(name.zap, name.hash, tx, True)
    code = 0
    while True:
        try:
            entry = leaves.lookup(leaf, name)
            if entry is None:
                done = leaves.entry_create(leaf, name, cd, size, length, value)
                if done:
                    change_count(name.zap, 1, tx)
            elif replace:
                done = leaves.entry_update(leaf, entry, size, length, value)
            else:
                code = errno.EEXIST
                break
        except ZapErrno:
            _put_leaf_maybe_grow(name, leaf, tag, tx)
            raise
        if done:
            break
        try:
            leaf = expand_leaf(name, leaf, tag, tx)
        except StillHeld as error:
            _put_leaf_maybe_grow(name, error.leaf, tag, tx)
            raise
        except ZapErrno as error:
            again = replace or error.code != errno.ENOSPC
            if again and name.zap is not None and name.zap.objset.release.puts_leaf_twice:
                _put_leaf_again()
            raise
    _put_leaf_maybe_grow(name, leaf, tag, tx)
    return code


@openzfs("zap.c", "fzap_add_cd")
def add_cd(name: Name, size: int, length: int, value: bytes, cd: int, tag: Tag, tx: Tx) -> int:
    """Add an entry. `cd` is the differentiator to give it, or NEED_CD for the lowest one that is free.
    Returns 0 or EEXIST; raises E2BIG, ENOSPC."""
    return _write(name, cd, size, length, value, tag, tx, replace=False)


@openzfs("zap.c", "fzap_add")
def add(name: Name, size: int, length: int, value: bytes, tag: Tag, tx: Tx) -> int:
    """Add an entry. Returns 0 or EEXIST; raises ENAMETOOLONG, EINVAL, E2BIG, ENOSPC."""
    _check(name, size, length)
    return add_cd(name, size, length, value, L.NEED_CD, tag, tx)


@openzfs("zap.c", "fzap_update")
def update(name: Name, size: int, length: int, value: bytes, tag: Tag, tx: Tx) -> int:
    """Add an entry or replace its value. Returns 0; raises ENAMETOOLONG, EINVAL, E2BIG, ENOSPC."""
    _check(name, size, length)
    return _write(name, L.NEED_CD, size, length, value, tag, tx, replace=True)


@openzfs("zap.c", "fzap_prefetch")
def prefetch(name: Name) -> None:
    """Find the block of a name's leaf and begin to read it into the ARC."""
    zap = name.zap
    if zap.micro is not None:
        raise Panic(Kind.TYPE_CONFUSION, "zap.c:fzap_prefetch", "the ZAP is fat")
    with contextlib.suppress(ZapErrno):  # nothing is read where the table cannot be
        ptrtbl.load(zap, L.hash_index(name.hash, zap.dbuf.buf.q[L.Q_TBL_SHIFT]))


@openzfs("zap.c", "fzap_lookup")
def lookup(name: Name, size: int, length: int) -> Found | None:
    """The entry that a name matches, and the first integers of its value, up to `length` integers of `size`
    bytes. None if there is no such entry (ENOENT). Raises ENAMETOOLONG, EINVAL, E2BIG."""
    _check_name(name)
    leaf = deref_leaf(name.zap, name.hash, None, False)
    entry = leaves.lookup(leaf, name)
    if entry is None:
        put_leaf(leaf)
        return None
    try:
        check_size(size, length)
        value, more = leaves.entry_value(leaf, entry, size, length)
        if name.match:
            stored = leaves.entry_name(leaf, entry, False)[:-1]
            result = Found(value, more, stored, leaves.conflict(leaf, entry, name))
        else:
            result = Found(value, more, name.key, False)
    except ZapErrno:
        put_leaf(leaf)
        raise
    put_leaf(leaf)
    return result


@openzfs("zap.c", "fzap_length")
def length_of(name: Name) -> tuple[int, int] | None:
    """The size of the value's integers, and how many there are. None if there is no such entry (ENOENT)."""
    leaf = deref_leaf(name.zap, name.hash, None, False)
    entry = leaves.lookup(leaf, name)
    put_leaf(leaf)
    return None if entry is None else (entry.size, entry.length)


@openzfs("zap.c", "fzap_remove")
def remove(name: Name, tx: Tx) -> int:
    """Remove an entry. If its leaf is empty then, the leaf may be joined with its sibling. Returns 0 or
    ENOENT; or the errno of a read that failed when leaves were to be joined, though the entry is gone: see
    the finding zap-shrink-hides-removal."""
    zap = name.zap
    leaf = deref_leaf(zap, name.hash, tx, True)
    entry = leaves.lookup(leaf, name)
    if entry is None:
        put_leaf(leaf)
        return errno.ENOENT
    leaves.entry_remove(leaf, entry)
    change_count(zap, -1, tx)
    if leaf.dbuf.buf.h[L.H_NENTRIES] == 0 and zap.objset.release.shrink:
        from zapcore.zap.shrink import shrink

        return shrink(name, leaf, tx)
    put_leaf(leaf)
    return 0


@openzfs("zap.c", "fzap_count")
def count(zap: Zap) -> int:
    """The number of entries."""
    zap.num_entries_lock.enter_write()
    entries = zap.dbuf.buf.q[L.Q_NUM_ENTRIES]
    zap.num_entries_lock.exit()
    return entries
