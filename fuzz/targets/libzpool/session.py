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
from fuzz.targets.base import Entry, Found
from fuzz.targets.libzpool.abi import (
    DMU_NEW_OBJECT,
    DMU_OBJECT_END,
    DMU_OT_OBJECT_DIRECTORY,
    DMU_READ_NO_PREFETCH,
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
STATS_NUMBERS = 63
"""Of 64 bits each: zap_stats_t."""
KIND_SHIFT = 60
DIRECTORY, FILE = 4 << KIND_SHIFT, 8 << KIND_SHIFT
"""ZFS_DIRENT_MAKE (include/sys/zfs_znode.h): DT_DIR and DT_REG in the top bits of an entry."""
_BUFFER_BYTES = 8 * 8192
_NAME_BYTES = 2048
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
    """One ZAP: how it is created, its object number (0 where destroyed) and the last it had, and what was
    last read of it."""

    __slots__ = ("block_size", "digest", "digests", "last", "number", "shape", "stripped")

    def __init__(self, shape: Zap) -> None:
        self.shape = shape
        self.number = self.last = 0
        self.forget()

    def forget(self) -> None:
        """Nothing has been read yet."""
        self.stripped = b""
        self.block_size = 0
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
        self._verbs: list[Callable[[WireOp], bytes]] = [
            getattr(self, f"_{name}", self._unknown) for name in VERBS
        ]

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

    def _unknown(self, op: WireOp) -> bytes:
        raise Drift(f"{list(VERBS)[op.verb]} is not known here")

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
        zap.number = zap.last = self._claim(zap.last, 1 << shape.leaf_shift if shape.fat else 0, tx)
        dnode = ctypes.c_void_p()
        if error := lib.dnode_hold(self.os, zap.number, self.pool.tag, ctypes.byref(dnode)):
            raise Drift(f"dnode_hold: {os.strerror(error)}")
        lib.mzap_create_impl(dnode, shape.norm, flags, tx)
        lib.dnode_rele(dnode, self.pool.tag)
        self._salts.write(self.os, zap.number, shape.salt, flags != 0, tx)
        lib.dmu_tx_commit(tx)
        zap.forget()

    def _claim(self, last: int, block_size: int, tx: int) -> int:
        """A new object: the one that the ZAP was before if it is free again, else one that was never used.

        zap_create() and zap_create_flags() would take the next free number after the last one that this
        processor took, which no program could know; what they do with it is the same.
        """
        while True:
            number = last or self.pool.fresh_object()
            last = 0
            kind = DMU_OT_OBJECT_DIRECTORY
            if not self.lib.dmu_object_claim(self.os, number, kind, block_size, 0, 0, tx):
                return number

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
        self._tune_for(zap)
        return zap

    def _tune_for(self, zap: _Object) -> None:
        """Set the block size that the ZAP gets when it becomes fat."""
        if not zap.shape.fat and self._shift.value != zap.shape.leaf_shift:
            self._shift.value = zap.shape.leaf_shift

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

    def _contains(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        if words := zap.shape.words:
            error: int = self.lib.zap_lookup_uint64(self.os, zap.number, op.key, words, 0, 0, None)
            return _PLAIN[0 if error in (errno.EINVAL, errno.EOVERFLOW) else error]
        error = self.lib.zap_contains(self.os, zap.number, op.key)
        return _PLAIN[error]

    def _increment(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        tx = self._begin_tx(zap.number, 1)
        if zap.shape.words:
            error = self._increment_words(zap, op, tx)
        else:
            error = self.lib.zap_increment(self.os, zap.number, op.key, op.fill, tx)
        self.lib.dmu_tx_commit(tx)
        return _PLAIN[error]

    def _increment_words(self, zap: _Object, op: WireOp, tx: int) -> int:
        """What zap_increment() does, with the calls for keys of words: OpenZFS has none for these."""
        lib, words, at = self.lib, zap.shape.words, self._at
        if not op.fill:
            return 0
        ctypes.memset(at, 0, 8)
        error: int = lib.zap_lookup_uint64(self.os, zap.number, op.key, words, 8, 1, at)
        if error not in (0, errno.ENOENT):
            return error
        value = (int.from_bytes(ctypes.string_at(at, 8), "little") + op.fill) & ((1 << 64) - 1)
        if not value:
            error = lib.zap_remove_uint64(self.os, zap.number, op.key, words, tx)
        else:
            data = value.to_bytes(8, "little")
            error = lib.zap_update_uint64(self.os, zap.number, op.key, words, 8, 1, data, tx)
        return error

    def _named(self, index: int) -> _Object | int:
        """The ZAP of an op that only names have, or why there is none: ENOENT, ENOTSUP."""
        zap = self._live(index)
        if zap is None:
            return errno.ENOENT
        return errno.ENOTSUP if zap.shape.words else zap

    def _search(self, op: WireOp) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return _PLAIN[zap]
        # 2.1 does not have the last argument, and does not look at it
        error: int = self.lib.zap_value_search(
            self.os, zap.number, op.fill, op.extra, self._at, _BUFFER_BYTES
        )
        return _PLAIN[error] if error else pack_result(0, ctypes.string_at(self._at))

    def _stats(self, op: WireOp) -> bytes:
        zap = self._live(op.target)
        if zap is None:
            return _PLAIN[errno.ENOENT]
        numbers = (ctypes.c_uint64 * STATS_NUMBERS)()
        error: int = self.lib.zap_get_stats(self.os, zap.number, ctypes.addressof(numbers))
        return _PLAIN[error] if error else pack_result(0, tuple(numbers))

    def _lookup_norm(self, op: WireOp) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return _PLAIN[zap]
        count, at = op.size * op.length, self._at
        ctypes.memset(at, 0, count)
        name, conflict = ctypes.create_string_buffer(_NAME_BYTES), ctypes.c_int(0)
        error: int = self.lib.zap_lookup_norm(
            self.os,
            zap.number,
            op.key,
            op.size,
            op.length,
            at,
            op.extra,
            ctypes.addressof(name),
            _NAME_BYTES,
            ctypes.addressof(conflict),
        )
        if error not in (0, errno.EOVERFLOW):
            return _PLAIN[error]
        value = ctypes.string_at(at, count).rstrip(b"\0")
        return pack_result(error, Found(value, name.value, bool(conflict.value)))

    def _remove_norm(self, op: WireOp) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return _PLAIN[zap]
        tx = self._begin_tx(zap.number, 0)
        error: int = self.lib.zap_remove_norm(self.os, zap.number, op.key, op.extra, tx)
        self.lib.dmu_tx_commit(tx)
        return _PLAIN[error]

    # Directories: the calls that zfs_vnops_os.c and zfs_dir.c make of the ZAP

    def _touch(self, op: WireOp) -> bytes:
        return self._make_entry(op, FILE)

    def _mkdir(self, op: WireOp) -> bytes:
        return self._make_entry(op, DIRECTORY)

    def _look(self, zap: _Object, name: bytes) -> tuple[int, int]:
        """errno and value of a directory's entry."""
        self._two[0] = 0
        error: int = self.lib.zap_lookup(self.os, zap.number, name, 8, 1, ctypes.addressof(self._two))
        return error, self._two[0]

    def _link(self, zap: _Object, name: bytes, value: int, tx: int) -> int:
        data = value.to_bytes(8, "little")
        error: int = self.lib.zap_add(self.os, zap.number, name, 8, 1, data, tx)
        return error

    def _make_entry(self, op: WireOp, kind: int) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return _PLAIN[zap]
        error, _ = self._look(zap, op.key)
        if error != errno.ENOENT:
            return _PLAIN[error or errno.EEXIST]
        tx = self._begin_tx(zap.number, 1)
        error = self._link(zap, op.key, kind | op.fill, tx)
        self.lib.dmu_tx_commit(tx)
        return _PLAIN[error]

    def _unlink(self, op: WireOp) -> bytes:
        return self._drop_entry(op, False, errno.EPERM)

    def _rmdir(self, op: WireOp) -> bytes:
        return self._drop_entry(op, True, errno.ENOTDIR)

    def _drop_entry(self, op: WireOp, directory: bool, otherwise: int) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return _PLAIN[zap]
        error, value = self._look(zap, op.key)
        if error:
            return _PLAIN[error]
        if (value >> KIND_SHIFT == DIRECTORY >> KIND_SHIFT) is not directory:
            return _PLAIN[otherwise]
        tx = self._begin_tx(zap.number, 0)
        failed: int = self.lib.zap_remove(self.os, zap.number, op.key, tx)
        self.lib.dmu_tx_commit(tx)
        return _PLAIN[failed]

    def _rename(self, op: WireOp) -> bytes:
        source, target = self._named(op.target), self._named(op.other)
        if isinstance(source, int):
            return _PLAIN[source]
        if isinstance(target, int):
            return _PLAIN[target]
        error, value = self._look(source, op.key)
        if error:
            return _PLAIN[error]
        error, there = self._look(target, op.to)
        if error not in (0, errno.ENOENT):
            return _PLAIN[error]
        if source is target and op.key == op.to:
            return _PLAIN[0]
        moving, hit = (each >> KIND_SHIFT == DIRECTORY >> KIND_SHIFT for each in (value, there))
        if not error and moving is not hit:
            return _PLAIN[errno.ENOTDIR if moving else errno.EISDIR]
        return _PLAIN[self._move(source, target, op, value, replace=not error)]

    def _move(self, source: _Object, target: _Object, op: WireOp, value: int, *, replace: bool) -> int:
        lib = self.lib
        tx: int = lib.dmu_tx_create(self.os)
        lib.dmu_tx_hold_zap(tx, source.number, 0, None)
        lib.dmu_tx_hold_zap(tx, target.number, 1, None)
        if error := lib.dmu_tx_assign(tx, TXG_NOWAIT):
            lib.dmu_tx_abort(tx)
            raise NoRoom(f"dmu_tx_assign: {errno.errorcode.get(error, error)}")
        self._tune_for(target)
        failed: int = lib.zap_remove(self.os, target.number, op.to, tx) if replace else 0
        failed = failed or self._link(target, op.to, value, tx)
        self._tune_for(source)
        failed = failed or lib.zap_remove(self.os, source.number, op.key, tx)
        lib.dmu_tx_commit(tx)
        return failed

    def _readdir(self, op: WireOp) -> bytes:
        zap = self._named(op.target)
        if isinstance(zap, int):
            return _PLAIN[zap]
        cursor = self._spare.pop() if self._spare else _Cursor()
        lib, names, bad = self.lib, [], False
        lib.zap_cursor_init(cursor.address, self.os, zap.number)
        found = Attribute.from_address(self._attribute)
        while not bad and not (error := lib.zap_cursor_retrieve(cursor.address, self._attribute)):
            bad = found.integer_length != 8 or found.num_integers == 0
            names.append(ctypes.string_at(self._attribute + lib.named_at) + b"\0")
            lib.zap_cursor_advance(cursor.address)
        lib.zap_cursor_fini(cursor.address)
        self._spare.append(cursor)
        if bad:
            return _PLAIN[errno.ENXIO]
        return pack_result(0, b"".join(names)) if error == errno.ENOENT else _PLAIN[error]

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
        self.lib.zap_cursor_init_serialized(cursor.address, self.os, zap.number, op.fill)
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
        entry = Entry(
            key, found.integer_length, found.num_integers, found.first_integer, bool(found.conflict)
        )
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

    def _advance(self, op: WireOp) -> bytes:
        cursor = self._cursors.get(op.target)
        if cursor is None:
            return _PLAIN[errno.EBADF]
        self.lib.zap_cursor_advance(cursor.address)
        return _PLAIN[0]

    def _serialize(self, op: WireOp) -> bytes:
        cursor = self._cursors.get(op.target)
        if cursor is None:
            return _PLAIN[errno.EBADF]
        return pack_result(0, self.lib.zap_cursor_serialize(cursor.address))

    # Time

    def _reopen(self, op: WireOp) -> bytes:
        for index in list(self._cursors):
            self._drop(index)
        self.pool.reopen()
        self.os = self.pool.os
        return _PLAIN[0]

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
        return b"\1" + zap.digest


def new_session(library: Library) -> Session:
    """A pool with nothing in it, ready for programs."""
    pool = Pool(library)
    return Session(pool, SaltWriter(pool))
