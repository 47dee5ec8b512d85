"""The ZAPs of one program on a running pool: their objects, transactions, and what lies in their blocks.

`dmu_tx_assign` never waits, since waiting would move transaction groups, so a pool without room is `NoRoom`.
"""

from __future__ import annotations

import ctypes
import errno
import os

from fuzz.language.program import Zap
from fuzz.targets.libzpool.abi import (
    DMU_NEW_OBJECT,
    DMU_OBJECT_END,
    DMU_OT_DIRECTORY_CONTENTS,
    DMU_OT_OBJECT_DIRECTORY,
    TXG_NOWAIT,
    ObjectInfo,
)
from fuzz.targets.libzpool.pool import Pool, PoolLost
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.wire import block_digest, join_digests, pack_result

BUFFER_BYTES = 8 * 8192
PLAIN = [pack_result(code) for code in range(256)]
"""The packed result of each errno without a value."""


class NoRoom(Exception):
    """The program asks for more than the pool has."""


class Drift(Exception):
    """The harness is at fault: a call that cannot fail did."""


class Object:
    """One ZAP: how it is created, its object number (0 where destroyed) and the last it had, the txg
    that freed that, and what was last read of it."""

    __slots__ = ("block_size", "digest", "digests", "freed_at", "last", "number", "shape", "stripped")

    def __init__(self, shape: Zap) -> None:
        self.shape = shape
        self.number = self.last = self.freed_at = 0
        self.forget()

    def forget(self) -> None:
        """Nothing has been read yet."""
        self.stripped = b""
        self.block_size = 0
        self.digests: list[bytes] = []
        self.digest = join_digests(())


class World:
    """What a program works on."""

    def __init__(self, pool: Pool, salts: SaltWriter) -> None:
        self.pool, self.lib, self.os = pool, pool.lib, pool.os
        self.salts = salts
        self._zaps: list[Object] = []
        self._buffer = ctypes.create_string_buffer(BUFFER_BYTES + 16)
        self._at = ctypes.addressof(self._buffer)
        self._room = ctypes.create_string_buffer(1 << 16)
        self._info = ObjectInfo()
        self._two = (ctypes.c_uint64 * 2)()
        self._attribute = self.lib.attribute()
        self._shift = ctypes.c_int.in_dll(self.lib.handle, "fzap_default_block_shift")

    def _begin_tx(self, number: int, add: int) -> int:
        lib = self.lib
        tx: int = lib.dmu_tx_create(self.os)
        lib.dmu_tx_hold_zap(tx, number, add, None)
        if error := lib.dmu_tx_assign(tx, TXG_NOWAIT):
            lib.dmu_tx_abort(tx)
            raise NoRoom(f"dmu_tx_assign: {errno.errorcode.get(error, error)}")
        return tx

    def _make(self, zap: Object) -> None:
        shape, lib = zap.shape, self.lib
        tx = self._begin_tx(DMU_NEW_OBJECT, 1)
        flags = shape.hash64 | bool(shape.words) << 1 | shape.prehashed << 2
        last = zap.last if self.pool.synced > zap.freed_at else 0
        kind = DMU_OT_OBJECT_DIRECTORY if flags else DMU_OT_DIRECTORY_CONTENTS
        zap.number = zap.last = self._claim(last, kind, 1 << shape.leaf_shift if shape.fat else 0, tx)
        dnode = ctypes.c_void_p()
        if error := lib.dnode_hold(self.os, zap.number, self.pool.tag, ctypes.byref(dnode)):
            raise PoolLost(f"dnode_hold: {os.strerror(error)}")
        lib.mzap_create_impl(dnode, shape.norm, flags, tx)
        lib.dnode_rele(dnode, self.pool.tag)
        self.salts.write(self.os, zap.number, shape.salt, flags != 0, tx)
        lib.dmu_tx_commit(tx)
        zap.forget()

    def _claim(self, last: int, kind: int, block_size: int, tx: int) -> int:
        """A new object: the one that the ZAP was before if it is free again, else one that was never used.

        zap_create() and zap_create_flags() would take the next free number after the last one that this
        processor took, which no program could know; what they do with it is the same.
        """
        while True:
            number = last or self.pool.fresh_object()
            last = 0
            if not self.lib.dmu_object_claim(self.os, number, kind, block_size, 0, 0, tx):
                return number

    def _unmake(self, zap: Object) -> int:
        lib = self.lib
        tx = lib.dmu_tx_create(self.os)
        lib.dmu_tx_hold_free(tx, zap.number, 0, DMU_OBJECT_END)
        if error := lib.dmu_tx_assign(tx, TXG_NOWAIT):
            lib.dmu_tx_abort(tx)
            raise NoRoom(f"dmu_tx_assign: {errno.errorcode.get(error, error)}")
        result: int = lib.zap_destroy(self.os, zap.number, tx)
        lib.dmu_tx_commit(tx)
        if result == 0:
            zap.number, zap.freed_at = 0, self.pool.open_txg
        return result

    def _live(self, index: int) -> Object | None:
        """The ZAP of an op, its block shift set; None where it is destroyed."""
        zap = self._zaps[index]
        if not zap.number:
            return None
        self._tune_for(zap)
        return zap

    def _tune_for(self, zap: Object) -> None:
        """Set the block size that the ZAP gets when it becomes fat."""
        if not zap.shape.fat and self._shift.value != zap.shape.leaf_shift:
            self._shift.value = zap.shape.leaf_shift

    def _named(self, index: int) -> Object | int:
        """The ZAP of an op that only names have, or why there is none: ENOENT, ENOTSUP."""
        zap = self._live(index)
        if zap is None:
            return errno.ENOENT
        return errno.ENOTSUP if zap.shape.words else zap

    def find(self, number: int) -> tuple[int, int]:
        """The index of the ZAP that has an object number, or had it last, and its block shift, or (-1, 0)."""
        for index, zap in enumerate(self._zaps):
            if number in (zap.number, zap.last):
                return index, zap.shape.leaf_shift
        return -1, 0

    def read(self, index: int) -> tuple[int, bytes]:
        """Block size and content of a ZAP's object up to the highest block it has had; (0, b"") where it is
        destroyed. Blocks that were freed read as zeros."""
        zap = self._zaps[index]
        if not zap.number:
            return 0, b""
        info, lib = self._info, self.lib
        if error := lib.dmu_object_info(self.os, zap.number, ctypes.addressof(info)):
            raise PoolLost(f"dmu_object_info: {os.strerror(error)}")
        count: int = info.max_offset
        if count > len(self._room):
            self._room = ctypes.create_string_buffer(2 * count)
        at = ctypes.addressof(self._room)
        if error := lib.dmu_read(self.os, zap.number, 0, count, at, lib.look):
            raise PoolLost(f"dmu_read: {os.strerror(error)}")
        return info.data_block_size, ctypes.string_at(at, count)

    def dbufs(self, index: int, size: int, length: int) -> bytes:
        """Of each block of a ZAP's object, in order, how many hold its dbuf and whether that has user data, a
        byte each; zeros at the end are left out. `size` bytes in a block, `length` in all: see `read`."""
        zap, lib, tag = self._zaps[index], self.lib, self.pool.tag
        dbuf = ctypes.c_void_p()
        at = ctypes.byref(dbuf)
        states = bytearray()
        for offset in range(0, length, max(size, 1)):
            if error := lib.dmu_buf_hold(self.os, zap.number, offset, tag, at, lib.look):
                raise PoolLost(f"dmu_buf_hold: {os.strerror(error)}")
            states.append(min(lib.dmu_buf_refcount(dbuf) - 1, 255))
            states.append(bool(lib.dmu_buf_get_user(dbuf)))
            lib.dmu_buf_rele(dbuf, tag)
        return bytes(states.rstrip(b"\0"))

    def digests(self) -> bytes:
        """For each ZAP, a 1 and the digests of its blocks and their dbufs, or a 0."""
        return b"".join(self._digest(index) for index in range(len(self._zaps)))

    def _digest(self, index: int) -> bytes:
        size, content = self.read(index)
        if not size:
            return b"\0"
        zap = self._zaps[index]
        dbufs = block_digest(self.dbufs(index, size, len(content)))
        content = content.rstrip(b"\0")
        old = zap.stripped
        if content != old or size != zap.block_size:
            known = zap.digests if size == zap.block_size else []
            zap.block_size = size
            fresh = []
            for at in range(0, len(content), size):
                block = content[at : at + size]
                number = at // size
                if number < len(known) and len(block) == size and block == old[at : at + size]:
                    fresh.append(known[number])
                else:
                    fresh.append(block_digest(block.ljust(size, b"\0")))
            zap.stripped, zap.digests, zap.digest = content, fresh, join_digests(fresh)
        return b"\1" + zap.digest + dbufs
