"""A cursor: it walks over the entries in the order of (hash, cd).

Between two calls it stays on its leaf: it holds the dbufs of the leaf and of the header, but no lock. It
finds the ZAP when it first looks for an entry; since efda1093ff it does so when it is started.

From module/zfs/zap_micro.c (zap_cursor_*) and module/zfs/zap.c (fzap_cursor_retrieve).
"""

from __future__ import annotations

import bisect
import errno
from typing import NamedTuple

from zapcore import layout as L
from zapcore.dmu.objset import Objset
from zapcore.errors import ZapErrno, fail, openzfs
from zapcore.zap import leaf as leaves
from zapcore.zap import micro
from zapcore.zap.fat import deref_leaf, put_leaf
from zapcore.zap.leaf import Leaf
from zapcore.zap.name import MATCH_NORMALIZE, Key, Name, key_of
from zapcore.zap.zap import Zap, lock, unlock

U64 = (1 << 64) - 1


class Attribute(NamedTuple):
    """zap_attribute_t: an entry as a cursor returns it. `first` is the first integer of its value, widened to
    64 bits. `conflict` says whether another entry has the same normal form."""

    key: Key
    size: int
    length: int
    first: int
    conflict: bool


class Cursor:
    """zap_cursor_t, also one that is started from a serialized cursor (zap_cursor_init_serialized).

    It stands at (`hash`, `cd`), and at the end if all bits of the hash are 1. If cursors of the release hold
    their ZAP from the start, making one raises what `lock` raises.
    """

    __slots__ = ("cd", "hash", "leaf", "number", "objset", "serialized", "zap")

    @openzfs("zap_micro.c", "zap_cursor_init")
    def __init__(self, objset: Objset, number: int, serialized: int = 0) -> None:
        self.serialized = serialized
        self.objset = objset
        self.number = number
        self.zap: Zap | None = None
        self.leaf: Leaf | None = None
        self.hash = 0
        self.cd = 0
        if objset.release.cursors_hold:
            self._start().rwlock.exit()

    @property
    def holds(self) -> int:
        """How many dbufs it holds: that of the header, and that of its leaf."""
        return (self.zap is not None) + (self.leaf is not None)

    @openzfs("zap_micro.c", "zap_cursor_retrieve")
    def retrieve(self) -> Attribute:
        """The entry at which the cursor stands, or the next one if there is none. Raises ENOENT at the end,
        EIO."""
        if self.hash == U64:
            raise ZapErrno(errno.ENOENT)
        zap = self.zap
        if zap is None:
            zap = self._start()
        else:
            zap.rwlock.enter_read()
        try:
            attribute = self._retrieve_fat() if zap.micro is None else self._retrieve_micro()
        except ZapErrno:
            zap.rwlock.exit()
            raise
        zap.rwlock.exit()
        return attribute

    def _start(self) -> Zap:
        """Find the ZAP and lock it as reader, and go to the place that the serialized cursor says. If the
        cursor was advanced before, it goes on from that place."""
        zap = self.zap = lock(self.objset, self.number, None, None, False, True, False)
        self.hash = (self.serialized << (64 - zap.hash_bits)) & U64
        self.cd = (self.cd + (self.serialized >> zap.hash_bits)) & L.NEED_CD
        if self.cd >= zap.max_cd:
            self.cd = 0
        return zap

    def _retrieve_micro(self) -> Attribute:
        zap = self.zap
        assert zap is not None and zap.micro is not None
        entries = zap.micro.entries
        # The index has only 16 bits of each differentiator, and so must have what is looked for in it.
        at = bisect.bisect_left(entries, (self.hash >> 32, self.cd & 0xFFFF, 0))
        if at == len(entries):
            self.hash = U64
            raise ZapErrno(errno.ENOENT)
        top, cd, slot = entries[at]
        there = micro.slot_cd(zap.dbuf, slot)
        if cd != there:
            fail(
                "mze->mze_cd == mzep->mze_cd",
                macro="ASSERT3U",
                values=(cd, there),
                line=1940,
            )
        self.hash = top << 32
        self.cd = cd
        key = micro.slot_name(zap.dbuf.buf.raw, slot)
        conflict = zap.norm != 0 and micro.conflict(Name(zap, key, MATCH_NORMALIZE), entries[at])
        return Attribute(key, 8, 1, micro.slot_value(zap.dbuf, slot), conflict)

    @openzfs("zap.c", "fzap_cursor_retrieve")
    def _retrieve_fat(self) -> Attribute:
        zap = self.zap
        assert zap is not None
        if self.leaf is not None:
            self._check_parked(self.leaf)
        while True:
            if self.leaf is None:
                self.leaf = deref_leaf(zap, self.hash, None, False)
            leaf = self.leaf
            entry = leaves.lookup_closest(leaf, self.hash, self.cd)
            if entry is not None:
                break
            if not self._step_to_next_leaf(leaf):
                leaf.rwlock.exit()
                raise ZapErrno(errno.ENOENT)
        self.hash = entry.hash
        self.cd = entry.cd
        first = 0
        if entry.length:
            first = int.from_bytes(leaves.entry_value(leaf, entry, 8, 1)[0], "little")
        key = key_of(leaves.entry_name(leaf, entry, zap.words), zap.words)
        conflict = zap.norm != 0 and leaves.conflict(leaf, entry, Name(zap, key, MATCH_NORMALIZE))
        leaf.rwlock.exit()
        return Attribute(key, entry.size, entry.length, first, conflict)

    def _check_parked(self, leaf: Leaf) -> None:
        """Lock the leaf on which the cursor stayed. Let go of it if it was shrunk away or split since
        then."""
        leaf.rwlock.enter_read()
        buf = leaf.dbuf.buf
        gone = self.objset.release.shrink and buf.q[L.Q_BLOCK_TYPE] == 0
        if gone or L.hash_index(self.hash, buf.h[L.H_PREFIX_LEN]) != buf.q[L.Q_PREFIX]:
            put_leaf(leaf)
            self.leaf = None

    def _step_to_next_leaf(self, leaf: Leaf) -> bool:
        """Go to the first hash behind those of this leaf, and let go of the leaf. Returns False if no hash is
        behind it; the leaf is kept then."""
        length = leaf.dbuf.buf.h[L.H_PREFIX_LEN]
        span = 1 << (64 - length)
        self.cd = 0
        self.hash = ((self.hash & ~(span - 1)) + span) & U64 if length else 0
        if self.hash == 0:
            self.hash = U64
            return False
        put_leaf(leaf)
        self.leaf = None
        return True

    @openzfs("zap_micro.c", "zap_cursor_advance")
    def advance(self) -> None:
        """Go on behind the entry that was retrieved last."""
        if self.hash != U64:
            self.cd += 1

    @openzfs("zap_micro.c", "zap_cursor_fini")
    def close(self) -> None:
        """Let go of the header's dbuf, then of the leaf's. Since efda1093ff it is the other way round."""
        if self.objset.release.cursors_hold:
            self._let_leaf_go()
        if self.zap is not None:
            self.zap.rwlock.enter_read()
            unlock(self.zap, None)
            self.zap = None
        self._let_leaf_go()

    def _let_leaf_go(self) -> None:
        if self.leaf is not None:
            self.leaf.rwlock.enter_read()
            put_leaf(self.leaf)
            self.leaf = None

    @openzfs("zap_micro.c", "zap_cursor_serialize")
    def serialize(self) -> int:
        """Where the cursor stands, as a number with which a new cursor can be started. At the end all bits of
        it are 1."""
        if self.hash == U64:
            return U64
        zap = self.zap
        if zap is None:
            return self.serialized
        if zap.micro is None:
            # OpenZFS reads the flags from the block, and they are zero after it was freed
            zap.set_flags(zap.dbuf.buf.q[L.Q_FLAGS])
        if self.hash & zap.max_cd:
            fail("(zc->zc_hash & zap_maxcd(zc->zc_zap)) == 0", line=1879)
        if self.cd >= zap.max_cd:
            fail("zc->zc_cd < zap_maxcd(zc->zc_zap)", line=1880)
        return (self.hash >> (64 - zap.hash_bits)) | (self.cd << zap.hash_bits) & U64
