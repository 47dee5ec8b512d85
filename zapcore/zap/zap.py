"""The ZAP in memory, which is the user data of the header block's dbuf, and how it is found and locked
(zap_t, zap_lockdir).

Locks are taken in this order: zap_rwlock, then leaves (of two siblings the one whose prefix ends in 0 first),
then a dbuf. A thread that has zap_rwlock as reader and needs it as writer lets it go, takes it as writer, and
checks again what it had found.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from zapcore import layout as L
from zapcore.dmu.dbuf import Dbuf, Tag, User
from zapcore.dmu.dnode import Dnode
from zapcore.dmu.objset import Objset, Tx
from zapcore.errors import ZapErrno, fail, openzfs
from zapcore.locks import RWLock
from zapcore.zap.norm import forms_of

if TYPE_CHECKING:
    from zapcore.zap.micro import MicroIndex

FTAG = "FTAG"


class Zap(User):
    """zap_t: the user data of block 0. `micro` is the index of a micro ZAP, and None in a fat one."""

    __slots__ = (
        "block_shift",
        "dnode",
        "flags",
        "forms",
        "geometry",
        "hash_bits",
        "hash_mask",
        "max_cd",
        "micro",
        "norm",
        "num_entries_lock",
        "objset",
        "prehashed",
        "rwlock",
        "salt",
        "words",
    )

    def __init__(self, dnode: Dnode, dbuf: Dbuf) -> None:
        super().__init__(dbuf)
        self.objset = dnode.objset
        self.dnode = dnode
        self.rwlock = RWLock(self.objset.threads, "zap->zap_rwlock", (dnode.number, 0))
        self.num_entries_lock = RWLock(
            self.objset.threads, "zap->zap_f.zap_num_entries_mtx", (dnode.number, 0)
        )
        self.micro: MicroIndex | None = None
        self.salt = 0
        self.set_norm(0)
        self.flags = 0
        self.become_fat_shaped()

    def become_fat_shaped(self) -> None:
        """Take the block size and the flags from the header block, and compute what follows from them."""
        buf = self.dbuf.buf
        self.block_shift = len(buf.raw).bit_length() - 1
        self.geometry = L.geometry(self.block_shift)
        self.set_flags(0 if self.micro is not None else buf.q[L.Q_FLAGS])

    def set_norm(self, norm: int) -> None:
        """Remember zap_normflags, and those of them that the release obeys."""
        self.norm = norm
        self.forms = forms_of(norm, self.objset.release.lower_case)

    def set_flags(self, flags: int) -> None:
        """Remember zap_flags, and what zap_hashbits() and zap_maxcd() compute from them."""
        self.flags = flags
        self.words = bool(flags & L.FLAG_UINT64_KEY)
        self.prehashed = bool(flags & L.FLAG_PRE_HASHED_KEY)
        wide = bool(flags & L.FLAG_HASH64)
        self.hash_bits = self.objset.hash_bits.get(self.dnode.number) or L.hash_bits(flags)
        self.hash_mask = L.hash_mask(self.hash_bits)
        self.max_cd = 0xFFFF if wide else L.NEED_CD

    @openzfs("zap_micro.c", "zap_evict_sync")
    def evicted(self) -> None:
        """The evict callback: the zap_t is freed, and with it its lock."""
        self.rwlock.destroy()


@openzfs("zap_micro.c", "mzap_open")
def _open(dnode: Dnode, dbuf: Dbuf) -> Zap:
    """Make the zap_t of a header block. Raises EIO if the block is the header of neither a micro nor a fat
    ZAP."""
    from zapcore.zap import micro  # imported here because micro.py imports this file

    q = dbuf.buf.q
    if q[L.Q_BLOCK_TYPE] == L.ZBT_MICRO:
        zap = micro.open_micro(dnode, dbuf)
    elif q[L.Q_BLOCK_TYPE] == L.ZBT_HEADER and q[L.Q_MAGIC] == L.ZAP_MAGIC:
        zap = Zap(dnode, dbuf)
        zap.salt = q[L.Q_SALT]
        zap.set_norm(q[L.Q_NORMFLAGS])
    else:
        raise ZapErrno(errno.EIO)
    winner = dbuf.set_user(zap)
    if winner is not None:
        assert isinstance(winner, Zap)
        return winner
    return zap


@openzfs("zap_micro.c", "zap_lockdir_impl")
def lock_dbuf(
    dnode: Dnode, dbuf: Dbuf, tag: Tag, tx: Tx | None, write: bool, fat_reader: bool, adding: bool
) -> Zap:
    """Lock the ZAP whose header dbuf the caller holds. Whoever lets go of the lock lets go of that hold, too.

    `write` says that the lock is wanted as writer, and `fat_reader` that a fat ZAP need only be locked as
    reader nevertheless. `adding` says that an entry may be added: a micro ZAP that is full grows or becomes
    fat for it here.
    """
    user = dbuf.user
    zap = user if isinstance(user, Zap) else _open(dnode, dbuf)
    as_writer = write and not (fat_reader and zap.micro is None)
    if as_writer:
        zap.rwlock.enter_write()
    else:
        zap.rwlock.enter_read()
    if as_writer and fat_reader and zap.micro is None:
        # the ZAP became fat while this thread waited: the lock need only be held as reader, and is downgraded
        zap.rwlock.writer = None
        zap.rwlock.readers.append(zap.objset.threads.current)
        as_writer = False
    zap.dnode = dnode
    if as_writer:
        assert tx is not None
        dbuf.will_dirty(tx)
    if zap.dbuf is not dbuf:
        fail("zap->zap_dbuf == db", macro="VERIFY3P", line=672)
    if zap.micro is not None and tx is not None and adding:
        from zapcore.zap import micro

        zap = micro.make_room(zap, tag, tx)
    return zap


@openzfs("zap_micro.c", "zap_lockdir")
def lock(
    objset: Objset, number: int, tag: Tag, tx: Tx | None, write: bool, fat_reader: bool, adding: bool
) -> Zap:
    """Find and lock the ZAP of an object; see `lock_dbuf`. Raises ENOENT, EIO."""
    dnode = objset.dnode(number)
    dbuf = dnode.hold(0, tag)
    try:
        return lock_dbuf(dnode, dbuf, tag, tx, write, fat_reader, adding)
    except ZapErrno:
        dbuf.rele(tag)
        raise


def upgrade(zap: Zap, tx: Tx) -> None:
    """Let the ZAP's lock go and take it as writer, because rw_tryupgrade() always fails. The header's dbuf
    stays held. The caller must check again what it had found."""
    zap.rwlock.exit()
    zap.rwlock.enter_write()
    zap.dbuf.will_dirty(tx)


@openzfs("zap_micro.c", "zap_unlockdir")
def unlock(zap: Zap, tag: Tag) -> None:
    """Let go of the lock and of the header's dbuf."""
    zap.rwlock.exit()
    zap.dbuf.rele(tag)
