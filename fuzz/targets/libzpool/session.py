"""One program on a running pool: its objects, its cursors, and each verb as calls of the library.

Everything here runs in the worker. An op that modifies is one transaction of its own, as ztest does it;
`dmu_tx_assign` never waits, since waiting would move transaction groups, so a pool without room is `NoRoom`.
"""

from __future__ import annotations

import array
import ctypes
import errno
import os
from collections.abc import Callable, Sequence

from fuzz.program import VERBS, Zap, value_bytes
from fuzz.targets.base import Entry
from fuzz.targets.libzpool.abi import (
    DMU_NEW_OBJECT,
    DMU_OBJECT_END,
    DMU_OT_OBJECT_DIRECTORY,
    DMU_READ_NO_PREFETCH,
    INDIRECT_SHIFT,
    TXG_NOWAIT,
    Attribute,
    Library,
    ObjectInfo,
)
from fuzz.targets.libzpool.pool import Pool
from fuzz.targets.libzpool.salt import SaltWriter
from fuzz.targets.libzpool.wire import (
    WireOp,
    block_digest,
    join_digests,
    pack_result,
)

CURSOR_BYTES = 4096
_BUFFER_BYTES = 8 * 8192
_COUNTING = bytes(range(256)) * 33
_ARRAY_CODES = {2: "H", 4: "I", 8: "Q"}
_PLAIN = [pack_result(code) for code in range(256)]


class NoRoom(Exception):
    """The program asks for more than the pool has."""


class Drift(Exception):
    """The harness is at fault: a call that cannot fail did."""


def quick_value(size: int, length: int, fill: int) -> bytes:
    """`value_bytes`, by slicing or through an array where no integer wraps."""
    if size == 1:
        return _COUNTING[fill & 255 : (fill & 255) + length]
    fill &= (1 << (8 * size)) - 1
    if fill + length <= 1 << (8 * size):
        return array.array(_ARRAY_CODES[size], range(fill, fill + length)).tobytes()
    return value_bytes(size, length, fill)


class _Object:
    """One ZAP: how it is created, its object number (0 where destroyed), and what was last read of it."""

    __slots__ = ("digest", "digests", "number", "shape", "stripped")

    def __init__(self, shape: Zap) -> None:
        self.shape = shape
        self.number = 0
        self.forget()

    def forget(self) -> None:
        """Nothing has been read yet."""
        self.stripped = b""
        self.digests: list[bytes] = []
        self.digest = join_digests(())


class _Cursor:
    """A zap_cursor_t in place, and whether something was retrieved through it."""

    __slots__ = ("address", "memory", "moved", "words")

    def __init__(self) -> None:
        self.memory = ctypes.create_string_buffer(CURSOR_BYTES)
        self.address = ctypes.addressof(self.memory)
        self.moved = False
        self.words = 0


class Session:
    """A program's world. Verbs are called by `apply`, which gives the packed result."""

    def __init__(self, pool: Pool, salts: SaltWriter) -> None:
        self.pool, self.lib, self.os = pool, pool.lib, pool.os
        self._salts = salts
        self._zaps: list[_Object] = []
        self._cursors: dict[int, _Cursor] = {}
        self._spare: list[_Cursor] = []
        self._buffer = ctypes.create_string_buffer(_BUFFER_BYTES + 16)
        self._at = ctypes.addressof(self._buffer)
        self._room = ctypes.create_string_buffer(1 << 16)
        self._info = ObjectInfo()
        self._two = (ctypes.c_uint64 * 2)()
        self._attribute = self.lib.attribute()
        self._shift = ctypes.c_int.in_dll(self.lib.handle, "fzap_default_block_shift")
        self._verbs: list[Callable[[WireOp], bytes]] = [getattr(self, f"_{name}") for name in VERBS]

    def begin(self, zaps: Sequence[Zap]) -> None:
        """Create the ZAPs, in order, in the open txg."""
        self.end()
        self._zaps = [_Object(shape) for shape in zaps]
        for zap in self._zaps:
            self._make(zap)

    def end(self) -> None:
        """Close the cursors, let what is in flight sync, destroy what is left."""
        for index in list(self._cursors):
            self._drop(index)
        self.pool.finish_all()
        for zap in self._zaps:
            if zap.number:
                self._unmake(zap)
        self._zaps = []

    def apply(self, op: WireOp) -> bytes:
        """Run one op; its result, packed. Raises NoRoom."""
        return self._verbs[op.verb](op)

    # Transactions

    def _begin_tx(self, number: int, add: int) -> int:
        lib = self.lib
        tx: int = lib.dmu_tx_create(self.os)
        lib.dmu_tx_hold_zap(tx, number, add, None)
        if error := lib.dmu_tx_assign(tx, TXG_NOWAIT):
            lib.dmu_tx_abort(tx)
            raise NoRoom(f"dmu_tx_assign: {errno.errorcode.get(error, error)}")
        return tx

    def _make(self, zap: _Object) -> None:
        shape, lib = zap.shape, self.lib
        tx = self._begin_tx(DMU_NEW_OBJECT, 1)
        flags = shape.hash64 | bool(shape.words) << 1 | shape.prehashed << 2
        if shape.fat:
            zap.number = lib.zap_create_flags(
                self.os,
                shape.norm,
                flags,
                DMU_OT_OBJECT_DIRECTORY,
                shape.leaf_shift,
                INDIRECT_SHIFT,
                0,
                0,
                tx,
            )
        else:
            zap.number = lib.zap_create_norm(self.os, shape.norm, DMU_OT_OBJECT_DIRECTORY, 0, 0, tx)
        self._salts.write(self.os, zap.number, shape.salt, flags != 0, tx)
        lib.dmu_tx_commit(tx)
        zap.forget()

    def _unmake(self, zap: _Object) -> int:
        lib = self.lib
        tx = lib.dmu_tx_create(self.os)
        lib.dmu_tx_hold_free(tx, zap.number, 0, DMU_OBJECT_END)
        if error := lib.dmu_tx_assign(tx, TXG_NOWAIT):
            lib.dmu_tx_abort(tx)
            raise NoRoom(f"dmu_tx_assign: {errno.errorcode.get(error, error)}")
        result: int = lib.zap_destroy(self.os, zap.number, tx)
        lib.dmu_tx_commit(tx)
        if result == 0:
            zap.number = 0
        return result

    def _live(self, index: int) -> _Object | None:
        """The ZAP of an op, its block shift set; None where it is destroyed."""
        zap = self._zaps[index]
        if not zap.number:
            return None
        if not zap.shape.fat and self._shift.value != zap.shape.leaf_shift:
            self._shift.value = zap.shape.leaf_shift
        return zap

    # Verbs

    def _store(self, op: WireOp, named: Callable[..., int], binary: Callable[..., int]) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        number, words = zap.number, zap.shape.words
        value = quick_value(op.size, op.length, op.fill)
        tx = self._begin_tx(number, 1)
        if words:
            error = binary(self.os, number, op.key, words, op.size, op.length, value, tx)
        else:
            error = named(self.os, number, op.key, op.size, op.length, value, tx)
        self.lib.dmu_tx_commit(tx)
        return _PLAIN[error]

    def _add(self, op: WireOp) -> bytes:
        return self._store(op, self.lib.zap_add, self.lib.zap_add_uint64)

    def _update(self, op: WireOp) -> bytes:
        return self._store(op, self.lib.zap_update, self.lib.zap_update_uint64)

    def _remove(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        tx = self._begin_tx(zap.number, 0)
        if words := zap.shape.words:
            error: int = self.lib.zap_remove_uint64(self.os, zap.number, op.key, words, tx)
        else:
            error = self.lib.zap_remove(self.os, zap.number, op.key, tx)
        self.lib.dmu_tx_commit(tx)
        return _PLAIN[error]

    def _lookup(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        count, at = op.size * op.length, self._at
        ctypes.memset(at, 0, count)
        if words := zap.shape.words:
            error: int = self.lib.zap_lookup_uint64(
                self.os, zap.number, op.key, words, op.size, op.length, at
            )
        else:
            error = self.lib.zap_lookup(self.os, zap.number, op.key, op.size, op.length, at)
        if error not in (0, errno.EOVERFLOW):
            return _PLAIN[error]
        return pack_result(error, ctypes.string_at(at, count).rstrip(b"\0"))

    def _length(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        size = ctypes.addressof(self._two)
        if words := zap.shape.words:
            error: int = self.lib.zap_length_uint64(self.os, zap.number, op.key, words, size, size + 8)
        else:
            error = self.lib.zap_length(self.os, zap.number, op.key, size, size + 8)
        return _PLAIN[error] if error else pack_result(0, (self._two[0], self._two[1]))

    def _count(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        error: int = self.lib.zap_count(self.os, zap.number, ctypes.addressof(self._two))
        return _PLAIN[error] if error else pack_result(0, self._two[0])

    def _destroy(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        return _PLAIN[errno.ENOENT if zap is None else self._unmake(zap)]

    def _create(self, op: WireOp) -> bytes:
        zap = self._zaps[op.target]
        if zap.number:
            return _PLAIN[errno.EEXIST]
        self._make(zap)
        return _PLAIN[0]

    # Cursors

    def _drop(self, index: int) -> None:
        cursor = self._cursors.pop(index, None)
        if cursor is not None:
            self.lib.zap_cursor_fini(cursor.address)
            self._spare.append(cursor)

    def _cursor(self, op: WireOp) -> bytes:
        self._drop(op.target)
        zap = self._live(op.other)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        cursor = self._spare.pop() if self._spare else _Cursor()
        cursor.moved, cursor.words = False, zap.shape.words
        self.lib.zap_cursor_init(cursor.address, self.os, zap.number)
        self._cursors[op.target] = cursor
        return _PLAIN[0]

    def _entry(self, cursor: _Cursor) -> bytes:
        error: int = self.lib.zap_cursor_retrieve(cursor.address, self._attribute)
        if error:
            return _PLAIN[error]
        cursor.moved = True
        found = Attribute.from_address(self._attribute)
        name = self._attribute + self.lib.named_at
        key = ctypes.string_at(name, 8 * cursor.words) if cursor.words else ctypes.string_at(name)
        entry = Entry(key, found.integer_length, found.num_integers, found.first_integer)
        return pack_result(0, entry)

    def _next(self, op: WireOp) -> bytes:
        cursor = self._cursors.get(op.target)
        if cursor is None:
            return _PLAIN[errno.EBADF]
        if cursor.moved:
            self.lib.zap_cursor_advance(cursor.address)
        return self._entry(cursor)

    def _retrieve(self, op: WireOp) -> bytes:
        cursor = self._cursors.get(op.target)
        return _PLAIN[errno.EBADF] if cursor is None else self._entry(cursor)

    def _close(self, op: WireOp) -> bytes:
        if op.target not in self._cursors:
            return _PLAIN[errno.EBADF]
        self._drop(op.target)
        return _PLAIN[0]

    # Time

    def _txg(self, op: WireOp) -> bytes:
        self.pool.txg()
        return _PLAIN[0]

    def _finish(self, op: WireOp) -> bytes:
        self.pool.finish()
        return _PLAIN[0]

    def _sync(self, op: WireOp) -> bytes:
        self.pool.sync()
        return _PLAIN[0]

    def _evict(self, op: WireOp) -> bytes:
        self.lib.dmu_objset_evict_dbufs(self.os)
        return _PLAIN[0]

    # Blocks

    def read(self, index: int) -> tuple[int, bytes]:
        """Block size and content of a ZAP's object up to the highest block it has had; (0, b"") where it is
        destroyed. Blocks that were freed read as zeros."""
        zap = self._zaps[index]
        if not zap.number:
            return 0, b""
        info, lib = self._info, self.lib
        if error := lib.dmu_object_info(self.os, zap.number, ctypes.addressof(info)):
            raise Drift(f"dmu_object_info: {os.strerror(error)}")
        count: int = info.max_offset
        if count > len(self._room):
            self._room = ctypes.create_string_buffer(2 * count)
        at = ctypes.addressof(self._room)
        if error := lib.dmu_read(self.os, zap.number, 0, count, at, DMU_READ_NO_PREFETCH):
            raise Drift(f"dmu_read: {os.strerror(error)}")
        return info.data_block_size, ctypes.string_at(at, count)

    def digests(self) -> bytes:
        """For each ZAP, a 1 and the digest of its blocks, or a 0."""
        return b"".join(self._digest(index) for index in range(len(self._zaps)))

    def _digest(self, index: int) -> bytes:
        size, content = self.read(index)
        if not size:
            return b"\0"
        zap = self._zaps[index]
        content = content.rstrip(b"\0")
        old = zap.stripped
        if content != old:
            known = zap.digests
            fresh = []
            for at in range(0, len(content), size):
                block = content[at : at + size]
                number = at // size
                if number < len(known) and len(block) == size and block == old[at : at + size]:
                    fresh.append(known[number])
                else:
                    fresh.append(block_digest(block.ljust(size, b"\0")))
            zap.stripped, zap.digests, zap.digest = content, fresh, join_digests(fresh)
        return b"\1" + zap.digest


def new_session(library: Library) -> Session:
    """A pool with nothing in it, ready for programs."""
    pool = Pool(library)
    return Session(pool, SaltWriter(pool))
